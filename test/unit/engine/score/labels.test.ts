import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { FloatMatrix, Matrix } from '../../../../src/engine/linalg/matrix.ts';
import { npyMatrix, readNpy } from '../../../../src/engine/npy.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import type { EvidenceInput } from '../../../../src/engine/score/evidenceInput.ts';
import { computeScore, SCORES } from '../../../../src/engine/score/registry.ts';
import { generator } from '../../../helpers/random.ts';
import { expectVariation, scoreOf, takeRows } from '../../../helpers/scoreCases.ts';

/** Targets that follow from the features, but for noise. */
function regression(seed: number, n: number, d: number, noise: number) {
  const { matrix, normal } = generator(seed);
  const features = matrix(n, d);
  const weights = matrix(d, 2);
  const targets: Matrix = { rows: n, cols: 2, data: new Float64Array(2 * n) };
  for (let i = 0; i < n; i++) {
    for (let t = 0; t < 2; t++) {
      let sum = noise * normal();
      for (let j = 0; j < d; j++) sum += (features.data[i * d + j] as number) * (weights.data[j * 2 + t] as number);
      targets.data[i * 2 + t] = sum;
    }
  }
  return { features, targets };
}

/** Three classes, each present where a target is large. */
function multiLabel(seed: number, n: number, d: number, noise: number) {
  const { features, targets } = regression(seed, n, d, noise);
  const multiLabels: Matrix = { rows: n, cols: 3, data: new Float64Array(3 * n) };
  for (let i = 0; i < n; i++) {
    const [a, b] = [targets.data[2 * i] as number, targets.data[2 * i + 1] as number];
    multiLabels.data.set([Number(a > 0), Number(b > 1), Number(a + b > 0)], 3 * i);
  }
  return { features, multiLabels };
}

interface Expected {
  emms: number;
  logme: number;
  knn: { score: number; k: number };
  /** log₁₀ of the ridge over the samples, and R² */
  linearProbe: [number, number][];
  parc: number;
}

const SERVED = ['emms', 'logme', 'knn', 'parc', 'linearProbe'];
const REFUSED = SCORES.map(({ id }) => id).filter((id) => !SERVED.includes(id));

describe.each([
  ['regression targets', regression],
  ['several labels per sample', multiLabel],
] as const)('%s', (kind, make) => {
  test.each(SERVED)('features that tell them score more: %s', async (id) => {
    const [clear, noisy] = [await scoreOf(id, make(1, 120, 6, 0.1)), await scoreOf(id, make(1, 120, 6, 10))];
    expect(clear).toBeGreaterThan(noisy);
    expect(await scoreOf(id, make(2, 12, 40, 1))).toSatisfy(Number.isFinite);
  });

  test.each(REFUSED)('%s says that it needs class labels', async (id) => {
    await expect(scoreOf(id, make(1, 20, 3, 1))).rejects.toThrow(new RegExp(`needs class labels.*; these are ${kind}`));
  });

  test('what varies is the score', async () => {
    await expectVariation('emms', make(3, 40, 5, 1), 'exact');
    await expectVariation('knn', make(3, 40, 5, 1));
  });

  test('labels that are the same for all samples say nothing', async () => {
    const { features, ...labels } = make(1, 30, 4, 1);
    const [name, matrix] = Object.entries(labels)[0] as [string, Matrix];
    const extended: Matrix = { rows: 30, cols: matrix.cols + 1, data: new Float64Array(30 * (matrix.cols + 1)) };
    for (let i = 0; i < 30; i++) {
      extended.data.set([...matrix.data.subarray(i * matrix.cols, (i + 1) * matrix.cols), 1], i * extended.cols);
    }
    for (const id of SERVED) {
      expect(await scoreOf(id, { features, [name]: extended })).toBe(await scoreOf(id, { features, [name]: matrix }));
    }
    const constant = { rows: 30, cols: 2, data: new Float64Array(60).fill(1) };
    expect(() => createEvidence({ features, [name]: constant })).toThrow('All samples have the same');
    expect(() => createEvidence({ features, [name]: takeRows(matrix, [0, 1]) })).toThrow(`2 rows of ${kind}`);
    extended.data[4 * extended.cols] = Number.NaN;
    expect(() => createEvidence({ features, [name]: extended })).toThrow('Sample 4 has the label NaN');
  });
});

