import { expect, test } from 'vitest';
import { inverseCholesky } from '../../../../src/engine/linalg/cholesky.ts';
import type { Matrix } from '../../../../src/engine/linalg/matrix.ts';
import { columnSquares, submatrix, transpose } from '../../../../src/engine/linalg/matrix.ts';
import {
  gramian,
  multiply,
  multiplyLowerTransposed,
  multiplyLowerTriangular,
  multiplyTransposed,
} from '../../../../src/engine/linalg/multiply.ts';
import { solveNormalEquations } from '../../../../src/engine/linalg/normalEquations.ts';
import { generator } from '../../../helpers/random.ts';

/** Vectors of which one is, but for `small` of its length, the sum of two others. */
function vectors(d: number, n: number, small: number): Matrix {
  const result = generator(1).matrix(d, n);
  for (let i = 0; i < n; i++) {
    const sum = (result.data[3 * n + i] as number) + (result.data[4 * n + i] as number);
    result.data[2 * n + i] = small * (result.data[2 * n + i] as number) + sum;
  }
  return result;
}

function* inBlocks(matrix: Matrix, size: number) {
  for (let from = 0; from < matrix.cols; from += size) {
    yield submatrix(matrix, 0, from, matrix.rows, Math.min(size, matrix.cols - from));
  }
}

test.each([1, 1e-1, 1e-2])(
  'refined solutions are those of double precision, with a condition of 1/%d squared',
  async (small) => {
    const f = vectors(300, 700, small);
    const sides = generator(2).matrix(300, 5);
    const refined = await solveNormalEquations(() => inBlocks(f, 512), sides);
    const whitening = (await inverseCholesky(await gramian(f))) as Matrix;
    const coordinates = await multiplyLowerTriangular(whitening, sides);
    const products = await gramian(transpose(coordinates));
    expect(distance(refined?.products, products)).toBeLessThan(1e-10);
    expect(distance(refined?.solution, await multiplyLowerTransposed(whitening, coordinates))).toBeLessThan(1e-6);

    const leverages = columnSquares(await multiplyLowerTriangular(whitening, f));
    for (const [i, leverage] of ((await refined?.leverages(f)) ?? []).entries()) {
      expect(Math.abs(leverage / (leverages[i] ?? Number.NaN) - 1)).toBeLessThan(1e-3);
    }
  },
);

test.each([1e-5, 0])('single precision gives up on vectors of relative independence %d', async (small) => {
  const f = vectors(300, 700, small);
  expect(await solveNormalEquations(() => inBlocks(f, 700), await multiplyTransposed(f, f))).toBeUndefined();
});

test('a transposed lower triangle times a matrix skips only zeros', async () => {
  const lower = generator(3).matrix(530, 530);
  for (let i = 0; i < 530; i++) lower.data.fill(0, i * 530 + i + 1, (i + 1) * 530);
  const b = generator(4).matrix(530, 7);
  expect(distance(await multiplyLowerTransposed(lower, b), await multiply(transpose(lower), b))).toBeLessThan(1e-12);
});

/** Largest difference relative to the largest entry. */
function distance(a: Matrix | undefined, b: Matrix): number {
  const largest = b.data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  return b.data.reduce((max, value, i) => Math.max(max, Math.abs(value - (a?.data[i] ?? Number.NaN))), 0) / largest;
}
