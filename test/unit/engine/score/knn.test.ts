import { expect, test } from 'vitest';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';
import { classification, generator } from '../../../helpers/random.ts';
import {
  expectedScores,
  expectOrderInvariance,
  expectVariation,
  readCase,
  scoreOf,
} from '../../../helpers/scoreCases.ts';

test.each(expectedScores())('is that of scikit-learn: $name', async ({ name, expected }) => {
  const input = await readCase(`scores/${name}`);
  const { score, details } = await computeScore('knn', createEvidence(input));
  expect(score).toBeCloseTo(expected.knn.accuracy, 12);
  expect(details.neighbours).toBe(expected.knn.k);
  await expectVariation('knn', input);
});

test('more samples than are looked up at once', async () => {
  const { features, labels } = classification(1, 600, 6, 3, 0.8);
  const shuffled = {
    features,
    labels: generator(1)
      .permutation(600)
      .map((i) => labels[i] as number),
  };
  expect(await scoreOf('knn', { features, labels })).toBeGreaterThan(0.8);
  expect(await scoreOf('knn', { features, labels: Int32Array.from(shuffled.labels) })).toBeLessThan(0.5);
});

/** Samples along the axes only, so that nearly all have others that are just as similar: cosines are 0, 1 and −1. */
function alongAxes(seed: number) {
  const { uniform } = generator(seed);
  const features = { rows: 30, cols: 3, data: new Float64Array(90) };
  for (let i = 0; i < 30; i++) features.data[3 * i + Math.floor(3 * uniform())] = uniform() < 0.5 ? 2 : -1;
  return { features, labels: Int32Array.from({ length: 30 }, (_, i) => (i < 3 ? i : Math.floor(3 * uniform()))) };
}

test('of samples that are alike the lower class comes first, and the more similar class breaks ties of votes', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { features, labels } = alongAxes(seed);
    const label = (i: number) => labels[i] as number;
    const cosine = (i: number, j: number) =>
      [0, 1, 2].reduce(
        (sum, k) => sum + Math.sign(features.data[3 * i + k] as number) * Math.sign(features.data[3 * j + k] as number),
        0,
      );
    const samples = Array.from(labels, (_, i) => i);
    const accuracies = [1, 5, 20].map((k) => {
      const found = samples.filter((i) => {
        const nearest = samples
          .filter((j) => j !== i)
          .sort((a, b) => cosine(i, b) - cosine(i, a) || label(a) - label(b))
          .slice(0, k);
        const votes = [0, 1, 2].map((c) => nearest.filter((j) => label(j) === c));
        const similarity = (c: number) => (votes[c] ?? []).reduce((sum, j) => sum + cosine(i, j), 0);
        const [winner] = [0, 1, 2].sort(
          (a, b) => (votes[b] ?? []).length - (votes[a] ?? []).length || similarity(b) - similarity(a) || a - b,
        );
        return winner === label(i);
      });
      return found.length / 30;
    });
    expect(await scoreOf('knn', { features, labels })).toBe(Math.max(...accuracies));
  }
});

test('order does not matter, of samples that are alike but differ in their labels neither', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { features, labels } = alongAxes(seed);
    await expectOrderInvariance('knn', { features, labels }, ['cosine']);
    await expectOrderInvariance('knn', { features, labelEmbeddings: [generator(seed).matrix(30, 2)] }, ['cosine']);
  }
});

test('samples of one direction are equally similar, however rounded', async () => {
  const { uniform } = generator(4);
  const labels = Int32Array.from({ length: 30 }, (_, i) => (i * i) % 3);
  const data = Float64Array.from(Array.from({ length: 30 }, uniform).flatMap((x) => [x, 3 * x, 0.7 * x]));
  const same = { rows: 30, cols: 1, data: new Float64Array(30).fill(1) };
  const score = await scoreOf('knn', { features: { rows: 30, cols: 3, data }, labels });
  expect(score).toBe(await scoreOf('knn', { features: same, labels }));
});

test.each<[string, (sample: number) => number]>([
  ['on one side', () => 1],
  ['on both sides', (sample) => (sample % 3 === 0 ? -1 : 1)],
])('samples far from the origin, %s, are told apart by what little they differ in', async (_, sign) => {
  const { features, labels } = classification(3, 120, 8, 4, 1.5);
  // One large feature at right angles to what tells the samples apart: their cosines are in the order of their distances.
  const far = { rows: 120, cols: 9, data: new Float64Array(120 * 9) };
  for (let i = 0; i < 120; i++) {
    far.data.set([...features.data.subarray(8 * i, 8 * i + 8), 3e8 * sign(i)], 9 * i);
  }
  const samples = Array.from(labels, (_, i) => i);
  const distance = (i: number, j: number) =>
    [0, 1, 2, 3, 4, 5, 6, 7].reduce(
      (sum, k) => sum + ((features.data[8 * i + k] as number) - (features.data[8 * j + k] as number)) ** 2,
      0,
    );
  const accuracies = [1, 5, 20].map((k) => {
    const found = samples.filter((i) => {
      const others = samples
        .filter((j) => j !== i && sign(j) === sign(i))
        .sort((a, b) => distance(i, a) - distance(i, b));
      const votes = [0, 1, 2, 3].map((c) => others.slice(0, k).filter((j) => labels[j] === c));
      const apart = (c: number) => (votes[c] ?? []).reduce((sum, j) => sum + distance(i, j), 0);
      const [winner] = [0, 1, 2, 3].sort(
        (a, b) => (votes[b] ?? []).length - (votes[a] ?? []).length || apart(a) - apart(b),
      );
      return winner === labels[i];
    });
    return found.length / 120;
  });
  expect(await scoreOf('knn', { features: far, labels })).toBe(Math.max(...accuracies));
});

test('by hand: the length does not count, a sample is not its own neighbour', async () => {
  const features = { rows: 4, cols: 2, data: Float64Array.of(1, 0, 100, 1, 0, 1, 1, 100) };
  expect(await scoreOf('knn', { features, labels: Int32Array.of(0, 0, 1, 1) })).toBe(1);
  expect(await scoreOf('knn', { features, labels: Int32Array.of(0, 1, 0, 1) })).toBeLessThan(0.6);
});

test('two samples, features that are all 0', async () => {
  const two = { rows: 2, cols: 1, data: Float64Array.of(1, 2) };
  expect(await scoreOf('knn', { features: two, labels: Int32Array.of(0, 1) })).toBe(0);
  const zero = { rows: 30, cols: 2, data: new Float32Array(60) };
  const labels = Int32Array.from({ length: 30 }, (_, i) => (i < 20 ? 0 : 1));
  expect(await scoreOf('knn', { features: zero, labels })).toBeCloseTo(2 / 3, 12);
});
