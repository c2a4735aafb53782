import type { Matrix } from '../linalg/matrix.ts';
import {
  addTo,
  columnSquares,
  difference,
  joinColumns,
  scaled,
  selectColumns,
  subtractFrom,
  transpose,
  zeros,
} from '../linalg/matrix.ts';
import {
  gramian,
  inTurn,
  multiply,
  multiplyLowerTriangular,
  multiplyTransposed,
  SINGLE_PRECISION_FROM,
  subtractProduct,
} from '../linalg/multiply.ts';
import { positiveWhitening } from '../linalg/whitening.ts';
import type { Evidence } from './evidence.ts';
import { type DualGram, dualFreedom, primalFreedom, ridgeWhitening, standardisedBlocks } from './heldOut.ts';
import { HeldOutCorrelation } from './heldOutCorrelation.ts';
import type { LabelSide } from './heldOutLabels.ts';

/** Added to the diagonal of a block of I − H should rounding have made it indefinite, relative to its largest entry. */
const RIDGE = 1e-14;

/** The held-out correlation of the samples `kept`, where `out` are left out. */
type CorrelationOf = (kept: readonly number[], out: readonly number[]) => Promise<number>;

/**
 * The held-out correlation without some samples, for many more samples than features: the fit to the others, from all sums over
 * samples less those over the few. The ridge γ, the weights of the embeddings, and so the factors of their pairs, and what standardises
 * the features stay the same.
 *
 * Time O(n·d² + d³ + n·d·r) per call for r columns that are regressed on.
 *
 * @param factors of the pairs of embeddings in the sums of products of residuals
 */
export async function primalWithout(
  evidence: Evidence,
  side: LabelSide,
  gamma: number,
  factors: readonly number[],
): Promise<CorrelationOf> {
  const gram = (await evidence.statistics()).standardisedGram(await evidence.scale());
  const features = await standardisedBlocks(evidence);
  const products = await inTurn(side.regressands, (regressand) => regressand.products(features));
  const rough = evidence.count * gram.rows * gram.rows >= SINGLE_PRECISION_FROM;
  return async (kept, out) => {
    const count = kept.length;
    if (count < 2) return 0;
    const left = leftOut(
      gram.rows,
      partsOf(features, out).map(({ block, picked }) => selectColumns(block, picked)),
      count,
    );
    const whitening = await ridgeWhitening(difference(gram, await gramian(left.columns)), gamma);
    const fits = await inTurn(side.regressands, async (regressand, k) => {
      const all = products[k] as Matrix;
      const labels = leftOut(
        all.cols,
        partsOf(features, out).map(({ first, block, picked }) =>
          selectColumns(regressand.block(first, block.cols), picked),
        ),
        count,
      );
      const sums = difference(all, await multiplyTransposed(left.columns, labels.columns));
      const coefficients = await multiply(transpose(await multiplyLowerTriangular(whitening, sums)), whitening);
      return { regressand, coefficients, shift: labels.shift };
    });
    const correlation = new HeldOutCorrelation(side, factors, count);
    for (const { first, block, picked } of partsOf(features, kept)) {
      const inputs = shifted(selectColumns(block, picked), left.shift);
      const freedom = await primalFreedom(whitening, inputs, count, rough);
      const targets = fits.map(({ regressand, shift }) =>
        shifted(selectColumns(regressand.block(first, block.cols), picked), shift),
      );
      const residuals = await inTurn(fits, async ({ coefficients }, k) => {
        const residual = scaled(targets[k] as Matrix, 1);
        await subtractProduct(residual, coefficients, inputs);
        return residual;
      });
      await correlation.add(targets, residuals, freedom);
    }
    return correlation.value();
  };
}

