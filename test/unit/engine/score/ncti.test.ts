import { expect, test } from 'vitest';
import { classification, generator } from '../../../helpers/random.ts';
import {
  expectedScores,
  expectOrderInvariance,
  expectVariation,
  readCase,
  scoreOf,
  takeRows,
} from '../../../helpers/scoreCases.ts';

const variants = ['ncc', 'seli', 'vc'] as const;

test.each(expectedScores())('is the definition on scikit-learn: $name', async ({ name, expected }) => {
  const plain = await readCase(`scores/${name}`);
  const { features } = plain;
  const eighth = { ...plain, features: { ...features, data: features.data.map((value) => value / 8) } };
  for (const [scale, input] of Object.entries({ plain, eighth }) as ['plain' | 'eighth', typeof plain][]) {
    for (const variant of variants) {
      const value = expected.ncti[scale][variant];
      const error = Math.abs((await scoreOf('ncti', input, variant)) - value) / Math.max(1, Math.abs(value));
      expect(error, `${scale} ${variant}`).toBeLessThan(1e-8);
    }
    await expectOrderInvariance('ncti', input, [...variants]);
  }
  await expectVariation('ncti', plain);
});

test('better features score more; shift and classes without samples do not matter', async () => {
  for (const variant of variants) {
    const score = (noise: number) => scoreOf('ncti', classification(1, 200, 8, 4, noise), variant);
    // Sure predictions have a larger nuclear norm than such as know nothing: `vc` compares candidates that are as good.
    if (variant !== 'vc') expect(await score(1), variant).toBeGreaterThan(await score(4));
    const { features, labels } = classification(2, 60, 5, 3);
    const before = await scoreOf('ncti', { features, labels }, variant);
    const shifted = { ...features, data: features.data.map((value) => value + 2 ** 20) };
    expect(await scoreOf('ncti', { features: shifted, labels, classCount: 9 }, variant)).toBeCloseTo(before, 6);
  }
});

test('degenerate input', async () => {
  const two = { rows: 2, cols: 1, data: Float64Array.of(1, 2) };
  const constant = { rows: 5, cols: 2, data: new Float32Array(10).fill(3) };
  const half = classification(4, 12, 2, 2);
  for (let i = 0; i < 12; i++) half.features.data[2 * i] = 7;
  for (const variant of variants) {
    for (const input of [classification(3, 10, 70, 3), half]) {
      expect(await scoreOf('ncti', input, variant)).toSatisfy(Number.isFinite);
    }
    for (const input of [
      { features: two, labels: Int32Array.of(0, 1) },
      { features: constant, labels: Int32Array.of(0, 1, 2, 0, 1) },
    ]) {
      await expect(scoreOf('ncti', input, variant)).rejects.toThrow('NCTI needs classes that vary');
    }
  }
});

test('classes that only rounding makes vary are refused', async () => {
  // The mean of seven times the same number is off by rounding.
  const labels = Int32Array.from({ length: 21 }, (_, i) => i % 3);
  const features = takeRows(generator(7).matrix(3, 5), labels);
  await expect(scoreOf('ncti', { features, labels })).rejects.toThrow('classes that vary');
});

test.each([1, 2, 3, 4])(
  'the order of samples does not matter where the classes do not vary in some direction: %d',
  async (seed) => {
    await expectOrderInvariance('ncti', classification(seed, 6, 20, 3, 0.3), [...variants]);
    await expectOrderInvariance('ncti', classification(seed, 30, 40, 2, 0.1), [...variants]);
  },
);

test('a feature that is there twice spreads the classes as one does', async () => {
  const { features, labels } = classification(6, 40, 1, 2);
  const data = new Float64Array(80);
  features.data.forEach((value, i) => {
    data.fill(value, 2 * i, 2 * i + 2);
  });
  const twice = { features: { rows: 40, cols: 2, data }, labels };
  const once = { features: { ...features, data: features.data.map((value) => value * Math.SQRT2) }, labels };
  const seli = await scoreOf('ncti', once, 'seli');
  expect(seli).toBeGreaterThan(1);
  expect(await scoreOf('ncti', twice, 'seli')).toBeGreaterThan(0.5 * seli);
  await expectOrderInvariance('ncti', twice, [...variants]);
});

test.each([
  [1e-4, 'kept', true],
  [1e-6, 'left out, as in scikit-learn', false],
])('a direction in which samples of a class vary %d times as much as in others is %s', async (ratio, _, kept) => {
  const { normal } = generator(5);
  const data = new Float64Array(120);
  const labels = Int32Array.from({ length: 60 }, (_, i) => i % 2);
  for (let i = 0; i < 60; i++) {
    const [common, own] = [20 * normal(), 20 * ratio * normal()];
    data.set([common + own + (labels[i] === 0 ? 6 : -6), common - own], 2 * i);
  }
  const score = await scoreOf('ncti', { features: { rows: 60, cols: 2, data }, labels });
  if (kept) expect(score).toBeGreaterThan(0.999);
  else expect(score).toBeLessThan(0.95);
});
