import type { Matrix } from './matrix.ts';
import { difference, rowRange, submatrix, transpose, zeros } from './matrix.ts';
import { multiply } from './multiply.ts';
import { addProduct } from './onnxKernels.ts';
import { allocate, doubles, kernels, put } from './wasm/kernels.ts';

/** Rows that are worked on at once: enough for Gemm, few enough for a kernel to invert the factor of their block on the diagonal. */
const WIDTH = 128;

/**
 * The inverse L⁻¹ of the Cholesky factor of a symmetric positive definite A = L·Lᵀ, itself lower triangular.
 *
 * The inverse rather than L: solving with it is a product, and products run on ONNX Runtime. So does nearly all of this, d³
 * operations in two products per strip of rows: from [A | I], elimination of one strip from those below after the other makes
 * [Lᵀ | L⁻¹], of which the right half grows where the left one, beginning at the diagonal, was.
 *
 * Relative error about d·ε·cond(A), as for substitution.
 *
 * @param a `[d, d]`
 * @returns undefined when A is not positive definite to working precision
 */
export async function inverseCholesky(a: Matrix): Promise<Matrix | undefined> {
  if (a.rows <= WIDTH) return invertFactor(a);
  const { rows: size, data } = a;
  const result: Matrix = { ...a, data: data.slice() };
  const clear = (rows: Matrix, from: number, to: number) => {
    for (let i = 0; i < rows.rows; i++) rows.data.fill(0, i * size + from, i * size + to);
  };
  for (let from = 0; from < size; from += WIDTH) {
    const to = Math.min(from + WIDTH, size);
    const strip = rowRange(result, from, to);
    const inverse = invertFactor(submatrix(strip, 0, from, strip.rows, strip.rows));
    if (inverse === undefined) return undefined;
    clear(strip, from, to);
    for (let i = 0; i < strip.rows; i++) strip.data[i * size + from + i] = 1;
    const solved = await multiply(inverse, strip);
    strip.data.set(solved.data);
    clear(strip, to, size);
    if (to === size) break;
    const below = rowRange(result, to, size);
    clear(below, from, to);
    const factors = submatrix(solved, 0, to, strip.rows, size - to);
    await addProduct(-1, factors.data, solved.data, below.data, below.rows, strip.rows, size, 'a');
  }
  return result;
}

/** The same in a kernel. */
function invertFactor({ rows, cols, data }: Matrix): Matrix | undefined {
  const [at] = allocate(data.byteLength);
  put(at, data);
  return kernels.invertFactor(at, rows) ? { rows, cols, data: doubles(at, data.length).slice() } : undefined;
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
