import { Matrix as Dense, EigenvalueDecomposition, SingularValueDecomposition } from 'ml-matrix';
import { describe, expect, test } from 'vitest';
import type { FloatMatrix, Matrix } from '../../../../src/engine/linalg/matrix.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { expectOrderInvariance, goldenOf, readCase, scoreOf, takeRows } from '../../../helpers/scoreCases.ts';

describe('parity with the published numbers', () => {
  test.each(['plain', 'k1'])('classification: %s', async (name) => {
    const expected = goldenOf(name).logme_classification ?? Number.NaN;
    expect(Math.abs((await scoreOf('logme', await readCase(`golden/${name}`))) - expected)).toBeLessThan(1e-9);
  });

  test.each(['plain', 'k1', 'caption'])('regression: %s', async (name) => {
    const input = await readCase(`golden/${name}`);
    const expected = goldenOf(name).logme_regression;
    const mean = expected.reduce((a, b) => a + b) / expected.length;
    expect(Math.abs((await scoreOf('logme', input, 'regression')) - mean)).toBeLessThan(1e-9);
    for (const [k, value] of expected.entries()) {
      const one = { ...input, labelEmbeddings: input.labelEmbeddings?.slice(k, k + 1) };
      expect(Math.abs((await scoreOf('logme', one, 'regression')) - value)).toBeLessThan(1e-9);
    }
  });
});

test.each([
  ['more samples than features', 80, 20],
  ['as many', 40, 40],
  ['fewer', 30, 70],
  ['two samples', 2, 3],
  ['one feature', 9, 1],
])('is the published iteration: %s', async (_, n, d) => {
  const { features, labels } = classification(n, n, d, 2, 2);
  const oneHot = Dense.zeros(n, 2);
  labels.forEach((label, i) => {
    oneHot.set(i, label, 1);
  });
  expect(await scoreOf('logme', { features, labels })).toBeCloseTo(published(features, oneHot), 8);
  const embedding = generator(n).matrix(n, 3);
  expect(await scoreOf('logme', { features, labelEmbeddings: [embedding] }, 'regression')).toBeCloseTo(
    published(features, dense(embedding)),
    8,
  );
});

test('class embeddings score as the same embeddings per sample', async () => {
  for (const d of [10, 60]) {
    const { features, labels } = classification(d, 50, d, 4);
    const labelEmbeddings = [generator(1).matrix(4, 5), generator(2).matrix(4, 5)];
    const byClass = await scoreOf('logme', { features, labels, labelEmbeddings }, 'regression');
    const perSample = { features, labelEmbeddings: labelEmbeddings.map((e) => takeRows(e, labels)) };
    expect(await scoreOf('logme', perSample, 'regression')).toBeCloseTo(byClass, 9);
  }
});

test('order of samples, rotation of features', async () => {
  for (const [n, d] of [
    [60, 20],
    [40, 50],
  ] as const) {
    const { features, labels } = classification(n, n, d, 3);
    const input = { features, labels, labelEmbeddings: [generator(3).matrix(3, 4)] };
    await expectOrderInvariance('logme', input, ['classification', 'regression']);
    await expectOrderInvariance('logme', { features, labelEmbeddings: [generator(3).matrix(n, 4)] }, ['regression']);
    const random = dense(generator(4).matrix(d, d));
    const { eigenvectorMatrix } = new EigenvalueDecomposition(Dense.add(random, random.transpose()));
    const rotated = { rows: n, cols: d, data: Float64Array.from(dense(features).mmul(eigenvectorMatrix).to1DArray()) };
    for (const variant of ['classification', 'regression']) {
      const before = await scoreOf('logme', input, variant);
      expect(Math.abs((await scoreOf('logme', { ...input, features: rotated }, variant)) - before)).toBeLessThan(1e-9);
    }
  }
});

