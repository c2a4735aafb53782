import type { CheckpointSummary, DatasetSummary } from '../../protocol/discovery.ts';

/** For instance "10 classes · 1,500 images". */
export function datasetDescription(dataset: DatasetSummary): string {
  return `${plural(dataset.classes, 'class', 'classes')} · ${samples(dataset.samples)}`;
}

export function samples(count: number): string {
  return plural(count, 'image', 'images');
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
