import { InputError } from '../errors.ts';
import type { Matrix } from '../linalg/matrix.ts';
import { dot, rowRange, scaled } from '../linalg/matrix.ts';
import { multiply, multiplyTransposed } from '../linalg/multiply.ts';
import { positiveWhitening } from '../linalg/whitening.ts';
import type { ClassScatter } from './classScatter.ts';
import { trace } from './classScatter.ts';
import type { Evidence } from './evidence.ts';
import { BLOCK_SAMPLES } from './evidence.ts';

const LEAST_SHRINKAGE = 1e-10;

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
  const { rows: size } = covariance;
  const shrunk = scaled(covariance, 1 - shrinkage);
  const ridge = (shrinkage * trace(covariance)) / size;
  for (let i = 0; i < size; i++) shrunk.data[i * size + i] = (shrunk.data[i * size + i] as number) + ridge;
  const whitening = await positiveWhitening(shrunk, ridge);
  const coefficients = await multiply(await multiplyTransposed(means, whitening), whitening);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const intercepts = counts.map(
    (count, c) =>
      Math.log(count / total) - 0.5 * dot(rowRange(means, c, c + 1).data, rowRange(coefficients, c, c + 1).data),
  );
  return { coefficients, intercepts };
}

/** `[n]`, of every sample the entry of its own class in `transform`ed scores. */
export async function ownProbabilities(
  { coefficients, intercepts }: Discriminant,
  { classOf }: ClassScatter,
  transform: (scores: Float64Array) => void,
  samples: Samples,
): Promise<Float64Array> {
  const result = new Float64Array(classOf.length);
  for (let from = 0; from < result.length; from += BLOCK_SAMPLES) {
    const to = Math.min(from + BLOCK_SAMPLES, result.length);
    const scores = await multiplyTransposed(await samples(from, to), coefficients);
    for (let i = from; i < to; i++) {
      const row = rowRange(scores, i - from, i - from + 1).data;
      for (let c = 0; c < row.length; c++) row[c] = (row[c] as number) + (intercepts[c] as number);
      transform(row);
      result[i] = row[classOf[i] as number] as number;
    }
  }
  return result;
}

/** In place. */
export function softmax(scores: Float64Array): void {
  const largest = scores.reduce((max, score) => Math.max(max, score), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (let c = 0; c < scores.length; c++) {
    const value = Math.exp((scores[c] as number) - largest);
    scores[c] = value;
    sum += value;
  }
  for (let c = 0; c < scores.length; c++) scores[c] = (scores[c] as number) / sum;
}

/** Near the largest eigenvalue, as published: three rounds of two multiplications from the sums of the rows. */
function dominantEigenvalue(a: Matrix): number {
  const row = (i: number) => rowRange(a, i, i + 1).data;
  const times = (v: Float64Array) => Float64Array.from({ length: a.rows }, (_, i) => dot(row(i), v));
  const unit = (v: Float64Array) => {
    const norm = Math.sqrt(dot(v, v));
    return v.map((value) => value / norm);
  };
  let x = times(new Float64Array(a.rows).fill(1));
  // Features that add up to a constant, as probabilities do, leave nothing but rounding to start from.
  if (Math.sqrt(dot(x, x)) < 1e-10 * trace(a)) {
    const variances = Array.from({ length: a.rows }, (_, i) => a.data[i * a.cols + i] as number);
    x = row(variances.indexOf(Math.max(...variances))).slice();
  }
  let y = x;
  for (let round = 0; round < 3; round++) {
    y = unit(times(x));
    x = unit(times(y));
  }
  return dot(times(x), y);
}