test('a mean of a million times the spread costs no digits', async () => {
  // Only the length of the mean matters: lay it along the first axis, and then along a crooked one by a reflection.
  for (const [n, d] of [
    [60, 12],
    [12, 30],
  ] as const) {
    const { features, labels } = classification(5, n, d, 3);
    const shifted = { ...features, data: features.data.map((value, at) => value + (at % d === 0 ? 1e6 : 0)) };
    const direction = Float64Array.from({ length: d }, (_, j) => (j === 0 ? 1 - Math.sqrt(d) : 1));
    const square = direction.reduce((sum, value) => sum + value * value, 0);
    const reflect = (row: Float64Array) => {
      const factor = (2 / square) * row.reduce((sum, value, j) => sum + value * (direction[j] as number), 0);
      return row.map((value, j) => value - factor * (direction[j] as number));
    };
    const crooked: Matrix = { rows: n, cols: d, data: new Float64Array(n * d) };
    for (let i = 0; i < n; i++) crooked.data.set(reflect(shifted.data.slice(i * d, (i + 1) * d)), i * d);
    const straight = await scoreOf('logme', { features: shifted, labels });
    // The crooked features themselves are rounded at 1e-10.
    expect(Math.abs((await scoreOf('logme', { features: crooked, labels })) - straight)).toBeLessThan(1e-8);
  }
});

test('degenerate features', async () => {
  const { features, labels } = classification(8, 40, 6, 3);
  const withColumns = (value: number): Matrix => ({
    rows: 40,
    cols: 9,
    data: Float64Array.from({ length: 360 }, (_, at) =>
      at % 9 < 6 ? (features.data[Math.floor(at / 9) * 6 + (at % 9)] as number) : value,
    ),
  });
  for (const value of [0, 3]) {
    const score = await scoreOf('logme', { features: withColumns(value), labels });
    // The published code leaves singular values of 0 out of the determinant, but counts the features.
    const expected =
      value > 0 ? published(withColumns(value), oneHotOf(labels, 3)) : published(features, oneHotOf(labels, 3), 9);
    expect(score).toBeCloseTo(expected, 6);
  }
  const zero = { rows: 40, cols: 2, data: new Float32Array(80) };
  await expect(scoreOf('logme', { features: zero, labels })).rejects.toThrow('All features are 0');
  const single = Int32Array.from({ length: 40 }, (_, i) => i);
  expect(Number.isFinite(await scoreOf('logme', { features, labels: single }))).toBe(true);
  // A class without samples changes nothing.
  expect(await scoreOf('logme', { features, labels, classCount: 7 })).toBe(
    await scoreOf('logme', { features, labels }),
  );
  await expect(
    scoreOf('logme', { features, labelEmbeddings: [generator(1).matrix(40, 2)] }, 'classification'),
  ).rejects.toThrow('Use the variant regression');
});

test.each([
  [[0], 60, 8],
  [[17], 60, 8],
  [[3, 17], 60, 8],
  [[0, 17, 18, 40], 60, 8],
  [[0], 12, 30],
  [[7], 12, 30],
  [[0, 5, 7], 12, 30],
])('samples far from all others do not drown them: samples %j of %i, %i features', async (outliers, n, d) => {
  const { features, labels } = classification(7, n, d, 3, 1.5);
  for (const scale of [1e4, 1e8]) {
    const data = features.data.map((value, at) => (outliers.includes(Math.floor(at / d)) ? scale * value : value));
    const far = { ...features, data };
    expect(await scoreOf('logme', { features: far, labels })).toBeCloseTo(
      bySingularValues(far, oneHotOf(labels, 3)),
      6,
    );
    await expectOrderInvariance('logme', { features: far, labels }, ['classification']);
  }
});

test.each([
  [60, 12],
  [12, 30],
  [100, 70],
])('few directions that dwarf all others do not drown them: %i samples, %i features', async (n, d) => {
  const { features, labels } = classification(7, n, d, 3, 1.5);
  const [places, directions] = [generator(1).matrix(n, 2), generator(2).matrix(2, d)];
  const large = dense(places).mmul(dense(directions)).mul(1e6).add(dense(features));
  const input = { features: { ...features, data: Float64Array.from(large.to1DArray()) }, labels };
  expect(await scoreOf('logme', input)).toBeCloseTo(bySingularValues(input.features, oneHotOf(labels, 3)), 6);
  await expectOrderInvariance('logme', input, ['classification']);
});

