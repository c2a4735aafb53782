import { InputError } from '../errors.ts';
import { reflectionToAxis, signedLength } from '../linalg/axisReflection.ts';
import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { addTo, dot, joinColumns, rowRange, transpose, zeros } from '../linalg/matrix.ts';
import { gramian, inTurn, multiply } from '../linalg/multiply.ts';
import type { Reflections } from '../linalg/onnxKernels.ts';
import { reflectBothSides, reflectRows } from '../linalg/onnxKernels.ts';
import { BLOCK_SAMPLES } from '../linalg/sampleRows.ts';
import type { Tridiagonal } from '../linalg/tridiagonal.ts';
import { tridiagonalise } from '../linalg/tridiagonal.ts';
import type { Evidence } from './evidence.ts';
import { centredSamples, dominantSample, featureMean } from './samples.ts';
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
 * With fewer samples than features the published code leaves d − n factors α out of the determinant; so does this.
 *
 * Time O(n·d·min(n, d)) + O(m²·r) with m = min(n, d) and r the number of columns to rotate (C with class labels, else K·d2).
 * No eigenvalues: in the basis in which XᵀX, or XXᵀ, is tridiagonal, every step costs O(m) per column.
 */
export const logme: Score = {
  id: 'logme',
  title: 'LogME',
  variants: ['classification', 'regression'],
  needs: [['labels'], ['labelEmbeddings']],
  meaning: 'A Bayesian linear model of the features finds the labels more plausible.',
  async compute(evidence, { variant }) {
    const problem = await evidence.share('logmeProblem', () =>
      evidence.features.cols < evidence.count ? primal(evidence) : dual(evidence),
    );
    if (problem.tridiagonal.diagonal.every((value) => value === 0)) {
      throw new InputError('All features are 0; LogME is not defined.');
    }
    if (variant === 'classification') {
      if (evidence.labels === undefined) {
        throw new InputError('LogME classification needs class labels; use the variant regression.');
      }
      const counts = evidence.classCounts();
      const present = [...counts.keys()].filter((c) => (counts[c] as number) > 0);
      return {
        score: mean(
          present.map((c) => maximumEvidence(problem, rowRange(problem.sides, c, c + 1).data, counts[c] as number)),
        ),
        details: {},
      };
    }
    const scores = await inTurn(evidence.labelEmbeddings, (_, k) => regressionScore(evidence, problem, k));
    return { score: mean(scores), details: {} };
  },
};

/** Ridge regression in the basis in which the Gram matrix is the tridiagonal T. */
interface Problem {
  tridiagonal: Tridiagonal;
  /**
   * `[r, m]`, rotated: Xᵀy when primal, y when dual. With class labels one row per class, for its one-hot column, else one
   * per column of the label embeddings, one after the other.
   */
  sides: Matrix;
  /** n */
  count: number;
  /** The exponent of √α in the evidence. */
  dimension: number;
  primal: boolean;
}

/** By XᵀX `[d, d]`. */
async function primal(evidence: Evidence): Promise<Problem> {
  const { features, count, labels } = evidence;
  const statistics = await evidence.statistics();
  const mean = featureMean(statistics);
  // Reflected so that the mean lies along the first axis: however large it is, only entry (0, 0) knows.
  const reflection = reflectionToAxis(mean);
  const gram = await reflectedGram(evidence, reflection);
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
  let zeroColumns = 0;
  for (let j = 0; j < features.cols; j++) {
    if (mean[j] === 0 && statistics.gram.data[j * features.cols + j] === 0) zeroColumns++;
  }
  // The published code drops singular values of 0 from the determinant, but not from d.
  return problem(gram, sides, count, features.cols + zeroColumns, true);
}

/**
 * The Gram matrix of the centred features, reflected on both sides. A sample far from all others draws the mean along: reflected
 * before they are multiplied, features are large on the first axis alone.
 */
