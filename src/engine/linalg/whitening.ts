import { inverseCholesky } from './cholesky.ts';
import type { Matrix } from './matrix.ts';

/**
 * L⁻¹ with L·Lᵀ = `matrix`, a positive semidefinite one with `ridge` on its diagonal already; should rounding have made its
 * smallest eigenvalues negative all the same, of a bit more ridge.
 *
 * @param matrix `[d, d]`, not kept
 */
export async function positiveWhitening(matrix: Matrix, ridge: number): Promise<Matrix> {
  for (let added = ridge; ; added *= 10) {
    const whitening = await inverseCholesky(matrix);
    if (whitening !== undefined) return whitening;
    for (let i = 0; i < matrix.rows; i++) {
      matrix.data[i * matrix.cols + i] = (matrix.data[i * matrix.cols + i] as number) + added;
    }
  }
}
