import { InputError } from '../errors.ts';
import { inverseCholesky } from './cholesky.ts';
import type { Matrix } from './matrix.ts';
import { addToDiagonal } from './matrix.ts';

/** Rounding is drowned long before; by then the ridge is 10^40 times the one that was asked for. */
const MAX_TRIES = 40;

/**
 * L⁻¹ with L·Lᵀ = `matrix`, a positive semidefinite one with `ridge` on its diagonal already; should rounding have made its
 * smallest eigenvalues negative all the same, of a bit more ridge.
 *
 * @param matrix `[d, d]`, not kept
 * @throws InputError when no ridge helps: numbers so large or small that their squares left the range of doubles
 */
export async function positiveWhitening(matrix: Matrix, ridge: number): Promise<Matrix> {
  let added = ridge;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const whitening = await inverseCholesky(matrix);
    if (whitening !== undefined) return whitening;
    addToDiagonal(matrix, added);
    added *= 10;
  }
  throw new InputError('The features are too large or too close to each other to be computed with; scale them.');
}
