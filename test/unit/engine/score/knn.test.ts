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
  takeRows,
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

test('order does not matter, with repeated samples of several classes neither', async () => {
  const { features, labels } = classification(2, 20, 3, 3);
  const twice = takeRows(
    features,
    Int32Array.from({ length: 60 }, (_, i) => i % 20),
  );
  const mixed = Int32Array.from({ length: 60 }, (_, i) => ((labels[i % 20] as number) + (i < 20 ? 1 : 0)) % 3);
  await expectOrderInvariance('knn', { features: twice, labels: mixed }, ['cosine']);
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
