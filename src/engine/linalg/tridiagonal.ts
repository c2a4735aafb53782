import type { Matrix } from './matrix.ts';
import { addTo, dot, paste, rowRange, scaled, submatrix, transpose, zeros } from './matrix.ts';
import { multiply, multiplyTransposed } from './multiply.ts';

/** Width of the band between the two stages: wide enough for Gemm in the first, narrow enough for loops in the second. */
const BAND = 32;
/** Rows that are updated at once: bounds the memory of a product. */
const STRIP = 512;
/** Columns that reflections are applied to at once: `BAND` rows of them stay in the first-level cache. */
const COLUMNS = 64;

/** A symmetric M = Q·T·Qᵀ with T tridiagonal and Q orthogonal. */
export interface Tridiagonal {
  /** `[d]` */
  diagonal: Float64Array;
  /** `[d]`, entry i couples i and i + 1; the last is 0. */
  offDiagonal: Float64Array;
  /** Qᵀ·C for C `[d, r]`. */
  rotate(c: Matrix): Promise<Matrix>;
  /** Q·Z for Z `[d, r]`. */
  rotateBack(z: Matrix): Promise<Matrix>;
}

/** I − Vᵀ·T·V on the rows from `first` on; V `[r, m]` holds the vectors of r reflections in its rows. */
interface Panel {
  first: number;
  v: Matrix;
  t: Matrix;
}

/**
 * Reduces a symmetric matrix to tridiagonal form in two stages (Bischof, Lang & Sun, ACM TOMS 26, 2000): to a band by
 * blocks of Householder reflections, where nearly all of the 4·d³ operations are matrix products, then by chasing the
 * rest of the band, O(d²·band), in plain loops. One-stage reduction does half its work in matrix-vector products, which
 * wait for memory.
 *
 * Backward stable, and row 0 is never mixed into the others: when only entry (0, 0) is huge the rest keeps its digits.
 *
 * @param matrix `[d, d]`, both triangles filled; left as it is
 */
export async function tridiagonalise(matrix: Matrix): Promise<Tridiagonal> {
  const { band, panels } = await reduceToBand(matrix);
  const chase = chaseBand(band, matrix.rows);
  return {
    diagonal: chase.diagonal,
    offDiagonal: chase.offDiagonal,
    rotate: async (c) => {
      let result = c;
      for (const panel of panels) result = await reflect(panel, result, false);
      return applyReflections(chase, result, false);
    },
    rotateBack: async (z) => {
      let result = applyReflections(chase, z, true);
      for (const panel of panels.toReversed()) result = await reflect(panel, result, true);
      return result;
    },
  };
}

/** Band storage: row i, column j ≤ i at `i·BAND_WIDTH + j − i + BAND_WIDTH − 1`; room for what chasing fills in. */
const BAND_WIDTH = 2 * BAND;

