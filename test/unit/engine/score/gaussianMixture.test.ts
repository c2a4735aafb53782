import { expect, test } from 'vitest';
import { mixtureProbabilities } from '../../../../src/engine/score/gaussianMixture.ts';

test('samples that are the same vary by the 1e-6 that scikit-learn adds to variances', async () => {
  // Four standard deviations apart.
  const samples = { rows: 20, cols: 1, data: Float64Array.from({ length: 20 }, (_, i) => (i % 2) * 4e-3) };
  const { data } = await mixtureProbabilities(samples, 2, 0);
  const other = Math.exp(-8) / (1 + Math.exp(-8));
  for (let i = 0; i < 20; i++) {
    const [a, b] = [data[2 * i] as number, data[2 * i + 1] as number];
    expect(a + b).toBeCloseTo(1, 12);
    expect(Math.abs(Math.min(a, b) / other - 1)).toBeLessThan(0.1);
    // Of the same component as the samples that are alike.
    expect(a > b).toBe((data[2 * (i % 2)] as number) > (data[2 * (i % 2) + 1] as number));
  }
});
