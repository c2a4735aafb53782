import { expect, test } from 'vitest';
import { mixtureProbabilities } from '../../../../src/engine/score/gaussianMixture.ts';
import { generator } from '../../../helpers/random.ts';

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

test.each([1, 2, 3, 4, 5])(
  'from clusters that k-means ends at it is fitted until it hardly gains: %i',
  async (seed) => {
    const { normal } = generator(seed);
    // A broad component over a narrow one: the clusters cut it in the middle, the mixture doesn't.
    const drawn = Array.from({ length: 80 }, (_, i) => (i < 40 ? 3 * normal() : 4 + 0.5 * normal()));
    const values = drawn.map((value) => value - mean(drawn)).sort((a, b) => a - b);
    const samples = { rows: 80, cols: 1, data: Float64Array.from(values) };
    const { data } = await mixtureProbabilities(samples, 2, seed);
    const first = (data[0] as number) > 0.5 ? 0 : 1;
    const differences = clusterings(values).map((size) =>
      Math.max(...fitted(values, size).map((value, i) => Math.abs(value - (data[2 * i + first] as number)))),
    );
    expect(Math.min(...differences)).toBeLessThan(1e-9);
  },
);

/** How many of ascending values may be in the lower of two clusters that each hold what is nearest to their mean. */
function clusterings(values: readonly number[]): number[] {
  return Array.from(values.slice(1), (_, i) => i + 1).filter((size) => {
    const middle = (mean(values.slice(0, size)) + mean(values.slice(size))) / 2;
    return (values[size - 1] as number) < middle && middle < (values[size] as number);
  });
}

/** The probabilities of the component of the first values, from clusters of the first `size` and the others, by the textbook. */
function fitted(values: readonly number[], size: number): number[] {
  let probabilities = values.map((_, i) => Number(i < size));
  for (let step = 0, gain = Number.POSITIVE_INFINITY, before = Number.NEGATIVE_INFINITY; step <= 100; step++) {
    const ofFirst = densityOf(values, probabilities);
    const ofOther = densityOf(
      values,
      probabilities.map((probability) => 1 - probability),
    );
    probabilities = values.map((value) => ofFirst(value) / (ofFirst(value) + ofOther(value)));
    if (Math.abs(gain) < 1e-3) break;
    const likelihood = mean(values.map((value) => Math.log(ofFirst(value) + ofOther(value))));
    gain = likelihood - before;
    before = likelihood;
  }
  return probabilities;
}

/** The density of a component that samples are of with these probabilities, times its share of them. */
function densityOf(values: readonly number[], probabilities: readonly number[]): (value: number) => number {
  const share = mean(probabilities);
  const centre = mean(values.map((value, i) => value * (probabilities[i] as number))) / share;
  const variance = mean(values.map((value, i) => (value - centre) ** 2 * (probabilities[i] as number))) / share + 1e-6;
  return (value) => (share * Math.exp(-((value - centre) ** 2) / (2 * variance))) / Math.sqrt(2 * Math.PI * variance);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
