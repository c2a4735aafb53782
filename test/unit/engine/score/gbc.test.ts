import { expect, test } from 'vitest';
import { classification } from '../../../helpers/random.ts';
import { expectedScores, expectOrderInvariance, readCase, scoreOf } from '../../../helpers/scoreCases.ts';

test.each(expectedScores())('is the definition on scikit-learn components: $name', async ({ name, expected }) => {
  const input = await readCase(`scores/${name}`);
  for (const variant of ['spherical', 'diagonal'] as const) {
    const value = expected.gbc[variant];
    expect(Math.abs((await scoreOf('gbc', input, variant)) - value)).toBeLessThan(1e-8 * Math.max(1, Math.abs(value)));
  }
  await expectOrderInvariance('gbc', input, ['spherical', 'diagonal']);
});

test('better features score more; shift and classes without samples do not matter', async () => {
  const score = (noise: number) => scoreOf('gbc', classification(1, 100, 80, 4, noise));
  expect(await score(1)).toBeGreaterThan(await score(4));
  const { features, labels } = classification(2, 60, 5, 3);
  const before = await scoreOf('gbc', { features, labels });
  const shifted = { ...features, data: features.data.map((value) => value + 2 ** 20) };
  expect(await scoreOf('gbc', { features: shifted, labels })).toBeCloseTo(before, 7);
  expect(await scoreOf('gbc', { features, labels, classCount: 9 })).toBe(before);
});

test.each(['spherical', 'diagonal'])('degenerate input: %s', async (variant) => {
  const two = { rows: 2, cols: 1, data: Float64Array.of(1, 2) };
  // Two points of the least variance, 1 apart.
  expect(await scoreOf('gbc', { features: two, labels: Int32Array.of(0, 1) }, variant)).toBeCloseTo(
    -2 * Math.exp(-1e4 / 8),
    12,
  );
  const constant = { rows: 5, cols: 2, data: new Float32Array(10).fill(3) };
  // All three classes are one: six ordered pairs overlap fully.
  expect(await scoreOf('gbc', { features: constant, labels: Int32Array.of(0, 1, 2, 0, 1) }, variant)).toBeCloseTo(
    -6,
    12,
  );
  expect(await scoreOf('gbc', classification(3, 10, 70, 3), variant)).toBeLessThanOrEqual(0);
});
