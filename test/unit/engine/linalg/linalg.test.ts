import fc from 'fast-check';
import { expect, test } from 'vitest';
import { independentRows, inverseCholesky } from '../../../../src/engine/linalg/cholesky.ts';
import { robustProjector } from '../../../../src/engine/linalg/columnSpace.ts';
import { leastSquares } from '../../../../src/engine/linalg/leastSquares.ts';
import type { Matrix } from '../../../../src/engine/linalg/matrix.ts';
import { addTo, difference, transpose, zeros } from '../../../../src/engine/linalg/matrix.ts';
import {
  gramian,
  multiply,
  multiplyLowerTriangular,
  multiplyTransposed,
  sumOfGramians,
} from '../../../../src/engine/linalg/multiply.ts';
import { addProduct } from '../../../../src/engine/linalg/onnxKernels.ts';
import { positiveWhitening } from '../../../../src/engine/linalg/whitening.ts';
import { generator } from '../../../helpers/random.ts';

test.each([
  [3, 4, 5],
  [70, 90, 110],
  [300, 40, 280],
])('products of %i × %i × %i agree with the definition', async (m, k, n) => {
  const { matrix } = generator(1);
  const a = matrix(m, k);
  const b = matrix(k, n);
  expect(distance(await multiply(a, b), naiveProduct(a, b))).toBeLessThan(1e-12);
  expect(distance(await multiplyTransposed(a, transpose(b)), naiveProduct(a, b))).toBeLessThan(1e-12);
  expect(distance(await gramian(a), naiveProduct(a, transpose(a)))).toBeLessThan(1e-12);
});

test.each([1, 63, 64, 65, 200])('Gram matrices of %i rows add up over blocks, exactly symmetric', async (rows) => {
  const { matrix } = generator(rows);
  const blocks = [matrix(rows, 70), matrix(rows, 1), matrix(rows, 33)];
  const sum = await sumOfGramians(rows, blocks);
  expect(sum).toEqual(transpose(sum));
  const expected = zeros(rows, rows);
  for (const block of blocks) addTo(expected, naiveProduct(block, transpose(block)));
  expect(distance(sum, expected)).toBeLessThan(1e-12);
});

test.each([
  [3, 4, 5],
  [300, 40, 280],
])('%i × %i × %i: a product is added in place', async (m, k, n) => {
  const { matrix } = generator(4);
  const [a, b, c] = [matrix(m, k), matrix(k, n), matrix(m, n)];
  const product = naiveProduct(a, b);
  for (const [transposed, left, right] of [
    ['neither', a, b],
    ['a', transpose(a), b],
    ['b', a, transpose(b)],
  ] as const) {
    const before = { ...c, data: c.data.slice() };
    await addProduct(-1, left.data, right.data, c.data, m, k, n, transposed);
    expect(distance(c, difference(before, product))).toBeLessThan(1e-12);
  }
  const before = { ...c, data: c.data.slice() };
  await addProduct(1, a.data, b.data, c.data, m, k, n, 'neither');
  expect(distance(difference(c, before), product)).toBeLessThan(1e-12);
});

test('a product with a lower triangle skips only zeros', async () => {
  const { matrix } = generator(2);
  const lower = matrix(530, 530);
  for (let i = 0; i < 530; i++) lower.data.fill(0, i * 530 + i + 1, (i + 1) * 530);
  const b = matrix(530, 7);
  expect(distance(await multiplyLowerTriangular(lower, b), naiveProduct(lower, b))).toBeLessThan(1e-12);
});

test('the inverse Cholesky factor whitens its matrix', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 200 }), fc.integer(), async (size, seed) => {
      const gram = await gramian(generator(seed).matrix(size, size + 20));
      const inverse = (await inverseCholesky(gram)) as Matrix;
      const identity = naiveProduct(naiveProduct(inverse, gram), transpose(inverse));
      for (let i = 0; i < size; i++) identity.data[i * size + i] = (identity.data[i * size + i] as number) - 1;
      expect(largest(identity)).toBeLessThan(1e-9);
    }),
    { numRuns: 12 },
  );
});

test('a matrix that is not positive definite has no Cholesky factor', async () => {
  expect(await inverseCholesky({ rows: 2, cols: 2, data: Float64Array.of(1, 2, 2, 1) })).toBeUndefined();
  const gram = await gramian(generator(3).matrix(100, 90));
  gram.data[99 * 100 + 99] = -1;
  expect(await inverseCholesky(gram)).toBeUndefined();
});

