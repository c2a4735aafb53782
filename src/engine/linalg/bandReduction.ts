import type { Matrix } from './matrix.ts';
import { addTo, dot, paste, rowRange, scaled, submatrix, subtractFrom, transpose, zeros } from './matrix.ts';
import { multiply, multiplyTransposed } from './multiply.ts';
import { gemm } from './onnxKernels.ts';

/** Width of the band: wide enough for Gemm to make it, narrow enough for loops to narrow it further. */
export const BAND = 32;
/** Rows that are updated at once: bounds the memory of a product. */
const STRIP = 512;
/** Columns of a panel that are factored in loops; wider panels go in halves, joined by products. */
const LEAF = 8;

/** I − Vᵀ·T·V on the rows from `first` on; V `[r, m]` holds the vectors of r reflections in its rows. */
export interface Panel {
  first: number;
  v: Matrix;
  t: Matrix;
}

/** Band storage: row i, column j ≤ i at `i·BAND_WIDTH + j − i + BAND_WIDTH − 1`; room for what chasing fills in. */
export const BAND_WIDTH = 2 * BAND;

/** The band of Qᵀ·M·Q, its lower half, and the panels of Q, for a symmetric `matrix`. */
export async function reduceToBand(matrix: Matrix): Promise<{ band: Float64Array; panels: Panel[] }> {
  const size = matrix.rows;
  const band = new Float64Array(size * BAND_WIDTH);
  const panels: Panel[] = [];
  const buffer = matrix.data.slice();
  const memory = new Float64Array(Math.min(STRIP, size) * size);
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
    const panel = await factorPanel(columns, first + width);
    for (let j = 0; j < width; j++) {
      for (let i = 0; i <= Math.min(j, below - 1); i++) {
        const row = first + width + i;
        band[row * BAND_WIDTH + first + j - row + BAND_WIDTH - 1] = columns.data[j * below + i] as number;
      }
    }
    const rest = compact(buffer, left, width);
    if (panel.v.rows > 0) {
      panels.push(panel);
      await reflectBothSides(panel, rest, memory);
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
async function factorPanel(columns: Matrix, first: number): Promise<Panel> {
  const { rows: width, cols: length } = columns;
  if (width <= LEAF || length <= width) return factorLeaf(columns, first);
  const half = Math.floor(width / 2);
  const { v: leftV, t: leftT } = await factorPanel(rowRange(columns, 0, half), first);
  const right = rowRange(columns, half, width);
  subtractFrom(right, await multiply(await multiply(await multiplyTransposed(right, leftV), leftT), leftV));
  const below = submatrix(right, 0, half, width - half, length - half);
  const { v: rightV, t: rightT } = await factorPanel(below, first + half);
  paste(right, below, 0, half);

  // (I − V₁ᵀ·T₁·V₁)·(I − V₂ᵀ·T₂·V₂) has the T [T₁, −T₁·(V₁·V₂ᵀ)·T₂; 0, T₂].
  const v = zeros(width, length);
  paste(v, leftV, 0, 0);
  paste(v, rightV, half, half);
  const overlap = await multiplyTransposed(leftV, rowRange(v, half, width));
  const t = zeros(width, width);
  paste(t, leftT, 0, 0);
  paste(t, scaled(await multiply(await multiply(leftT, overlap), rightT), -1), 0, half);
  paste(t, rightT, half, half);
  return { first, v, t };
}

/** The same, one reflection after the other. */
function factorLeaf(columns: Matrix, first: number): Panel {
  const { rows: width, cols: length } = columns;
  const count = Math.min(width, length - 1);
  if (count <= 0) return { first, v: zeros(0, length), t: zeros(0, 0) };
  const v = zeros(count, length);
  const t = zeros(count, count);
  for (let k = 0; k < count; k++) {
    const column = rowRange(columns, k, k + 1).data.subarray(k);
    const vector = rowRange(v, k, k + 1).data.subarray(k);
    vector.set(column);
    const { tau, value } = householder(vector);
    column[0] = value;
    if (tau !== 0) {
      for (let j = k + 1; j < width; j++) {
        const other = columns.data.subarray(j * length + k, (j + 1) * length);
        addMultiple(other, -tau * dot(vector, other), vector);
      }
    }
    // Column k of T is −τ·T·(V·vₖ), with τ on the diagonal.
    for (let i = 0; i < k; i++) {
      let sum = 0;
      for (let j = i; j < k; j++) {
        sum += (t.data[i * count + j] as number) * dot(v.data.subarray(j * length + k, (j + 1) * length), vector);
      }
      t.data[i * count + k] = -tau * sum;
    }
    t.data[k * count + k] = tau;
  }
  return { first, v, t };
}

/**
 * Replaces x by the v with v₀ = 1 of the reflection I − τ·v·vᵀ that maps x to (value, 0, …, 0).
 */
export function householder(x: Float64Array): { tau: number; value: number } {
  const head = x[0] as number;
  const tail = x.subarray(1);
  const largest = tail.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  x[0] = 1;
  if (largest === 0) return { tau: 0, value: head };
  // Scaled, so that squares neither overflow nor vanish.
  const scale = Math.max(largest, Math.abs(head));
  let squares = (head / scale) ** 2;
  for (const value of tail) squares += (value / scale) ** 2;
  const norm = scale * Math.sqrt(squares);
  const value = head > 0 ? -norm : norm;
  const divisor = head - value;
  for (let i = 0; i < tail.length; i++) tail[i] = (tail[i] as number) / divisor;
  return { tau: -divisor / value, value };
}

/** a += factor·b */
function addMultiple(a: Float64Array, factor: number, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] as number) + factor * (b[i] as number);
}

/**
 * Qᵀ·A·Q in place for Q = I − Vᵀ·T·V: A − W·V − Vᵀ·Wᵀ with W = A·VᵀT − ½·Vᵀ·(Tᵀ·V·A·Vᵀ·T).
 *
 * @param memory for `STRIP` rows of A
 */
async function reflectBothSides({ v, t }: Panel, a: Matrix, memory: Float64Array): Promise<void> {
  const product = await multiply(await multiplyTransposed(a, v), t);
  const inner = await multiply(transpose(t), await multiply(v, product));
  const vectors = transpose(v);
  addTo(product, scaled(await multiply(vectors, inner), -0.5));
  const width = v.rows;
  const left = zeros(a.rows, 2 * width);
  paste(left, product, 0, 0);
  paste(left, vectors, 0, width);
  const right = zeros(2 * width, a.rows);
  paste(right, v, 0, 0);
  paste(right, transpose(product), width, 0);
  for (let from = 0; from < a.rows; from += STRIP) {
    const to = Math.min(from + STRIP, a.rows);
    const strip = rowRange(a, from, to);
    const update: Matrix = { ...strip, data: memory.subarray(0, strip.data.length) };
    await gemm(rowRange(left, from, to).data, right.data, update.data, strip.rows, right.rows, strip.cols, 'neither');
    subtractFrom(strip, update);
  }
}

/** Qᵀ·C, or Q·C when `back`, for Q = I − Vᵀ·T·V on the rows from `first` on. */
export async function reflect({ first, v, t }: Panel, c: Matrix, back: boolean): Promise<Matrix> {
  const part = submatrix(c, first, 0, c.rows - first, c.cols);
  const inner = await multiply(back ? t : transpose(t), await multiply(v, part));
  const update = await multiply(transpose(v), inner);
  const result: Matrix = { ...c, data: c.data.slice() };
  subtractFrom(rowRange(result, first, c.rows), update);
  return result;
}
