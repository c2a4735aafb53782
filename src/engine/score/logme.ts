import { InputError } from '../errors.ts';
import { reflectionToAxis, signedLength } from '../linalg/axisReflection.ts';
import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import {
  addTo,
  columnSquares,
  dot,
  joinColumns,
  rowRange,
  rowSquares,
  selectRows,
  submatrix,
  trace,
  transpose,
  zeros,
} from '../linalg/matrix.ts';
import { gramian, inTurn, multiply } from '../linalg/multiply.ts';
import { reflectBothSides, reflectRows } from '../linalg/onnxKernels.ts';
import { pivotedQr } from '../linalg/pivotedQr.ts';
import { BLOCK_SAMPLES } from '../linalg/sampleRows.ts';
import { tridiagonalise } from '../linalg/tridiagonal.ts';
import type { Evidence } from './evidence.ts';
import { type Fit, maximumEvidence, type TridiagonalProblem } from './maximumEvidence.ts';
import { centredSamples, featureMean, presentClasses } from './samples.ts';
import type { Score } from './score.ts';

/**
 * LogME, "LogME: Practical Assessment of Pre-trained Models for Transfer Learning" (You et al., ICML 2021, arXiv
 * 2102.11005): the logarithm of the maximum evidence of the labels under Bayesian linear regression on the features,
 * per sample, averaged over the target columns y:
 *
 *     L(α, β) = n/2·log β + d/2·log α − n/2·log 2π − β/2·‖X·m − y‖² − α/2·‖m‖² − ½·log det(α·I + β·XᵀX)
 *
 * with X `[n, d]` as it is, neither centred nor scaled, m = β·(α·I + β·XᵀX)⁻¹·Xᵀy, and α, β by the fixed-point iteration
 * of "Ranking and Tuning Pre-trained Models" (You et al., JMLR 2022, arXiv 2110.10545) as published: from α = β = 1, at
 * most 11 steps, until α/β changes by 0.1 % or less, with 1e-5 added to both denominators. Larger is better.
 *
 * - `classification`: y are the one-hot columns of the classes that have samples (the published code also counts classes
 *   without samples up to the largest label).
 * - `regression`: y are the columns of the label embeddings as they are, averaged per embedding, then over embeddings: the
 *   EMMS paper's "LogME enhanced by label embeddings".
 *
 * With fewer samples than features the published code leaves d − n factors α out of the determinant; so does this. Without some
 * of N samples n·(d − N)/N: the same per sample, for how much α varies must not depend on how many are left.
 *
 * Time O(n·d²) for the statistics, O(m³ + m²·r) with m = min(n, d) and r the number of columns to rotate (C with class labels,
 * else K·d2, and their products with the features O(n·d·r)), with label embeddings of classes O(m·C·K·d2) for their columns.
 * No eigenvalues: in the basis in which XᵀX, or XXᵀ, is tridiagonal, every step costs O(m) per column. Where rounding of XᵀX
 * shows, since features or samples differ too much in size or the targets are all but interpolated, X itself is
 * triangularised first, which takes several times as long.
 */
export const logme: Score = {
  id: 'logme',
  variants: ['classification', 'regression'],
  needs: [['labels'], ['labelEmbeddings']],
  meaning: 'A Bayesian linear model of the features finds the labels more plausible.',
  sortsSamples: false,
  async compute(evidence, { variant }) {
    const { features, labels, count } = evidence;
    const problem = await evidence.share('logmeProblem', () =>
      features.cols < count ? primal(evidence) : dual(evidence),
    );
    if (problem.tridiagonal.diagonal.every((value) => value === 0)) {
      throw new InputError('All features are 0; LogME is not defined.');
    }
    // One-hot embeddings are the columns of the classification, which doesn't need their [C, C].
    if (variant === 'regression' && !evidence.isOneHot) {
      const embeddings = evidence.labelEmbeddings;
      const fits = await inTurn(embeddings, (_, k) => embeddingFits(evidence, problem, k));
      const targets = embeddings.map(embeddingTargets(labels));
      return { score: await meanEvidence(evidence, fits.flat(), targets), details: {} };
    }
    const { labels: present, counts, classOf } = presentClasses(evidence);
    const squares = problem.primal ? evidence.classCounts() : new Float64Array(evidence.classCount);
    const ofAll = maximumEvidence(problem, problem.sides, squares);
    const fits = present.map((c) => ofAll[c] as Fit);
    const oneHot: Targets = { count: counts.length, value: (i, j) => (classOf[i] === j ? 1 : 0) };
    return {
      score: await meanEvidence(evidence, fits, [oneHot]),
      ...(problem.primal && { bounds: { least: leastEvidence(counts.length) } }),
      details: {},
    };
  },
};

