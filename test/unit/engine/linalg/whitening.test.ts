import { expect, test } from 'vitest';
import type { Matrix } from '../../../../src/engine/linalg/matrix.ts';
import { positiveWhitening } from '../../../../src/engine/linalg/whitening.ts';

test('a matrix that no ridge makes positive definite is refused, not tried for ever', async () => {
  const square = (value: number): Matrix => ({ rows: 3, cols: 3, data: new Float64Array(9).fill(value) });
  await expect(positiveWhitening(square(Number.NaN), 1)).rejects.toThrow('scale them');
  await expect(positiveWhitening(square(0), 0)).rejects.toThrow('scale them');
  expect((await positiveWhitening(square(1), 1e-3)).rows).toBe(3);
});

test('a ridge that is too small grows until it is enough', async () => {
  // Its eigenvalues are 3 and −1.
  const indefinite = { rows: 2, cols: 2, data: Float64Array.of(1, 2, 2, 1) };
  expect((await positiveWhitening(indefinite, 1e-6)).data.every(Number.isFinite)).toBe(true);
});
