import { describe, expect, test } from 'vitest';
import { expectOrderInvariance, expectVariation, goldenOf, readCase, scoreOf } from '../../../helpers/scoreCases.ts';

const features = { rows: 3, cols: 1, data: Float64Array.of(1, 2, 3) };
const labels = Int32Array.of(0, 0, 1);

describe.each(['plain', 'k1'])('golden %s', (name) => {
  test('parity', async () => {
    const input = await readCase(`golden/${name}`);
    const { paperMeanLogProbability, referenceMeanProbability } = goldenOf(name).leep;
    expect(Math.abs((await scoreOf('leep', input, 'paper')) - paperMeanLogProbability)).toBeLessThan(1e-9);
    expect(Math.abs((await scoreOf('leep', input, 'reference')) - referenceMeanProbability)).toBeLessThan(1e-9);
  });

  test('order of samples, contributions', async () => {
    const input = await readCase(`golden/${name}`);
    await expectOrderInvariance('leep', input, ['paper', 'reference']);
    await expectVariation('leep', input);
  });
});

test('by hand', async () => {
  const sourceProbabilities = { rows: 3, cols: 2, data: Float64Array.of(1, 0, 0.5, 0.5, 0, 1) };
  // P(0|z) = 1, 1/3 and P(1|z) = 0, 2/3.
  const expected = [1, 0.5 + 0.5 / 3, 2 / 3];
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / 3;
  const input = { features, labels, sourceProbabilities };
  expect(await scoreOf('leep', input, 'reference')).toBeCloseTo(mean(expected), 14);
  expect(await scoreOf('leep', input)).toBeCloseTo(mean(expected.map(Math.log)), 14);
});

test('a source class that is never predicted and a class without samples say nothing', async () => {
  const sourceProbabilities = { rows: 3, cols: 3, data: Float64Array.of(1, 0, 0, 0.5, 0.5, 0, 0, 1, 0) };
  expect(await scoreOf('leep', { features, labels, sourceProbabilities, classCount: 9 }, 'reference')).toBeCloseTo(
    (1 + 0.5 + 0.5 / 3 + 2 / 3) / 3,
    14,
  );
});

test('what are not probabilities is refused', async () => {
  const logits = { rows: 3, cols: 2, data: Float64Array.of(1, 0, 0.5, 0.5, -3, 1) };
  await expect(scoreOf('leep', { features, labels, sourceProbabilities: logits })).rejects.toThrow('not logits');
  const broken = { rows: 3, cols: 2, data: Float64Array.of(1, 0, 0.5, 0.5, Number.NaN, 1) };
  await expect(scoreOf('leep', { features, labels, sourceProbabilities: broken })).rejects.toThrow(
    'Sample 2 has the source probability NaN; check the checkpoint',
  );
  const empty = { rows: 3, cols: 1, data: Float64Array.of(1, 0, 1) };
  await expect(scoreOf('leep', { features, labels, sourceProbabilities: empty })).rejects.toThrow(
    'of sample 1 add up to 0',
  );
  const shares = { rows: 3, cols: 2, data: Float64Array.of(1, 0, 0.5, 0.5, 2, 1) };
  await expect(scoreOf('leep', { features, labels, sourceProbabilities: shares })).rejects.toThrow(
    'add up to 3, not 1',
  );
  const nearly = { rows: 3, cols: 2, data: Float64Array.of(1, 0.02, 0.5, 0.5, 0, 1) };
  await expect(scoreOf('leep', { features, labels, sourceProbabilities: nearly })).rejects.toThrow('add up to 1.02');
  nearly.data[1] = 0.005;
  expect(await scoreOf('leep', { features, labels, sourceProbabilities: nearly })).toBeLessThan(0);
  await expect(scoreOf('leep', { features, labels })).rejects.toThrow('LEEP needs class labels and source prob');
});
