import type { Matrix } from '../linalg/matrix.ts';
import { addTo, joinColumns, joinRows, transpose, zeros } from '../linalg/matrix.ts';
import { inTurn, multiply, multiplyLowerTriangular, multiplyTransposed, subtractProduct } from '../linalg/multiply.ts';
import type { Evidence } from './evidence.ts';
import type { HeldOutFit } from './heldOut.ts';
import { PairSums, primalFreedom, ridgeWhitening, standardisedBlocks } from './heldOut.ts';
import { heldOutWithoutBlocks } from './heldOutBlocks.ts';
import { scaleColumns } from './samples.ts';
import type { Contributions, Variation } from './score.ts';

/** So many leave two when two of them are left out. */
const LEAST_SAMPLES = 4;
/**
 * γ over the mean of the eigenvalues of XᵀX, or of XXᵀ, up to which variation is looked at. Beyond, score and variation both
 * shrink with 1/γ: with other samples, for which a smaller ridge would have been chosen, the score would vary by more.
 */
const LARGEST_RIDGE = 2;
/**
 * How much of what a sample changes in the predictions of others counts. All of it is right when samples speak for themselves,
 * √2 − 1 when only pairs of them do, each of which leaving out either one takes away (Efron & Stein, Annals of Statistics 9,
 * 1981); this is the middle.
 */
const CHANGE_OF_OTHERS = Math.SQRT1_2;

/**
 * How much 1 − Q/B varies with the samples, Q and B summed over pairs of embeddings each times its of `factors`: without each block of
 * them in closed form with no more samples than features, else by each sample's part. The ridge is held fixed.
 */
export async function heldOutVariation(
  evidence: Evidence,
  fit: HeldOutFit,
  factors: readonly number[],
): Promise<Variation> {
  const { count, features } = evidence;
  const largest = LARGEST_RIDGE * Math.max(1, features.cols / count);
  const gamma = count * Math.min(fit.ridge, largest);
  if (fit.dual && count >= LEAST_SAMPLES) {
    return heldOutWithoutBlocks(fit.side, fit.dual, gamma, factors);
  }
  const residual = fit.residual.perSample(factors);
  const denominator = fit.baseline.perSample(factors);
  const influence = fit.dual ? residual : (await influences(evidence, fit, gamma)).perSample(factors);
  return centredOn(residual, influence, denominator);
}

/** Contributions that add up to the score of `residual` and vary with `influence`. */
function centredOn(residual: Float64Array, influence: Float64Array, denominator: Float64Array): Contributions {
  const shift = (total(residual) - total(influence)) / residual.length;
  return { numerator: denominator.map((part, i) => part - (influence[i] as number) - shift), denominator };
}

/**
 * What each sample adds to the held-out residuals, its own and, by taking part in the fit, those of others: the derivative of
 * Σ|rᵢ|² by the weight of sample j, to first order in the leverages,
 *
 *     |rⱼ|² − 2·eⱼ·uⱼ,   u = (H − diag h)·v,   v = r/(1 − h),   e = (1 − h)·r the residuals of the fit to all samples
 *
 * computed as the square of r − (1 − h)·u, whose last term is of second order. Time O(n·d² + n·d·r) for r columns that are
 * regressed on.
 */
async function influences(evidence: Evidence, { side }: HeldOutFit, gamma: number): Promise<PairSums> {
  const { count } = evidence;
  const gram = (await evidence.statistics()).standardisedGram(await evidence.scale());
  const whitening = await ridgeWhitening(gram, gamma);
  const features = await standardisedBlocks(evidence);
  const freedoms = await inTurn(features, (block) => primalFreedom(whitening, block, count, false));
  const coefficientsOf = async (products: Matrix) =>
    multiply(transpose(await multiplyLowerTriangular(whitening, products)), whitening);

  // Xᵀ·v and the mean of v first: v of all samples at once would be n × r numbers.
  const coefficients = await inTurn(side.regressands, async (regressand) => {
    const fit = await coefficientsOf(await regressand.products(features));
    const products = zeros(fit.rows, fit.cols);
    const mean = zeros(fit.rows, 1);
    await eachBlock(features, freedoms, async (block, first, freedom) => {
      const residuals = regressand.block(first, block.cols);
      await subtractProduct(residuals, fit, block);
      const v = scaleColumns(
        residuals,
        freedom.map((free) => free ** -2),
      );
      addTo(products, await multiplyTransposed(v, block));
      addTo(mean, await multiply(v, { rows: block.cols, cols: 1, data: new Float64Array(block.cols).fill(1 / count) }));
    });
    return joinColumns([fit, await coefficientsOf(transpose(products)), mean]);
  });

  const sums = new PairSums(count, side.embeddings);
  await eachBlock(features, freedoms, async (block, first, freedom) => {
    // r − c·(1 − h)·u = a·(z − ẑ) − b·H·v with a = (1 + c·h)/(1 − h) and b = c·(1 − h), in one product for ẑ and H·v.
    const a = freedom.map((free) => (1 + CHANGE_OF_OTHERS * (1 - free)) / free);
    const b = freedom.map((free) => CHANGE_OF_OTHERS * free);
    const inputs = joinRows(scaleColumns(block, a), scaleColumns(block, b), { rows: 1, cols: block.cols, data: b });
    const changed = await inTurn(side.regressands, async (regressand, k) => {
      const residuals = scaleColumns(regressand.block(first, block.cols), a);
      await subtractProduct(residuals, coefficients[k] as Matrix, inputs);
      return residuals;
    });
    sums.set(await side.pairProducts(changed), first);
  });
  return sums;
}

async function eachBlock(
  features: readonly Matrix[],
  freedoms: readonly Float64Array[],
  visit: (block: Matrix, first: number, freedom: Float64Array) => Promise<void>,
): Promise<void> {
  let first = 0;
  for (const [index, block] of features.entries()) {
    await visit(block, first, freedoms[index] as Float64Array);
    first += block.cols;
  }
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
