import { expect, test } from 'vitest';
import { rowRange, rowSquares } from '../../../../src/engine/linalg/matrix.ts';
import { reflectRows } from '../../../../src/engine/linalg/onnxKernels.ts';
import { pivotedQr } from '../../../../src/engine/linalg/pivotedQr.ts';
import { generator } from '../../../helpers/random.ts';

test.each([
  [90, 40],
  [40, 90],
  [50, 50],
  [1, 3],
])('rows of R grow shorter, and Q·R is the matrix: %i × %i', async (n, d) => {
  const a = generator(n).matrix(n, d);
  // Columns of very different length, and one that says nothing new.
  a.data.forEach((value, at) => {
    const column = at % d;
    a.data[at] = column === 2 ? 2 * (a.data[at - 1] as number) : value * 10 ** (column % 7);
  });
  const r = { ...a, data: a.data.slice() };
  const panels = await pivotedQr(r);
  const lengths = rowSquares(r).map(Math.sqrt);
  lengths.forEach((length, i) => {
    if (i > 0) expect(length).toBeLessThan(1.01 * Math.sqrt(d) * (lengths[i - 1] as number) + 1e-30);
    if (i >= d) expect(length).toBe(0);
  });
  for (const panel of panels.toReversed()) await reflectRows(panel, rowRange(r, panel.first, n), true);
  const largest = a.data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  r.data.forEach((value, at) => {
    expect(Math.abs(value - (a.data[at] as number))).toBeLessThan(1e-13 * largest);
  });
});

test('zeros need no reflections', async () => {
  const zero = { rows: 4, cols: 3, data: new Float64Array(12) };
  expect(await pivotedQr(zero)).toEqual([]);
});
