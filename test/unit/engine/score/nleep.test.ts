import { expect, test } from 'vitest';
import { classification } from '../../../helpers/random.ts';
import {
  expectedScores,
  expectOrderInvariance,
  expectVariation,
  readCase,
  scoreOf,
} from '../../../helpers/scoreCases.ts';

test.each(expectedScores())('lies within the random starts of scikit-learn: $name', async ({ name, expected }) => {
  const input = await readCase(`scores/${name}`);
  for (const variant of ['paper', 'reference'] as const) {
    const [mean, deviation, least, largest] = expected.nleep[variant];
    const score = await scoreOf('nleep', input, variant);
    expect(Math.abs(score - mean)).toBeLessThan(4 * deviation + 1e-6);
    expect(score).toBeGreaterThan(least - deviation - 1e-6);
    expect(score).toBeLessThan(largest + deviation + 1e-6);
  }
  await expectVariation('nleep', input);
  await expectOrderInvariance('nleep', input, ['paper', 'reference']);
});

test('better features score more', async () => {
  const score = (noise: number) => scoreOf('nleep', classification(1, 300, 6, 4, noise));
  expect(await score(0.5)).toBeGreaterThan(await score(2));
});

test.each([
  ['two samples', 2, 3, 2],
  ['one sample per class', 6, 4, 6],
  ['fewer samples than features', 20, 40, 3],
])('%s', async (_, n, d, classes) => {
  const score = await scoreOf('nleep', classification(n, n, d, classes), 'reference');
  expect(score).toBeGreaterThan(0);
  expect(score).toBeLessThanOrEqual(1 + 1e-12);
});

test('repeated samples; samples that are all the same are refused', async () => {
  const features = { rows: 30, cols: 2, data: Float64Array.from({ length: 60 }, (_, at) => Math.floor(at / 2) % 3) };
  const labels = Int32Array.from({ length: 30 }, (_, i) => i % 2);
  expect(await scoreOf('nleep', { features, labels })).toBeCloseTo(Math.log(0.5), 6);
  const constant = { rows: 30, cols: 2, data: new Float32Array(60).fill(3) };
  await expect(scoreOf('nleep', { features: constant, labels })).rejects.toThrow('the same features');
});
