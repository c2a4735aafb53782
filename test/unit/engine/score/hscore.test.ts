import { expect, test } from 'vitest';
import { classification } from '../../../helpers/random.ts';
import { expectedScores, expectOrderInvariance, readCase, scoreOf } from '../../../helpers/scoreCases.ts';

test.each(expectedScores())('is that of scikit-learn: $name', async ({ name, expected }) => {
  const input = await readCase(`scores/${name}`);
  expect(Math.abs((await scoreOf('hscore', input)) - expected.hscore)).toBeLessThan(1e-9);
  await expectOrderInvariance('hscore', input, ['shrunk']);
});

test('shift and common scale of the features do not matter, classes without samples neither', async () => {
  const { features, labels } = classification(1, 80, 10, 4);
  const before = await scoreOf('hscore', { features, labels });
  const moved = { ...features, data: features.data.map((value) => 8 * value + 2 ** 20) };
  expect(await scoreOf('hscore', { features: moved, labels })).toBeCloseTo(before, 7);
  expect(await scoreOf('hscore', { features, labels, classCount: 9 })).toBeCloseTo(before, 12);
});

test.each([
  ['two samples', 2, 3, 2],
  ['one sample per class', 6, 4, 6],
  ['fewer samples than features', 10, 70, 3],
])('%s', async (_, n, d, classes) => {
  expect(await scoreOf('hscore', classification(n, n, d, classes))).toBeGreaterThanOrEqual(0);
});

test('constant and repeated features', async () => {
  const { features, labels } = classification(2, 50, 3, 3);
  const wide = {
    rows: 50,
    cols: 7,
    data: Float64Array.from({ length: 350 }, (_, at) =>
      at % 7 === 6 ? 5 : (features.data[Math.floor(at / 7) * 3 + ((at % 7) % 3)] as number),
    ),
  };
  expect(await scoreOf('hscore', { features: wide, labels })).toBeGreaterThan(0.1);
  const constant = { rows: 50, cols: 2, data: new Float32Array(100).fill(2) };
  expect(await scoreOf('hscore', { features: constant, labels })).toBe(0);
});

test('a single feature is not shrunk: the share of its variance between the classes', async () => {
  // Class means 2 and 6 about the mean 4: 6·2²/(6 − 1); variance (9 + 4 + 1 + 1 + 4 + 9)/6.
  const features = { rows: 6, cols: 1, data: Float64Array.of(1, 2, 3, 5, 6, 7) };
  const score = await scoreOf('hscore', { features, labels: Int32Array.of(0, 0, 0, 1, 1, 1) });
  expect(score).toBeCloseTo(24 / 5 / (28 / 6), 12);
});

test('features that vary alike in all directions are shrunk fully, whatever rounding makes of it', async () => {
  for (let turn = 0; turn < 40; turn++) {
    const angle = (i: number) => (2 * Math.PI * i) / 11 + turn;
    const data = Float64Array.from({ length: 22 }, (_, at) =>
      at % 2 === 0 ? Math.cos(angle(at / 2)) : Math.sin(angle((at - 1) / 2)),
    );
    const labels = Int32Array.from({ length: 11 }, (_, i) => i % 3);
    expect(await scoreOf('hscore', { features: { rows: 11, cols: 2, data }, labels })).toBe(0);
  }
});