/** Some samples by the block that they are in. */
function partsOf(
  blocks: readonly Matrix[],
  samples: readonly number[],
): { first: number; block: Matrix; picked: number[] }[] {
  let first = 0;
  return blocks.flatMap((block) => {
    const from = first;
    first += block.cols;
    const picked = samples
      .filter((sample) => sample >= from && sample < from + block.cols)
      .map((sample) => sample - from);
    return picked.length > 0 ? [{ first: from, block, picked }] : [];
  });
}

/**
 * What to take from the products of centred columns of all samples to have those of the other `count` samples, centred anew:
 * the products of `columns`, which are those of the samples left out and s/√count, s their sum; and s/count, the `shift` that
 * centres the others.
 */
function leftOut(rows: number, parts: readonly Matrix[], count: number): { columns: Matrix; shift: Float64Array } {
  const sums = zeros(rows, 1);
  for (const part of parts) addTo(sums, { rows, cols: 1, data: rowSums(part) });
  return {
    columns: joinColumns([...parts, scaled(sums, 1 / Math.sqrt(count))]),
    shift: scaled(sums, 1 / count).data,
  };
}

/** Adds its of `shift` to every row, in place. */
function shifted(matrix: Matrix, shift: Float64Array): Matrix {
  const { cols, data } = matrix;
  shift.forEach((value, i) => {
    for (let j = i * cols; j < (i + 1) * cols; j++) data[j] = (data[j] as number) + value;
  });
  return matrix;
}

function rowSums({ rows, cols, data }: Matrix): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) =>
    data.subarray(i * cols, (i + 1) * cols).reduce((sum, value) => sum + value, 0),
  );
}

/**
 * The same in closed form, for not many more samples than features.
 *
 * With Q = I − H `[n, n]` and e = Q·z the residual of sample i, predicted without itself and without the block B, is that
 * of i in (Q_SS)⁻¹·e_S for S = B ∪ {i}, by elimination of B
 *
 *     (eᵢ − Q_iB·Q_BB⁻¹·e_B) / (Q_ii − Q_iB·Q_BB⁻¹·Q_Bi)
 *
 * Time O(n³) first, then O(b·n² + b·n·r) for b samples left out and r columns that are regressed on.
 */
export async function dualWithout(
  side: LabelSide,
  { gram, level }: DualGram,
  gamma: number,
  factors: readonly number[],
): Promise<CorrelationOf> {
  const whitening = await ridgeWhitening(gram, gamma);
  const dual: DualFit = { whitening, gamma, level };
  const freedom = dualFreedom(whitening, gamma, level);
  const targets = side.regressands.map((regressand) => regressand.block(0, gram.rows));
  // The part of H that belongs to the mean drops out of products with centred labels.
  const errors = await inTurn(targets, async (target) =>
    scaled(await multiply(await multiplyTransposed(target, whitening), whitening), gamma),
  );
  return async (kept, out) => {
    if (kept.length < 2) return 0;
    const residuals = errors.map((error) => selectColumns(error, kept));
    const left = Float64Array.from(kept, (sample) => freedom[sample] as number);
    if (out.length > 0) {
      const rows = await rowsOfFreedom(dual, out);
      const own = selectColumns(rows, out);
      const inverse = await positiveWhitening(own, RIDGE * own.data.reduce((most, value) => Math.max(most, value), 0));
      const reach = await multiply(inverse, selectColumns(rows, kept));
      columnSquares(reach).forEach((square, i) => {
        left[i] = (left[i] as number) - square;
      });
      for (const [k, error] of errors.entries()) {
        const known = await multiplyTransposed(inverse, selectColumns(error, out));
        subtractFrom(residuals[k] as Matrix, await multiply(transpose(known), reach));
      }
    }
    const correlation = new HeldOutCorrelation(side, factors, kept.length);
    await correlation.add(
      targets.map((target) => centred(selectColumns(target, kept))),
      residuals,
      left,
    );
    return correlation.value();
  };
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

/** Every row less its mean, in place. */
function centred(matrix: Matrix): Matrix {
  return shifted(
    matrix,
    rowSums(matrix).map((sum) => -sum / matrix.cols),
  );
}
