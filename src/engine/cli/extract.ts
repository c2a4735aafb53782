import path from 'node:path';
import { deviceSchema } from '../../protocol/tasks.ts';
import { defaultCacheFolder } from '../cache/location.ts';
import { Store } from '../cache/store.ts';
import { openCheckpoint } from '../checkpoints/discover.ts';
import { InputError, UsageError } from '../errors.ts';
import { Extractor } from '../extract/extractor.ts';
import { classProbabilities } from '../extract/probabilities.ts';
import { chooseProvider } from '../extract/providers.ts';
import { findWorkspace } from '../files/paths.ts';
import { writeNpy } from '../npy.ts';
import { hashSamples } from '../rank/hashSamples.ts';
import { modalitiesFor, whyUnfitForTask } from '../rank/modalities.ts';
import { ProgressMeter } from '../rank/progressMeter.ts';
import { superviseRows } from '../rank/supervision.ts';
import { type Command, oneOf, parseCommandLine } from './command.ts';
import { drawSamples, SAMPLE_OPTIONS } from './options.ts';
import { ProgressLine } from './progressLine.ts';

const OPTIONS = {
  checkpoint: { type: 'string' },
  out: { type: 'string' },
  logits: { type: 'string' },
  probabilities: { type: 'string' },
  labels: { type: 'string' },
  ...SAMPLE_OPTIONS,
  'feature-point': { type: 'string' },
  device: { type: 'string', default: 'auto' },
  'no-cache': { type: 'boolean', default: false },
} as const;

export const extractCommand: Command = {
  synopsis:
    'extract <dataset> --checkpoint <path> --out X.npy [--logits L.npy] [--probabilities P.npy] [--labels y.npy] [--task auto] [--feature-point <tensor>] [--limit 2000] [--device auto] [--seed 0] [--no-cache]',
  summary:
    'Write the features of a dataset, as one checkpoint sees them, as a NumPy file [n, d] of float32; and what its own classifier says of them, as logits or as probabilities (those that emms score takes).',

  async run(args, signal) {
    const { values, positionals } = parseCommandLine(args, OPTIONS, this.synopsis, 1);
    if (values.checkpoint === undefined || values.out === undefined)
      throw new UsageError(`Usage: emms ${this.synopsis}`);
    const { dataset, samples } = await drawSamples(path.resolve(positionals[0] ?? '.'), values, signal);
    if (values.labels !== undefined && dataset.classes.length === 0) {
      throw new UsageError(`--labels: ${dataset.path} has no classes. Write its labels as vectors with emms embed.`);
    }
    const checkpoint = await openCheckpoint(path.resolve(values.checkpoint), await findWorkspace(dataset.path), {
      modalities: modalitiesFor(dataset.task),
      featurePoint: values['feature-point'],
    });
    const unfit = whyUnfitForTask(checkpoint.modality, dataset.task);
    if (unfit !== undefined) throw new InputError(`${checkpoint.path}: ${unfit}`);
    for (const option of ['logits', 'probabilities'] as const) {
      if (values[option] !== undefined && checkpoint.featurePoint.logits === undefined) {
        throw new UsageError(`--${option}: ${checkpoint.path} has no classifier, so there are no ${option}.`);
      }
    }

    const line = new ProgressLine();
    const meter = new ProgressMeter((progress) => line.show(progress));
    meter.start('read', '', samples.length);
    const sampleHashes = await hashSamples(samples, meter, signal);
    meter.start('extract', checkpoint.name, samples.length);
    const extractor = new Extractor({
      samples,
      sampleHashes,
      provider: await chooseProvider(oneOf(values.device, deviceSchema.options, 'device')),
      store: values['no-cache'] ? undefined : new Store(defaultCacheFolder()),
      signal,
      onSamples: (count, cached) => meter.advance(count, cached ? 0 : count),
    });
    const {
      features,
      logits,
      samples: rows,
      failures,
    } = await extractor.extract(checkpoint).finally(() => line.clear());

    for (const warning of checkpoint.warnings) process.stderr.write(`emms: warning: ${warning}\n`);
    for (const [index, reason] of failures) process.stderr.write(`emms: skipped ${samples[index]?.file}: ${reason}\n`);
    await writeNpy(values.out, { shape: [features.rows, features.cols], data: features.data });
    if (values.logits !== undefined) {
      await writeNpy(values.logits, { shape: [logits.rows, logits.cols], data: logits.data });
    }
    const probabilities = classProbabilities(logits);
    if (values.probabilities !== undefined && probabilities) {
      const { rows: count, cols, data } = probabilities;
      await writeNpy(values.probabilities, { shape: [count, cols], data });
    }
    if (values.labels !== undefined) {
      const { labels, multiLabels } = superviseRows(dataset, samples, rows, undefined);
      if (labels) await writeNpy(values.labels, { shape: [labels.length], data: labels });
      if (multiLabels) {
        const { cols, data } = multiLabels;
        await writeNpy(values.labels, { shape: [multiLabels.rows, cols], data });
      }
    }
  },
};
