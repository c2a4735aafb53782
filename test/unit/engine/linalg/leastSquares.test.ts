import { expect, test } from 'vitest';
import { leastSquares } from '../../../../src/engine/linalg/leastSquares.ts';
import { generator } from '../../../helpers/random.ts';

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
