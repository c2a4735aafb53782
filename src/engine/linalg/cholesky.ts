import type { Matrix } from './matrix.ts';
import { difference, paste, submatrix, subtractFrom, transpose, zeros } from './matrix.ts';
import { gramian, multiply, multiplyLowerTransposed, multiplyLowerTriangular } from './multiply.ts';

/** Below this size plain loops beat the calls into ONNX Runtime. */
const BASE_SIZE = 64;

/**
 * The inverse L⁻¹ of the Cholesky factor of a symmetric positive definite A = L·Lᵀ, itself lower triangular.
 *
 * The inverse rather than L: solving with it is a product, and products run on ONNX Runtime. A is split in halves down
 * to small blocks, so nearly all the work, less than d³ operations, is matrix products that skip zeros:
 *
 *     A = [A₁₁ ·  ]   L₂₁ᵀ = L₁₁⁻¹·A₂₁ᵀ   L₂₂ = chol(A₂₂ − L₂₁·L₂₁ᵀ)   L⁻¹ = [L₁₁⁻¹               0   ]
 *         [A₂₁ A₂₂]                                                          [−L₂₂⁻¹·L₂₁·L₁₁⁻¹  L₂₂⁻¹]
 *
 * Relative error about d·ε·cond(A), as for substitution.
 *
 * @param a `[d, d]`
 * @returns undefined when A is not positive definite to working precision
 */
export async function inverseCholesky(a: Matrix): Promise<Matrix | undefined> {
  const size = a.rows;
  if (size <= BASE_SIZE) {
    return inverseCholeskySmall(a);
  }
  const half = Math.ceil(size / 2);
  const rest = size - half;
  const inverse11 = await inverseCholesky(submatrix(a, 0, 0, half, half));
  if (inverse11 === undefined) return undefined;
  const l21Transposed = await multiplyLowerTriangular(inverse11, submatrix(a, 0, half, half, rest));
  const schur = submatrix(a, half, half, rest, rest);
  subtractFrom(schur, await gramian(transpose(l21Transposed)));
  const inverse22 = await inverseCholesky(schur);
  if (inverse22 === undefined) return undefined;
  const inner = transpose(await multiplyLowerTransposed(inverse11, l21Transposed));
  const inverse21 = zeros(rest, half);
  subtractFrom(inverse21, await multiplyLowerTriangular(inverse22, inner));

  const inverse = zeros(size, size);
  paste(inverse, inverse11, 0, 0);
  paste(inverse, inverse21, half, 0);
  paste(inverse, inverse22, half, half);
  return inverse;
}

function inverseCholeskySmall(a: Matrix): Matrix | undefined {
  const size = a.rows;
  const lower = zeros(size, size);
  const l = lower.data;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a.data[i * size + j] as number;
      for (let k = 0; k < j; k++) {
        sum -= (l[i * size + k] as number) * (l[j * size + k] as number);
      }
      if (j < i) {
        l[i * size + j] = sum / (l[j * size + j] as number);
      } else if (sum > 0 && Number.isFinite(sum)) {
        l[i * size + i] = Math.sqrt(sum);
      } else {
        return undefined;
      }
    }
  }
  const inverse = zeros(size, size);
  const x = inverse.data;
  for (let i = 0; i < size; i++) {
    const diagonal = l[i * size + i] as number;
    x[i * size + i] = 1 / diagonal;
    for (let k = 0; k < i; k++) {
      const factor = (l[i * size + k] as number) / diagonal;
      for (let j = 0; j <= k; j++) {
        x[i * size + j] = (x[i * size + j] as number) - factor * (x[k * size + j] as number);
      }
    }
  }
  return inverse;
}

/** Pivots that are worked out one by one before the rest of the matrix is updated by a product. */
const PIVOT_BLOCK = 64;

/**
 * Indices of rows that are linearly independent: a Cholesky factorisation that always takes the row with the largest
 * part not explained by those taken already, and stops when none has more than `tolerance` left.
 *
 * @param a `[d, d]` symmetric positive semidefinite
 * @param tolerance on the same scale as the diagonal of `a`
 * @returns at most d indices in increasing order; as many as the numerical rank
 */
export async function independentRows(a: Matrix, tolerance: number): Promise<number[]> {
  const size = a.rows;
  let schur = a;
  const left = Float64Array.from({ length: size }, (_, i) => a.data[i * size + i] as number);
  const chosen: number[] = [];
  while (chosen.length < size) {
    const block = zeros(PIVOT_BLOCK, size);
    let filled = 0;
    for (; filled < PIVOT_BLOCK && chosen.length < size; filled++) {
      const pivot = indexOfLargest(left);
      const pivotLeft = left[pivot] as number;
      if (pivotLeft <= tolerance) {
        return chosen.sort((i, j) => i - j);
      }
      const root = Math.sqrt(pivotLeft);
      const row = block.data.subarray(filled * size, (filled + 1) * size);
      row.set(schur.data.subarray(pivot * size, (pivot + 1) * size));
      for (let k = 0; k < filled; k++) {
        const factor = block.data[k * size + pivot] as number;
        for (let j = 0; j < size; j++) {
          row[j] = (row[j] as number) - factor * (block.data[k * size + j] as number);
        }
      }
      for (let j = 0; j < size; j++) {
        const value = (row[j] as number) / root;
        row[j] = value;
        left[j] = (left[j] as number) - value * value;
      }
      left[pivot] = Number.NEGATIVE_INFINITY;
      chosen.push(pivot);
    }
    schur = difference(schur, await multiply(transpose(block), block));
  }
  return chosen.sort((i, j) => i - j);
}

function indexOfLargest(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if ((values[i] as number) > (values[best] as number)) best = i;
  }
  return best;
}
