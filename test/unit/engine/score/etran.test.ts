import { expect, test } from 'vitest';
import { classification } from '../../../helpers/random.ts';
import {
  expectedScores,
  expectOrderInvariance,
  expectVariation,
  readCase,
  scoreOf,
} from '../../../helpers/scoreCases.ts';

const variants = ['classification', 'reference', 'energy'];

test.each(expectedScores())('is the definition on SciPy: $name', async ({ name, expected }) => {
  const input = await readCase(`scores/${name}`);
  for (const variant of ['classification', 'reference', 'energy'] as const) {
    expect(Math.abs((await scoreOf('etran', input, variant)) - expected.etran[variant])).toBeLessThan(1e-9);
  }
  await expectVariation('etran', input);
  await expectVariation('etran', input, 'reference');
  await expectOrderInvariance('etran', input, variants);
});

test('better features score more; shift and classes without samples do not matter', async () => {
  for (const variant of ['classification', 'reference']) {
    const score = (noise: number) => scoreOf('etran', classification(1, 200, 8, 4, noise), variant);
    expect(await score(1)).toBeGreaterThan(await score(3));
    const { features, labels } = classification(2, 60, 5, 3);
    const before = await scoreOf('etran', { features, labels }, variant);
    const shifted = { ...features, data: features.data.map((value) => value + 2 ** 20) };
    expect(await scoreOf('etran', { features: shifted, labels, classCount: 9 }, variant)).toBeCloseTo(before, 7);
  }
});

test('features that vary much are shrunk by 1e-10', async () => {
  // The first varies within the classes, by 100, the second between them only: its variance is what shrinking gives it.
  const [spread, apart] = [10, 5e-5];
  const data = Float64Array.from({ length: 16 }, (_, at) => {
    const i = Math.floor(at / 2);
    return at % 2 === 0 ? spread * (i % 2 === 0 ? 1 : -1) : apart * (i < 4 ? 1 : -1);
  });
  const labels = Int32Array.from({ length: 8 }, (_, i) => (i < 4 ? 0 : 1));
  const logOdds = (2 * apart ** 2) / ((1e-10 * spread ** 2) / 2);
  expect(await scoreOf('etran', { features: { rows: 8, cols: 2, data }, labels })).toBeCloseTo(
    1 / (1 + Math.exp(-logOdds)),
    7,
  );
});

test('the energy is that of the least active samples', async () => {
  const { features, labels } = classification(3, 400, 3, 2, 1);
  features.data.set([-50, -50, -50], 3);
  features.data.set([-60, -60, -60], 300);
  features.data.set([1e5, 1e5, 1e5], 600);
  expect(await scoreOf('etran', { features, labels }, 'energy')).toBeCloseTo(Math.log(3) - 55, 12);
  const fewer = { features: { ...features, rows: 399, data: features.data.subarray(3) }, labels: labels.subarray(1) };
  expect(await scoreOf('etran', fewer, 'energy')).toBeCloseTo(Math.log(3) - 60, 12);
});

test('degenerate input', async () => {
  const two = { rows: 2, cols: 1, data: Float64Array.of(1, 2) };
  const constant = { rows: 5, cols: 2, data: new Float32Array(10).fill(3) };
  const alone = { features: two, labels: Int32Array.of(0, 1) };
  const same = { features: constant, labels: Int32Array.of(0, 1, 2, 0, 1) };
  const half = classification(4, 12, 2, 2);
  for (let i = 0; i < 12; i++) half.features.data[2 * i] = 7;
  for (const variant of variants) {
    for (const input of [classification(3, 10, 70, 3), half]) {
      expect(await scoreOf('etran', input, variant)).toSatisfy(Number.isFinite);
    }
  }
  for (const input of [alone, same]) {
    expect(await scoreOf('etran', input, 'reference')).toSatisfy(Number.isFinite);
    expect(await scoreOf('etran', input, 'energy')).toSatisfy(Number.isFinite);
    await expect(scoreOf('etran', input)).rejects.toThrow('ETran needs classes that vary');
  }
});

test.each([
  [0, 'everywhere'],
  [7, 'everywhere'],
  [7, 'but in the first feature, by which it comes first of the sorted samples'],
])('sample %i, far from all others %s, does not drown the distances of these', async (far, where) => {
  const { features, labels } = classification(4, 60, 5, 3, 1.5);
  const data = features.data.map((value, at) => (Math.floor(at / 5) === far ? 1e8 * value : value));
  if (where !== 'everywhere') {
    const others = Array.from(labels, (_, i) => data[5 * i] as number).filter((_, i) => i !== far);
    const [below = 0, above = 0] = others.sort((a, b) => a - b).slice(29, 31);
    data[5 * far] = (below + above) / 2;
  }
  const row = (i: number) => data.subarray(5 * i, 5 * i + 5);
  const members = [0, 1, 2].map((c) => [...labels.keys()].filter((i) => labels[i] === c));
  const means = members.map((of) =>
    Float64Array.from({ length: 5 }, (_, j) => of.reduce((sum, i) => sum + (row(i)[j] as number), 0) / of.length),
  );
  const probabilities = Array.from(labels, (label, i) => {
    const scores = means.map(
      (mean, c) =>
        Math.log((members[c]?.length ?? 0) / 60) -
        row(i).reduce((sum, value, j) => sum + (value - (mean[j] as number)) ** 2, 0) / 2,
    );
    const largest = Math.max(...scores);
    const exponentials = scores.map((score) => Math.exp(score - largest));
    return (exponentials[label] as number) / exponentials.reduce((sum, value) => sum + value, 0);
  });
  const expected = probabilities.reduce((sum, value) => sum + value, 0) / 60;
  const input = { features: { ...features, data }, labels };
  expect(Math.abs((await scoreOf('etran', input, 'reference')) - expected)).toBeLessThan(1e-8);
  await expectOrderInvariance('etran', input, ['reference']);
});
