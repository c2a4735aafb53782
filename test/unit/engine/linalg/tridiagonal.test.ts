import { Matrix as Dense, EigenvalueDecomposition } from 'ml-matrix';
import { expect, test } from 'vitest';
import type { Matrix } from '../../../../src/engine/linalg/matrix.ts';
import { zeros } from '../../../../src/engine/linalg/matrix.ts';
import { tridiagonalEigenvalues, tridiagonalise } from '../../../../src/engine/linalg/tridiagonal.ts';
import { generator } from '../../../helpers/random.ts';

const dense = ({ rows, cols, data }: Matrix) => Dense.from1DArray(rows, cols, data);

function gramOf(seed: number, size: number, rank: number): Matrix {
  const factor = dense(generator(seed).matrix(size, rank));
  return { rows: size, cols: size, data: Float64Array.from(factor.mmul(factor.transpose()).to1DArray()) };
}

test.each([1, 2, 3, 31, 32, 33, 34, 64, 65, 66, 100, 150])('%i: Q·T·Qᵀ and eigenvalues', async (size) => {
  const matrix = gramOf(size, size, size + 3);
  const t = await tridiagonalise({ ...matrix, data: matrix.data.slice() });
  const identity = zeros(size, size);
  for (let i = 0; i < size; i++) identity.data[i * size + i] = 1;
  const qt = dense(await t.rotate(identity));
  const q = dense(await t.rotateBack(identity));
  expect(Dense.sub(q.transpose(), qt).abs().max()).toBeLessThan(1e-13);
  expect(Dense.sub(qt.mmul(q), Dense.eye(size)).abs().max()).toBeLessThan(1e-13);
  const expected = qt.mmul(dense(matrix)).mmul(q);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const value = i === j ? t.diagonal[i] : Math.abs(i - j) === 1 ? t.offDiagonal[Math.min(i, j)] : 0;
      expect(Math.abs(expected.get(i, j) - (value ?? 0))).toBeLessThan(1e-11);
    }
  }
  const eigenvalues = tridiagonalEigenvalues(t).sort();
  const oracle = Float64Array.from(new EigenvalueDecomposition(dense(matrix)).realEigenvalues).sort();
  eigenvalues.forEach((value, i) => {
    expect(Math.abs(value - (oracle[i] as number))).toBeLessThan(1e-11);
  });
});

test('low rank, zeros, a diagonal matrix', async () => {
  const eigenvalues = async (matrix: Matrix) => tridiagonalEigenvalues(await tridiagonalise(matrix)).sort();
  const low = await eigenvalues(gramOf(1, 80, 5));
  expect(Math.max(...low.subarray(0, 75).map(Math.abs))).toBeLessThan(1e-12);
  expect(low[75]).toBeGreaterThan(1);
  expect(await eigenvalues(zeros(70, 70))).toEqual(new Float64Array(70));
  const diagonal = zeros(70, 70);
  for (let i = 0; i < 70; i++) diagonal.data[i * 71] = i;
  expect(await eigenvalues(diagonal)).toEqual(Float64Array.from({ length: 70 }, (_, i) => i));
});

test('one huge entry leaves the digits of the others', async () => {
  const size = 90;
  const matrix = gramOf(7, size, size + 40);
  const rest = zeros(size - 1, size - 1);
  for (let i = 1; i < size; i++) {
    rest.data.set(matrix.data.subarray(i * size + 1, (i + 1) * size), (i - 1) * (size - 1));
    matrix.data[i] = 0;
    matrix.data[i * size] = 0;
  }
  matrix.data[0] = 1e18;
  const eigenvalues = tridiagonalEigenvalues(await tridiagonalise(matrix)).sort();
  const oracle = Float64Array.from(new EigenvalueDecomposition(dense(rest)).realEigenvalues).sort();
  oracle.forEach((value, i) => {
    expect(Math.abs((eigenvalues[i] as number) - value)).toBeLessThan(1e-10 * value);
  });
});

test.each([1e-150, 1e155])('numbers around %d, whose squares leave the range of doubles', (scale) => {
  const { uniform } = generator(3);
  const diagonal = Float64Array.from({ length: 60 }, () => 2 + uniform());
  const offDiagonal = Float64Array.from({ length: 60 }, (_, i) => (i < 59 ? 0.5 * uniform() : 0));
  const spectrum = (factor: number) =>
    tridiagonalEigenvalues({
      diagonal: diagonal.map((value) => factor * value),
      offDiagonal: offDiagonal.map((value) => factor * value),
    }).sort();
  const expected = spectrum(1);
  spectrum(scale).forEach((value, i) => {
    expect(Math.abs(value / scale - (expected[i] as number))).toBeLessThan(1e-14);
  });
});
