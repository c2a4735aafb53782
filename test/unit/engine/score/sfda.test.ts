import { expect, test } from 'vitest';
import { classification, generator } from '../../../helpers/random.ts';
import { expectOrderInvariance, expectVariation, goldenOf, readCase, scoreOf } from '../../../helpers/scoreCases.ts';

test.each(['plain', 'k1'])('parity with the published numbers: %s', async (name) => {
  const input = await readCase(`golden/${name}`);
  expect(Math.abs((await scoreOf('sfda', input)) - goldenOf(name).sfda)).toBeLessThan(1e-9);
  await expectVariation('sfda', input);
  await expectOrderInvariance('sfda', input, ['reference']);
});

test('better features score more; shift and rotation of axes do not matter', async () => {
  const score = async (noise: number) => scoreOf('sfda', classification(1, 200, 8, 4, noise));
  expect(await score(0.5)).toBeGreaterThan(await score(1));
  expect(await score(1)).toBeGreaterThan(await score(3));
  const { features, labels } = classification(1, 100, 8, 4, 1);
  const before = await scoreOf('sfda', { features, labels });
  const shifted = { ...features, data: features.data.map((value) => value + 2 ** 20) };
  expect(await scoreOf('sfda', { features: shifted, labels })).toBeCloseTo(before, 7);
  expect(await scoreOf('sfda', { features, labels, classCount: 9 })).toBeCloseTo(before, 12);
});

test.each([
  ['fewer samples than features', 20, 60, 3],
  ['two of three samples alone in their class', 4, 5, 3],
])('%s', async (_, n, d, classes) => {
  const score = await scoreOf('sfda', classification(n, n, d, classes));
  expect(score).toBeGreaterThan(0);
  expect(score).toBeLessThanOrEqual(1);
});

test('constant and dependent features, features that add up to 1', async () => {
  const { features, labels } = classification(2, 60, 4, 3);
  const wide = {
    rows: 60,
    cols: 9,
    data: Float64Array.from({ length: 540 }, (_, at) =>
      at % 9 === 8 ? 5 : (features.data[Math.floor(at / 9) * 4 + ((at % 9) % 4)] as number),
    ),
  };
  expect(Number.isFinite(await scoreOf('sfda', { features: wide, labels }))).toBe(true);
  const weights = generator(3).matrix(60, 2);
  const closed = {
    rows: 60,
    cols: 2,
    data: weights.data.map((value, at) => (at % 2 === 0 ? value : 1 - (weights.data[at - 1] as number))),
  };
  expect(Number.isFinite(await scoreOf('sfda', { features: closed, labels }))).toBe(true);
});

test('far classes: within-class scatter does not drown', async () => {
  // Only the within-class spread differs by class pairs; the distance of the classes adds nothing once it is large.
  const { features, labels } = classification(5, 90, 4, 3, 1);
  const far = (distance: number) => ({
    ...features,
    data: features.data.map((value, at) => value + distance * (labels[Math.floor(at / 4)] as number)),
  });
  expect(await scoreOf('sfda', { features: far(2 ** 30), labels })).toBeCloseTo(1, 6);
});

test('classes that do not vary are refused', async () => {
  const { features } = classification(6, 5, 3, 2);
  await expect(scoreOf('sfda', { features, labels: Int32Array.of(0, 1, 2, 3, 4) })).rejects.toThrow(
    'classes that vary',
  );
  // The means of seven times 0.1 and of seven times 0.3 are off by rounding.
  const labels = Int32Array.from({ length: 14 }, (_, i) => i % 2);
  const data = Float64Array.from({ length: 28 }, (_, at) => 0.1 + 0.2 * ((at >> 1) % 2) + (at % 2) / 3);
  await expect(scoreOf('sfda', { features: { rows: 14, cols: 2, data }, labels })).rejects.toThrow('classes that vary');
  await expect(scoreOf('sfda', { features, labelEmbeddings: [features] })).rejects.toThrow('SFDA needs class labels');
});

test('features that add up to 0 are shrunk as in other axes', async () => {
  const values = [3, -1, 2, 0, 5, -2, 1, 4, -3, 2, 6, -1];
  const labels = Int32Array.from(values, (_, i) => i % 3);
  const score = (row: (value: number) => number[]) =>
    scoreOf('sfda', { features: { rows: 12, cols: 2, data: Float64Array.from(values.flatMap(row)) }, labels });
  // The published start of the power method, the sums of the rows of the covariance, is 0 here.
  const plain = await score((value) => [value / 8, -value / 8]);
  expect(plain).toBeCloseTo(await score((value) => [(Math.SQRT2 * value) / 8, 0]), 9);
});
