import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FloatMatrix } from '../../../../src/engine/linalg/matrix.ts';
import { SufficientStatistics } from '../../../../src/engine/stats/sufficientStatistics.ts';
import { classification } from '../../../helpers/random.ts';

function rows({ cols, data }: FloatMatrix, from: number, to: number): FloatMatrix {
  return { rows: to - from, cols, data: data.subarray(from * cols, to * cols) };
}

async function statisticsOf(features: FloatMatrix, labels: Int32Array, classes: number) {
  const statistics = new SufficientStatistics(features.cols, classes);
  await statistics.add(features, labels);
  return statistics;
}

const ones = (length: number) => new Float64Array(length).fill(1);

test('parts merged are the whole', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 3, max: 60 }),
      fc.integer({ min: 1, max: 8 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom(0, 1e6),
      fc.integer(),
      async (n, d, fraction, mean, seed) => {
        const { features, labels } = classification(seed, n, d, 3);
        features.data.forEach((value, i) => {
          features.data[i] = value + mean;
        });
        const cut = Math.floor(n * fraction);
        const whole = await statisticsOf(features, labels, 3);
        const merged = await statisticsOf(rows(features, 0, cut), labels.subarray(0, cut), 3);
        merged.merge(await statisticsOf(rows(features, cut, n), labels.subarray(cut), 3));
        expect(merged.count).toBe(n);
        expect([...merged.classCounts]).toEqual([...whole.classCounts]);
        close(merged.standardisedGram(ones(d)).data, whole.standardisedGram(ones(d)).data, 1e-9);
        close(merged.standardisedClassSums(ones(d)).data, whole.standardisedClassSums(ones(d)).data, 1e-8);
      },
    ),
    { numRuns: 60 },
  );
});

test('samples of more than one block', async () => {
  const [n, d] = [4017, 1024];
  const { features, labels } = classification(3, n, d, 3);
  const whole = await statisticsOf(features, labels, 3);
  const parts = await statisticsOf(rows(features, 0, 1500), labels.subarray(0, 1500), 3);
  await parts.add(rows(features, 1500, n), labels.subarray(1500));
  close(whole.gram.data, parts.gram.data, 1e-9);
  close(whole.classSums.data, parts.classSums.data, 1e-9);
});

test('a mean a million times the spread costs no digits', async () => {
  const { features, labels } = classification(7, 5000, 4, 3);
  // Multiples of 2⁻²⁰ stay exact when the mean is added.
  features.data.forEach((value, i) => {
    features.data[i] = Math.round(value * 2 ** 20) / 2 ** 20;
  });
  const plain = await statisticsOf(features, labels, 3);
  const shifted = { ...features, data: features.data.map((value) => value + 1e6) };
  const far = await statisticsOf(shifted, labels, 3);
  close(far.gram.data, plain.gram.data, 1e-12);
  close(far.standardisedClassSums(ones(4)).data, plain.standardisedClassSums(ones(4)).data, 1e-11);
});

test('statistics survive storage, and damaged ones are refused', async () => {
  const { features, labels } = classification(8, 30, 5, 3);
  const statistics = await statisticsOf(features, labels, 3);
  const bytes = statistics.serialize();
  const unaligned = new Uint8Array(bytes.length + 1).subarray(1);
  unaligned.set(bytes);
  expect(SufficientStatistics.deserialize(unaligned)).toEqual(statistics);
  expect(() => SufficientStatistics.deserialize(bytes.subarray(0, bytes.length - 8))).toThrow('cut short');
  expect(() => SufficientStatistics.deserialize(new Uint8Array(100))).toThrow('damaged');
});

test('other shapes are refused', async () => {
  const statistics = new SufficientStatistics(4, 2);
  await expect(statistics.add({ rows: 2, cols: 3, data: new Float32Array(6) })).rejects.toThrow('4 features');
  expect(() => statistics.merge(new SufficientStatistics(4, 3))).toThrow("don't merge");
});

function close(actual: Float64Array, expected: Float64Array, tolerance: number) {
  const scale = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 1);
  const worst = actual.reduce((max, value, i) => Math.max(max, Math.abs(value - (expected[i] as number))), 0);
  expect(worst / scale).toBeLessThan(tolerance);
}
