import { InputError } from '../errors.ts';
import type { Matrix } from '../linalg/matrix.ts';
import { addTo, dot, rowRange, scaled, transpose, zeros } from '../linalg/matrix.ts';
import { gramian, multiply, multiplyTransposed } from '../linalg/multiply.ts';
import { positiveWhitening } from '../linalg/whitening.ts';
import type { ClassScatter } from './classScatter.ts';
import { classScatter, subtractRows, trace } from './classScatter.ts';
import type { Evidence } from './evidence.ts';
import { BLOCK_SAMPLES } from './evidence.ts';
import { centredSamples } from './samples.ts';
import type { Score } from './score.ts';
import { meanOverSamples } from './score.ts';

/**
 * SFDA, "Not All Models Are Equal: Predicting Model Transferability in a Self-challenging Fisher Space" (Shao et al.,
 * ECCV 2022, arXiv 2207.03036): the mean probability that regularised discriminant analysis gives to a sample's class, on
 * samples made harder first.
 *
 * With S_w `[d, d]` the within-class covariance, S = (1−s)·S_w + s·(tr S_w/d)·I and s = max(exp(−5·λ), 1e-10) for λ near
 * the largest eigenvalue of S_w (three rounds of the power method, as published), the classifier is
 * softmax_c(μ_cᵀS⁻¹x − ½·μ_cᵀS⁻¹μ_c + log n_c/n). Confidence mixing then moves every sample towards the mean of the means of
 * the other classes, x ← p·x + (1−p)·μ̄, p the softmax of its probabilities at its class; the classifier is fitted anew
 * with the same s, and its mean probability on the moved samples is the score: between 0 and 1, larger is better.
 *
 * This is the published code (TencentARC/SFDA, the same in the EMMS repo); its generalised eigenvectors E of all
 * dimensions enter as E·Eᵀ = S⁻¹ only, so there is no eigenproblem. The paper takes the logarithm, the code doesn't.
 *
 * Time O(n·d² + d³ + n·d·C).
 */
export const sfda: Score = {
  id: 'sfda',
  title: 'SFDA',
  variants: ['reference'],
  needs: [['labels']],
  meaning: 'A regularised discriminant analysis is surer of the classes, of hard samples too.',
  async compute(evidence, { contributions }) {
    const scatter = await classScatter(evidence);
    const covariance = scaled(scatter.within, 1 / evidence.count);
    if (trace(covariance) === 0) {
      throw new InputError('The features are the same for all samples of a class; SFDA needs classes that vary.');
    }
    const shrinkage = Math.max(Math.exp(-5 * dominantEigenvalue(covariance)), LEAST_SHRINKAGE);
    const first = await fitDiscriminant(scatter.means, covariance, scatter.counts, shrinkage);
    const confidence = await ownProbabilities(first, scatter, softened, (from, to) =>
      centredSamples(evidence, from, to),
    );

    const others = meansOfOthers(scatter.means);
    const mixed = async (from: number, to: number) => {
      const block = await centredSamples(evidence, from, to);
      mixRows(block, others, scatter.classOf.subarray(from), confidence.subarray(from));
      return block;
    };
    const means = await classMeans(evidence, scatter, mixed);
    const hardCovariance = await covarianceAbout(means, scatter, mixed);
    const second = await fitDiscriminant(means, hardCovariance, scatter.counts, shrinkage);
    return meanOverSamples(await ownProbabilities(second, scatter, softmax, mixed), contributions);
  },
};

const LEAST_SHRINKAGE = 1e-10;

/** Gives samples `from` to `to` as rows. */
type Samples = (from: number, to: number) => Promise<Matrix>;

interface Discriminant {
  /** `[C, d]` */
  coefficients: Matrix;
  /** `[C]` */
  intercepts: Float64Array;
}

async function fitDiscriminant(
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
async function ownProbabilities(
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
function softmax(scores: Float64Array): void {
  const largest = scores.reduce((max, score) => Math.max(max, score), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (let c = 0; c < scores.length; c++) {
    const value = Math.exp((scores[c] as number) - largest);
    scores[c] = value;
    sum += value;
  }
  for (let c = 0; c < scores.length; c++) scores[c] = (scores[c] as number) / sum;
}

/** The softmax of the softmax: nothing is given less than 1/(C·e). */
function softened(scores: Float64Array): void {
  softmax(scores);
  softmax(scores);
}

/** Per class the mean of the means of the other classes. */
function meansOfOthers(means: Matrix): Matrix {
  const { rows, cols, data } = means;
  const result = zeros(rows, cols);
  for (let j = 0; j < cols; j++) {
    let sum = 0;
    for (let c = 0; c < rows; c++) sum += data[c * cols + j] as number;
    for (let c = 0; c < rows; c++) result.data[c * cols + j] = (sum - (data[c * cols + j] as number)) / (rows - 1);
  }
  return result;
}

/** p·x + (1 − p)·target, row by row in place. */
function mixRows({ rows, cols, data }: Matrix, targets: Matrix, which: Int32Array, weights: Float64Array): void {
  for (let i = 0; i < rows; i++) {
    const weight = weights[i] as number;
    const from = (which[i] as number) * cols;
    for (let j = 0; j < cols; j++) {
      const at = i * cols + j;
      data[at] = weight * (data[at] as number) + (1 - weight) * (targets.data[from + j] as number);
    }
  }
}

async function classMeans(evidence: Evidence, { counts, classOf }: ClassScatter, samples: Samples): Promise<Matrix> {
  const means = zeros(counts.length, evidence.features.cols);
  const { cols, data } = means;
  for (let from = 0; from < classOf.length; from += BLOCK_SAMPLES) {
    const block = await samples(from, Math.min(from + BLOCK_SAMPLES, classOf.length));
    for (let i = 0; i < block.rows; i++) {
      const row = (classOf[from + i] as number) * cols;
      for (let j = 0; j < cols; j++) data[row + j] = (data[row + j] as number) + (block.data[i * cols + j] as number);
    }
  }
  for (let at = 0; at < data.length; at++) data[at] = (data[at] as number) / (counts[Math.floor(at / cols)] as number);
  return means;
}

async function covarianceAbout(means: Matrix, { classOf }: ClassScatter, samples: Samples): Promise<Matrix> {
  const sum = zeros(means.cols, means.cols);
  for (let from = 0; from < classOf.length; from += BLOCK_SAMPLES) {
    const block = await samples(from, Math.min(from + BLOCK_SAMPLES, classOf.length));
    subtractRows(block, means, classOf.subarray(from));
    addTo(sum, await gramian(transpose(block)));
  }
  return scaled(sum, 1 / classOf.length);
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