test.each([
  [60, 12],
  [14, 30],
  [100, 70],
])('features and samples of any scale: %i samples, %i features', async (n, d) => {
  const { features, labels } = classification(7, n, d, 3, 1.5);
  const { uniform } = generator(8);
  const ofFeatures = Array.from({ length: d }, () => 10 ** (12 * uniform() - 6));
  const ofSamples = Array.from({ length: n }, () => 10 ** (12 * uniform() - 6));
  for (const [rows, columns] of [
    [false, true],
    [true, false],
    [true, true],
  ]) {
    const data = features.data.map(
      (value, at) =>
        value * (columns ? (ofFeatures[at % d] as number) : 1) * (rows ? (ofSamples[Math.floor(at / d)] as number) : 1),
    );
    const input = { features: { ...features, data }, labels, labelEmbeddings: [generator(3).matrix(3, 4)] };
    await expectOrderInvariance('logme', input, ['classification', 'regression']);
    const order = generator(9).permutation(d);
    const permuted = data.map((_, at) => data[at - (at % d) + (order[at % d] as number)] as number);
    const before = await scoreOf('logme', input);
    const after = await scoreOf('logme', { ...input, features: { ...features, data: permuted } });
    expect(Math.abs(after - before)).toBeLessThan(1e-9 * Math.max(1, Math.abs(before)));
  }
});

test.each([
  [60, 12, 1],
  [60, 40, 100],
  [14, 30, 1],
])('targets that features all but interpolate: %i samples, %i features times %d', async (n, d, scale) => {
  const features = generator(1).matrix(n, d, () => 0);
  features.data.set(
    generator(2)
      .matrix(n, d)
      .data.map((value) => scale * value),
  );
  const weights = generator(3).matrix(d, 2);
  for (const noise of [1e-2, 1e-4, 1e-6, 0]) {
    const linear = dense(features)
      .mmul(dense(weights))
      .mul(1e4 / scale);
    const targets = linear.add(dense(generator(4).matrix(n, 2)).mul(1e4 * noise));
    const labelEmbeddings = [{ rows: n, cols: 2, data: Float64Array.from(targets.to1DArray()) }];
    const expected = bySingularValues(features, targets);
    const score = await scoreOf('logme', { features, labelEmbeddings }, 'regression');
    expect(Math.abs(score - expected)).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected)));
  }
});

test.each([
  [78, 88],
  [60, 67],
  [40, 40],
])('features that depend on each other: %i samples, %i features', async (n, d) => {
  for (let seed = 0; seed < 20; seed++) {
    const { features, labels } = classification(seed, n, d, 2);
    const half = d / 2;
    const data = features.data.map((value, at) => (at % d < half ? value : (features.data[at - Math.ceil(half)] ?? 0)));
    const input = { features: { ...features, data }, labels };
    expect(await scoreOf('logme', input)).toBeCloseTo(bySingularValues(input.features, oneHotOf(labels, 2)), 7);
    await expectOrderInvariance('logme', input, ['classification']);
  }
});

test.each([
  [30, 12],
  [12, 12],
  [12, 30],
])('features so large that rounding hides the others still have a score: %i samples, %i features', async (n, d) => {
  for (const scale of [1e8, 1e12]) {
    for (let seed = 1; seed <= 5; seed++) {
      const { features, labels } = classification(seed, n, d, 3, 1.5);
      const input = { labels, labelEmbeddings: [generator(seed).matrix(3, 2)] };
      for (const isLarge of [(at: number) => at % d === 1, (at: number) => at < 2 * d]) {
        const data = features.data.map((value, at) => (isLarge(at) ? scale * value : value));
        for (const variant of ['classification', 'regression']) {
          const score = await scoreOf('logme', { ...input, features: { ...features, data } }, variant);
          expect(Number.isFinite(score)).toBe(true);
        }
      }
    }
  }
});

/** The published algorithm by eigenvalues of the Gram matrix. */
function published(features: FloatMatrix, targets: Dense, dimension = features.cols): number {
  const x = dense(features);
  const [n, d] = [x.rows, x.columns];
  const gram = d < n ? x.transpose().mmul(x) : x.mmul(x.transpose());
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(gram);
  const sigma = realEigenvalues.map((value) => Math.max(0, value));
  const projected = (d < n ? x.mmul(eigenvectorMatrix) : eigenvectorMatrix).transpose().mmul(targets);
  if (d < n) projected.mulColumnVector(sigma.map((value) => (value ? 1 / Math.sqrt(value) : 0)));
  return maximumEvidence(sigma, projected, targets, dimension);
}

