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