async function reflectedGram(evidence: Evidence, reflection: Reflections): Promise<Matrix> {
  const statistics = await evidence.statistics();
  const gram: Matrix = { ...statistics.gram, data: statistics.gram.data.slice() };
  if ((await dominantSample(evidence)) === undefined) {
    await reflectBothSides(reflection, gram);
    return gram;
  }
  gram.data.fill(0);
  for (let from = 0; from < evidence.count; from += BLOCK_SAMPLES) {
    const block = transpose(await centredSamples(evidence, from, Math.min(from + BLOCK_SAMPLES, evidence.count)));
    await reflectRows(reflection, block, false);
    addTo(gram, await gramian(block));
  }
  return gram;
}

/** By XXᵀ `[n, n]`, for at most as many samples as features. */
async function dual(evidence: Evidence): Promise<Problem> {
  const { features, count, labels, classCount } = evidence;
  const statistics = await evidence.statistics();
  const mean = featureMean(statistics);
  // Reflected so that the vector of ones lies along the first axis: only the first row contains the mean.
  const axis = new Float64Array(count).fill(1);
  const reflection = reflectionToAxis(axis);
  const rows = await centredSamples(evidence);
  await reflectRows(reflection, rows, false);
  rows.data.set(mean.map((value) => signedLength(axis) * value));
  const gram = await gramian(rows);

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
  return problem(gram, targets, count, features.cols, false);
}

