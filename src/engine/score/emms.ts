import { InputError } from '../errors.ts';
import { trustedWhitening } from '../linalg/columnSpace.ts';
import type { Matrix } from '../linalg/matrix.ts';
import { difference, trace, transpose } from '../linalg/matrix.ts';
import type { Evidence } from './evidence.ts';
import { heldOutFit } from './heldOut.ts';
import { heldOutVariation } from './heldOutVariation.ts';
import type { InSampleFit, InSampleSolution } from './inSample.ts';
import { inSampleFit } from './inSample.ts';
import { inSampleVariation } from './inSampleVariation.ts';
import type { MixtureProjection } from './mixtureProjection.ts';
import type { Score, ScoreResult } from './score.ts';
import { minimiseOnSimplex, quadraticForm, sparsemax } from './simplex.ts';

/** Squared length of a mixture, compared with those of its parts together, below which it is rounding. */
const LEAST_MIXTURE = 1e-12;

/** Error of a projection in single precision, over the squared residual, up to which it is good enough. */
const LARGEST_ERROR = 1e-7;

/**
 * EMMS, "Foundation Model is Efficient Multimodal Multitask Model Selector" (Meng et al., NeurIPS 2023,
 * arXiv 2308.06262): how well a linear map predicts the labels, embedded by K foundation models, from the features.
 *
 *     minimise  (1/n)·‖X·W − Σₖ tₖ·Zₖ‖²   over W `[d, d2]` and t in the simplex
 *
 * X `[n, d]` are the features and Zₖ `[n, d2]` the label embeddings, all columns standardised by mean and std + 1e-8.
 * The weights found are `details.weights` (λ in the paper). Larger is better in every variant:
 *
 * - `cv`, the default for ranking: ridge regression judged on held-out samples, see `heldOut.ts`. 1 is perfect, 0 no
 *   better than predicting the mean. Comparable between candidates of any number of features.
 * - `exact`: minus the minimum above. With W eliminated it is min tᵀ·(G−P)·t / n, where G and P `[K, K]` are the inner
 *   products of the Zₖ and of their projections on the columns of X; solved exactly.
 * - `paper`: what the published code does towards it: one round from t = 1/K; W by least squares, then t by least
 *   squares and sparsemax, W not refitted.
 * - `reference`: the published code's number, which is `paper` times d2 (`sum / N*D2`).
 *
 * Time O(n·d²) for the Gram matrix; `cv` then O(n·d·min(n, d)) for every ridge that is tried, the others O(d³). Of the labels:
 * classes O(n·d·C), with embeddings O((n + d2)·C²·K²) more in `cv` and O(C²·d2·K + C·d2·K²) in the others; embeddings of
 * samples O(n·d·d2·K + n·d2·K²).
 */
export const emms: Score = {
  id: 'emms',
  variants: ['cv', 'exact', 'paper', 'reference'],
  needs: [['labels'], ['labelEmbeddings']],
  meaning:
    'A linear map predicts the embedded labels better from the features; 1 is perfect, 0 no better than the mean.',
  sortsSamples: false,
  async compute(evidence, { variant, variation }) {
    if (variant === 'cv') return heldOut(evidence, variation);
    const fit = await inSampleFit(evidence);
    const solution = await (variant === 'exact' ? solveExactly(fit) : alternateOnce(fit));
    const factor = variant === 'reference' ? evidence.embeddingShape.width : 1;
    return {
      // Rounding must not turn a perfect fit into a positive score.
      score: 0 - (factor * Math.max(0, solution.squaredResidual)) / evidence.count,
      details: { weights: solution.weights },
      ...(variation && { variation: await inSampleVariation(evidence, fit, solution, factor) }),
    };
  },
};

async function alternateOnce(fit: InSampleFit): Promise<InSampleSolution> {
  const equal = Array.from({ length: fit.gram.rows }, () => 1 / fit.gram.rows);
  const quick = await fit.mixture?.(equal);
  if (quick !== undefined) {
    const solution = await alternate(fit, equal, quick);
    if (quick.error <= LARGEST_ERROR * solution.squaredResidual) return solution;
  }
  const projected = await fit.projected();
  return alternate(fit, equal, {
    square: quadraticForm(projected, equal),
    products: multiplyVector(projected, equal),
  });
}

/**
 * @param t what W is fitted for
 * @param projection that of the mixture by t
 */
async function alternate(
  { gram, leastSquares }: InSampleFit,
  t: readonly number[],
  { square, products }: Omit<MixtureProjection, 'error'>,
): Promise<InSampleSolution> {
  // The normal equations of Z·λ ≈ X·W lose the digits by which embeddings differ when they are nearly the same.
  const whitening = await trustedWhitening(gram);
  const weights = sparsemax(
    whitening === undefined
      ? await leastSquares(t)
      : multiplyVector(transpose(whitening), multiplyVector(whitening, products)),
  );
  refuseCancelled(gram, weights);
  const cross = weights.reduce((sum, weight, k) => sum + weight * (products[k] as number), 0);
  return {
    weights,
    fittedWeights: t,
    squaredResidual: square - 2 * cross + quadraticForm(gram, weights),
    // That of a single embedding: any weights may result.
    most: trace(gram) / t.length,
  };
}

async function solveExactly({ gram, projected }: InSampleFit): Promise<InSampleSolution> {
  const residual = difference(gram, await projected());
  const weights = minimiseOnSimplex(residual);
  refuseCancelled(gram, weights);
  return {
    weights,
    fittedWeights: weights,
    squaredResidual: quadraticForm(residual, weights),
    most: quadraticForm(gram, minimiseOnSimplex(gram)),
  };
}

/**
 * @param gram `[K, K]`, inner products of the embeddings
 * @throws InputError for embeddings whose mixture is nothing: anything predicts that
 */
function refuseCancelled(gram: Matrix, weights: readonly number[]): void {
  if (quadraticForm(gram, weights) > LEAST_MIXTURE * trace(gram)) return;
  throw new InputError(
    `The label embeddings cancel each other out when they are mixed (weights ${weights.map((weight) => weight.toPrecision(3)).join(', ')}), so there is nothing left to predict; leave one of them out.`,
  );
}

const PREDICTS_NOTHING =
  'The features predict nothing: no regression on them tells the labels of held-out samples better than their mean does.';

async function heldOut(evidence: Evidence, variation: boolean): Promise<ScoreResult> {
  const fit = await heldOutFit(evidence);
  const weights = minimiseOnSimplex(fit.residual);
  const baseline = fit.baseline;
  refuseCancelled(baseline, weights);
  const score = 1 - quadraticForm(fit.residual, weights) / quadraticForm(baseline, weights);
  return {
    score,
    bounds: { most: 1 },
    details: { weights, ridge: fit.ridge },
    ...(fit.residual === fit.baseline && { warning: PREDICTS_NOTHING }),
    ...(variation && { variation: await heldOutVariation(evidence, fit, score, [weights]) }),
  };
}

function multiplyVector({ cols, data }: Matrix, vector: readonly number[]): number[] {
  return vector.map((_, i) => vector.reduce((sum, value, j) => sum + value * (data[i * cols + j] as number), 0));
}
