import { independentRows, inverseCholesky } from './cholesky.ts';
import type { Matrix } from './matrix.ts';
import { addToDiagonal, dot, selectRows, trace } from './matrix.ts';
import { inTurn, multiplyLowerTriangular, sumOfGramians } from './multiply.ts';
import { positiveWhitening } from './whitening.ts';

/**
 * The projector on the span of some vectors as P = Fᵀ·L⁻ᵀ·L⁻¹·F: `factors` holds F `[r, n]` in blocks of columns, and
 * `whitening` is L⁻¹ `[r, r]`, so that the rows of L⁻¹·F are orthonormal.
 */
export interface Projector {
  factors: readonly Matrix[];
  whitening: Matrix;
}

/**
 * Mean eigenvalue × mean inverse eigenvalue up to which a Gram matrix in double precision determines the projector to
 * about 1e-9. Beyond, the small singular values of the vectors have drowned: they enter the Gram matrix squared.
 */
const TRUSTED_CONDITION = 1e7;
/** After one rescaling pass, exact dependencies stand near 1e-16 and vectors that NumPy's lstsq keeps above this. */
const RANK_TOLERANCE = 1e-13;
const MAX_PASSES = 6;

/** L⁻¹ of a Gram matrix L·Lᵀ that is conditioned well enough to be trusted, else undefined. */
export async function trustedWhitening(gram: Matrix): Promise<Matrix | undefined> {
  const whitening = await inverseCholesky(gram);
  if (whitening === undefined) return undefined;
  // Σ(L⁻¹)² is the trace of the inverse, that is the sum of the inverse eigenvalues.
  const inverseTrace = dot(whitening.data, whitening.data);
  return (trace(gram) / gram.rows) * (inverseTrace / gram.rows) <= TRUSTED_CONDITION ? whitening : undefined;
}

/**
 * The projector on the row space of vectors however ill-conditioned or dependent they are, with the numerical rank of
 * NumPy's `lstsq(rcond=None)`: directions under about 1e-13 of the largest singular value are dropped.
 *
 * Shifted Cholesky QR (Fukaya et al., SIAM J. Sci. Comput. 42, 2020): each pass multiplies by the inverse Cholesky
 * factor of the Gram matrix plus a small shift, which at least takes the square root of the condition number and
 * loses nothing, unlike working in the Gram matrix alone. All passes are matrix products.
 *
 * @param vectors `[d, n]` in blocks of columns, rows of comparable length
 * @param vectorGram `[d, d]` their Gram matrix, one that `trustedWhitening` doesn't trust
 */
export async function robustProjector(vectors: readonly Matrix[], vectorGram: Matrix): Promise<Projector> {
  let factors = vectors;
  let gram = vectorGram;
  for (let pass = 1; ; pass++) {
    const shifted = await shiftedWhitening(gram);
    factors = await inTurn(factors, (block) => multiplyLowerTriangular(shifted, block));
    gram = await sumOfGramians(gram.rows, factors);
    let whitening = await trustedWhitening(gram);
    if (whitening === undefined && pass === 1) {
      const rows = await independentRows(gram, RANK_TOLERANCE);
      factors = factors.map((block) => selectRows(block, rows));
      gram = selectRows(gram, rows, rows);
      whitening = await trustedWhitening(gram);
    }
    if (whitening !== undefined || pass === MAX_PASSES) {
      return { factors, whitening: whitening ?? (await shiftedWhitening(gram)) };
    }
  }
}

/** L⁻¹ with L·Lᵀ = gram + shift·I, for a shift just large enough to drown rounding. */
async function shiftedWhitening(gram: Matrix): Promise<Matrix> {
  const shift = 10 * trace(gram) * Number.EPSILON;
  const shifted: Matrix = { ...gram, data: gram.data.slice() };
  addToDiagonal(shifted, shift);
  return positiveWhitening(shifted, shift);
}
