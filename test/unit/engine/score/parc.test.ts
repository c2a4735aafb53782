import { expect, test } from 'vitest';
import { classification, generator } from '../../../helpers/random.ts';
import {
  expectedScores,
  expectOrderInvariance,
  goldenOf,
  readCase,
  scoreOf,
  takeRows,
} from '../../../helpers/scoreCases.ts';

test('parity with the published number', async () => {
  const score = await scoreOf('parc', await readCase('golden/plain'));
  expect(Math.abs(score - (goldenOf('plain').parc_unreduced ?? Number.NaN))).toBeLessThan(1e-6);
});

test.each(expectedScores())('is that of SciPy: $name', async ({ name, expected }) => {
  const input = await readCase(`scores/${name}`);
  expect(Math.abs((await scoreOf('parc', input)) - expected.parc)).toBeLessThan(1e-8);
  expect(Math.abs((await scoreOf('parc', input, 'pca32')) - expected.parcPca)).toBeLessThan(1e-8);
  expect(Math.abs((await scoreOf('parc', input, 'tied')) - expected.parcTied)).toBeLessThan(1e-8);
  await expectOrderInvariance('parc', input, ['unreduced', 'pca32', 'tied']);
});

test('repeated samples, classes without samples', async () => {
  const { features, labels } = classification(1, 40, 6, 3);
  const order = Int32Array.from({ length: 80 }, (_, i) => i % 40);
  const input = { features: takeRows(features, order), labels: order.map((i) => labels[i] as number), classCount: 9 };
  await expectOrderInvariance('parc', input, ['unreduced', 'pca32', 'tied']);
});

test.each(['unreduced', 'pca32', 'tied'])('degenerate input: %s', async (variant) => {
  const labels = Int32Array.of(0, 0, 1, 1, 1);
  const score = (cols: number, data: Float64Array) =>
    scoreOf('parc', { features: { rows: 5, cols, data }, labels }, variant);
  expect(await score(2, new Float64Array(10).fill(4))).toBe(0);
  expect(await score(1, Float64Array.of(1, 2, 3, 4, 5))).toBe(0);
  expect(await score(2, Float64Array.of(1, 7, 2, 7, 3, 7, 4, 7, 5, 7))).not.toBeNaN();
  expect(await score(9, generator(1).matrix(5, 9).data)).not.toBeNaN();
  const { features } = classification(1, 5, 4, 2);
  await expect(scoreOf('parc', { features, labels: Int32Array.of(0, 1, 2, 3, 4) }, variant)).rejects.toThrow(
    'No class has two samples',
  );
  await expect(
    scoreOf('parc', {
      features: { rows: 12_001, cols: 1, data: new Float32Array(12_001) },
      labels: Int32Array.from({ length: 12_001 }, (_, i) => i % 2),
    }),
  ).rejects.toThrow('at most 12000');
});

test.each(['unreduced', 'tied'])(
  'samples that do not vary are no nearer to some than to others: %s',
  async (variant) => {
    // Standardised it is the same feature three times.
    const data = Float64Array.of(...[1, 2.3, 3.1, 4.7, 5.9].flatMap((x) => [x, 3 * x, 0.7 * x]));
    const input = { features: { rows: 5, cols: 3, data }, labels: Int32Array.of(0, 0, 1, 1, 1) };
    expect(await scoreOf('parc', input, variant)).toBe(0);
  },
);

test.each(['unreduced', 'tied'])('nor are samples that rounding makes vary: %s', async (variant) => {
  const { uniform } = generator(3);
  const labels = Int32Array.from({ length: 20 }, (_, i) => i % 3);
  const data = Array.from({ length: 20 }, uniform).flatMap((x) => [100 + x, 100 + 3 * x, 100 + 0.7 * x]);
  for (const array of [Float64Array.from(data), Float32Array.from(data)]) {
    expect(await scoreOf('parc', { features: { rows: 20, cols: 3, data: array }, labels }, variant)).toBe(0);
  }
});

test.each<[string, (rows: number[][]) => number[][]]>([
  [
    'one is 10⁶ times as long as the others',
    (rows) => rows.map((row, i) => row.map((value) => (i === 7 ? 1e6 : 1) * value)),
  ],
  [
    'they are pairs that hardly differ',
    (rows) =>
      rows.map((row, i) => row.map((value, j) => (i % 2 === 0 ? value : (rows[i - 1]?.[j] ?? 0) + 1e-6 * value))),
  ],
])('tells samples apart by all their digits: %s', async (_, change) => {
  for (const seed of [1, 2, 3]) {
    const { features, labels } = classification(seed, 20, 30, 3);
    const rows = change(Array.from({ length: 20 }, (_, i) => [...features.data.subarray(i * 30, (i + 1) * 30)]));
    const input = { features: { ...features, data: Float64Array.from(rows.flat()) }, labels };
    expect(Math.abs((await scoreOf('parc', input, 'tied')) - definition(rows, [...labels]))).toBeLessThan(1e-9);
  }
});

/** PARC by its definition, in pairs and plain sums. */
function definition(features: readonly number[][], labels: readonly number[]): number {
  const columns = (features[0] ?? []).map((_, j) => standardised(features.map((row) => row[j] as number)));
  const rows = features.map((_, i) => standardised(columns.map((column) => column[i] as number)));
  const pairs = rows.flatMap((_, i) => Array.from({ length: i }, (_, j) => [i, j] as const));
  const distances = pairs.map(
    ([i, j]) => 1 - mean((rows[i] ?? []).map((value, k) => value * (rows[j]?.[k] as number))),
  );
  const different = pairs.map(([i, j]) => (labels[i] === labels[j] ? 0 : 1));
  const [a, b] = [standardised(midranks(distances)), standardised(midranks(different))];
  return 100 * mean(a.map((value, at) => value * (b[at] as number)));
}

function midranks(values: readonly number[]): number[] {
  return values.map(
    (value) => values.filter((other) => other < value).length + values.filter((other) => other <= value).length,
  );
}

function standardised(values: readonly number[]): number[] {
  const centre = mean(values);
  const deviation = Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
  return values.map((value) => (value - centre) / deviation);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

test('tied: the numbering of the classes does not matter', async () => {
  const { features, labels } = await readCase('golden/plain');
  const renumbered = labels?.map((label) => (label * 3) % 7);
  const before = await scoreOf('parc', { features, labels }, 'tied');
  expect(Math.abs((await scoreOf('parc', { features, labels: renumbered }, 'tied')) - before)).toBeLessThan(1e-9);
});

test.each([
  [150, true],
  [513, false],
])('the rounding of the published code breaks ties of %i classes: %s', async (classes, breaks) => {
  const input = classification(5, 2 * classes, 6, classes);
  const labels = input.labels.map((_, i) => i % classes);
  const score = (variant: string) => scoreOf('parc', { ...input, labels }, variant);
  expect((await score('unreduced')) !== (await score('tied'))).toBe(breaks);
});

test('of several label embeddings it is the mean', async () => {
  const { matrix } = generator(8);
  const [features, a, b] = [matrix(30, 5), matrix(30, 3), matrix(30, 3)];
  const score = (...labelEmbeddings: (typeof a)[]) => scoreOf('parc', { features, labelEmbeddings });
  expect(await score(a, b)).toBeCloseTo(((await score(a)) + (await score(b))) / 2, 10);
});
