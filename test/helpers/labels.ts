import type { Dataset, Sample, Target } from '../../src/engine/datasets/dataset.ts';

export function datasetOf({ classes = [] }: { classes?: readonly string[] }): Dataset {
  return { path: '/data', format: 'test', task: 'image-captioning', classes, splits: new Map(), warnings: [] };
}

export function samplesOf(...targets: readonly Target[]): Sample[] {
  return targets.map((target, index) => ({ id: String(index), file: 'file', label: -1, target }));
}
