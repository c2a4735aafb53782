import { expect, test } from 'vitest';
import type { Matrix } from '../../../../src/engine/linalg/matrix.ts';
import { submatrix } from '../../../../src/engine/linalg/matrix.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { principalComponents } from '../../../../src/engine/score/principalComponents.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { expectOrderInvariance, scoreOf } from '../../../helpers/scoreCases.ts';

/** Columns 1 to d of a Hadamard matrix `[n, n]`, n a power of 2, times their scale: orthogonal and without a mean. */
function orthogonalFeatures(n: number, scales: readonly number[]): Matrix {
  const parity = (bits: number): number => (bits === 0 ? 0 : (bits & 1) ^ parity(bits >> 1));
  const d = scales.length;
  const data = Float64Array.from({ length: n * d }, (_, at) => {
    const [i, j] = [Math.floor(at / d), at % d];
    return (scales[j] as number) * (parity(i & (j + 1)) === 1 ? -1 : 1);
  });
  return { rows: n, cols: d, data };
}

const powersOf = (base: number, count: number) => Array.from({ length: count }, (_, j) => base ** -j);
const make = (features: Matrix, count: number) => principalComponents(createEvidence({ features }), () => count);

test.each([
  ['more samples than features', 64, 7, 1e2],
  ['a range of 10¹²', 64, 5, 1e3],
  ['as many features as samples but one', 16, 15, 8],
])(
  'features that are orthogonal are components themselves, however they differ in scale: %s',
  async (_, n, d, base) => {
    const features = orthogonalFeatures(n, powersOf(base, d));
    const components = await make(features, d);
    for (let at = 0; at < n * d; at++) {
      const [own, feature] = [components.data[at] as number, features.data[at] as number];
      expect(Math.abs(own / feature - 1)).toBeLessThan(1e-3 * base ** ((at % d) - 4) + 1e-9);
    }
  },
);

test('what the samples have no component for is 0', async () => {
  const { features } = classification(1, 40, 3, 2);
  const data = Float64Array.from({ length: 40 * 8 }, (_, at) =>
    at % 8 === 7 ? 5 : (features.data[Math.floor(at / 8) * 3 + ((at % 8) % 3)] as number),
  );
  const components = await make({ rows: 40, cols: 8, data }, 64);
  expect(components.cols).toBe(8);
  expect(components.data.filter((value) => value !== 0)).toHaveLength(40 * 3);
});

test('the rounding of features in single precision that depend on each other is no component', async () => {
  const { matrix } = generator(3);
  const [few, mixing] = [matrix(60, 2), matrix(2, 9)];
  const data = Float32Array.from({ length: 540 }, (_, at) => {
    const [i, j] = [Math.floor(at / 9), at % 9];
    return (
      (few.data[2 * i] as number) * (mixing.data[j] as number) +
      (few.data[2 * i + 1] as number) * (mixing.data[9 + j] as number)
    );
  });
  const evidence = createEvidence({ features: { rows: 60, cols: 9, data } });
  const components = await principalComponents(evidence, () => 64);
  expect(components.data.filter((value) => value !== 0)).toHaveLength(60 * 2);
});

const SPAN = [1e4, 1, 1e-3, 1e-5].map((scale) => scale * 2 ** 20);
const labels = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(generator(i).normal()) * 1.5) % 3);

test('GBC is that of the features themselves when they are orthogonal', async () => {
  const features = orthogonalFeatures(64, [1e9, 1e5, 1e2, 1, 1e-1]);
  const moments = [0, 1, 2].map((c) => {
    const rows = [...labels.keys()].filter((i) => labels[i] === c);
    const columns = [0, 1, 2, 3, 4].map((j) => rows.map((i) => features.data[5 * i + j] as number));
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    return columns.map((column) => [mean(column), Math.max(1e-4, mean(column.map((v) => (v - mean(column)) ** 2)))]);
  });
  let overlap = 0;
  moments.forEach((a, first) => {
    moments.forEach((b, second) => {
      if (first === second) return;
      const distance = a.reduce((sum, [mean = 0, variance = 0], j) => {
        const [otherMean = 0, otherVariance = 0] = b[j] ?? [];
        const middle = (variance + otherVariance) / 2;
        return sum + (mean - otherMean) ** 2 / middle / 8 + Math.log(middle / Math.sqrt(variance * otherVariance)) / 2;
      }, 0);
      overlap += Math.exp(-distance);
    });
  });
  expect(await scoreOf('gbc', { features, labels }, 'diagonal')).toBeCloseTo(-overlap, 7);
});

