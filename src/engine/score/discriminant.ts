import { InputError } from '../errors.ts';
import type { Matrix } from '../linalg/matrix.ts';
import { addToDiagonal, dot, rowRange, scaled, trace } from '../linalg/matrix.ts';
import { multiply, multiplyTransposed } from '../linalg/multiply.ts';
import { BLOCK_SAMPLES } from '../linalg/sampleRows.ts';
import { positiveWhitening } from '../linalg/whitening.ts';
import type { ClassScatter } from './classScatter.ts';
import type { Evidence } from './evidence.ts';
import type { PresentClasses } from './samples.ts';

/** As published. */
const LEAST_SHRINKAGE = 1e-10;
/** The exponential of less is nothing next to 1. */
const LEAST_EXPONENT = -45;
/** Scores of all classes that are held at once: 64 MB. */
const BLOCK_SCORES = 2 ** 23;

/** Gives samples `from` to `to` as rows. */
export type Samples = (from: number, to: number) => Promise<Matrix>;

/** Scores of the classes of a centred sample x: coefficients·x + intercepts. */
export interface Discriminant {
  /** `[C, d]` */
  coefficients: Matrix;
  /** `[C]` */
  intercepts: Float64Array;
}

/**
 * Linear discriminant analysis of the centred features, shrunk the more the less they vary within the classes, as SFDA has
 * it.
 *
 * @param title of the score that asks, for its error
 * @throws InputError when the features don't vary within the classes
 */
export async function adaptiveDiscriminant(
  evidence: Evidence,
  scatter: ClassScatter,
  title: string,
): Promise<{ shrinkage: number; discriminant: Discriminant }> {
  const covariance = scaled(scatter.within, 1 / evidence.count);
  if (trace(covariance) === 0) {
    throw new InputError(`The features are the same for all samples of a class; ${title} needs classes that vary.`);
  }
  return evidence.share('adaptiveDiscriminant', async () => {
    const shrinkage = Math.max(Math.exp(-5 * dominantEigenvalue(covariance)), LEAST_SHRINKAGE);
    return { shrinkage, discriminant: await fitDiscriminant(scatter.means, covariance, scatter.counts, shrinkage) };
  });
}

/** Discriminant analysis with (1−s)·S + s·(tr S/d)·I for the covariance S within the classes. */
export async function fitDiscriminant(
  means: Matrix,
  covariance: Matrix,
  counts: Float64Array,
  shrinkage: number,
): Promise<Discriminant> {
  const shrunk = scaled(covariance, 1 - shrinkage);
  const ridge = (shrinkage * trace(covariance)) / covariance.rows;
  addToDiagonal(shrunk, ridge);
  const whitening = await positiveWhitening(shrunk, ridge);
  const coefficients = await multiply(await multiplyTransposed(means, whitening), whitening);
  return gaussianDiscriminant(means, coefficients, counts);
}

/**
 * Of classes that are Gaussians of one covariance S: log n_c/n − ½·‖x − μ_c‖² in the metric of S⁻¹, but for what classes share.
 *
 * @param means `[C, d]`, of the classes
 * @param coefficients `[C, d]`, S⁻¹·μ_c
 * @param counts `[C]` samples per class, none 0
 */
export function gaussianDiscriminant(means: Matrix, coefficients: Matrix, counts: Float64Array): Discriminant {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const intercepts = counts.map(
    (count, c) =>
      Math.log(count / total) - 0.5 * dot(rowRange(means, c, c + 1).data, rowRange(coefficients, c, c + 1).data),
  );
  return { coefficients, intercepts };
}

/** `[n]`, of every sample the probability of its own class, given the scores of all classes, by `probability`. */
export async function ownProbabilities(
  discriminant: Discriminant,
  { classOf }: Pick<PresentClasses, 'classOf'>,
  probability: (scores: Float64Array, own: number) => number,
  samples: Samples,
): Promise<Float64Array> {
  const result = new Float64Array(classOf.length);
  const size = Math.max(1, Math.min(BLOCK_SAMPLES, Math.floor(BLOCK_SCORES / discriminant.intercepts.length)));
  for (let from = 0; from < result.length; from += size) {
    const to = Math.min(from + size, result.length);
    const scores = await classScores(discriminant, await samples(from, to));
    for (let i = from; i < to; i++) {
      result[i] = probability(rowRange(scores, i - from, i - from + 1).data, classOf[i] as number);
    }
  }
  return result;
}

/** `[b, C]` for samples `[b, d]`. */
export async function classScores({ coefficients, intercepts }: Discriminant, samples: Matrix): Promise<Matrix> {
  const scores = await multiplyTransposed(samples, coefficients);
  for (let i = 0; i < scores.rows; i++) {
    const row = rowRange(scores, i, i + 1).data;
    for (let c = 0; c < row.length; c++) row[c] = (row[c] as number) + (intercepts[c] as number);
  }
  return scores;
}

/** The softmax of the scores at `own`. */
export function softmaxAt(scores: Float64Array, own: number): number {
  const largest = maximum(scores);
  let sum = 0;
  for (let c = 0; c < scores.length; c++) sum += exponential((scores[c] as number) - largest);
  return Math.exp((scores[own] as number) - largest) / sum;
}

/** In place. */
export function softmax(scores: Float64Array): void {
  const largest = maximum(scores);
  let sum = 0;
  for (let c = 0; c < scores.length; c++) {
    const value = exponential((scores[c] as number) - largest);
    scores[c] = value;
    sum += value;
  }
  for (let c = 0; c < scores.length; c++) scores[c] = (scores[c] as number) / sum;
}

/** eˣ, 0 for what is lost in a sum with 1; most classes of many are that far from a sample. */
function exponential(x: number): number {
  return x < LEAST_EXPONENT ? 0 : Math.exp(x);
}

function maximum(values: Float64Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < values.length; c++) {
    if ((values[c] as number) > largest) largest = values[c] as number;
  }
  return largest;
}

/** Near the largest eigenvalue, as published: three rounds of two multiplications from the sums of the rows. */
function dominantEigenvalue(a: Matrix): number {
  const row = (i: number) => rowRange(a, i, i + 1).data;
  const times = (v: Float64Array) => Float64Array.from({ length: a.rows }, (_, i) => dot(row(i), v));
  let x = times(new Float64Array(a.rows).fill(1));
  // Features that add up to a constant, as probabilities do, leave nothing but rounding to start from.
  if (length(x) < 1e-10 * trace(a)) {
    const variances = Array.from({ length: a.rows }, (_, i) => a.data[i * a.cols + i] as number);
    x = row(variances.indexOf(Math.max(...variances))).slice();
  }
  let y = x;
  for (let round = 0; round < 3; round++) {
    y = unitVector(times(x));
    x = unitVector(times(y));
  }
  return dot(times(x), y);
}

function unitVector(vector: Float64Array): Float64Array<ArrayBuffer> {
  const norm = length(vector);
  return Float64Array.from(vector, (value) => value / norm);
}

/** The length of a vector, of whatever size: squares of its entries may leave the range of doubles. */
function length(vector: Float64Array): number {
  const largest = vector.reduce((max, value) => Math.max(max, Math.abs(value)), Number.MIN_VALUE);
  const relative = vector.map((value) => value / largest);
  return largest * Math.sqrt(dot(relative, relative));
}
