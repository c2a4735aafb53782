import type { FoundDataset } from '../../src/extension/discovery/found.ts';

/** A dataset in the workspace /w, as a search finds it. */
export const foundDataset: FoundDataset = {
  id: 'data',
  name: 'data',
  path: '/w/data',
  format: 'class-folders',
  task: 'image-classification',
  reason: 'images in one folder per class',
  samples: 1500,
  classes: 10,
  splits: { all: 1500 },
  workspace: '/w',
};

/** A checkpoint there. */
export const foundCheckpoint = {
  id: 'a.onnx',
  name: 'a',
  path: '/w/a.onnx',
  format: 'onnx',
  architecture: 'residual CNN',
  modality: 'image',
  parameters: 200_000,
  bytes: 800_000,
};
