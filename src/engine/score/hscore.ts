import type { Matrix } from '../linalg/matrix.ts';
import { addToDiagonal, columnSquares, dot, rowRange, scaled, trace, transpose } from '../linalg/matrix.ts';
import { multiplyLowerTriangular } from '../linalg/multiply.ts';
import { BLOCK_SAMPLES } from '../linalg/sampleRows.ts';
import { positiveWhitening } from '../linalg/whitening.ts';
import { classScatter } from './classScatter.ts';
import type { Evidence } from './evidence.ts';
import { centredSamples } from './samples.ts';
import type { Score } from './score.ts';

/**
 * The H-score, "An Information-Theoretic Approach to Transferability in Task Transfer Learning" (Bao et al., ICIP 2019), as
 * regularised in "Newer is not always better: Rethinking Transferability Metrics" (Ibrahim et al., ECML 2022, arXiv
 * 2110.06893): how much of the variance of the features lies between the classes.
 *
 *     H_α = tr(Σ_α⁻¹·(1−α)·Σ_z),   Σ_α = (1−α)·Σ + α·(tr Σ/d)·I
 *
 * with Σ `[d, d]` the covariance of the features, Σ_z that of the class means, one per sample, and α the shrinkage of Ledoit
 * & Wolf (2004). As in TLlib, Σ divides by n and Σ_z by n − 1. Between 0 and about C − 1; larger is better.
 *
 * Time O(n·d² + d³ + d²·C); Σ and the class means come from the statistics.
 */
export const hscore: Score = {
  id: 'hscore',
  variants: ['shrunk'],
  needs: [['labels']],
  meaning: 'More of the variance of the features lies between the classes.',
  sortsSamples: true,
  async compute(evidence) {
    const { count, features } = evidence;
    const { means, counts } = await classScatter(evidence);
    const covariance = scaled((await evidence.statistics()).gram, 1 / count);
    const variance = trace(covariance) / features.cols;
    const shrinkage = variance > 0 ? await ledoitWolf(evidence, covariance, variance) : 1;
    if (shrinkage === 1) return { score: 0, bounds: { least: 0 }, details: {} };

    const shrunk = scaled(covariance, 1 - shrinkage);
    addToDiagonal(shrunk, shrinkage * variance);
    const whitening = await positiveWhitening(shrunk, Number.EPSILON * variance);
    const squares = columnSquares(await multiplyLowerTriangular(whitening, transpose(means)));
    return { score: ((1 - shrinkage) * dot(squares, counts)) / (count - 1), bounds: { least: 0 }, details: {} };
  },
};

/**
 * The shrinkage towards a multiple of the identity that is best on average for samples of any distribution: 1 for a covariance
 * that is such a multiple already, but as in scikit-learn 0 for a single feature, whose variance it can't change.
 */
async function ledoitWolf(evidence: Evidence, covariance: Matrix, variance: number): Promise<number> {
  const { count } = evidence;
  const size = covariance.rows;
  if (size === 1) return 0;
  let fourthPowers = 0;
  for (let from = 0; from < count; from += BLOCK_SAMPLES) {
    const block = await centredSamples(evidence, from, Math.min(from + BLOCK_SAMPLES, count));
    for (let i = 0; i < block.rows; i++) {
      const row = rowRange(block, i, i + 1).data;
      fourthPowers += dot(row, row) ** 2;
    }
  }
  const squares = dot(covariance.data, covariance.data);
  const noise = (fourthPowers / count - squares) / count;
  const distance = squares - size * variance * variance;
  return noise < distance ? Math.max(0, noise / distance) : 1;
}
