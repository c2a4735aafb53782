import { Matrix as Dense, determinant, SingularValueDecomposition } from 'ml-matrix';
import { expect, test } from 'vitest';
import type { FloatMatrix } from '../../../../src/engine/linalg/matrix.ts';
import { classification } from '../../../helpers/random.ts';
import { expectOrderInvariance, goldenOf, readCase, scoreOf } from '../../../helpers/scoreCases.ts';

test.each(['plain', 'k1'])('parity with the published numbers: %s', async (name) => {
  const score = await scoreOf('transrate', await readCase(`golden/${name}`), 'reference');
  expect(Math.abs(score - goldenOf(name).transrate)).toBeLessThan(1e-9);
});

test.each([
  ['more samples than features', 60, 7],
  ['fewer samples than features', 12, 20],
  ['two samples', 2, 3],
])('is the definition: %s', async (_, n, d) => {
  const { features, labels } = classification(d, n, d, 2);
  labels.fill(1, 1, Math.floor(n * 0.7));
  for (const variant of ['paper', 'reference']) {
    expect(await scoreOf('transrate', { features, labels }, variant)).toBeCloseTo(
      defined(features, labels, variant),
      8,
    );
  }
});

test('order of samples, shift of features', async () => {
  const { features, labels } = classification(3, 50, 12, 3);
  await expectOrderInvariance('transrate', { features, labels }, ['paper', 'reference']);
  await expectOrderInvariance('transrate', classification(5, 6, 100, 3, 150), ['paper', 'reference']);
  const shifted = { ...features, data: features.data.map((value) => value + 2 ** 20) };
  const before = await scoreOf('transrate', { features, labels });
  expect(await scoreOf('transrate', { features: shifted, labels })).toBeCloseTo(before, 7);
});

test('degenerate input', async () => {
  const { features, labels } = classification(4, 40, 5, 3);
  const twice = (factor: number) => ({
    rows: 40,
    cols: 11,
    data: Float64Array.from({ length: 440 }, (_, at) =>
      at % 11 === 10 ? 7 : factor * (features.data[Math.floor(at / 11) * 5 + ((at % 11) % 5)] as number),
    ),
  });
  const plain = await scoreOf('transrate', { features, labels });
  // A doubled feature is one of √2 times the length; a constant one says nothing.
  const longer = { ...features, data: features.data.map((value) => value * Math.SQRT2) };
  expect(await scoreOf('transrate', { features: twice(1), labels })).toBeCloseTo(
    await scoreOf('transrate', { features: longer, labels }),
    9,
  );
  const huge = { ...features, data: features.data.map((value) => value * Math.SQRT2 * 1e9) };
  expect(await scoreOf('transrate', { features: twice(1e9), labels })).toBeCloseTo(
    await scoreOf('transrate', { features: huge, labels }),
    1,
  );
  expect(await scoreOf('transrate', { features, labels, classCount: 9 })).toBeCloseTo(plain, 12);
  const constant = { rows: 40, cols: 2, data: new Float32Array(80).fill(3) };
  expect(await scoreOf('transrate', { features: constant, labels })).toBe(0);
  await expect(scoreOf('transrate', { features, labelEmbeddings: [features] })).rejects.toThrow('needs class labels');
});

test('a feature of a much larger scale does not drown the others', async () => {
  const { features, labels } = classification(6, 60, 5, 3, 1.5);
  const score = (scale: number) => {
    const data = features.data.map((value, at) => (at % 5 === 2 ? scale * value : value));
    return scoreOf('transrate', { features: { ...features, data }, labels });
  };
  // The 1 of the definition is nothing to the large feature either way.
  const expected = await score(1e6);
  for (const scale of [1e8, 1e12, 1e30]) expect(await score(scale)).toBeCloseTo(expected, 9);
});

test.each([
  [8, [0]],
  [8, [17]],
  [8, [3, 17]],
  [8, [0, 17, 18, 40]],
  [8, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
  [40, [17]],
  [90, [17, 31]],
])('samples far from all others do not drown them: %d features, samples %j', async (d, outliers) => {
  const { features, labels } = classification(7, 60, d, 2, 1.5);
  for (const scale of [1e4, 1e8]) {
    const data = features.data.map((value, at) => (outliers.includes(Math.floor(at / d)) ? scale * value : value));
    const far = { ...features, data };
    for (const variant of ['paper', 'reference']) {
      expect(await scoreOf('transrate', { features: far, labels }, variant)).toBeCloseTo(
        bySingularValues(far, labels, variant),
        5,
      );
    }
  }
});

test('features that differ in scale by up to 10¹² do not drown each other', async () => {
  const { features, labels } = classification(1, 30, 8, 2);
  const score = (range: number) => {
    const data = features.data.map((value, at) => 1e4 * value * range ** ((at % 8) / 7));
    return scoreOf('transrate', { features: { ...features, data }, labels });
  };
  // The 1 of the definition is nothing to any of them.
  expect(await score(1e12)).toBeCloseTo(await score(1), 6);
});

/** The definition again, by singular values: they keep the digits that determinants of Gram matrices lose. */
function bySingularValues(features: FloatMatrix, labels: Int32Array, variant: string): number {
  const all = Dense.from1DArray(features.rows, features.cols, features.data);
  const z = all.subRowVector(all.mean('column'));
  const rate = (rows: Dense) =>
    new SingularValueDecomposition(rows).diagonal.reduce(
      (sum, s) => sum + Math.log1p(s ** 2 / (rows.rows * 1e-4)) / 2,
      0,
    );
  const conditional = [0, 1].map((c) => {
    const members = [...labels.keys()].filter((i) => labels[i] === c);
    const weight = variant === 'paper' ? members.length / labels.length : 0.5;
    return weight * rate(z.selection(members, [...Array(z.columns).keys()]));
  });
  return rate(z) - (conditional[0] as number) - (conditional[1] as number);
}

function defined(features: FloatMatrix, labels: Int32Array, variant: string): number {
  const all = Dense.from1DArray(features.rows, features.cols, features.data);
  const z = all.subRowVector(all.mean('column'));
  const rate = (rows: Dense) =>
    Math.log(
      determinant(
        Dense.add(
          Dense.eye(z.columns),
          rows
            .transpose()
            .mmul(rows)
            .div(rows.rows * 1e-4),
        ),
      ),
    ) / 2;
  const conditional = [0, 1].map((c) => {
    const members = [...labels.keys()].filter((i) => labels[i] === c);
    const weight = variant === 'paper' ? members.length / labels.length : 0.5;
    return weight * rate(z.selection(members, [...Array(z.columns).keys()]));
  });
  return rate(z) - (conditional[0] as number) - (conditional[1] as number);
}
