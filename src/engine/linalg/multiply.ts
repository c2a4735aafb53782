import { lowerPanels } from './lowerPanels.ts';
import type { Matrix } from './matrix.ts';
import { paste, rowRange, submatrix, transpose, zeros } from './matrix.ts';
import { addGramian, addProduct, gemm, squaredColumnLengths } from './onnxKernels.ts';

/** Products of fewer multiplications than this are cheaper in a loop than through a call into ONNX Runtime. */
const SMALL = 20_000;
/** Rows per step where only one triangle is needed: small enough to skip most of the other, large enough for Gemm. */
const TRIANGLE_STEP = 256;
/** The same for Gram matrices, whose long sums keep Gemm busy in smaller steps. */
const GRAM_STEP = 64;

/**
 * From this many multiplications on single precision, twice as fast, is worth it where its error is checked afterwards
 * (`projectedProducts`, `mixtureProjection`) or only guides a search (the ridge of `heldOutFit`).
 */
export const SINGLE_PRECISION_FROM = 1e9;

/** A·B `[m, n]` of A `[m, k]` and B `[k, n]`. */
export async function multiply(a: Matrix, b: Matrix): Promise<Matrix> {
  const result = zeros(a.rows, b.cols);
  if (a.rows * a.cols * b.cols > SMALL) {
    await gemm(a.data, b.data, result.data, a.rows, a.cols, b.cols, 'neither');
    return result;
  }
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.cols; k++) {
      const factor = a.data[i * a.cols + k] as number;
      for (let j = 0; j < b.cols; j++) {
        const at = i * b.cols + j;
        result.data[at] = (result.data[at] as number) + factor * (b.data[k * b.cols + j] as number);
      }
    }
  }
  return result;
}

/** A·Bᵀ `[m, n]` of A `[m, k]` and B `[n, k]`. */
export async function multiplyTransposed(a: Matrix, b: Matrix): Promise<Matrix> {
  const result = zeros(a.rows, b.rows);
  if (a.rows * a.cols * b.rows > SMALL) {
    await gemm(a.data, b.data, result.data, a.rows, a.cols, b.rows, 'b');
    return result;
  }
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.rows; j++) {
      let sum = 0;
      for (let k = 0; k < a.cols; k++) {
        sum += (a.data[i * a.cols + k] as number) * (b.data[j * b.cols + k] as number);
      }
      result.data[i * b.rows + j] = sum;
    }
  }
  return result;
}

/** C − A·B in place of C. */
export async function subtractProduct(c: Matrix, a: Matrix, b: Matrix): Promise<void> {
  await addProduct(-1, a.data, b.data, c.data, c.rows, b.rows, c.cols, 'neither');
}

/** A·Aᵀ `[r, r]` of A `[r, b]`, exactly symmetric. */
export async function gramian(a: Matrix): Promise<Matrix> {
  return a.rows * a.rows * a.cols > SMALL ? sumOfGramians(a.rows, [a]) : multiplyTransposed(a, a);
}

/**
 * Σ A·Aᵀ, exactly symmetric: panels of the lower triangle add up in place, and the upper one is a mirror of it.
 *
 * @param size r
 * @param blocks A `[r, b]`; a block may be overwritten by the next
 */
export async function sumOfGramians(size: number, blocks: Iterable<Matrix>): Promise<Matrix> {
  const lower = lowerPanels(size, GRAM_STEP, Float64Array);
  for (const { data } of blocks) await addGramian(lower, data);
  const result = zeros(size, size);
  for (const { first, width, data } of lower.panels) {
    paste(result, { rows: size - first, cols: width, data }, first, first);
  }
  mirrorLower(result);
  return result;
}

/** Copies the lower triangle to the upper one, in tiles that fit the first-level cache. */
function mirrorLower({ rows: size, data }: Matrix): void {
  const tile = 32;
  for (let i0 = 0; i0 < size; i0 += tile) {
    for (let j0 = 0; j0 <= i0; j0 += tile) {
      const iEnd = Math.min(i0 + tile, size);
      for (let j = j0; j < Math.min(j0 + tile, size); j++) {
        for (let i = Math.max(i0, j + 1); i < iEnd; i++) data[j * size + i] = data[i * size + j] as number;
      }
    }
  }
}

/** L·B `[r, n]` for a lower-triangular L `[r, r]`; what lies above its diagonal is never read in blocks that are all zero. */
export async function multiplyLowerTriangular(lower: Matrix, b: Matrix): Promise<Matrix> {
  const result = zeros(lower.rows, b.cols);
  for (let from = 0; from < lower.rows; from += TRIANGLE_STEP) {
    const to = Math.min(from + TRIANGLE_STEP, lower.rows);
    const strip = submatrix(lower, from, 0, to - from, to);
    result.data.set((await multiply(strip, rowRange(b, 0, to))).data, from * b.cols);
  }
  return result;
}

/** Lᵀ·B for a lower-triangular L, likewise. */
export async function multiplyLowerTransposed(lower: Matrix, b: Matrix): Promise<Matrix> {
  const size = lower.rows;
  const result = zeros(size, b.cols);
  for (let from = 0; from < size; from += TRIANGLE_STEP) {
    const width = Math.min(TRIANGLE_STEP, size - from);
    const strip = transpose(submatrix(lower, from, from, size - from, width));
    result.data.set((await multiply(strip, rowRange(b, from, size))).data, from * b.cols);
  }
  return result;
}

/**
 * Per column Σ(L·B)² for a lower-triangular L, without keeping L·B.
 *
 * @param single whether products may be rounded to single precision: twice as fast, relative error about 1e-7
 */
export async function squaredLengths(lower: Matrix, b: Matrix, single: boolean): Promise<Float64Array> {
  const Numbers = single ? Float32Array : Float64Array;
  const right = single ? new Float32Array(b.data) : b.data;
  const part = new Numbers(b.cols);
  const sums = new Float64Array(b.cols);
  for (let from = 0; from < lower.rows; from += TRIANGLE_STEP) {
    const to = Math.min(from + TRIANGLE_STEP, lower.rows);
    const left = new Numbers(submatrix(lower, from, 0, to - from, to).data);
    await squaredColumnLengths(left, right.subarray(0, to * b.cols), part, to - from, to, b.cols);
    for (let j = 0; j < b.cols; j++) sums[j] = (sums[j] as number) + (part[j] as number);
  }
  return sums;
}

/** One result per item; a product uses all cores, so they go one after the other. */
export async function inTurn<T, R>(items: readonly T[], product: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const [index, item] of items.entries()) {
    results.push(await product(item, index));
  }
  return results;
}
