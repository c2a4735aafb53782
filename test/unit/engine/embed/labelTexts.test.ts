import { describe, expect, test } from 'vitest';
import { labelTexts } from '../../../../src/engine/embed/labelTexts.ts';
import { datasetOf, samplesOf } from '../../../helpers/labels.ts';

describe('labels as text', () => {
  test('are the names of classes, readable or raw', () => {
    const names = ['n02085620-Chihuahua', 'aquarium_fih'];
    const dataset = datasetOf({ classes: names });
    expect(labelTexts(dataset, [])).toEqual({ of: 'classes', texts: ['Chihuahua', 'aquarium fih'] });
    expect(labelTexts(dataset, [], 'raw')).toEqual({ of: 'classes', texts: names });
  });

  test('are captions and answers as they stand', () => {
    const samples = samplesOf({ kind: 'text', text: 'A dog_run.' }, { kind: 'text', text: 'yes' });
    expect(labelTexts(datasetOf({}), samples)).toEqual({
      of: 'samples',
      texts: ['A dog_run.', 'yes'],
      numbers: undefined,
    });
  });

  test('are the edges of boxes, in words and as numbers', () => {
    const samples = samplesOf({ kind: 'box', box: [0.25, 0, 0.5, 0.125] }, { kind: 'box', box: [0, 0.5, 1.2, 0.5] });
    expect(labelTexts(datasetOf({}), samples)).toEqual({
      of: 'samples',
      texts: ['left 25 top 0 right 75 bottom 13', 'left 0 top 50 right 100 bottom 100'],
      numbers: { rows: 2, cols: 4, data: Float64Array.of(0.25, 0, 0.75, 0.125, 0, 0.5, 1.2, 1) },
    });
  });
});
