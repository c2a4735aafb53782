import { expect, test } from 'vitest';
import { classMoments } from '../../../../src/engine/stats/classMoments.ts';
import { classification } from '../../../helpers/random.ts';

// More samples than are summed at once, and a class that has none.
test.each([0, 1e6])('means, variances and class sums, relative to the first sample, of a mean of %d', (mean) => {
  const [n, d] = [700, 3];
  const { features, labels } = classification(1, n, d, 2);
  // Multiples of 2⁻²⁰ stay exact when the mean is added.
  const plain = features.data.map((value, at) => (at % d === 2 ? 0.5 : Math.round(value * 2 ** 20) / 2 ** 20));
  const moved = { ...features, data: plain.map((value) => value + mean) };
  const { shift, offset, variance, sums } = classMoments(moved, labels, 3);
  for (let j = 0; j < d; j++) {
    const column = Array.from(labels, (_, i) => (plain[i * d + j] as number) - (plain[j] as number));
    const sumOf = (values: number[]) => values.reduce((sum, value) => sum + value, 0);
    const expected = sumOf(column) / n;
    expect(shift[j]).toBe((plain[j] as number) + mean);
    expect(offset[j]).toBeCloseTo(expected, 12);
    expect(variance[j]).toBeCloseTo(sumOf(column.map((value) => (value - expected) ** 2)) / n, 12);
    for (const c of [0, 1, 2]) {
      expect(sums.data[c * d + j]).toBeCloseTo(sumOf(column.filter((_, i) => labels[i] === c)), 9);
    }
  }
  expect(variance[2]).toBe(0);
});