async function problem(
  gram: Matrix,
  sides: Matrix,
  count: number,
  dimension: number,
  isPrimal: boolean,
): Promise<Problem> {
  const tridiagonal = await tridiagonalise(gram);
  return {
    tridiagonal,
    sides: transpose(await tridiagonal.rotate(sides)),
    count,
    dimension,
    primal: isPrimal,
  };
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

/** The mean over the columns of label embedding k. */
async function regressionScore(evidence: Evidence, problem: Problem, k: number): Promise<number> {
  const embedding = toDoubles(evidence.labelEmbeddings[k] as FloatMatrix);
  const { rows, cols } = embedding;
  const weights = evidence.labels === undefined ? undefined : evidence.classCounts();
  const squares = new Float64Array(cols);
  for (let i = 0; i < rows; i++) {
    const weight = weights?.[i] ?? 1;
    for (let j = 0; j < cols; j++) {
      squares[j] = (squares[j] as number) + weight * (embedding.data[i * cols + j] as number) ** 2;
    }
  }
  const sides =
    weights === undefined
      ? rowRange(problem.sides, k * cols, (k + 1) * cols)
      : await multiply(transpose(embedding), problem.sides);
  return mean(Array.from(squares, (square, j) => maximumEvidence(problem, rowRange(sides, j, j + 1).data, square)));
}

/** What the published code adds to the denominators of α and β. */
const EPSILON = 1e-5;
const MAX_STEPS = 11;
const TOLERANCE = 1e-3;

/**
 * The evidence per sample of one target y.
 *
 * @param side its row of `problem.sides`
 * @param square ‖y‖²
 */
function maximumEvidence(problem: Problem, side: Float64Array, square: number): number {
  const { tridiagonal, count, dimension } = problem;
  const size = side.length;
  let alpha = 1;
  let beta = 1;
  let weightSquare = 0;
  let residual = 0;
  for (let step = 0; step < MAX_STEPS; step++) {
    const ratio = alpha / beta;
    const fit = ridge(problem, side, square, ratio);
    ({ weightSquare, residual } = fit);
    alpha = fit.effective / (weightSquare + EPSILON);
    // n − γ without cancellation.
    const freedom = count - size + ratio * fit.inverseTrace;
    beta = Math.max(Number.MIN_VALUE, freedom) / (residual + EPSILON);
    if (Math.abs(alpha / beta - ratio) / ratio <= TOLERANCE) break;
  }
  const logDeterminant = size * Math.log(beta) + shiftedLogDeterminant(tridiagonal, alpha / beta);
  const evidence =
    (dimension / 2) * Math.log(alpha) +
    (count / 2) * Math.log(beta) -
    logDeterminant / 2 -
    (beta / 2) * residual -
    (alpha / 2) * weightSquare -
    (count / 2) * Math.log(2 * Math.PI);
  return evidence / count;
}

/** A pivot of T + t·I is positive but for rounding where T is singular and t tiny. */
function positivePivot(pivot: number, entry: number): number {
  return Math.max(pivot, Number.EPSILON * entry);
}

/** log det (T + t·I) by its pivots: one logarithm per product of as many as stay in the range of doubles. */
function shiftedLogDeterminant({ diagonal, offDiagonal }: Tridiagonal, ratio: number): number {
  let sum = 0;
  let product = 1;
  let pivot = 1;
  let coupling = 0;
  for (let i = 0; i < diagonal.length; i++) {
    const entry = (diagonal[i] as number) + ratio;
    pivot = positivePivot(entry - (coupling / pivot) * coupling, entry);
    coupling = offDiagonal[i] as number;
    const next = product * pivot;
    if (next > 1e-290 && next < 1e290) {
      product = next;
    } else {
      sum += Math.log(product);
      product = pivot;
    }
  }
  return sum + Math.log(product);
}

/** What one step needs of the ridge t = α/β. */
interface RidgeFit {
  /** ‖m‖² */
  weightSquare: number;
  /** ‖y − X·m‖² */
  residual: number;
  /** γ = Σ σ/(σ + t) over the eigenvalues σ of T. */
  effective: number;
  /** Σ 1/(σ + t) */
  inverseTrace: number;
}

/**
 * One factorisation of T + t·I and one solution of (T + t·I)·x = side. The pivots p and their derivatives p′ in t give the
 * sums over eigenvalues: Σ 1/(σ + t) is the derivative of log det (T + t·I), Σ p′/p, and γ is Σ (p − t·p′)/p, where the
 * recurrence of p − t·p′ doesn't cancel for large t.
 */
function ridge({ tridiagonal, primal }: Problem, side: Float64Array, square: number, ratio: number): RidgeFit {
  const { diagonal, offDiagonal } = tridiagonal;
  const size = side.length;
  const x = new Float64Array(size);
  const inverses = new Float64Array(size);
  let coupling = 0;
  let inverse = 1;
  let pivot = 1;
  let derivative = 0;
  let value = 0;
  let effective = 0;
  let inverseTrace = 0;
  for (let i = 0; i < size; i++) {
    const own = diagonal[i] as number;
    const factor = coupling * inverse;
    const square = factor * factor;
    const effectivePivot = own - square * (pivot + ratio * derivative);
    pivot = positivePivot(own + ratio - factor * coupling, own + ratio);
    derivative = 1 + square * derivative;
    inverse = 1 / pivot;
    effective += effectivePivot * inverse;
    inverseTrace += derivative * inverse;
    value = (side[i] as number) - factor * value;
    coupling = offDiagonal[i] as number;
    x[i] = value;
    inverses[i] = inverse;
  }
  let solution = 0;
  let solutionSquare = 0;
  let product = 0;
  for (let i = size - 1; i >= 0; i--) {
    solution = ((x[i] as number) - (offDiagonal[i] as number) * solution) * (inverses[i] as number);
    solutionSquare += solution * solution;
    product += solution * (side[i] as number);
  }
  // Primal: x = m. Dual: m = Xᵀ·x, and the residual is t·x.
  return primal
    ? {
        weightSquare: solutionSquare,
        residual: Math.max(0, square - product - ratio * solutionSquare),
        effective,
        inverseTrace,
      }
    : {
        weightSquare: Math.max(0, product - ratio * solutionSquare),
        residual: ratio * ratio * solutionSquare,
        effective,
        inverseTrace,
      };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
