import type { Matrix } from './matrix.ts';
import { zeros } from './matrix.ts';
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
    const below = left - width;
    // The next columns, as rows: the part on the diagonal, then what is left of the part below it.
    const columns = zeros(width, below);
    for (let j = 0; j < width; j++) {
      const row = buffer.subarray(j * left, (j + 1) * left);
      columns.data.set(row.subarray(width), j * below);
      for (let i = j; i < width; i++) {
        band[(first + i) * BAND_WIDTH + j - i + BAND_WIDTH - 1] = row[i] as number;
      }
    }
    const panel = factorPanel(columns, first + width);
    for (let j = 0; j < width; j++) {
      for (let i = 0; i <= Math.min(j, below - 1); i++) {
        const row = first + width + i;
        band[row * BAND_WIDTH + first + j - row + BAND_WIDTH - 1] = columns.data[j * below + i] as number;
      }
    }
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

/** QR of a panel given by its columns `[r, m]` as rows; R replaces them where it isn't 0. */
function factorPanel(columns: Matrix, first: number): Panel {
  const { rows: width, cols: length, data } = columns;
  const count = Math.min(width, length - 1);
  if (count <= 0) return { first, v: zeros(0, length), t: zeros(0, 0) };
  const [columnsAt, vAt, tAt, sumsAt] = allocate(8 * data.length, 8 * count * length, 8 * count * count, 8 * width);
  doubles(columnsAt, data.length).set(data);
  doubles(vAt, count * length).fill(0);
  doubles(tAt, count * count).fill(0);
  kernels.factorColumns(columnsAt, width, length, vAt, tAt, sumsAt);
  data.set(doubles(columnsAt, data.length));
  return {
    first,
    v: { rows: count, cols: length, data: doubles(vAt, count * length).slice() },
    t: { rows: count, cols: count, data: doubles(tAt, count * count).slice() },
  };
}
