import { InputError, UsageError } from '../errors.ts';
import { loadRuntime } from '../linalg/onnxKernels.ts';
import { npyAnyLabels, npyMatrices, npyMatrix, readNpy } from '../npy.ts';
import { parseMetric } from '../rank/metric.ts';
import { createEvidence } from '../score/evidence.ts';
import { computeScore } from '../score/registry.ts';
import { type Command, parseCommandLine } from './command.ts';

const OPTIONS = {
  features: { type: 'string' },
  labels: { type: 'string' },
  'label-embeddings': { type: 'string' },
  'source-probabilities': { type: 'string' },
  variant: { type: 'string' },
  json: { type: 'boolean' },
} as const;

export const scoreCommand: Command = {
  synopsis:
    'score <metric> --features X.npy [--labels y.npy] [--label-embeddings E.npy] [--source-probabilities P.npy] [--variant …] [--json]',
  summary:
    'Compute one score from arrays: features [n, d], labels ([n] whole numbers from 0: classes; [n, C] of 0 and 1: several classes per sample; other floats [n] or [n, t]: regression targets), label embeddings [K, C, d2] (with classes) or [K, n, d2], source probabilities [n, c].',

  async run(args) {
    const { values, positionals } = parseCommandLine(args, OPTIONS, this.synopsis, 1);
    if (values.features === undefined) throw new UsageError(`Usage: emms ${this.synopsis}`);
    const named = positionals[0] ?? '';
    const metric = parseMetric(values.variant === undefined ? named : `${named}:${values.variant}`);
    const evidence = createEvidence({
      features: npyMatrix(await readNpy(values.features)),
      ...(values.labels !== undefined && npyAnyLabels(await readNpy(values.labels))),
      labelEmbeddings:
        values['label-embeddings'] === undefined ? undefined : npyMatrices(await readNpy(values['label-embeddings'])),
      sourceProbabilities:
        values['source-probabilities'] === undefined
          ? undefined
          : npyMatrix(await readNpy(values['source-probabilities'])),
    });
    await loadRuntime();
    const { score, variant, seconds, details, warning } = await computeScore(metric.score, evidence, {
      variant: metric.variant,
    });
    if (!Number.isFinite(score))
      throw new InputError(`${values.features}: the score is not a number. Check the features.`);
    const result = { metric: metric.score, variant, score, seconds, ...details, warning };
    if (values.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    else process.stdout.write(`${metric.score} (${variant}): ${score}\n${warning === undefined ? '' : `${warning}\n`}`);
  },
};
