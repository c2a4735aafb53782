import { describe, expect, it } from 'vitest';
import {
  addSquares,
  firstNotBelow,
  singleColumns,
  standardisedColumns,
  sumRows,
} from '../../../../src/engine/linalg/sampleRows.ts';
import { generator } from '../../../helpers/random.ts';

/** Sizes that leave rows and columns over from vectors of two and blocks of eight; the last is copied in three parts. */
const SHAPES = [
  [1, 1],
  [7, 3],
  [8, 4],
  [19, 5],
  [33, 16],
  [19, 8193],
] as const;

describe.each([
  ['single precision', Float32Array],
  ['double precision', Float64Array],
] as const)('rows in %s', (_, Numbers) => {
  const numbers = (length: number, next: () => number) => new Numbers(Array.from({ length }, next));

  it.each(SHAPES)('sums groups of %i rows of %i columns', (rows, cols) => {
    const { uniform } = generator(rows);
    const samples = { rows: rows + 2, cols, data: numbers((rows + 2) * cols, uniform) };
    const shift = Float64Array.from({ length: cols }, uniform);
    const groups = Int32Array.from({ length: rows }, (_, i) => i % 3);
    const expected = new Float64Array(4 * cols);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < cols; j++) {
        const at = (groups[i] as number) * cols + j;
        expected[at] = (expected[at] as number) + ((samples.data[(i + 2) * cols + j] as number) - (shift[j] as number));
      }
    }
    const sums = sumRows(samples, 2, groups, 4, shift);
    expect([sums.rows, sums.cols]).toEqual([4, cols]);
    expect([...sums.data]).toEqual([...expected]);
  });

  it.each(SHAPES)('adds the squares of %i rows of %i columns', (rows, cols) => {
    const { uniform } = generator(rows + 2);
    const samples = { rows: rows + 1, cols, data: numbers((rows + 1) * cols, uniform) };
    const shift = Float64Array.from({ length: cols }, uniform);
    const squares = Float64Array.from({ length: cols }, uniform);
    const expected = squares.slice();
    for (let i = 1; i <= rows; i++) {
      for (let j = 0; j < cols; j++) {
        const centred = (samples.data[i * cols + j] as number) - (shift[j] as number);
        expected[j] = (expected[j] as number) + centred * centred;
      }
    }
    addSquares(samples, 1, rows + 1, shift, squares);
    expect([...squares]).toEqual([...expected]);
  });

  it.each(SHAPES)('standardises and transposes %i rows of %i columns', (rows, cols) => {
    const { uniform } = generator(rows + 1);
    const samples = { rows: rows + 1, cols, data: numbers((rows + 1) * cols, uniform) };
    const vector = () => Float64Array.from({ length: cols }, uniform);
    const [shift, offset, scale] = [vector(), vector(), vector()];
    const standardisation = { shift, offset, scale };
    const columns = standardisedColumns(samples, 1, rows + 1, standardisation);
    const data = columns.data.slice();
    const single = singleColumns(samples, 1, rows + 1, standardisation);
    expect([columns.rows, columns.cols]).toEqual([cols, rows]);
    const expected = Float64Array.from({ length: rows * cols }, (_, at) => {
      const [j, i] = [Math.floor(at / rows), at % rows];
      const value = samples.data[(i + 1) * cols + j] as number;
      return (value - (shift[j] as number) - (offset[j] as number)) * (scale[j] as number);
    });
    expect(data.findIndex((value, at) => value !== expected[at])).toBe(-1);
    expect(single.findIndex((value, at) => value !== Math.fround(expected[at] as number))).toBe(-1);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 11])('finds %d', (unusable) => {
    const values = new Numbers(10_001).fill(-10);
    expect(firstNotBelow(values, 10.5)).toBe(-1);
    for (const index of [10_000, 4096, 5, 0]) {
      values[index] = unusable;
      expect(firstNotBelow(values, 10.5)).toBe(index);
    }
  });
});