test('a matrix that no ridge makes positive definite is refused, not tried for ever', async () => {
  const square = (value: number): Matrix => ({ rows: 3, cols: 3, data: new Float64Array(9).fill(value) });
  await expect(positiveWhitening(square(Number.NaN), 1)).rejects.toThrow('scale them');
  await expect(positiveWhitening(square(0), 0)).rejects.toThrow('scale them');
  expect((await positiveWhitening(square(1), 1e-3)).rows).toBe(3);
});

test('independent rows are as many as the rank', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 90 }),
      fc.integer({ min: 0, max: 60 }),
      fc.integer(),
      async (rank, more, seed) => {
        const { matrix } = generator(seed);
        const vectors = naiveProduct(matrix(rank + more, rank), matrix(rank, rank + 30));
        const rows = await independentRows(await gramian(vectors), 1e-9);
        expect(rows.length).toBe(rank);
      },
    ),
    { numRuns: 12 },
  );
});

test.each([1e-2, 1e-6, 1e-9])(
  'the projector keeps directions of relative length %d and drops exact dependencies',
  async (small) => {
    const { matrix } = generator(4);
    const [d, n] = [40, 120];
    const vectors = matrix(d, n);
    const add = (row: number, factor: number, other: number) => {
      for (let i = 0; i < n; i++) {
        vectors.data[row * n + i] =
          factor * (vectors.data[row * n + i] as number) + (vectors.data[other * n + i] as number);
      }
    };
    add(5, small, 6);
    add(7, 0, 8);
    const { factors, whitening } = await robustProjector([vectors], await gramian(vectors));
    expect(whitening.rows).toBe(d - 1);
    const basis = await multiply(whitening, factors[0] as Matrix);
    const overlap = await gramian(basis);
    for (let i = 0; i < overlap.rows; i++)
      overlap.data[i * overlap.rows + i] = (overlap.data[i * overlap.rows + i] as number) - 1;
    expect(largest(overlap)).toBeLessThan(1e-7);
    // Every vector lies in the space; so does the direction by which row 5 differs from row 6, to the digits it has left.
    const back = await multiply(await multiplyTransposed(vectors, basis), basis);
    expect(distance(back, vectors)).toBeLessThan(1e-10);
    const direction = zeros(1, n);
    for (let i = 0; i < n; i++) {
      direction.data[i] = ((vectors.data[5 * n + i] as number) - (vectors.data[6 * n + i] as number)) / small;
    }
    const projected = await multiply(await multiplyTransposed(direction, basis), basis);
    expect(distance(projected, direction)).toBeLessThan(1e-13 / small);
  },
);

test('least squares takes the shortest of many solutions and is exact near dependence', () => {
  const { matrix, normal } = generator(5);
  const [a, b, c] = [matrix(1, 500).data, new Float64Array(500), matrix(1, 500).data];
  b.set(a.map((value) => value + 1e-6 * normal()));
  const target = a.map((value, i) => 2 * value + 3 * (b[i] as number) - (c[i] as number));
  const near = leastSquares([a, b, c], target, 500);
  expect(near[0]).toBeCloseTo(2, 6);
  expect(near[1]).toBeCloseTo(3, 6);
  expect(near[2]).toBeCloseTo(-1, 12);
  b.set(a);
  const same = leastSquares(
    [a, b, c],
    a.map((value) => 6 * value),
    500,
  );
  expect(same[0]).toBeCloseTo(3, 12);
  expect(same[1]).toBeCloseTo(3, 12);
  expect(same[2]).toBeCloseTo(0, 12);
});

function naiveProduct(a: Matrix, b: Matrix): Matrix {
  const result = zeros(a.rows, b.cols);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.cols; j++) {
      let sum = 0;
      for (let k = 0; k < a.cols; k++) sum += (a.data[i * a.cols + k] as number) * (b.data[k * b.cols + j] as number);
      result.data[i * b.cols + j] = sum;
    }
  }
  return result;
}

function largest(a: Matrix): number {
  return a.data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
}

/** Largest difference relative to the largest entry. */
function distance(a: Matrix, b: Matrix): number {
  return a.data.reduce((max, value, i) => Math.max(max, Math.abs(value - (b.data[i] as number))), 0) / largest(b);
}
