import { expect, test } from 'vitest';
import { unlikeMost } from '../../../../src/engine/score/unlikeMost.ts';

const features = { rows: 6, cols: 1, data: new Float64Array(6) };

test.each([
  ['the first', [4, 2, 2, 2, 2, 2], [0]],
  ['the last', [2, 2, 2, 2, 2, 4], [5]],
  ['two of classes of their own', [1, 0, 0, 2, 0, 0], [0, 3]],
  ['two that come first', [1, 1, 0, 0, 0, 0], [0, 1]],
  ['none', [3, 3, 3, 3, 3, 3], []],
])('the samples that are not labelled as most: %s', (_, labels, expected) => {
  expect(unlikeMost({ features, labels: Int32Array.from(labels) })).toEqual(expected);
});

test('where no label is the most common some samples are unlike another', () => {
  const others = unlikeMost({ features, labels: Int32Array.of(0, 1, 2, 0, 1, 2) });
  expect(others).toHaveLength(4);
});

test('rows of several numbers are alike where all of these are', () => {
  const targets = { rows: 6, cols: 2, data: Float64Array.of(1, 2, 1, 3, 1, 2, 1, 2, 1, 2, 4, 2) };
  expect(unlikeMost({ features, targets })).toEqual([1, 5]);
  expect(unlikeMost({ features, multiLabels: targets })).toEqual([1, 5]);
  const same = { rows: 6, cols: 1, data: new Float64Array(6) };
  const differing = { rows: 6, cols: 1, data: Float64Array.of(0, 0, 0, 0, 7, 0) };
  expect(unlikeMost({ features, labelEmbeddings: [same, differing] })).toEqual([4]);
});
