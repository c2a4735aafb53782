import { expect, test } from 'vitest';
import type { Matrix } from '../../../../src/engine/linalg/matrix.ts';
import { classification } from '../../../helpers/random.ts';
import {
  expectedScores,
  expectOrderInvariance,
  readCase,
  scoreOf,
  sourceProbabilitiesOf,
} from '../../../helpers/scoreCases.ts';

const variants = ['gaussian', 'dirichlet', 'gamma'] as const;

test.each(expectedScores())('is the definition on SciPy: $name', async ({ name, expected }) => {
  const { features, labels } = await readCase(`scores/${name}`);
  const input = { features, labels, sourceProbabilities: sourceProbabilitiesOf(features) };
  for (const variant of ['dirichlet', 'gamma'] as const) {
    expect(Math.abs((await scoreOf('pactran', input, variant)) - expected.pactran[variant])).toBeLessThan(1e-10);
  }
  const gaussian = await scoreOf('pactran', input);
  expect(Math.abs(gaussian - expected.pactran.gaussian)).toBeLessThan(1e-8);
  // Where the published code stops depends on its random start.
  const [least, largest] = expected.pactran.early;
  expect(gaussian).toBeGreaterThan(least);
  expect(gaussian).toBeLessThan(largest);
  await expectOrderInvariance('pactran', input, [...variants]);
});

test('better features score more; shift and classes without samples do not matter', async () => {
  const score = (noise: number) => scoreOf('pactran', classification(1, 100, 20, 4, noise));
  expect(await score(1)).toBeGreaterThan(await score(4));
  const { features, labels } = classification(2, 60, 5, 3);
  const sourceProbabilities = sourceProbabilitiesOf(features);
  const shifted = { ...features, data: features.data.map((value) => value + 2 ** 20) };
  for (const variant of variants) {
    const before = await scoreOf('pactran', { features, labels, sourceProbabilities }, variant);
    const options = { features: shifted, labels, sourceProbabilities, classCount: 9 };
    expect(await scoreOf('pactran', options, variant)).toBeCloseTo(before, 7);
  }
});

test('a source classifier that knows the classes scores more', async () => {
  const { features, labels } = classification(3, 80, 2, 4);
  const source = (certainty: number): Matrix => ({
    rows: 80,
    cols: 4,
    data: Float64Array.from({ length: 320 }, (_, at) =>
      labels[Math.floor(at / 4)] === at % 4 ? certainty : (1 - certainty) / 3,
    ),
  });
  for (const variant of ['dirichlet', 'gamma']) {
    const score = (certainty: number) =>
      scoreOf('pactran', { features, labels, sourceProbabilities: source(certainty) }, variant);
    expect(await score(1)).toBeGreaterThan(await score(0.7));
    expect(await score(0.7)).toBeGreaterThan(await score(0.25));
  }
});

test('degenerate input', async () => {
  const two = { rows: 2, cols: 1, data: Float64Array.of(1, 2) };
  const constant = { rows: 5, cols: 2, data: new Float32Array(10).fill(3) };
  const few = classification(3, 10, 70, 3);
  const huge = classification(4, 20, 3, 2);
  const scaled = { ...huge.features, data: huge.features.data.map((value) => value * 1e12) };
  for (const input of [
    { features: two, labels: Int32Array.of(0, 1) },
    { features: constant, labels: Int32Array.of(0, 1, 2, 0, 1) },
    few,
    { features: scaled, labels: huge.labels },
  ]) {
    const sourceProbabilities = sourceProbabilitiesOf(input.features);
    for (const variant of variants) {
      expect(await scoreOf('pactran', { ...input, sourceProbabilities }, variant)).toSatisfy(Number.isFinite);
    }
  }
});

test('says what a variant lacks', async () => {
  const { features, labels } = classification(5, 20, 3, 2);
  await expect(scoreOf('pactran', { features, labels }, 'dirichlet')).rejects.toThrow(
    'variant dirichlet of PACTran needs source probabilities',
  );
  await expect(scoreOf('pactran', { features, labelEmbeddings: [features] })).rejects.toThrow(
    'PACTran needs class labels',
  );
  const logits = { rows: 20, cols: 2, data: new Float64Array(40).fill(-1) };
  await expect(scoreOf('pactran', { features, labels, sourceProbabilities: logits }, 'gamma')).rejects.toThrow(
    'give probabilities, not logits',
  );
  // As given, in whatever order the samples are worked on.
  const wrong = { rows: 20, cols: 2, data: new Float64Array(40).fill(0.5) };
  wrong.data[2 * 13] = 0.8;
  await expect(scoreOf('pactran', { features, labels, sourceProbabilities: wrong }, 'dirichlet')).rejects.toThrow(
    'of sample 13 add up to 1.3',
  );
});

test('the minimum is found where features of a large scale hold classes far apart', async () => {
  const { features, labels } = classification(9, 60, 10, 3, 1.5);
  const scaledBy = (scale: (column: number) => number) => ({
    features: { ...features, data: features.data.map((value, at) => value * scale(at % 10)) },
    labels,
  });
  // Newton's method in NumPy with the whole Hessian, to a decrement of 1e-26.
  expect(
    await scoreOf(
      'pactran',
      scaledBy(() => 1),
    ),
  ).toBeCloseTo(-1.70372698664, 9);
  expect(
    await scoreOf(
      'pactran',
      scaledBy(() => 1e2),
    ),
  ).toBeCloseTo(-2.04329264076, 9);
  expect(
    await scoreOf(
      'pactran',
      scaledBy(() => 1e4),
    ),
  ).toBeCloseTo(-2.197144574, 9);
  expect(
    await scoreOf(
      'pactran',
      scaledBy(() => 1e6),
    ),
  ).toBeCloseTo(-2.29382889168, 9);
  await expectOrderInvariance(
    'pactran',
    scaledBy(() => 1e2),
    ['gaussian'],
  );
  await expectOrderInvariance(
    'pactran',
    scaledBy((column) => 10 ** (column - 4)),
    ['gaussian'],
  );
});
