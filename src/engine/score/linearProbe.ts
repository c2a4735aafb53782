import { columnSquares, rowRange, scaleColumns, scaled, trace, transpose, zeros } from '../linalg/matrix.ts';
import { multiply, multiplyLowerTriangular, multiplyTransposed } from '../linalg/multiply.ts';
import { BLOCK_SAMPLES } from '../linalg/sampleRows.ts';
import type { ClassScatter } from './classScatter.ts';
import { classScatter } from './classScatter.ts';
import type { Evidence } from './evidence.ts';
import { heldOutFit } from './heldOut.ts';
import { heldOutVariation } from './heldOutVariation.ts';
import { dualFreedom, dualGram, LEAST_FREEDOM, ridgeWhitening } from './ridgeSolvers.ts';
import { centredSamples } from './samples.ts';
import type { Score, ScoreResult } from './score.ts';
import { meanOverSamples, PROBABILITY } from './score.ts';

/**
 * The linear probe: the share of samples whose class a ridge classifier finds that was fitted to all others. What scores
 * are usually compared with, without training: leaving a sample out has a closed form.
 *
 * The classifier regresses the one-hot labels Y `[n, C]`, with an unpenalised intercept, on the standardised features
 * X `[n, d]` and takes the largest of its C outputs. With H = 11ᵀ/n + X·(XᵀX + γI)⁻¹·Xᵀ, sample i is predicted
 * yᵢ − (yᵢ − ŷᵢ)/(1 − hᵢ) by the fit to the others. γ is that of the held-out EMMS, which leaves the least squared error of
 * the label embeddings, with one-hot labels that of the classifier itself. Between 0 and 1; larger is better.
 *
 * Without class labels the same regression, of the standardised columns of the labels, is judged by its held-out squared
 * error: R² = 1 − that error over that of the mean, all columns together; 0 is no better than the mean.
 *
 * Time O(n·d² + n·d·C) beyond the choice of γ, which is shared. `details.ridge` is γ/n.
 */
export const linearProbe: Score = {
  id: 'linearProbe',
  variants: ['ridge'],
  needs: [['labels'], ['labelEmbeddings']],
  meaning: 'A linear classifier finds the class of more samples that it has not seen.',
  sortsSamples: false,
  async compute(evidence, { variation }) {
    if (evidence.labels === undefined) return explainedVariance(evidence, variation);
    const scatter = await classScatter(evidence);
    const { ridge } = await heldOutFit(evidence);
    const gamma = ridge * evidence.count;
    const correct =
      evidence.count > evidence.features.cols
        ? await primal(evidence, scatter, gamma)
        : await dual(evidence, scatter, gamma);
    return { ...meanOverSamples(correct, PROBABILITY, variation), details: { ridge } };
  },
};

async function explainedVariance(evidence: Evidence, variation: boolean): Promise<ScoreResult> {
  const fit = await heldOutFit(evidence);
  const { embeddings } = fit.side;
  // Every embedding by itself.
  const weights = Array.from({ length: embeddings }, (_, k) =>
    Array.from({ length: embeddings }, (_, l) => (k === l ? 1 : 0)),
  );
  const score = 1 - trace(fit.residual) / trace(fit.baseline);
  return {
    score,
    bounds: { most: 1 },
    details: { ridge: fit.ridge },
    ...(variation && { variation: await heldOutVariation(evidence, fit, score, weights) }),
  };
}

/** `[n]`, 1 for every sample that is classified correctly. By XᵀX `[d, d]`. */
async function primal(evidence: Evidence, scatter: ClassScatter, gamma: number): Promise<Float64Array> {
  const { count } = evidence;
  const scale = await evidence.scale();
  const statistics = await evidence.statistics();
  const whitening = await ridgeWhitening(statistics.standardisedGram(scale), gamma);
  const sums = scaleColumns(scatter.means, scale);
  for (let at = 0; at < sums.data.length; at++) {
    sums.data[at] = (sums.data[at] as number) * (scatter.counts[Math.floor(at / sums.cols)] as number);
  }
  const coefficients = await multiply(await multiplyTransposed(sums, whitening), whitening);
  const correct = new Float64Array(count);
  for (let from = 0; from < count; from += BLOCK_SAMPLES) {
    const to = Math.min(from + BLOCK_SAMPLES, count);
    const samples = scaleColumns(await centredSamples(evidence, from, to), scale);
    const leverages = columnSquares(await multiplyLowerTriangular(whitening, transpose(samples)));
    const fitted = await multiplyTransposed(samples, coefficients);
    for (let i = from; i < to; i++) {
      const residuals = rowRange(fitted, i - from, i - from + 1).data;
      for (let c = 0; c < residuals.length; c++) residuals[c] = -(residuals[c] as number);
      addIndicator(residuals, scatter, i);
      const freedom = 1 - 1 / count - (leverages[i - from] as number);
      correct[i] = isFound(residuals, freedom, scatter, i) ? 1 : 0;
    }
  }
  return correct;
}

/** By the `[n, n]` matrix of `dualGram`, for at most as many samples as features. */
async function dual(evidence: Evidence, scatter: ClassScatter, gamma: number): Promise<Float64Array> {
  const { count } = evidence;
  const samples = scaleColumns(await centredSamples(evidence), await evidence.scale());
  const { gram, level } = await dualGram(samples);
  const whitening = await ridgeWhitening(gram, gamma);
  const freedoms = dualFreedom(whitening, gamma, level);
  const indicators = zeros(count, scatter.counts.length);
  for (let i = 0; i < count; i++) addIndicator(rowRange(indicators, i, i + 1).data, scatter, i);
  const residuals = scaled(await multiply(transpose(whitening), await multiply(whitening, indicators)), gamma);
  return freedoms.map((freedom, i) => (isFound(rowRange(residuals, i, i + 1).data, freedom, scatter, i) ? 1 : 0));
}

/** Adds the centred one-hot label of a sample. */
function addIndicator(values: Float64Array, { classOf, counts }: ClassScatter, sample: number): void {
  for (let c = 0; c < values.length; c++) {
    values[c] = (values[c] as number) + (c === classOf[sample] ? 1 : 0) - (counts[c] as number) / classOf.length;
  }
}

/** Outputs closer than this are equal, and find no class: products don't give more digits. */
const RESOLUTION = 2 ** -40;

/** Whether the output for the class of the sample is the largest, given the residuals of the fit to all samples. */
function isFound(residuals: Float64Array, freedom: number, { classOf }: ClassScatter, sample: number): boolean {
  const own = classOf[sample] as number;
  const factor = 1 / Math.max(LEAST_FREEDOM, freedom);
  const output = 1 - factor * (residuals[own] as number);
  for (let c = 0; c < residuals.length; c++) {
    if (c !== own && !(-factor * (residuals[c] as number) < output - RESOLUTION)) return false;
  }
  return true;
}
