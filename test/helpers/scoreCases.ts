import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { FloatMatrix, Matrix } from '../../src/engine/linalg/matrix.ts';
import { npyClassLabels, npyMatrices, npyMatrix, readNpy } from '../../src/engine/npy.ts';
import { createEvidence } from '../../src/engine/score/evidence.ts';
import type { EvidenceInput } from '../../src/engine/score/evidenceInput.ts';
import { computeScore } from '../../src/engine/score/registry.ts';
import type { LeftOut, ScoreResult } from '../../src/engine/score/score.ts';
import { generator } from './random.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures');

interface Golden {
  logme_classification?: number;
  logme_regression: number[];
  transrate: number;
  leep: { referenceMeanProbability: number; paperMeanLogProbability: number };
  sfda: number;
  parc_unreduced?: number;
}

/** The published numbers of a case of `test/fixtures/golden`. */
export function goldenOf(name: string): Golden {
  return JSON.parse(readFileSync(join(FIXTURES, 'golden/golden.json'), 'utf8'))[name];
}

interface Expected {
  hscore: number;
  knn: { accuracy: number; k: number };
  linearProbe: { accuracy: number; ridge: number; error: number };
  gbc: Record<'spherical' | 'diagonal', number>;
  /** Of 20 random starts: mean, standard deviation, least and largest. */
  nleep: Record<'paper' | 'reference', [number, number, number, number]>;
  /** Of `gaussian` the minimum, and least and largest where the published code stops from 20 random starts. */
  pactran: { gaussian: number; early: [number, number]; dirichlet: number; gamma: number };
  etran: Record<'classification' | 'reference' | 'energy', number>;
  /** Of the features and of an eighth of them. */
  ncti: Record<'plain' | 'eighth', Record<'ncc' | 'seli' | 'vc', number>>;
  parc: number;
  parcTied: number;
  parcPca: number;
}

/** The cases of `test/fixtures/scores` with the values of SciPy and scikit-learn, see `tools/make_score_cases.py`. */
export function expectedScores(): { name: string; expected: Expected }[] {
  const all: Record<string, Expected> = JSON.parse(readFileSync(join(FIXTURES, 'scores/expected.json'), 'utf8'));
  return Object.entries(all).map(([name, expected]) => ({ name, expected }));
}

/** The source probabilities that `tools/make_score_cases.py` makes of features: the softmax of seven of them. */
export function sourceProbabilitiesOf({ rows, cols, data }: FloatMatrix): Matrix {
  const result: Matrix = { rows, cols: 7, data: new Float64Array(rows * 7) };
  for (let i = 0; i < rows; i++) {
    const outputs = Array.from({ length: 7 }, (_, j) => data[i * cols + (j % cols)] as number);
    const exponentials = outputs.map((output) => Math.exp(output - Math.max(...outputs)));
    const sum = exponentials.reduce((total, value) => total + value, 0);
    result.data.set(
      exponentials.map((value) => value / sum),
      i * 7,
    );
  }
  return result;
}

/** The arrays of a folder of `test/fixtures`. */
export async function readCase(folder: string): Promise<EvidenceInput> {
  const path = (name: string) => join(FIXTURES, folder, `${name}.npy`);
  const matrix = async (name: string) => npyMatrix(await readNpy(path(name)));
  return {
    features: await matrix('features'),
    labels: existsSync(path('labels')) ? npyClassLabels(await readNpy(path('labels'))) : undefined,
    labelEmbeddings: existsSync(path('label_embeddings'))
      ? npyMatrices(await readNpy(path('label_embeddings')))
      : undefined,
    sourceProbabilities: existsSync(path('source_probabilities')) ? await matrix('source_probabilities') : undefined,
  };
}

export async function scoreOf(id: string, input: EvidenceInput, variant?: string): Promise<number> {
  return (await computeScore(id, createEvidence(input), { variant })).score;
}

/** Checks that the score, `[variant]` by variant, doesn't depend on the order of the samples. */
export async function expectOrderInvariance(id: string, input: EvidenceInput, variants: string[]): Promise<void> {
  const order = generator(99).permutation(input.features.rows);
  const { labels, multiLabels, targets, labelEmbeddings, sourceProbabilities } = input;
  const embedsClasses = labels !== undefined || multiLabels !== undefined;
  const shuffled: EvidenceInput = {
    features: takeRows(input.features, order),
    labels: labels?.map((_, i) => labels[order[i] as number] as number),
    multiLabels: multiLabels && takeRows(multiLabels, order),
    targets: targets && takeRows(targets, order),
    labelEmbeddings: embedsClasses ? labelEmbeddings : labelEmbeddings?.map((e) => takeRows(e, order)),
    sourceProbabilities: sourceProbabilities && takeRows(sourceProbabilities, order),
  };
  for (const variant of variants) {
    const before = await scoreOf(id, input, variant);
    const after = await scoreOf(id, shuffled, variant);
    expect(Math.abs(after - before)).toBeLessThan(1e-9 * Math.max(1, Math.abs(before)));
  }
}

/** A score without blocks of samples, which must vary by these. */
export function leftOutOf({ variation }: Pick<ScoreResult, 'variation'>): LeftOut {
  if (variation === undefined || !('blocks' in variation)) throw new Error('no scores');
  return variation;
}

/** The score that a variation is of. */
export function variedScore({ variation }: ScoreResult): number {
  if (variation !== undefined && 'blocks' in variation) {
    const { value, expectedScore } = variation.scale ?? { value: Number.NaN, expectedScore: () => Number.NaN };
    return expectedScore(value, 0);
  }
  const sum = (values: Iterable<number> = []) => [...values].reduce((total, value) => total + value, 0);
  return sum(variation?.numerator) / sum(variation?.denominator);
}

/** Checks that a score says how it varies, and that what varies is the score. */
export async function expectVariation(id: string, input: EvidenceInput, variant?: string): Promise<void> {
  const result = await computeScore(id, createEvidence(input), { variant, variation: true });
  expect(variedScore(result)).toBeCloseTo(result.score, 9);
}

export function takeRows(matrix: FloatMatrix, rows: ArrayLike<number>): Matrix {
  const data = new Float64Array(rows.length * matrix.cols);
  Array.from(rows).forEach((row, i) => {
    data.set(matrix.data.subarray(row * matrix.cols, (row + 1) * matrix.cols), i * matrix.cols);
  });
  return { rows: rows.length, cols: matrix.cols, data };
}
