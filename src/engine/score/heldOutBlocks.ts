import type { Matrix } from '../linalg/matrix.ts';
import { columnSquares, difference, scaled, selectColumns, transpose } from '../linalg/matrix.ts';
import { inTurn, multiply, multiplyTransposed } from '../linalg/multiply.ts';
import { positiveWhitening } from '../linalg/whitening.ts';
import { scoresWithoutBlocks } from './blocks.ts';
import { type DualGram, dualFreedom, heldOutProducts, ridgeWhitening } from './heldOut.ts';
import type { LabelSide } from './heldOutLabels.ts';
import type { LeftOut } from './score.ts';

/** Added to the diagonal of a block of I − H should rounding have made it indefinite, relative to its largest entry. */
const RIDGE = 1e-14;

/**
 * The held-out score without blocks of samples, for no more samples than features, in closed form; the ridge γ and
 * the weights of the embeddings, and so the factors of their pairs, are the same for all blocks.
 *
 * With Q = I − H `[n, n]` and e = Q·z the residual of sample i, predicted without itself and without the block B, is that
 * of i in (Q_SS)⁻¹·e_S for S = B ∪ {i}, by elimination of B
 *
 *     (eᵢ − Q_iB·Q_BB⁻¹·e_B) / (Q_ii − Q_iB·Q_BB⁻¹·Q_Bi)
 *
 * Time O(n³ + n²·r) for r columns that are regressed on.
 *
 * @param factors of the pairs of embeddings in the sums of products of residuals
 */
export async function heldOutWithoutBlocks(
  side: LabelSide,
  { gram, level }: DualGram,
  gamma: number,
  factors: readonly number[],
): Promise<LeftOut> {
  const count = gram.rows;
  const dual: DualFit = { whitening: await ridgeWhitening(gram, gamma), gamma, level };
  const { whitening } = dual;
  const freedom = dualFreedom(whitening, gamma, level);
  const targets = side.regressands.map((regressand) => regressand.block(0, count));
  // The part of H that belongs to the mean drops out of products with centred labels.
  const errors = await inTurn(targets, async (target) =>
    scaled(await multiply(await multiplyTransposed(target, whitening), whitening), gamma),
  );
  return scoresWithoutBlocks(count, async (outside, inside) => {
    const rows = await rowsOfFreedom(dual, inside);
    const own = selectColumns(rows, inside);
    const inverse = await positiveWhitening(own, RIDGE * own.data.reduce((most, value) => Math.max(most, value), 0));
    const reach = await multiply(inverse, selectColumns(rows, outside));
    const taken = columnSquares(reach);
    const left = Float64Array.from(outside, (sample, i) => (freedom[sample] as number) - (taken[i] as number));
    const residuals = await inTurn(errors, async (error) => {
      const known = await multiplyTransposed(inverse, selectColumns(error, inside));
      return difference(selectColumns(error, outside), await multiply(transpose(known), reach));
    });
    const baseline = targets.map((target) => centred(selectColumns(target, outside)));
    // The mean of the others is farther from a sample than the mean of all, by m/(m−1).
    const scale = (outside.length / (outside.length - 1)) ** 2;
    const all = new Float64Array(outside.length).fill(1);
    const residual = await sumOfProducts(side, residuals, left, factors);
    return 1 - residual / (scale * (await sumOfProducts(side, baseline, all, factors)));
  });
}

interface DualFit {
  /** `[n, n]`, L⁻¹ with L·Lᵀ = K + γI. */
  whitening: Matrix;
  gamma: number;
  /** The c of K. */
  level: number;
}

/** The rows of I − H for some samples, `[samples, n]`. */
async function rowsOfFreedom({ whitening, gamma, level }: DualFit, samples: readonly number[]): Promise<Matrix> {
  const rows = scaled(await multiply(transpose(selectColumns(whitening, samples)), whitening), gamma);
  const ofMean = gamma / (level + gamma) / whitening.rows;
  return { ...rows, data: rows.data.map((value) => value - ofMean) };
}

/** Every row less its mean. */
function centred(matrix: Matrix): Matrix {
  const { rows, cols, data } = matrix;
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * cols, (i + 1) * cols);
    const mean = row.reduce((sum, value) => sum + value, 0) / cols;
    for (let j = 0; j < cols; j++) row[j] = (row[j] as number) - mean;
  }
  return matrix;
}

/** The products of the residuals of pairs of embeddings, each times its factor, over all samples and the squares of their freedom. */
async function sumOfProducts(
  side: LabelSide,
  residuals: readonly Matrix[],
  freedom: Float64Array,
  factors: readonly number[],
): Promise<number> {
  const products = await side.pairProducts(residuals);
  return products.reduce(
    (total, parts, pair) =>
      total + (factors[pair] as number) * heldOutProducts(parts, freedom).reduce((sum, value) => sum + value, 0),
    0,
  );
}
