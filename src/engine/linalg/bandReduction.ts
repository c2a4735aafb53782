import type { Matrix } from './matrix.ts';
import type { Reflections } from './onnxKernels.ts';
import { reflectBothSides } from './onnxKernels.ts';
import { allocate, doubles, kernels } from './wasm/kernels.ts';

/** Width of the band: wide enough for Gemm to make it, narrow enough for loops to narrow it further. */
export const BAND = 32;

/** Reflections of the rows from `first` on. */
export interface Panel extends Reflections {
  first: number;
}

/** Band storage: row i, column j ≤ i at `i·BAND_WIDTH + j − i + BAND_WIDTH − 1`; room for what chasing fills in. */
export const BAND_WIDTH = 2 * BAND;

/** The band of Qᵀ·M·Q, its lower half, and the panels of Q, for a symmetric M = `matrix`, which is overwritten. */
export async function reduceToBand(matrix: Matrix): Promise<{ band: Float64Array; panels: Panel[] }> {
  const size = matrix.rows;
  const band = new Float64Array(size * BAND_WIDTH);
  const panels: Panel[] = [];
  const buffer = matrix.data;
  for (let first = 0; first < size; first += BAND) {
    const left = size - first;
    const width = Math.min(BAND, left);
    for (let j = 0; j < width; j++) {
      for (let i = j; i < width; i++) {
        band[(first + i) * BAND_WIDTH + j - i + BAND_WIDTH - 1] = buffer[j * left + i] as number;
      }
    }
    const panel = factorPanel(buffer, left, width, first, band);
    const rest = compact(buffer, left, width);
    if (panel.v.rows > 0) {
      panels.push(panel);
      await reflectBothSides(panel, rest);
    }
  }
  return { band, panels };
}

/** Moves the part of a `[size, size]` matrix below and right of `from` to the front of its memory. */
function compact(buffer: Float64Array, size: number, from: number): Matrix {
  const rest = size - from;
  for (let i = 0; i < rest; i++) {
    const start = (from + i) * size + from;
    buffer.copyWithin(i * rest, start, start + rest);
  }
  return { rows: rest, cols: rest, data: buffer.subarray(0, rest * rest) };
}

/**
 * QR of the first `width` columns of a symmetric matrix `[size, size]` below their part on the diagonal; R goes to the `band`.
 *
 * @param first where they are in the whole matrix
 */
function factorPanel(matrix: Float64Array, size: number, width: number, first: number, band: Float64Array): Panel {
  const length = size - width;
  const count = Math.max(0, Math.min(width, length - 1));
  const [columnsAt, vAt, tAt, sumsAt] = allocate(8 * width * length, 8 * count * length, 8 * count * count, 8 * width);
  const columns = doubles(columnsAt, width * length);
  // As rows, for the matrix is symmetric.
  for (let j = 0; j < width; j++) columns.set(matrix.subarray(j * size + width, (j + 1) * size), j * length);
  const v = doubles(vAt, count * length).fill(0);
  const t = doubles(tAt, count * count).fill(0);
  if (count > 0) kernels.factorColumns(columnsAt, width, length, vAt, tAt, sumsAt);
  for (let j = 0; j < width; j++) {
    for (let i = 0; i <= Math.min(j, length - 1); i++) {
      const row = first + width + i;
      band[row * BAND_WIDTH + first + j - row + BAND_WIDTH - 1] = columns[j * length + i] as number;
    }
  }
  return {
    first: first + width,
    v: { rows: count, cols: length, data: v.slice() },
    t: { rows: count, cols: count, data: t.slice() },
  };
}