describe.each(['targets', 'multiLabels'] as const)('%s: what SciPy and scikit-learn compute', (kind) => {
  const folder = path.join(import.meta.dirname, '../../../fixtures/scores');
  const expected: Expected = JSON.parse(readFileSync(path.join(folder, 'several.json'), 'utf8'))[kind];
  const read = async (name: string) => npyMatrix(await readNpy(path.join(folder, kind, name)));
  const evidence = async (): Promise<EvidenceInput> => ({
    features: await read('features.npy'),
    [kind]: await read('labels.npy'),
  });

  test('EMMS and LogME to 1e-6', async () => {
    const input = await evidence();
    for (const variant of ['exact', 'paper']) {
      expect((await scoreOf('emms', input, variant)) / expected.emms).toBeCloseTo(1, 6);
    }
    expect((await scoreOf('logme', input)) / expected.logme).toBeCloseTo(1, 6);
  });

  test('kNN, with the same number of neighbours', async () => {
    const { score, details } = await computeScore('knn', createEvidence(await evidence()));
    expect(score).toBeCloseTo(expected.knn.score, 9);
    expect(details.neighbours).toBe(expected.knn.k);
  });

  test('the linear probe at its ridge, which is about the best', async () => {
    const { score, details } = await computeScore('linearProbe', createEvidence(await evidence()));
    const exponent = Math.log10(Number(details.ridge));
    const above = expected.linearProbe.findIndex(([at]) => at >= exponent);
    const [[from, low] = [0, 0], [to, high] = [0, 0]] = expected.linearProbe.slice(above - 1, above + 1);
    expect(Math.abs(score - (low + ((high - low) * (exponent - from)) / (to - from)))).toBeLessThan(5e-4);
    const best = Math.max(...expected.linearProbe.map(([, value]) => value));
    expect(score).toBeGreaterThan(best - 0.005);
  });

  test('PARC to 1e-5', async () => {
    expect((await scoreOf('parc', await evidence())) / expected.parc).toBeCloseTo(1, 5);
  });
});

test('several labels of which each sample has one are class labels', async () => {
  const { features } = regression(4, 60, 5, 1);
  const labels = Int32Array.from({ length: 60 }, (_, i) => ((features.data[5 * i] as number) > 0 ? (i % 2) + 1 : 0));
  const multiLabels: Matrix = { rows: 60, cols: 3, data: new Float64Array(180) };
  labels.forEach((label, i) => {
    multiLabels.data[3 * i + label] = 1;
  });
  const labelEmbeddings = [generator(5).matrix(3, 4)];
  for (const variant of ['cv', 'exact', 'reference']) {
    for (const given of [{}, { labelEmbeddings }]) {
      const byClass = await scoreOf('emms', { features, labels, ...given }, variant);
      expect(await scoreOf('emms', { features, multiLabels, ...given }, variant)).toBeCloseTo(byClass, 9);
    }
  }
  expect(await scoreOf('logme', { features, multiLabels })).toBeCloseTo(
    await scoreOf('logme', { features, labels }),
    9,
  );
});

test('the embedding of several labels is the mean of theirs', async () => {
  const { features, multiLabels } = multiLabel(6, 40, 5, 1);
  // Every sample needs a class for this.
  for (let i = 0; i < 40; i++) multiLabels.data[3 * i] = 1;
  const embedding = generator(7).matrix(3, 4);
  const means: Matrix = { rows: 40, cols: 4, data: new Float64Array(160) };
  for (let i = 0; i < 40; i++) {
    const own = [0, 1, 2].filter((c) => multiLabels.data[3 * i + c] === 1);
    for (let j = 0; j < 4; j++) {
      means.data[4 * i + j] = own.reduce((sum, c) => sum + (embedding.data[4 * c + j] as number), 0) / own.length;
    }
  }
  const score = await scoreOf('emms', { features, multiLabels, labelEmbeddings: [embedding] });
  expect(score).toBeCloseTo(await scoreOf('emms', { features, labelEmbeddings: [means] }), 12);
  multiLabels.data.fill(0, 3 * 8, 3 * 9);
  const lacking: EvidenceInput = { features, multiLabels, labelEmbeddings: [embedding] };
  expect(() => createEvidence(lacking)).toThrow('Sample 8 is of no class');
  multiLabels.data[25] = 2;
  expect(() => createEvidence({ features, multiLabels })).toThrow('Sample 8 has 2 for class 1');
});

