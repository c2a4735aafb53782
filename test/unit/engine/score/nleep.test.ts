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

test.each([
  [0.79, 2],
  [0.81, 1],
])('of two components of which the first holds %d of the variance %d count', async (share, count) => {
  // An odd function and an even one less its mean: both are centred, and uncorrelated, so they are the principal components.
  const square = (values: number[]) => values.reduce((sum, value) => sum + value * value, 0);
  const odd = Array.from({ length: 41 }, (_, i) => i - 20 + 0.3 * Math.sin(i - 20));
  const even = odd.map((value) => value * value - square(odd) / 41);
  const factor = Math.sqrt(((1 - share) / share) * (square(odd) / square(even)));
  const labels = Int32Array.from(odd, (value) => Number(Math.sin(value) > 0));
  const both = Float64Array.from(odd.flatMap((value, i) => [value, factor * (even[i] as number)]));
  const score = await scoreOf('nleep', { features: { rows: 41, cols: 2, data: both }, labels });
  const ofFirst = await scoreOf('nleep', { features: { rows: 41, cols: 1, data: Float64Array.from(odd) }, labels });
  if (count === 1) expect(score).toBeCloseTo(ofFirst, 9);
  else expect(Math.abs(score - ofFirst)).toBeGreaterThan(0.01);
});

test('5 components per class: of two classes 10 samples have one each, 11 do not', async () => {
  const score = (n: number) => {
    const data = Float64Array.from({ length: n }, (_, i) => i * i);
    return scoreOf(
      'nleep',
      { features: { rows: n, cols: 1, data }, labels: Int32Array.from(data, (_, i) => i % 2) },
      'reference',
    );
  };
  expect(await score(10)).toBeCloseTo(1, 9);
  expect(await score(11)).toBeLessThan(0.95);
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
