import { taskSchema } from '../../protocol/tasks.ts';
import type { Dataset, Sample } from '../datasets/dataset.ts';
import { chooseSplit, openDataset } from '../datasets/open.ts';
import { drawStratified } from '../datasets/sampling.ts';
import { oneOf, wholeNumber } from './command.ts';

// Options that several subcommands have, and what they mean.

/** Which samples of a dataset are used, and for which task. */
export const SAMPLE_OPTIONS = {
  task: { type: 'string', default: 'auto' },
  limit: { type: 'string', default: '2000' },
  seed: { type: 'string', default: '0' },
} as const;

type Values<Options> = Readonly<Record<keyof Options, string>>;

/** @throws UsageError for a value that there isn't */
export function sampleOptions({ task, limit, seed }: Values<typeof SAMPLE_OPTIONS>) {
  return {
    task: oneOf(task, ['auto', ...taskSchema.options], 'task'),
    limit: wholeNumber(limit, 'limit', 2),
    seed: wholeNumber(seed, 'seed', 0),
  };
}

/**
 * The dataset in a folder, and the samples of it that these options ask for.
 * @throws UsageError for a value that there isn't
 * @throws InputError when the folder is no dataset
 */
export async function drawSamples(
  folder: string,
  values: Values<typeof SAMPLE_OPTIONS>,
  signal: AbortSignal,
): Promise<{ dataset: Dataset; samples: Sample[] }> {
  const { task, limit, seed } = sampleOptions(values);
  const dataset = await openDataset(folder, task, signal);
  return { dataset, samples: drawStratified(chooseSplit(dataset).samples, limit, seed) };
}

/** How labels become vectors. */
export const LABEL_OPTIONS = {
  'encoder-set': { type: 'string', default: 'base' },
  'class-names': { type: 'string', default: 'readable' },
  'label-pooling': { type: 'string', default: 'tokens' },
} as const;

/** @throws UsageError for a value that there isn't */
export function labelOptions(values: Values<typeof LABEL_OPTIONS>) {
  return {
    encoderSet: oneOf(values['encoder-set'], ['base', 'paper'], 'encoder-set'),
    classNames: oneOf(values['class-names'], ['readable', 'raw'], 'class-names'),
    labelPooling: oneOf(values['label-pooling'], ['tokens', 'padding'], 'label-pooling'),
  };
}
