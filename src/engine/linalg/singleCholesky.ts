import { inverseCholesky } from './cholesky.ts';
import { type LowerPanels, lowerPanels } from './lowerPanels.ts';
import type { Matrix } from './matrix.ts';
import { addProduct, gemm } from './onnxKernels.ts';

/**
 * Columns per panel: enough for Gemm, few enough that the part of a panel above the diagonal is little work, and that a kernel inverts
 * the factor of it.
 */
const WIDTH = 128;

/** A symmetric matrix, or its Cholesky factor, in single precision: half the memory and twice the speed of double precision. */
export type SinglePanels = LowerPanels<Float32Array>;

/** A matrix of zeros. */
export function emptyPanels(size: number): SinglePanels {
  return lowerPanels(size, WIDTH, Float32Array);
}

/**
 * Replaces A by its Cholesky factor L, whose blocks on the diagonal are stored inverted; in d³/3 operations, nearly all of
 * them in products.
 *
 * @returns false when A is not positive definite to working precision
 */
export async function factorise({ size, panels }: SinglePanels): Promise<boolean> {
  const product = new Float32Array(size * WIDTH);
  for (const [k, { first, width, data }] of panels.entries()) {
    const corner: Matrix = { rows: width, cols: width, data: new Float64Array(data.subarray(0, width * width)) };
    const inverse = await inverseCholesky(corner);
    if (inverse === undefined) return false;
    data.set(inverse.data);
    const below = data.subarray(width * width);
    const rows = size - first - width;
    if (rows === 0) continue;
    const solved = product.subarray(0, below.length);
    await gemm(below, data.subarray(0, width * width), solved, rows, width, width, 'b');
    below.set(solved);
    for (const right of panels.slice(k + 1)) {
      const left = below.subarray((right.first - first - width) * width);
      const above = left.subarray(0, right.width * width);
      await addProduct(-1, left, above, right.data, size - right.first, width, right.width, 'b');
    }
  }
  return true;
}

/** L⁻¹·B for a factorised L, in place of B `[d, cols]`. */
export async function solveLower({ size, panels }: SinglePanels, b: Float32Array, cols: number): Promise<void> {
  const solved = new Float32Array(WIDTH * cols);
  for (const { first, width, data } of panels) {
    const to = first + width;
    const part = b.subarray(first * cols, to * cols);
    const result = solved.subarray(0, part.length);
    await gemm(data.subarray(0, width * width), part, result, width, width, cols, 'neither');
    part.set(result);
    if (to === size) continue;
    const below = data.subarray(width * width);
    await addProduct(-1, below, part, b.subarray(to * cols), size - to, width, cols, 'neither');
  }
}

/** L⁻ᵀ·B for a factorised L, likewise. */
export async function solveUpper({ size, panels }: SinglePanels, b: Float32Array, cols: number): Promise<void> {
  const solved = new Float32Array(WIDTH * cols);
  for (const { first, width, data } of panels.toReversed()) {
    const to = first + width;
    const part = b.subarray(first * cols, to * cols);
    if (to < size) {
      const below = data.subarray(width * width);
      await addProduct(-1, below, b.subarray(to * cols), part, width, size - to, cols, 'a');
    }
    const result = solved.subarray(0, part.length);
    await gemm(data.subarray(0, width * width), part, result, width, width, cols, 'a');
    part.set(result);
  }
}
