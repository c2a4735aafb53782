import { Matrix as Dense, solve } from 'ml-matrix';
import { expect, test } from 'vitest';
import type { FloatMatrix } from '../../../../src/engine/linalg/matrix.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';
import { classification, generator } from '../../../helpers/random.ts';
import {
  expectedScores,
  expectOrderInvariance,
  expectVariation,
  leftOutOf,
  readCase,
  scoreOf,
} from '../../../helpers/scoreCases.ts';

test.each(expectedScores())('agrees with scikit-learn: $name', async ({ name, expected }) => {
  const input = await readCase(`scores/${name}`);
  const { score, details } = await computeScore('linearProbe', createEvidence(input));
  // Its ridge is a power of ten, ours is refined between them: a sample or two may change sides.
  expect(Math.abs(score - expected.linearProbe.accuracy)).toBeLessThanOrEqual(2.5 / input.features.rows);
  expect(Math.abs(Math.log10((details.ridge ?? Number.NaN) / expected.linearProbe.ridge))).toBeLessThan(1);
  await expectVariation('linearProbe', input);
  await expectOrderInvariance('linearProbe', input, ['ridge']);
});

test.each([
  ['more samples than features', 70, 6, 3],
  ['as many', 30, 30, 3],
  ['fewer', 25, 60, 4],
])('is refitting without each sample: %s', async (_, n, d, classes) => {
  const { features, labels } = classification(n, n, d, classes, 2.5);
  const { score, details } = await computeScore('linearProbe', createEvidence({ features, labels }));
  expect(score).toBeCloseTo(refitted(features, labels, classes, details.ridge ?? 0), 12);
  expect(score).toBeLessThan(1);
});

test('two samples, one sample per class, constant features, classes without samples', async () => {
  const two = { rows: 2, cols: 1, data: Float64Array.of(1, 2) };
  expect(await scoreOf('linearProbe', { features: two, labels: Int32Array.of(0, 1) })).toBe(0);
  const { features, labels } = classification(3, 40, 6, 3);
  const alone = Int32Array.from({ length: 40 }, (_, i) => i);
  expect(await scoreOf('linearProbe', { features, labels: alone })).toBe(0);
  const constant = { rows: 40, cols: 2, data: new Float32Array(80).fill(3) };
  expect(await scoreOf('linearProbe', { features: constant, labels })).not.toBeNaN();
  expect(await scoreOf('linearProbe', { features, labels, classCount: 3 })).toBeGreaterThan(0.5);
});

function refitted(features: FloatMatrix, labels: Int32Array, classes: number, ridge: number): number {
  const raw = Dense.from1DArray(features.rows, features.cols, features.data);
  const centred = raw.subRowVector(raw.mean('column'));
  const deviation = Dense.mul(centred, centred)
    .mean('column')
    .map((variance) => Math.sqrt(variance) + 1e-8);
  const x = centred.divRowVector(deviation);
  const y = Dense.zeros(x.rows, classes);
  labels.forEach((label, i) => {
    y.set(i, label, 1);
  });
  let correct = 0;
  for (let i = 0; i < x.rows; i++) {
    const others = [...Array(x.rows).keys()].filter((j) => j !== i);
    const [rest, target] = [x.subMatrixRow(others), y.subMatrixRow(others)];
    const [centre, mean] = [rest.mean('column'), target.mean('column')];
    const a = rest.subRowVector(centre);
    const gram = a
      .transpose()
      .mmul(a)
      .add(Dense.eye(x.columns).mul(ridge * x.rows));
    const weights = solve(gram, a.transpose().mmul(target.subRowVector(mean)));
    const output = Dense.rowVector(x.getRow(i)).subRowVector(centre).mmul(weights).addRowVector(mean).getRow(0);
    if (output.indexOf(Math.max(...output)) === labels[i]) correct++;
  }
  return correct / x.rows;
}

test.each([
  ['more samples than features', 60, 12],
  ['more features than samples', 30, 50],
])('R² of a single target is EMMS cv and varies as much: %s', async (_, n, d) => {
  const features = generator(5).matrix(n, d);
  const noise = generator(6).matrix(n, 1).data;
  const target = { rows: n, cols: 1, data: noise.map((value, i) => (features.data[i * d] as number) + value / 2) };
  const evidence = () => createEvidence({ features, labelEmbeddings: [target] });
  const probe = await computeScore('linearProbe', evidence(), { variation: true });
  const emms = await computeScore('emms', evidence(), { variation: true });
  expect(probe.score).toBeGreaterThan(0);
  expect(probe.score).toBeCloseTo(emms.score, 12);
  const close = (values: Float64Array, expected: Float64Array) =>
    values.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 10);
    });
  expect(leftOutOf(probe).scale?.value).toBeCloseTo(leftOutOf(emms).scale?.value ?? Number.NaN, 12);
  close(leftOutOf(probe).blocks, leftOutOf(emms).blocks);
  close(leftOutOf(probe).pairs, leftOutOf(emms).pairs);
});

test('of classes that are as near none is found, in whatever order', async () => {
  const rows = [0, 0, 1.7995787858963013, 0, 0].map((x, i) => ({ x, label: [0, 1, 2, 3, 0][i] ?? 0 }));
  for (let seed = 1; seed <= 20; seed++) {
    const order = generator(seed).permutation(5);
    const features = { rows: 5, cols: 1, data: Float64Array.from(order, (i) => rows[i]?.x ?? 0) };
    expect(await scoreOf('linearProbe', { features, labels: Int32Array.from(order, (i) => rows[i]?.label ?? 0) })).toBe(
      0,
    );
  }
});