async function reduceToBand(matrix: Matrix): Promise<{ band: Float64Array; panels: Panel[] }> {
  const size = matrix.rows;
  const band = new Float64Array(size * BAND_WIDTH);
  const panels: Panel[] = [];
  const buffer = matrix.data.slice();
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
function householder(x: Float64Array): { tau: number; value: number } {
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

/** Qᵀ·A·Q in place for Q = I − Vᵀ·T·V: A − W·V − Vᵀ·Wᵀ with W = A·VᵀT − ½·Vᵀ·(Tᵀ·V·A·Vᵀ·T). */
async function reflectBothSides({ v, t }: Panel, a: Matrix): Promise<void> {
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
    const strip = rowRange(a, from, to).data;
    const update = (await multiply(rowRange(left, from, to), right)).data;
    for (let at = 0; at < strip.length; at++) strip[at] = (strip[at] as number) - (update[at] as number);
  }
}

/** Qᵀ·C, or Q·C when `back`, for Q = I − Vᵀ·T·V on the rows from `first` on. */
async function reflect({ first, v, t }: Panel, c: Matrix, back: boolean): Promise<Matrix> {
  const part = submatrix(c, first, 0, c.rows - first, c.cols);
  const inner = await multiply(back ? t : transpose(t), await multiply(v, part));
  const update = await multiply(transpose(v), inner);
  const result: Matrix = { ...c, data: c.data.slice() };
  const rows = result.data.subarray(first * c.cols);
  for (let at = 0; at < rows.length; at++) rows[at] = (rows[at] as number) - (update.data[at] as number);
  return result;
}

/** The reflections of the second stage, in the order they were made. */
interface Chase {
  diagonal: Float64Array;
  offDiagonal: Float64Array;
  count: number;
  /** Per reflection its first row and its length. */
  firsts: Int32Array;
  lengths: Int32Array;
  taus: Float64Array;
  /** `[count, BAND]` */
  vectors: Float64Array;
}

/**
 * Column by column, a reflection clears the column below its subdiagonal; what it fills in below the band is pushed
 * down and out by further reflections, each `BAND` rows below the last.
 */
function chaseBand(band: Float64Array, size: number): Chase {
  let capacity = 0;
  for (let j = 0; j < size - 2; j++) capacity += Math.ceil((size - 1 - j) / BAND);
  const chase: Chase = {
    diagonal: new Float64Array(size),
    offDiagonal: new Float64Array(size),
    count: 0,
    firsts: new Int32Array(capacity),
    lengths: new Int32Array(capacity),
    taus: new Float64Array(capacity),
    vectors: new Float64Array(capacity * BAND),
  };
  const scratch = new Float64Array(BAND);
  /** Where (i, 0) would be. */
  const rowAt = (i: number) => i * (BAND_WIDTH - 1) + BAND_WIDTH - 1;

  for (let j = 0; j < size - 2; j++) {
    let column = j;
    let lastColumn = j;
    for (let first = j + 1; first < size - 1; first += BAND) {
      const length = Math.min(BAND, size - first);
      const v = chase.vectors.subarray(chase.count * BAND, chase.count * BAND + length);
      for (let i = 0; i < length; i++) v[i] = band[rowAt(first + i) + column] as number;
      const { tau, value } = householder(v);
      if (tau !== 0) {
        // From the left, on the columns that the reflection before filled.
        leftReflect(band, rowAt, first, length, column, lastColumn, v, tau, scratch);
        band[rowAt(first) + column] = value;
        for (let i = 1; i < length; i++) band[rowAt(first + i) + column] = 0;
        middleReflect(band, rowAt, first, length, v, tau, scratch);
        rightReflect(band, rowAt, first, length, Math.min(first + length + BAND, size), v, tau);
        chase.firsts[chase.count] = first;
        chase.lengths[chase.count] = length;
        chase.taus[chase.count] = tau;
        chase.count++;
      }
      column = first;
      lastColumn = first + length - 1;
    }
  }
  for (let i = 0; i < size; i++) {
    chase.diagonal[i] = band[rowAt(i) + i] as number;
    chase.offDiagonal[i] = i + 1 < size ? (band[rowAt(i + 1) + i] as number) : 0;
  }
  return chase;
}

type RowAt = (i: number) => number;

function leftReflect(
  band: Float64Array,
  rowAt: RowAt,
  first: number,
  length: number,
  column: number,
  lastColumn: number,
  v: Float64Array,
  tau: number,
  scratch: Float64Array,
): void {
  const width = lastColumn - column;
  if (width === 0) return;
  scratch.fill(0, 0, width);
  for (let i = 0; i < length; i++) {
    const at = rowAt(first + i) + column + 1;
    const factor = v[i] as number;
    for (let j = 0; j < width; j++) scratch[j] = (scratch[j] as number) + factor * (band[at + j] as number);
  }
  for (let i = 0; i < length; i++) {
    const at = rowAt(first + i) + column + 1;
    const factor = tau * (v[i] as number);
    for (let j = 0; j < width; j++) band[at + j] = (band[at + j] as number) - factor * (scratch[j] as number);
  }
}

/** On the block on the diagonal from both sides, its lower triangle. */
function middleReflect(
  band: Float64Array,
  rowAt: RowAt,
  first: number,
  length: number,
  v: Float64Array,
  tau: number,
  scratch: Float64Array,
): void {
  scratch.fill(0, 0, length);
  for (let i = 0; i < length; i++) {
    const at = rowAt(first + i) + first;
    const vi = v[i] as number;
    let sum = vi * (band[at + i] as number);
    for (let j = 0; j < i; j++) {
      const value = band[at + j] as number;
      sum += value * (v[j] as number);
      scratch[j] = (scratch[j] as number) + value * vi;
    }
    scratch[i] = (scratch[i] as number) + sum;
  }
  let product = 0;
  for (let i = 0; i < length; i++) product += (v[i] as number) * (scratch[i] as number);
  const shift = 0.5 * tau * product;
  for (let i = 0; i < length; i++) scratch[i] = tau * ((scratch[i] as number) - shift * (v[i] as number));
  for (let i = 0; i < length; i++) {
    const at = rowAt(first + i) + first;
    const vi = v[i] as number;
    const si = scratch[i] as number;
    for (let j = 0; j <= i; j++) {
      band[at + j] = (band[at + j] as number) - vi * (scratch[j] as number) - si * (v[j] as number);
    }
  }
}

function rightReflect(
  band: Float64Array,
  rowAt: RowAt,
  first: number,
  length: number,
  end: number,
  v: Float64Array,
  tau: number,
): void {
  for (let i = first + length; i < end; i++) {
    const at = rowAt(i) + first;
    let sum = 0;
    for (let j = 0; j < length; j++) sum += (band[at + j] as number) * (v[j] as number);
    const factor = tau * sum;
    for (let j = 0; j < length; j++) band[at + j] = (band[at + j] as number) - factor * (v[j] as number);
  }
}

function applyReflections(chase: Chase, c: Matrix, back: boolean): Matrix {
  const result = zeros(c.rows, c.cols);
  const sums = new Float64Array(COLUMNS);
  for (let first = 0; first < c.cols; first += COLUMNS) {
    const part = submatrix(c, 0, first, c.rows, Math.min(COLUMNS, c.cols - first));
    for (let step = 0; step < chase.count; step++) {
      applyReflection(chase, back ? chase.count - 1 - step : step, part, sums);
    }
    paste(result, part, 0, first);
  }
  return result;
}

function applyReflection(chase: Chase, index: number, { cols, data }: Matrix, sums: Float64Array): void {
  const { vectors } = chase;
  const length = chase.lengths[index] as number;
  const tau = chase.taus[index] as number;
  const start = (chase.firsts[index] as number) * cols;
  const offset = index * BAND;
  sums.fill(0);
  for (let i = 0; i < length; i++) {
    const factor = vectors[offset + i] as number;
    const at = start + i * cols;
    for (let j = 0; j < cols; j++) sums[j] = (sums[j] as number) + factor * (data[at + j] as number);
  }
  for (let i = 0; i < length; i++) {
    const factor = tau * (vectors[offset + i] as number);
    const at = start + i * cols;
    for (let j = 0; j < cols; j++) data[at + j] = (data[at + j] as number) - factor * (sums[j] as number);
  }
}

const MAX_STEPS = 60;

/**
 * The eigenvalues of a tridiagonal matrix, not sorted, by the implicit QL algorithm. A matrix that is graded from large
 * to small keeps the digits of its small eigenvalues, since the algorithm runs from the end.
 */
export function tridiagonalEigenvalues({ diagonal, offDiagonal }: Tridiagonal): Float64Array {
  // QL wants the small end first.
  const size = diagonal.length;
  const d = diagonal.toReversed();
  const e = new Float64Array(size);
  for (let i = 0; i + 1 < size; i++) e[i] = offDiagonal[size - 2 - i] as number;
  for (let l = 0; l < size; l++) {
    for (let step = 0; ; step++) {
      let m = l;
      for (; m < size - 1; m++) {
        const scale = Math.abs(d[m] as number) + Math.abs(d[m + 1] as number);
        if (Math.abs(e[m] as number) <= Number.EPSILON * scale) break;
      }
      if (m === l) break;
      if (step === MAX_STEPS) throw new Error('The eigenvalues of a tridiagonal matrix did not converge.');
      qlSweep(d, e, l, m);
    }
  }
  return d;
}

function qlSweep(d: Float64Array, e: Float64Array, l: number, m: number): void {
  const el = e[l] as number;
  const dl = d[l] as number;
  let g = ((d[l + 1] as number) - dl) / (2 * el);
  const root = Math.sqrt(g * g + 1);
  g = (d[m] as number) - dl + el / (g + (g < 0 ? -root : root));
  let sine = 1;
  let cosine = 1;
  let p = 0;
  for (let i = m - 1; i >= l; i--) {
    const f = sine * (e[i] as number);
    const b = cosine * (e[i] as number);
    const r = Math.sqrt(f * f + g * g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1] = (d[i + 1] as number) - p;
      e[m] = 0;
      return;
    }
    sine = f / r;
    cosine = g / r;
    g = (d[i + 1] as number) - p;
    const q = ((d[i] as number) - g) * sine + 2 * cosine * b;
    p = sine * q;
    d[i + 1] = g + p;
    g = cosine * q - b;
  }
  d[l] = (d[l] as number) - p;
  e[l] = g;
  e[m] = 0;
}
