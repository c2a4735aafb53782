import type { Matrix } from '../linalg/matrix.ts';
import { addTo, scaled, transpose, zeros } from '../linalg/matrix.ts';
import { gramian } from '../linalg/multiply.ts';
import { BLOCK_SAMPLES } from '../linalg/sampleRows.ts';
import type { ClassScatter } from './classScatter.ts';
import { classScatter, subtractRows } from './classScatter.ts';
import type { Samples } from './discriminant.ts';
import { adaptiveDiscriminant, fitDiscriminant, ownProbabilities, softmax, softmaxAt } from './discriminant.ts';
import type { Evidence } from './evidence.ts';
import { centredSamples } from './samples.ts';
import type { Score } from './score.ts';
import { meanOverSamples, PROBABILITY } from './score.ts';

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
  variants: ['reference'],
  needs: [['labels']],
  meaning: 'A regularised discriminant analysis is surer of the classes, of hard samples too.',
  sortsSamples: true,
  async compute(evidence, { variation }) {
    const scatter = await classScatter(evidence);
    const { shrinkage, discriminant } = await adaptiveDiscriminant(evidence, scatter, 'SFDA');
    const confidence = await ownProbabilities(discriminant, scatter, softenedAt, (from, to) =>
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
    return meanOverSamples(await ownProbabilities(second, scatter, softmaxAt, mixed), PROBABILITY, variation);
  },
};

/** The softmax of the softmax, at `own`: nothing is given less than 1/(C·e). */
function softenedAt(scores: Float64Array, own: number): number {
  softmax(scores);
  let sum = 0;
  for (let c = 0; c < scores.length; c++) {
    const probability = scores[c] as number;
    sum += probability < Number.EPSILON / 4 ? 1 : Math.exp(probability);
  }
  return Math.exp(scores[own] as number) / sum;
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
