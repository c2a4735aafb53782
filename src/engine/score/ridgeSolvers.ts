import type { Matrix } from '../linalg/matrix.ts';
import {
  addToDiagonal,
  columnSquares,
  joinColumns,
  scaled,
  selectColumns,
  submatrix,
  trace,
  transpose,
} from '../linalg/matrix.ts';
import {
  gramian,
  inTurn,
  multiply,
  multiplyLowerTransposed,
  multiplyLowerTriangular,
  multiplyTransposed,
  SINGLE_PRECISION_FROM,
  squaredLengths,
  subtractProduct,
} from '../linalg/multiply.ts';
import { BLOCK_SAMPLES } from '../linalg/sampleRows.ts';
import { positiveWhitening } from '../linalg/whitening.ts';
import type { Evidence } from './evidence.ts';
import type { Regressand } from './heldOutLabels.ts';

/** A sample that determines its own prediction has 1 − h = 0; a ridge keeps it above this but for rounding. */
export const LEAST_FREEDOM = 1e-12;

/**
 * Takes the residuals zᵢ − ẑᵢ `[width, b]` of a block of samples, of which sample `first` is the first, and what of each
 * sample its own label doesn't predict, 1 − hᵢ.
 */
type Visitor = (residuals: Matrix[], first: number, freedom: Float64Array) => Promise<void>;

/** The ridge regression on all samples, with hat matrix H `[n, n]`, for whatever ridge γ. */
export interface RidgeSolver {
  /** Computes the residuals block after block; `rough` ones to about 1e-7. */
  solve(regressands: readonly Regressand[], gamma: number, rough: boolean, visit: Visitor): Promise<void>;
  /** What gives the rows of I − H for some samples, `[samples, n]`. */
  freedomRows(gamma: number): Promise<(samples: readonly number[]) => Promise<Matrix>>;
}

/** XXᵀ + c·11ᵀ/n `[n, n]` and its c. */
export interface DualGram {
  gram: Matrix;
  level: number;
}

/** By the `[d, d]` matrix XᵀX, for more samples than features: I − H = I − 11ᵀ/n − X·(XᵀX + γI)⁻¹·Xᵀ. */
export async function primalSolver(evidence: Evidence): Promise<RidgeSolver> {
  const { count } = evidence;
  const scale = await evidence.scale();
  const gram = (await evidence.statistics()).standardisedGram(scale);
  const features = await standardisedBlocks(evidence);
  const large = count * gram.rows * gram.rows >= SINGLE_PRECISION_FROM;
  const known = new Map<Regressand, Promise<Matrix>>();
  const productsOf = (regressand: Regressand) => {
    const products = known.get(regressand) ?? regressand.products(features);
    known.set(regressand, products);
    return products;
  };
  return {
    async solve(regressands, gamma, rough, visit) {
      const whitening = await ridgeWhitening(gram, gamma);
      const coefficients = await inTurn(regressands, async (regressand) =>
        multiply(transpose(await multiplyLowerTriangular(whitening, await productsOf(regressand))), whitening),
      );
      let first = 0;
      for (const block of features) {
        const freedom = (await squaredLengths(whitening, block, rough && large)).map((value) =>
          Math.max(LEAST_FREEDOM, 1 - 1 / count - value),
        );
        const residuals = await inTurn(regressands, async (regressand, k) => {
          const residual = regressand.block(first, block.cols);
          await subtractProduct(residual, coefficients[k] as Matrix, block);
          return residual;
        });
        await visit(residuals, first, freedom);
        first += block.cols;
      }
    },
    async freedomRows(gamma) {
      const whitening = await ridgeWhitening(gram, gamma);
      return async (samples) => {
        const own = joinColumns(
          pickInBlocks(samples, count).map(({ first, places }) =>
            selectColumns(features[first / BLOCK_SAMPLES] as Matrix, places),
          ),
        );
        const fitted = transpose(
          await multiplyLowerTransposed(whitening, await multiplyLowerTriangular(whitening, own)),
        );
        const rows = joinColumns(await inTurn(features, (block) => multiply(fitted, block)));
        const freedom = { ...rows, data: rows.data.map((value) => -value - 1 / count) };
        samples.forEach((sample, i) => {
          freedom.data[i * count + sample] = (freedom.data[i * count + sample] as number) + 1;
        });
        return freedom;
      };
    },
  };
}

