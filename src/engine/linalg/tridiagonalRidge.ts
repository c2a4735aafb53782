import type { Matrix } from './matrix.ts';
import type { Tridiagonal } from './tridiagonal.ts';
import { allocate, doubles, kernels, put } from './wasm/kernels.ts';

/** Ridges that are solved side by side: an even number, and so many that none waits for its own divisions. */
export const LANES = 8;
const LANE_BYTES = 8 * LANES;

type Entries = Pick<Tridiagonal, 'diagonal' | 'offDiagonal'>;

/** Of one t, with the eigenvalues σ of T `[m, m]`. */
export interface RidgeSolution {
  /** bᵀ·x for the solution x of (T + t·I)·x = b. */
  product: number;
  /** ‖x‖² */
  square: number;
  /** Σ σ/(σ + t) */
  effective: number;
  /** Σ 1/(σ + t) */
  inverseTrace: number;
}

/**
 * Ridge regressions on a positive semidefinite T.
 *
 * @param ridges t, one per lane, `LANES` at most
 * @param sides `[m, LANES]`, b
 * @param limits per lane: bᵀ·x is known to be no more, so what of b would be far more is rounding along directions in which T is
 * next to nothing
 */
export function solveRidges(
  { diagonal, offDiagonal }: Entries,
  ridges: readonly number[],
  sides: Matrix,
  limits: readonly number[],
): RidgeSolution[] {
  const size = diagonal.length;
  const [diagonalAt, offDiagonalAt, ridgesAt, inversesAt, sidesAt, limitsAt, sumsAt] = allocate(
    8 * size,
    8 * size,
    LANE_BYTES,
    size * LANE_BYTES,
    size * LANE_BYTES,
    LANE_BYTES,
    5 * LANE_BYTES,
  );
  put(diagonalAt, diagonal);
  put(offDiagonalAt, offDiagonal);
  put(ridgesAt, inLanes(ridges));
  put(sidesAt, sides.data);
  put(limitsAt, inLanes(limits));
  kernels.invertPivots(diagonalAt, offDiagonalAt, size, LANES, ridgesAt, inversesAt);
  kernels.solveRidges(diagonalAt, offDiagonalAt, size, LANES, ridgesAt, inversesAt, sidesAt, limitsAt, sumsAt);
  const sums = doubles(sumsAt, 4 * LANES);
  const sum = (row: number, lane: number) => sums[row * LANES + lane] as number;
  return ridges.map((_, lane) => ({
    product: sum(0, lane),
    square: sum(1, lane),
    effective: sum(2, lane),
    inverseTrace: sum(3, lane),
  }));
}

/** log det (T + t·I) per t, `LANES` at most. */
export function logDeterminants({ diagonal, offDiagonal }: Entries, ridges: readonly number[]): number[] {
  const size = diagonal.length;
  const [diagonalAt, offDiagonalAt, ridgesAt, inversesAt] = allocate(8 * size, 8 * size, LANE_BYTES, size * LANE_BYTES);
  put(diagonalAt, diagonal);
  put(offDiagonalAt, offDiagonal);
  put(ridgesAt, inLanes(ridges));
  kernels.invertPivots(diagonalAt, offDiagonalAt, size, LANES, ridgesAt, inversesAt);
  const inverses = doubles(inversesAt, size * LANES);
  return ridges.map((_, lane) => -logProduct(inverses, lane));
}

/** One number per lane; those that are of no use are 1. */
function inLanes(values: readonly number[]): Float64Array {
  const lanes = new Float64Array(LANES).fill(1);
  lanes.set(values);
  return lanes;
}

/** The logarithm of the product of every `LANES`th number: one per product of as many as stay in the range of doubles. */
function logProduct(values: Float64Array, first: number): number {
  let sum = 0;
  let product = 1;
  for (let at = first; at < values.length; at += LANES) {
    const value = values[at] as number;
    const next = product * value;
    if (next > 1e-290 && next < 1e290) {
      product = next;
    } else {
      sum += Math.log(product);
      product = value;
    }
  }
  return sum + Math.log(product);
}
