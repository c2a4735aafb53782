import { InputError } from '../errors.ts';
import { reflectionsToAxes, reflectionToAxis, signedLength } from '../linalg/axisReflection.ts';
import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { addTo, dot, joinColumns, joinRows, rowRange, transpose, zeros } from '../linalg/matrix.ts';
import { gramian, inTurn, multiply, multiplyTransposed } from '../linalg/multiply.ts';
import type { Reflections } from '../linalg/onnxKernels.ts';
import { reflectBothSides, reflectRows } from '../linalg/onnxKernels.ts';
import { BLOCK_SAMPLES } from '../linalg/sampleRows.ts';
import { makeSemidefinite, tridiagonalise } from '../linalg/tridiagonal.ts';
import type { Evidence } from './evidence.ts';
import { maximumEvidence, type TridiagonalProblem } from './maximumEvidence.ts';
import { centredSamples, farSamples, featureMean } from './samples.ts';
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
      const evidences = present.map((c) =>
        maximumEvidence(problem, rowRange(problem.sides, c, c + 1).data, counts[c] as number),
      );
      return {
        score: mean(evidences),
        ...(problem.primal && { bounds: { least: leastEvidence(present.length) } }),
        details: {},
      };
    }
    const scores = await inTurn(evidence.labelEmbeddings, (_, k) => regressionScore(evidence, problem, k));
    return { score: mean(scores), details: {} };
  },
};

/**
 * The evidence of the one-hot columns of as many samples of each class, where the features say nothing: α without end, and β one over
 * the mean square. It is more where classes differ in size.
 */
function leastEvidence(classes: number): number {
  return -Math.log((2 * Math.PI * Math.E) / classes) / 2;
}

/** By XᵀX `[d, d]`. */
async function primal(evidence: Evidence): Promise<TridiagonalProblem> {
  const { features, count, labels } = evidence;
  const statistics = await evidence.statistics();
  const mean = featureMean(statistics);
  // Reflected so that the mean lies along the first axis: however large it is, only entry (0, 0) knows.
  const far = await farSamples(evidence);
  const direction: Matrix = { rows: 1, cols: mean.length, data: mean };
  const reflection = reflectionsToAxes(far ? joinRows(direction, far) : direction);
  const gram = await reflectedGram(evidence, reflection, far !== undefined);
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
 * The Gram matrix of the centred features, reflected on both sides; `exactly` before they are multiplied, when some samples are so far
 * from the others that these must not be added up along the same axes.
 */
async function reflectedGram(evidence: Evidence, reflection: Reflections, exactly: boolean): Promise<Matrix> {
  const statistics = await evidence.statistics();
  const gram: Matrix = { ...statistics.gram, data: statistics.gram.data.slice() };
  if (!exactly) {
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
async function dual(evidence: Evidence): Promise<TridiagonalProblem> {
  const { features, count, labels, classCount } = evidence;
  const statistics = await evidence.statistics();
  const mean = featureMean(statistics);
  // Reflected so that the vector of ones lies along the first axis: only the first row contains the mean.
  const axis = new Float64Array(count).fill(1);
  const reflection = reflectionToAxis(axis);
  const rows = await centredSamples(evidence);
  await reflectRows(reflection, rows, false);
  rows.data.set(mean.map((value) => signedLength(axis) * value));
  // Samples far from all others are in every row now: once more, so that only the first rows are large.
  const far = await farSamples(evidence);
  const gathering = far && reflectionsToAxes(await multiplyTransposed(far, rows));
  if (gathering) await reflectRows(gathering, rows, false);
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
  if (gathering) await reflectRows(gathering, targets, false);
  return problem(gram, targets, count, features.cols, false);
}

async function problem(
  gram: Matrix,
  sides: Matrix,
  count: number,
  dimension: number,
  isPrimal: boolean,
): Promise<TridiagonalProblem> {
  const tridiagonal = await tridiagonalise(gram);
  makeSemidefinite(tridiagonal);
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
async function regressionScore(evidence: Evidence, problem: TridiagonalProblem, k: number): Promise<number> {
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

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
