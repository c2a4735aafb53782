import { describe, expect, test } from 'vitest';
import { checkpointDescription, datasetDescription } from '../../../../src/extension/trees/descriptions.ts';
import { foundCheckpoint as checkpoint, foundDataset as dataset } from '../../../helpers/found.ts';

describe('descriptions', () => {
  test('of datasets', () => {
    expect(datasetDescription(dataset)).toBe('10 classes · 1,500 samples');
    expect(datasetDescription({ ...dataset, task: 'image-captioning', classes: 0 })).toBe('captions · 1,500 samples');
    expect(datasetDescription({ ...dataset, task: 'visual-question-answering', classes: 3 })).toBe(
      'questions on images · 1,500 samples',
    );
    expect(datasetDescription({ ...dataset, classes: 1, samples: 1 })).toBe('1 class · 1 sample');
    expect(datasetDescription(dataset, 'one')).toBe('10 classes · 1,500 samples · one');
    const uncounted = { ...dataset, classes: null, samples: null, splits: {} };
    expect(datasetDescription({ ...uncounted, task: 'image-captioning' })).toBe('captions');
    expect(datasetDescription(uncounted)).toBe('Image classification');
  });

  test.each([
    [200_000, 800_000, undefined, 'residual CNN · 200 K · 800 KB'],
    [25_600_000, 102_000_000, 2, '#2 · residual CNN · 25.6 M · 102 MB'],
    [1_250, 999, undefined, 'residual CNN · 1.25 K · 999 B'],
    [7_000_000_000, 14_000_000_000, 1, '#1 · residual CNN · 7 B · 14 GB'],
  ])('of checkpoints: %i parameters', (parameters, bytes, rank, description) => {
    expect(checkpointDescription({ ...checkpoint, parameters, bytes }, rank)).toBe(description);
  });
});