/**
 * The evidence of the one-hot columns of as many samples of each class, where the features say nothing: α without end, and β one over
 * the mean square. It is more where classes differ in size.
 */
function leastEvidence(classes: number): number {
  return -Math.log((2 * Math.PI * Math.E) / classes) / 2;
}

/** Columns to predict, all of one embedding or all classes. */
interface Targets {
  count: number;
  /** Of a sample and a column. */
  value(sample: number, column: number): number;
}

function embeddingTargets(labels: Int32Array | undefined) {
  return ({ cols, data }: FloatMatrix): Targets => ({
    count: cols,
    value: (i, j) => data[(labels?.[i] ?? i) * cols + j] as number,
  });
}

/** Rounding of the evidence, in nats per sample, from which on it is computed anew by `triangularised`. */
const MOST_ROUNDING = 1e-9;

/** The mean over all columns, of embeddings of one width the mean over these as well. */
async function meanEvidence(evidence: Evidence, fits: readonly Fit[], targets: readonly Targets[]): Promise<number> {
  const exact = fits.every(({ rounding }) => rounding <= MOST_ROUNDING)
    ? fits
    : await triangularised(evidence, targets);
  return exact.reduce((sum, fit) => sum + fit.evidence, 0) / exact.length;
}

/** Targets that are reflected at once. */
const TARGET_BLOCK = 256;

/**
 * By the rows of R, X = Q·R, and Qᵀ·y: as exact as by a singular value decomposition of X, and more so where features or samples
 * differ in size. R is graded, and R·Rᵀ keeps that; what of y is outside of its columns is left over by Q, not by subtraction.
 */
async function triangularised(evidence: Evidence, targets: readonly Targets[]): Promise<Fit[]> {
  const { features, count } = evidence;
  const lengths = rowSquares(toDoubles(features));
  const order = [...lengths.keys()].sort((i, j) => (lengths[j] as number) - (lengths[i] as number));
  const rows = toDoubles(selectRows(features, order));
  const panels = await pivotedQr(rows);
  const size = Math.min(count, features.cols);
  const problem = await tridiagonalProblem(evidence, await gramian(rowRange(rows, 0, size)), false);
  const fits: Fit[] = [];
  for (const { count: columns, value } of targets) {
    for (let from = 0; from < columns; from += TARGET_BLOCK) {
      const block = zeros(count, Math.min(TARGET_BLOCK, columns - from));
      for (let at = 0; at < block.data.length; at++) {
        block.data[at] = value(order[Math.floor(at / block.cols)] as number, from + (at % block.cols));
      }
      for (const panel of panels) await reflectRows(panel, rowRange(block, panel.first, count), false);
      const sides = await problem.tridiagonal.rotate(rowRange(block, 0, size));
      fits.push(...maximumEvidence(problem, sides, columnSquares(rowRange(block, size, count))));
    }
  }
  return fits;
}

/** A problem with what all targets come to in its basis. */
interface SharedProblem extends TridiagonalProblem {
  /**
   * `[m, r]`, rotated: Xᵀy when primal, else y. With class labels one column per class, its one-hot column, else one per column
   * of the label embeddings, one after the other.
   */
  sides: Matrix;
}

/** By XᵀX `[d, d]`. */
async function primal(evidence: Evidence): Promise<SharedProblem> {
  const { features, count, labels } = evidence;
  const statistics = await evidence.statistics();
  const mean = featureMean(statistics);
  // Reflected so that the mean lies along the first axis: however large it is, only entry (0, 0) knows.
  const reflection = reflectionToAxis(mean);
  const gram: Matrix = { ...statistics.gram, data: statistics.gram.data.slice() };
  await reflectBothSides(reflection, gram);
  gram.data[0] = (gram.data[0] as number) + count * dot(mean, mean);

  let sides: Matrix;
  let sums: Float64Array;
  if (labels === undefined) {
    const { products, totals } = await targetSums(evidence);
    sides = products;
    sums = totals;
  } else {
    sides = statistics.standardisedClassSums(new Float64Array(features.cols).fill(1));
    sums = evidence.classCounts();
  }
  await reflectRows(reflection, sides, false);
  const length = signedLength(mean);
  for (let j = 0; j < sides.cols; j++) {
    sides.data[j] = (sides.data[j] as number) + length * (sums[j] as number);
  }
  return sharedProblem(evidence, gram, sides, true);
}

