import { InputError, UsageError } from '../errors.ts';
import { loadRuntime } from '../linalg/onnxKernels.ts';
import { npyLabels, npyMatrices, npyMatrix, readNpy } from '../npy.ts';
import { rankConfidence } from '../rank/confidence.ts';
import { parseMetric } from '../rank/metric.ts';
import { scoreWithVariation } from '../rank/scoreCandidate.ts';
import { createEvidence } from '../score/evidence.ts';
import { computeScore } from '../score/registry.ts';
import { type Command, namingFiles, parseCommandLine } from './command.ts';
import { SCORE_LIST } from './scoreList.ts';

const OPTIONS = {
  features: { type: 'string' },
  labels: { type: 'string' },
  'label-embeddings': { type: 'string' },
  'source-probabilities': { type: 'string' },
  variant: { type: 'string' },
  interval: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

export const scoreCommand: Command = {
  synopsis:
    'score <metric> --features X.npy [--labels y.npy] [--label-embeddings E.npy] [--source-probabilities P.npy] [--variant …] [--interval] [--json]',
  summary:
    'Compute one score from arrays: features [n, d], labels ([n] whole numbers from 0: classes; [n, C] of 0 and 1: several classes per sample; other floats [n] or [n, t]: regression targets), label embeddings [K, C, d2] (with classes) or [K, n, d2], source probabilities [n, c]. --interval adds the 90 % interval, which most scores are fitted 20 times more for.',
  details: SCORE_LIST,

  async run(args) {
    const { values, positionals } = parseCommandLine(args, OPTIONS, this.synopsis, 1);
    if (values.features === undefined) throw new UsageError(`Usage: emms ${this.synopsis}`);
    const named = positionals[0] ?? '';
    const metric = parseMetric(values.variant === undefined ? named : `${named}:${values.variant}`);
    const input = {
      features: npyMatrix(await readNpy(values.features)),
      ...(values.labels !== undefined && npyLabels(await readNpy(values.labels))),
      labelEmbeddings:
        values['label-embeddings'] === undefined ? undefined : npyMatrices(await readNpy(values['label-embeddings'])),
      sourceProbabilities:
        values['source-probabilities'] === undefined
          ? undefined
          : npyMatrix(await readNpy(values['source-probabilities'])),
    };
    await loadRuntime();
    const files = [values.features, values.labels, values['label-embeddings'], values['source-probabilities']];
    const result = await namingFiles(files, async () => {
      const evidence = createEvidence(input);
      return values.interval
        ? await scoreWithVariation(input, evidence, metric)
        : await computeScore(metric.score, evidence, { variant: metric.variant });
    });
    const { score, bounds, variant, seconds, details, variation, warning } = result;
    if (!Number.isFinite(score))
      throw new InputError(`${values.features}: the score is not a number. Check the features.`);
    const { rows: samples } = input.features;
    const sure = variation && rankConfidence([{ id: metric.score, score, samples, variation, bounds }])[0];
    const interval = sure?.interval;
    const output = { metric: metric.score, variant, score, interval, seconds, ...details, warning };
    if (values.json) process.stdout.write(`${JSON.stringify(output, null, 2)}\n`);
    else {
      const between = interval ? ` (90 %: ${interval[0]} to ${interval[1]})` : '';
      process.stdout.write(
        `${metric.score} (${variant}): ${score}${between}\n${warning === undefined ? '' : `${warning}\n`}`,
      );
    }
  },
};
