import { Matrix as Dense, EigenvalueDecomposition } from 'ml-matrix';
import { expect, test } from 'vitest';
import type { Matrix } from '../../../../src/engine/linalg/matrix.ts';
import { zeros } from '../../../../src/engine/linalg/matrix.ts';
import { leadingEigenvectors, spectrumOf } from '../../../../src/engine/linalg/symmetricEigen.ts';
import { generator } from '../../../helpers/random.ts';

const dense = ({ rows, cols, data }: Matrix) => Dense.from1DArray(rows, cols, data);

async function check(matrix: Matrix, count: number) {
  const spectrum = await spectrumOf(matrix);
  const values = spectrum.eigenvalues.subarray(0, count);
  const vectors = await leadingEigenvectors(spectrum, count);
  const oracle = new EigenvalueDecomposition(dense(matrix)).realEigenvalues.sort((a, b) => b - a);
  const scale = Math.abs(oracle[0] ?? 0) || 1;
  const v = dense(vectors);
  expect(v.columns).toBe(count);
  values.forEach((value, k) => {
    expect(Math.abs(value - (oracle[k] as number))).toBeLessThan(1e-13 * scale);
  });
  expect(Dense.sub(v.transpose().mmul(v), Dense.eye(count)).abs().max()).toBeLessThan(1e-12);
  const residual = Dense.sub(dense(matrix).mmul(v), v.mmul(Dense.diag(Array.from(values))));
  expect(residual.abs().max()).toBeLessThan(1e-12 * scale);
}

test.each([
  [1, 1],
  [2, 2],
  [40, 40],
  [70, 12],
  [130, 130],
])('a Gram matrix of size %i, %i eigenvectors', async (size, count) => {
  const factor = dense(generator(size).matrix(size, size + 2));
  await check({ rows: size, cols: size, data: Float64Array.from(factor.mmul(factor.transpose()).to1DArray()) }, count);
});

test('equal eigenvalues: identity, a projector, zeros', async () => {
  const identity = zeros(50, 50);
  for (let i = 0; i < 50; i++) identity.data[i * 51] = 1;
  await check(identity, 50);
  await check(zeros(40, 40), 3);
  const basis = dense(generator(3).matrix(60, 10));
  const gram = basis.transpose().mmul(basis);
  const { eigenvectorMatrix: q, realEigenvalues: e } = new EigenvalueDecomposition(gram);
  const white = basis.mmul(q).mmul(Dense.diag(e.map((value) => 1 / Math.sqrt(value))));
  await check({ rows: 60, cols: 60, data: Float64Array.from(white.mmul(white.transpose()).to1DArray()) }, 30);
});
