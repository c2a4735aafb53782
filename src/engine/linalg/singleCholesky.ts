import { inverseCholesky } from './cholesky.ts';
import type { FloatMatrix, Matrix } from './matrix.ts';
import { zeros } from './matrix.ts';
import { addProduct, gemm } from './onnxKernels.ts';

/** Columns per panel: enough for Gemm, few enough that the part of a panel above the diagonal is little work. */
const WIDTH = 256;

/**
 * A symmetric matrix `[d, d]`, or its Cholesky factor, in single precision: per `WIDTH` columns a panel with the rows from
 * the diagonal down, `[d − first, width]` row-major. Half the memory and twice the speed of double precision.
 */
export interface LowerPanels {
  size: number;
  panels: { first: number; width: number; data: Float32Array }[];
}

/** A matrix of zeros. */
export function emptyPanels(size: number): LowerPanels {
  const panels = Array.from({ length: Math.ceil(size / WIDTH) }, (_, k) => {
    const first = k * WIDTH;
    const width = Math.min(WIDTH, size - first);
    return { first, width, data: new Float32Array((size - first) * width) };
  });
  return { size, panels };
}

/** Adds F·Fᵀ. @param factors F `[d, b]` */
export async function addGramian({ size, panels }: LowerPanels, factors: Float32Array): Promise<void> {
  const length = factors.length / size;
  for (const { first, width, data } of panels) {
    const below = factors.subarray(first * length);
    await addProduct(1, below, below.subarray(0, width * length), data, size - first, length, width, 'b');
  }
}

/**
 * Replaces A by its Cholesky factor L, whose blocks on the diagonal are stored inverted; in d³/3 operations, nearly all of
 * them in products.
 *
 * @returns false when A is not positive definite to working precision
 */
export async function factorise({ size, panels }: LowerPanels): Promise<boolean> {
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

/** L⁻¹·B for a factorised L and B `[d, r]`. */
export async function solveLower({ size, panels }: LowerPanels, b: FloatMatrix): Promise<Matrix> {
  const rest = new Float32Array(b.data);
  const cols = b.cols;
  for (const { first, width, data } of panels) {
    const to = first + width;
    const solved = new Float32Array(width * cols);
    const part = rest.subarray(first * cols, to * cols);
    await gemm(data.subarray(0, width * width), part, solved, width, width, cols, 'neither');
    part.set(solved);
    if (to === size) continue;
    await addProduct(
      -1,
      data.subarray(width * width),
      solved,
      rest.subarray(to * cols),
      size - to,
      width,
      cols,
      'neither',
    );
  }
  return doubles(size, cols, rest);
}

/** L⁻ᵀ·B for a factorised L and B `[d, r]`. */
export async function solveUpper({ size, panels }: LowerPanels, b: FloatMatrix): Promise<Matrix> {
  const rest = new Float32Array(b.data);
  const cols = b.cols;
  for (const { first, width, data } of panels.toReversed()) {
    const to = first + width;
    const part = rest.subarray(first * cols, to * cols);
    if (to < size) {
      await addProduct(-1, data.subarray(width * width), rest.subarray(to * cols), part, width, size - to, cols, 'a');
    }
    const solved = new Float32Array(width * cols);
    await gemm(data.subarray(0, width * width), part, solved, width, width, cols, 'a');
    part.set(solved);
  }
  return doubles(size, cols, rest);
}

function doubles(rows: number, cols: number, data: Float32Array): Matrix {
  const result = zeros(rows, cols);
  result.data.set(data);
  return result;
}
