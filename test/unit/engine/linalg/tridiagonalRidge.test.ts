import { Matrix as Dense, EigenvalueDecomposition, inverse } from 'ml-matrix';
import { expect, test } from 'vitest';
import { zeros } from '../../../../src/engine/linalg/matrix.ts';
import { LANES, logDeterminants, solveRidges } from '../../../../src/engine/linalg/tridiagonalRidge.ts';
import { generator } from '../../../helpers/random.ts';

/** Lᵀ·L for a random bidiagonal L. */
function positiveTridiagonal(size: number): { diagonal: Float64Array; offDiagonal: Float64Array; dense: Dense } {
  const random = generator(size);
  const root = Dense.zeros(size, size);
  for (let i = 0; i < size; i++) {
    root.set(i, i, 1 + random.uniform());
    if (i > 0) root.set(i, i - 1, random.normal());
  }
  const dense = root.transpose().mmul(root);
  return {
    diagonal: Float64Array.from(dense.diagonal()),
    offDiagonal: Float64Array.from({ length: size }, (_, i) => (i + 1 < size ? dense.get(i, i + 1) : 0)),
    dense,
  };
}

test.each([1, 2, 7, 60])('%i: solutions, sums over eigenvalues and determinants of every ridge', (size) => {
  const { dense, ...tridiagonal } = positiveTridiagonal(size);
  const ridges = [1e-3, 0.1, 1, 7, 300].slice(0, size + 2);
  const sides = zeros(size, LANES);
  const random = generator(1);
  sides.data.forEach((_, at) => {
    sides.data[at] = random.normal();
  });
  const unlimited = ridges.map(() => Number.POSITIVE_INFINITY);
  const solutions = solveRidges(tridiagonal, ridges, sides, unlimited);
  const determinants = logDeterminants(tridiagonal, ridges);
  const sigma = new EigenvalueDecomposition(dense).realEigenvalues;
  const sum = (of: (value: number) => number) => sigma.reduce((total, value) => total + of(value), 0);
  expect(solutions).toHaveLength(ridges.length);
  ridges.forEach((ridge, lane) => {
    const side = Dense.columnVector(Array.from({ length: size }, (_, i) => sides.data[i * LANES + lane] as number));
    const x = inverse(Dense.add(dense, Dense.eye(size).mul(ridge))).mmul(side);
    const { product, square, effective, inverseTrace } = solutions[lane] ?? {};
    expect(product).toBeCloseTo(side.transpose().mmul(x).get(0, 0), 10);
    expect(square).toBeCloseTo(x.transpose().mmul(x).get(0, 0), 10);
    expect(effective).toBeCloseTo(
      sum((value) => value / (value + ridge)),
      10,
    );
    expect(inverseTrace).toBeCloseTo(
      sum((value) => 1 / (value + ridge)),
      10,
    );
    expect(determinants[lane]).toBeCloseTo(
      sum((value) => Math.log(value + ridge)),
      10,
    );
  });
});

test('a side along a direction in which T is nothing counts for no more than its limit', () => {
  const tridiagonal = { diagonal: Float64Array.of(4, 0), offDiagonal: Float64Array.of(0, 0) };
  const sides = zeros(2, LANES);
  sides.data.set([2, 2], 0);
  sides.data.set([1e-6, 1e-6], LANES);
  const [limited, unlimited] = solveRidges(tridiagonal, [1e-12, 1e-12], sides, [3, Number.POSITIVE_INFINITY]);
  expect(unlimited?.product).toBeCloseTo(2 ** 2 / 4 + 1);
  // 2² / 4 and 4 times the limit, not 10⁻¹² · 10¹².
  expect(limited?.product).toBeCloseTo(1 + 1);
  expect(solveRidges(tridiagonal, [1e-12], sides, [0.1])[0]?.product).toBeCloseTo(0.4 + 0.4);
});

test('the determinant of many large pivots stays in the range of doubles', () => {
  const size = 400;
  const tridiagonal = { diagonal: new Float64Array(size).fill(1e10), offDiagonal: new Float64Array(size) };
  expect(logDeterminants(tridiagonal, [0])[0]).toBeCloseTo(size * Math.log(1e10), 8);
});