/** By the singular values of the features themselves. */
function bySingularValues(features: FloatMatrix, targets: Dense): number {
  const { diagonal, leftSingularVectors } = new SingularValueDecomposition(dense(features), { autoTranspose: true });
  const projected = leftSingularVectors.transpose().mmul(targets);
  const rest = Dense.sub(targets, leftSingularVectors.mmul(projected));
  return maximumEvidence(
    diagonal.map((value) => value ** 2),
    projected,
    targets,
    features.cols,
    features.cols < features.rows ? rest.pow(2).sum('column') : undefined,
  );
}

/** Given the squared singular values and the targets in the left singular vectors; one target column after the other. */
function maximumEvidence(sigma: number[], projected: Dense, targets: Dense, d: number, rests?: number[]): number {
  const n = targets.rows;
  let total = 0;
  for (let c = 0; c < targets.columns; c++) {
    const y = targets.getColumnVector(c);
    const x2 = projected.getColumn(c).map((value) => value ** 2);
    const rest = rests?.[c] ?? y.dot(y) - sum(x2);
    let [alpha, beta, m2, res2] = [1, 1, 0, 0];
    for (let step = 0; step < 11; step++) {
      const t = alpha / beta;
      const gamma = sum(sigma.map((s) => s / (s + t)));
      m2 = sum(sigma.map((s, i) => (s * (x2[i] ?? 0)) / (s + t) ** 2));
      res2 = sum(sigma.map((s, i) => (x2[i] ?? 0) / (1 + s / t) ** 2)) + rest;
      alpha = gamma / (m2 + 1e-5);
      beta = (n - gamma) / (res2 + 1e-5);
      if (Math.abs(alpha / beta - t) / t <= 1e-3) break;
    }
    const logDeterminant = sum(sigma.map((s) => Math.log(alpha + beta * s)));
    total +=
      ((d / 2) * Math.log(alpha) +
        (n / 2) * Math.log(beta / (2 * Math.PI)) -
        logDeterminant / 2 -
        (beta / 2) * res2 -
        (alpha / 2) * m2) /
      n;
  }
  return total / targets.columns;
}

function oneHotOf(labels: Int32Array, classes: number): Dense {
  const matrix = Dense.zeros(labels.length, classes);
  labels.forEach((label, i) => {
    matrix.set(i, label, 1);
  });
  return matrix;
}

function dense({ rows, cols, data }: FloatMatrix): Dense {
  return Dense.from1DArray(rows, cols, data);
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

test.each([
  [2, 100],
  [5, 60],
])('features that say nothing of %i classes of %i samples score the least or little more', async (classes, n) => {
  const labels = Int32Array.from({ length: n }, (_, i) => i % classes);
  for (let seed = 0; seed < 10; seed++) {
    const evidence = createEvidence({ features: generator(seed).matrix(n, 4), labels });
    const { score, bounds } = await computeScore('logme', evidence);
    expect(score - (bounds?.least ?? Number.NaN)).toBeGreaterThan(-1e-3);
    expect(score - (bounds?.least ?? Number.NaN)).toBeLessThan(0.06);
  }
  const wide = await computeScore('logme', createEvidence({ features: generator(1).matrix(n, 2 * n), labels }));
  expect(wide.bounds).toBeUndefined();
});

test('what is left of at least as many samples as features has no factors α left out of the determinant', async () => {
  const { features, labels } = classification(3, 20, 30, 2);
  const wider: Matrix = { rows: 20, cols: 31, data: new Float64Array(20 * 31) };
  for (let i = 0; i < 20; i++) wider.data.set(features.data.subarray(i * 30, (i + 1) * 30), i * 31);
  const score = (of: FloatMatrix, samplesInAll?: number) => scoreOf('logme', { features: of, labels, samplesInAll });
  // A feature that is 0 says nothing: only the factors tell it.
  expect(await score(wider, 40)).toBeCloseTo(await score(features, 40), 12);
  expect(Math.abs((await score(wider)) - (await score(features)))).toBeGreaterThan(1e-3);
  // Of 25 samples a fifth as many factors per sample as there are samples, of 20 half as many.
  const evidence = await score(features, 30);
  expect((await score(features, 25)) - evidence).toBeCloseTo(((await score(features)) - evidence) * 0.4, 12);
  expect(await score(features, 20)).toBe(await score(features));
});