test('GBC: a component that is missing counts with the least variance, as published', async () => {
  const { features } = classification(5, 30, 1, 2);
  const classes = Int32Array.from({ length: 30 }, (_, i) => i % 2);
  const wide = {
    rows: 30,
    cols: 4,
    data: Float64Array.from({ length: 120 }, (_, at) => (at % 4 === 0 ? (features.data[at / 4] as number) : 7)),
  };
  const values = [0, 1].map((c) => [...features.data].filter((_, i) => i % 2 === c));
  const means = values.map((own) => own.reduce((sum, value) => sum + value, 0) / 15);
  const [a = 0, b = 0] = values.map(
    (own, c) => (own.reduce((sum, value) => sum + (value - (means[c] as number)) ** 2, 0) / 15 + 3e-4) / 4,
  );
  const middle = (a + b) / 2;
  const distance =
    ((means[0] as number) - (means[1] as number)) ** 2 / middle / 8 + Math.log(middle / Math.sqrt(a * b)) / 2;
  expect(await scoreOf('gbc', { features: wide, labels: classes })).toBeCloseTo(-2 * Math.exp(-distance), 10);
});

test.each([
  ['gbc', 'spherical', 64],
  ['gbc', 'diagonal', 64],
  ['ncti', 'ncc', 64],
])('%s %s looks at the first %d components', async (id, variant, count) => {
  const features = orthogonalFeatures(128, powersOf(1.01, 70));
  const { uniform } = generator(3);
  const labels = Int32Array.from({ length: 128 }, (_, i) => (i < 4 ? i : Math.floor(4 * uniform())));
  const scoreOfFirst = (cols: number) =>
    scoreOf(id, { features: submatrix(features, 0, 0, 128, cols), labels }, variant);
  const score = await scoreOfFirst(70);
  expect(score).toBeCloseTo(await scoreOfFirst(count), 9);
  expect(Math.abs(score - (await scoreOfFirst(count - 1)))).toBeGreaterThan(1e-6);
});

test('NCTI: scales of the features that differ much do not matter once nothing is shrunk', async () => {
  const { features, labels: classes } = classification(6, 80, 4, 3, 1.5);
  const score = (scales: readonly number[], variant: string) => {
    const data = features.data.map((value, at) => value * (scales[at % 4] as number));
    return scoreOf('ncti', { features: { ...features, data }, labels: classes }, variant);
  };
  for (const variant of ['ncc', 'seli', 'vc']) {
    const expected = await score([100, 100, 100, 100], variant);
    expect(Math.abs((await score(SPAN, variant)) / expected - 1)).toBeLessThan(1e-6);
  }
});

test('PARC: pca32 is unreduced for features that are orthogonal', async () => {
  const input = { features: orthogonalFeatures(64, SPAN), labels };
  expect(await scoreOf('parc', input, 'pca32')).toBeCloseTo(await scoreOf('parc', input), 9);
});

test.each(['ncti', 'parc'])('%s: a sample far from all others does not drown them', async (id) => {
  const { features, labels: classes } = classification(8, 70, 5, 3, 1.5);
  const score = (scale: number) => {
    const data = features.data.map((value, at) => (Math.floor(at / 5) === 9 ? scale * value : value));
    return scoreOf(id, { features: { ...features, data }, labels: classes }, id === 'parc' ? 'pca32' : undefined);
  };
  // Its direction is a component, in which the others hardly vary, either way.
  expect(Math.abs((await score(1e8)) - (await score(1e5)))).toBeLessThan(id === 'parc' ? 0.5 : 2e-3);
});

test('NLEEP does not depend on the order of the samples where many clusters are as good', async () => {
  const { features, labels: classes } = classification(2, 333, 2, 3);
  const data = features.data.map(Math.round);
  await expectOrderInvariance('nleep', { features: { ...features, data }, labels: classes }, ['paper', 'reference']);
});