/**
 * By the `[n, n]` matrix K of `dualGram`, for at most as many samples as features: I − H = γ·(K + γI)⁻¹ − γ/(c + γ)·11ᵀ/n, and
 * the last term drops out of products with centred labels.
 */
export function dualSolver({ gram, level }: DualGram): RidgeSolver {
  const count = gram.rows;
  return {
    async solve(regressands, gamma, _rough, visit) {
      const whitening = await ridgeWhitening(gram, gamma);
      const freedom = dualFreedom(whitening, gamma, level);
      const residuals = await inTurn(regressands, async (regressand) => {
        const solved = await multiply(await multiplyTransposed(regressand.block(0, count), whitening), whitening);
        return scaled(solved, gamma);
      });
      for (let first = 0; first < count; first += BLOCK_SAMPLES) {
        const size = Math.min(BLOCK_SAMPLES, count - first);
        await visit(
          residuals.map((all) => submatrix(all, 0, first, all.rows, size)),
          first,
          freedom.subarray(first, first + size),
        );
      }
    },
    async freedomRows(gamma) {
      const whitening = await ridgeWhitening(gram, gamma);
      const ofMean = gamma / (level + gamma) / count;
      return async (samples) => {
        const rows = await multiply(transpose(selectColumns(whitening, samples)), whitening);
        return { ...rows, data: rows.data.map((value) => gamma * value - ofMean) };
      };
    },
  };
}

/**
 * XXᵀ + c·11ᵀ/n for centred samples X `[n, d]`, with c = `level` their mean squared length. Without the second term the mean
 * of the samples, which XXᵀ knows nothing of, would have 1/γ in the inverse, and what is left without it would be lost in its
 * rounding as soon as γ is small.
 */
export async function dualGram(samples: Matrix): Promise<DualGram> {
  const gram = await gramian(samples);
  const level = trace(gram) / gram.rows;
  for (let at = 0; at < gram.data.length; at++) gram.data[at] = (gram.data[at] as number) + level / gram.rows;
  return { gram, level };
}

/** `[n]`, the 1 − hᵢ of `dualGram`, given L⁻¹ with L·Lᵀ = gram + γ·I. */
export function dualFreedom(whitening: Matrix, gamma: number, level: number): Float64Array {
  const ofMean = gamma / (level + gamma) / whitening.rows;
  return columnSquares(whitening).map((value) => gamma * value - ofMean);
}

/** `[n, d]` */
export async function standardisedSamples(evidence: Evidence): Promise<Matrix> {
  return transpose(joinColumns(await standardisedBlocks(evidence)));
}

/** `[d, b]` each */
async function standardisedBlocks(evidence: Evidence): Promise<Matrix[]> {
  const blocks: Matrix[] = [];
  for await (const block of evidence.standardised(await evidence.scale(), false)) {
    blocks.push(block);
  }
  return blocks;
}

/** Some of the samples, those of a block of `size` from `first` on. */
interface PickedSamples {
  first: number;
  size: number;
  samples: number[];
  /** Their places in the block. */
  places: number[];
}

/** Samples by the block that they are in, of `count` samples in all. */
export function pickInBlocks(samples: readonly number[], count: number): PickedSamples[] {
  return Array.from({ length: Math.ceil(count / BLOCK_SAMPLES) }, (_, block) => {
    const first = block * BLOCK_SAMPLES;
    const size = Math.min(BLOCK_SAMPLES, count - first);
    const picked = samples.filter((sample) => sample >= first && sample < first + size);
    return { first, size, samples: picked, places: picked.map((sample) => sample - first) };
  }).filter(({ places }) => places.length > 0);
}

/** L⁻¹ with L·Lᵀ = gram + γ·I. */
export function ridgeWhitening(gram: Matrix, gamma: number): Promise<Matrix> {
  const ridged: Matrix = { ...gram, data: gram.data.slice() };
  addToDiagonal(ridged, gamma);
  return positiveWhitening(ridged, gamma);
}
