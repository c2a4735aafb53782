import { describe, expect, test } from 'vitest';
import { mergeDiscoveries } from '../../../../src/extension/discovery/found.ts';
import { foundCheckpoint as checkpoint, foundDataset as dataset } from '../../../helpers/found.ts';

describe('mergeDiscoveries', () => {
  test('keeps the workspace of a dataset, and counts what lies in two folders once', () => {
    const { workspace: _, ...summary } = dataset;
    const discovery = { datasets: [summary], checkpoints: [checkpoint], skipped: [] };
    const found = mergeDiscoveries([
      { workspace: '/w', discovery },
      { workspace: '/', discovery },
    ]);
    expect(found).toEqual({ datasets: [dataset], checkpoints: [checkpoint], skipped: [] });
  });

  test('keeps a dataset once for each task that it can be read for', () => {
    const captions = { ...dataset, task: 'image-captioning' } as const;
    const discovery = { datasets: [dataset, captions], checkpoints: [], skipped: [] };
    expect(mergeDiscoveries([{ workspace: '/w', discovery }]).datasets).toEqual([dataset, captions]);
  });
});