/** By XXᵀ `[n, n]`, for at most as many samples as features. */
async function dual(evidence: Evidence): Promise<SharedProblem> {
  const { count, labels, classCount } = evidence;
  const mean = featureMean(await evidence.statistics());
  // Reflected so that the vector of ones lies along the first axis: only the first row contains the mean.
  const axis = new Float64Array(count).fill(1);
  const reflection = reflectionToAxis(axis);
  const rows = await centredSamples(evidence);
  await reflectRows(reflection, rows, false);
  rows.data.set(mean.map((value) => signedLength(axis) * value));

  let targets: Matrix;
  if (labels === undefined) {
    targets = joinColumns(evidence.labelEmbeddings.map(toDoubles));
  } else {
    targets = zeros(count, classCount);
    labels.forEach((label, i) => {
      targets.data[i * classCount + label] = 1;
    });
  }
  await reflectRows(reflection, targets, false);
  return sharedProblem(evidence, await gramian(rows), targets, false);
}

async function sharedProblem(
  evidence: Evidence,
  gram: Matrix,
  sides: Matrix,
  isPrimal: boolean,
): Promise<SharedProblem> {
  const problem = await tridiagonalProblem(evidence, gram, isPrimal);
  return { ...problem, sides: await problem.tridiagonal.rotate(sides) };
}

async function tridiagonalProblem(evidence: Evidence, gram: Matrix, isPrimal: boolean): Promise<TridiagonalProblem> {
  const { count, features, samplesInAll } = evidence;
  const statistics = await evidence.statistics();
  const tridiagonal = await tridiagonalise(gram);
  tridiagonal.diagonal.forEach((value, i) => {
    tridiagonal.diagonal[i] = Math.max(0, value);
  });
  let dimension = Math.min(count, features.cols) + (count * Math.max(0, features.cols - samplesInAll)) / samplesInAll;
  if (features.cols < count) {
    // The published code drops singular values of 0 from the determinant, but not from d.
    const mean = featureMean(statistics);
    for (let j = 0; j < features.cols; j++) {
      if (mean[j] === 0 && statistics.gram.data[j * features.cols + j] === 0) dimension++;
    }
  }
  // The mean, of whatever length, is on an axis of its own. What rounding does to the entries doesn't add up along any direction.
  const rounding = (Number.EPSILON * trace(statistics.gram)) / Math.sqrt(gram.rows);
  return { tridiagonal, count, dimension, primal: isPrimal, rounding };
}

/** Xᵀ·Z `[d, K·d2]` for the centred features, and the column sums of Z. */
async function targetSums(evidence: Evidence): Promise<{ products: Matrix; totals: Float64Array }> {
  const targets = joinColumns(evidence.labelEmbeddings.map(toDoubles));
  const products = zeros(evidence.features.cols, targets.cols);
  for (let from = 0; from < evidence.count; from += BLOCK_SAMPLES) {
    const to = Math.min(from + BLOCK_SAMPLES, evidence.count);
    const block = transpose(await centredSamples(evidence, from, to));
    addTo(products, await multiply(block, rowRange(targets, from, to)));
  }
  const totals = new Float64Array(targets.cols);
  for (let at = 0; at < targets.data.length; at++) {
    totals[at % targets.cols] = (totals[at % targets.cols] as number) + (targets.data[at] as number);
  }
  return { products, totals };
}

function toDoubles({ rows, cols, data }: FloatMatrix): Matrix {
  return { rows, cols, data: new Float64Array(data) };
}

/** Of the columns of label embedding k. */
async function embeddingFits(evidence: Evidence, problem: SharedProblem, k: number): Promise<Fit[]> {
  const embedding = toDoubles(evidence.labelEmbeddings[k] as FloatMatrix);
  const { cols } = embedding;
  const weights = evidence.labels === undefined ? undefined : evidence.classCounts();
  const sides =
    weights === undefined
      ? submatrix(problem.sides, 0, k * cols, problem.sides.rows, cols)
      : await multiply(problem.sides, embedding);
  return maximumEvidence(problem, sides, problem.primal ? columnSquares(embedding, weights) : new Float64Array(cols));
}
