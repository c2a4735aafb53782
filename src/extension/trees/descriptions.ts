import type { CheckpointSummary, DatasetSummary } from '../../protocol/discovery.ts';

/** What the datasets of a task are called, where they have no classes. */
const WITHOUT_CLASSES: Partial<Record<DatasetSummary['task'], string>> = {
  'image-captioning': 'captions',
  'text-question-answering': 'questions on texts',
  'referring-expression-comprehension': 'referring expressions',
};

/** For instance "10 classes · 1,500 samples", "captions · 8,091 samples"; the task alone where nothing was counted. */
export function datasetDescription({ task, classes, samples: count }: DatasetSummary): string {
  if (count === null) return WITHOUT_CLASSES[task] ?? task;
  const about = classes !== null && classes > 0 ? plural(classes, 'class', 'classes') : (WITHOUT_CLASSES[task] ?? task);
  return `${about} · ${samples(count)}`;
}

export function samples(count: number): string {
  return plural(count, 'sample', 'samples');
}

/** For instance "#2 · residual CNN · 0.2 M · 800 KB"; without the rank while there is none. */
export function checkpointDescription(checkpoint: CheckpointSummary, rank: number | undefined): string {
  return [
    ...(rank === undefined ? [] : [`#${rank}`]),
    checkpoint.architecture,
    parameters(checkpoint.parameters),
    fileSize(checkpoint.bytes),
  ].join(' · ');
}

function parameters(count: number): string {
  return count < 50_000 ? `${decimal(count / 1e3)} K` : `${decimal(count / 1e6)} M`;
}

function fileSize(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} KB`;
  if (bytes < 1e9) return `${decimal(bytes / 1e6)} MB`;
  return `${decimal(bytes / 1e9)} GB`;
}

function decimal(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 1 : 0 });
}

function plural(count: number, one: string, many: string): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}
