import { rowSquares, zeros } from '../linalg/matrix.ts';
import { BLOCK_SAMPLES } from '../linalg/sampleRows.ts';
import { classScatter } from './classScatter.ts';
import { adaptiveDiscriminant, gaussianDiscriminant, ownProbabilities, softmaxAt } from './discriminant.ts';
import type { Evidence } from './evidence.ts';
import { centredSamples } from './samples.ts';
import type { Score } from './score.ts';
import { meanOverSamples, PROBABILITY } from './score.ts';

/**
 * ETran, "ETran: Energy-Based Transferability Estimation" (Gholami et al., ICCV 2023, arXiv 2308.02027): how well a linear
 * discriminant analysis tells the classes apart, and how familiar the samples are to the network.
 *
 * The published score of a candidate is 0.85·S_cls + 0.15·S_en, each scaled first to run from 0 to 1 over all candidates.
 * One candidate doesn't know the others, so these are its parts, of which the first ranks by itself; larger is better. With
 * features X `[n, d]`:
 *
 * - `classification`: S_cls, the mean probability that discriminant analysis gives to a sample's class,
 *   softmax_c(μ_cᵀS⁻¹x − ½·μ_cᵀS⁻¹μ_c + log n_c/n), with S shrunk as for SFDA, of which this is the first step. In (0, 1].
 * - `reference`: S_cls as the published code computes it. Its eigenvectors are those of a matrix that isn't symmetric by a
 *   routine for such as are; they come out orthonormal, and I stands in the place of S⁻¹: softmax_c(−½·‖x − μ_c‖² + log n_c/n).
 * - `energy`: S_en, the mean of log Σ_j exp(x_ij) over the 0.5 % of the samples in which it is least, at least one. The code
 *   takes features for logits; it says nothing of the labels, and is here to make up the published score.
 *
 * Time O(n·d² + d³ + n·d·C), `reference` O(n·d² + n·d·C), `energy` O(n·d).
 */
export const etran: Score = {
  id: 'etran',
  variants: ['classification', 'reference', 'energy'],
  needs: [['labels']],
  meaning: 'Discriminant analysis is surer of the classes, or the features are more active.',
  sortsSamples: true,
  async compute(evidence, { variant, variation }) {
    if (variant === 'energy') return { score: energy(evidence), details: {} };
    const probabilities = await evidence.share(`etran:${variant === 'reference'}`, () =>
      classProbabilities(evidence, variant === 'reference'),
    );
    return meanOverSamples(probabilities, PROBABILITY, variation);
  },
};

/** One of so many samples counts for the energy. */
const SAMPLES_PER_LEAST = 200;

async function classProbabilities(evidence: Evidence, reference: boolean): Promise<Float64Array> {
  const scatter = await classScatter(evidence);
  if (!reference) {
    const { discriminant } = await adaptiveDiscriminant(evidence, scatter, 'ETran');
    return ownProbabilities(discriminant, scatter, softmaxAt, (from, to) => centredSamples(evidence, from, to));
  }
  // Distances don't depend on the origin, but their rounding does: one far sample takes the mean far from all others.
  const origin = await typicalSample(evidence);
  const centre = (await centredSamples(evidence, origin, origin + 1)).data;
  const { means, counts } = scatter;
  const moved = { ...means, data: means.data.map((value, at) => value - (centre[at % means.cols] as number)) };
  return ownProbabilities(gaussianDiscriminant(moved, moved, counts), scatter, softmaxAt, async (from, to) => {
    const { cols, data } = evidence.features;
    const samples = zeros(to - from, cols);
    for (let at = 0; at < samples.data.length; at++) {
      samples.data[at] = (data[from * cols + at] as number) - (data[origin * cols + (at % cols)] as number);
    }
    return samples;
  });
}

/** The one nearest to the mean. */
async function typicalSample(evidence: Evidence): Promise<number> {
  let [nearest, least] = [0, Number.POSITIVE_INFINITY];
  for (let from = 0; from < evidence.count; from += BLOCK_SAMPLES) {
    const to = Math.min(from + BLOCK_SAMPLES, evidence.count);
    rowSquares(await centredSamples(evidence, from, to)).forEach((square, i) => {
      if (square < least) [nearest, least] = [from + i, square];
    });
  }
  return nearest;
}

function energy({ features }: Evidence): number {
  const { rows, cols, data } = features;
  const energies = Float64Array.from({ length: rows }, (_, i) => {
    const row = data.subarray(i * cols, (i + 1) * cols);
    let largest = Number.NEGATIVE_INFINITY;
    for (const value of row) largest = Math.max(largest, value);
    let sum = 0;
    for (const value of row) sum += Math.exp(value - largest);
    return largest + Math.log(sum);
  });
  const count = Math.max(1, Math.floor(rows / SAMPLES_PER_LEAST));
  return (
    energies
      .sort()
      .subarray(0, count)
      .reduce((sum, value) => sum + value, 0) / count
  );
}