test('one target: the linear probe is held-out EMMS, kNN is as by hand, PARC has nothing to correlate', async () => {
  const features: FloatMatrix = { rows: 4, cols: 2, data: Float64Array.of(1, 0, 1, 0.1, 0, 1, 0.1, 1) };
  const targets = { rows: 4, cols: 1, data: Float64Array.of(-1.5, -0.5, 0.5, 1.5) };
  // The nearest of each is the other of its pair, 1 away; the mean of the others is 4/3 of the target away.
  const { score, details } = await computeScore('knn', createEvidence({ features, targets }));
  expect(score).toBeCloseTo(1 - 4 / (5 * (16 / 9)), 6);
  expect(details.neighbours).toBe(1);
  const probe = await scoreOf('linearProbe', { features, targets });
  expect(probe).toBeCloseTo(await scoreOf('emms', { features, targets }), 12);
  await expect(scoreOf('parc', { features, targets })).rejects.toThrow('one number per sample is too few');
});

describe('label embeddings that say nothing are refused', () => {
  const { features, targets } = regression(30, 20, 3, 1);
  const varied = generator(31).matrix(20, 2);
  const constant: Matrix = { rows: 20, cols: 2, data: new Float64Array(40).fill(1.1) };

  test('of every sample', () => {
    expect(() => createEvidence({ features, labelEmbeddings: [constant] })).toThrow(
      'The label embedding is the same for all samples',
    );
    expect(() => createEvidence({ features, targets, labelEmbeddings: [varied, constant] })).toThrow(
      'Label embedding 1 of 2 is the same for all samples',
    );
  });

  test('of the classes that have samples', () => {
    const labels = Int32Array.from({ length: 20 }, (_, i) => 2 * (i % 2));
    const same: Matrix = { rows: 3, cols: 2, data: Float64Array.of(1, 2, 3, 4, 1, 2) };
    expect(() => createEvidence({ features, labels, labelEmbeddings: [same] })).toThrow('is the same for all samples');
    const multiLabels: Matrix = { rows: 20, cols: 3, data: new Float64Array(60).fill(1) };
    multiLabels.data[0] = 0;
    const equal: Matrix = { rows: 3, cols: 1, data: Float64Array.of(2, 2, 2) };
    expect(() => createEvidence({ features, multiLabels, labelEmbeddings: [equal] })).toThrow('for all samples');
  });
});

describe.each([
  ['single', Float32Array],
  ['double', Float64Array],
] as const)('label embeddings in %s precision that hold no numbers are refused', (_, Numbers) => {
  const [n, width] = [40, 3];
  const features = generator(1).matrix(n, 2);

  test.each([
    [Number.NaN, 0],
    [Number.POSITIVE_INFINITY, 0],
    [Number.NEGATIVE_INFINITY, 33],
    [Number.NaN, 39],
  ])('%d of sample %d', (value, sample) => {
    const embeddings = [2, 3].map((seed) => {
      const { rows, cols, data } = generator(seed).matrix(n, width);
      return { rows, cols, data: new Numbers(data) };
    });
    expect(() => createEvidence({ features, labelEmbeddings: embeddings })).not.toThrow();
    embeddings[1]?.data.fill(value, sample * width + 1, sample * width + 2);
    expect(() => createEvidence({ features, labelEmbeddings: embeddings })).toThrow(
      `label embedding of sample ${sample} holds ${value}`,
    );
  });
});

test('label embeddings of doubles whose fourth powers leave their range are refused, in a column of one value too', () => {
  const features = generator(1).matrix(20, 2);
  const embedding = generator(2).matrix(20, 3);
  embedding.data[17] = 1e74;
  expect(() => createEvidence({ features, labelEmbeddings: [embedding] })).not.toThrow();
  for (let i = 0; i < 20; i++) embedding.data[i * 3] = 1e76;
  expect(() => createEvidence({ features, labelEmbeddings: [embedding] })).toThrow('sample 0 holds 1e+76');
});

describe('numbers of classes without samples', () => {
  const { features } = regression(32, 30, 4, 1);
  const labels = Int32Array.from({ length: 30 }, (_, i) => (i * i) % 3);

  test.each(
    SCORES.flatMap(({ id, variants, needs }) =>
      needs.flat().includes('sourceProbabilities') ? [] : ([[id, variants]] as const),
    ),
  )('change nothing: %s', async (id, variants) => {
    for (const variant of variants.filter((name) => !['dirichlet', 'gamma'].includes(name))) {
      const expected = await scoreOf(id, { features, labels }, variant);
      const far = labels.map((label) => 1_000_000 * label);
      expect(await scoreOf(id, { features, labels: far }, variant)).toBe(expected);
      const some = await scoreOf(id, { features, labels: labels.map((label) => 2 * label), classCount: 7 }, variant);
      expect(some).toBeCloseTo(expected, 9);
    }
  });
});
