import { expect, test } from 'vitest';
import type { Matrix } from '../../../../src/engine/linalg/matrix.ts';
import { positiveWhitening } from '../../../../src/engine/linalg/whitening.ts';

test('a matrix that no ridge makes positive definite is refused, not tried for ever', async () => {
  const square = (value: number): Matrix => ({ rows: 3, cols: 3, data: new Float64Array(9).fill(value) });
  await expect(positiveWhitening(square(Number.NaN), 1)).rejects.toThrow('scale them');
  await expect(positiveWhitening(square(0), 0)).rejects.toThrow('scale them');
  expect((await positiveWhitening(square(1), 1e-3)).rows).toBe(3);
});
