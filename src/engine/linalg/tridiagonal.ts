import { BAND, BAND_WIDTH, householder, reduceToBand, reflect } from './bandReduction.ts';
import type { Matrix } from './matrix.ts';
import { paste, submatrix, zeros } from './matrix.ts';

/** From the start of a row of the band to that of the next, less the step to the right. */
const STRIDE = BAND_WIDTH - 1;
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
  /** Where (i, 0) would be: rows are `STRIDE` apart. */
  const rowAt = (i: number) => i * STRIDE + STRIDE;

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
        reflectLeft(band, rowAt(first) + column + 1, STRIDE, lastColumn - column, v, tau, scratch);
        band[rowAt(first) + column] = value;
        for (let i = 1; i < length; i++) band[rowAt(first + i) + column] = 0;
        reflectBoth(band, rowAt(first) + first, STRIDE, v, tau, scratch);
        const below = first + length;
        reflectRight(band, rowAt(below) + first, STRIDE, Math.min(BAND, size - below), v, tau);
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

/** (I − τ·v·vᵀ)·A in place for the A `[v.length, cols]` at `start`, four rows at a time: fewer loads and stores. */
function reflectLeft(
  data: Float64Array,
  start: number,
  stride: number,
  cols: number,
  v: Float64Array,
  tau: number,
  scratch: Float64Array,
): void {
  const rows = v.length;
  scratch.fill(0, 0, cols);
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const [v0, v1, v2, v3] = [v[i] as number, v[i + 1] as number, v[i + 2] as number, v[i + 3] as number];
    const at0 = start + i * stride;
    const [at1, at2, at3] = [at0 + stride, at0 + 2 * stride, at0 + 3 * stride];
    for (let j = 0; j < cols; j++) {
      scratch[j] =
        (scratch[j] as number) +
        (v0 * (data[at0 + j] as number) + v1 * (data[at1 + j] as number)) +
        (v2 * (data[at2 + j] as number) + v3 * (data[at3 + j] as number));
    }
  }
  for (; i < rows; i++) {
    const at = start + i * stride;
    for (let j = 0; j < cols; j++) scratch[j] = (scratch[j] as number) + (v[i] as number) * (data[at + j] as number);
  }
  for (let j = 0; j < cols; j++) scratch[j] = tau * (scratch[j] as number);
  for (i = 0; i + 4 <= rows; i += 4) {
    const [v0, v1, v2, v3] = [v[i] as number, v[i + 1] as number, v[i + 2] as number, v[i + 3] as number];
    const at0 = start + i * stride;
    const [at1, at2, at3] = [at0 + stride, at0 + 2 * stride, at0 + 3 * stride];
    for (let j = 0; j < cols; j++) {
      const sum = scratch[j] as number;
      data[at0 + j] = (data[at0 + j] as number) - v0 * sum;
      data[at1 + j] = (data[at1 + j] as number) - v1 * sum;
      data[at2 + j] = (data[at2 + j] as number) - v2 * sum;
      data[at3 + j] = (data[at3 + j] as number) - v3 * sum;
    }
  }
  for (; i < rows; i++) {
    const at = start + i * stride;
    for (let j = 0; j < cols; j++) data[at + j] = (data[at + j] as number) - (v[i] as number) * (scratch[j] as number);
  }
}

/** A·(I − τ·v·vᵀ) in place for the A `[rows, v.length]` at `start`; four sums side by side don't wait for each other. */
function reflectRight(
  data: Float64Array,
  start: number,
  stride: number,
  rows: number,
  v: Float64Array,
  tau: number,
): void {
  const cols = v.length;
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const at0 = start + i * stride;
    const [at1, at2, at3] = [at0 + stride, at0 + 2 * stride, at0 + 3 * stride];
    let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
    for (let j = 0; j < cols; j++) {
      const vj = v[j] as number;
      sum0 += (data[at0 + j] as number) * vj;
      sum1 += (data[at1 + j] as number) * vj;
      sum2 += (data[at2 + j] as number) * vj;
      sum3 += (data[at3 + j] as number) * vj;
    }
    for (let j = 0; j < cols; j++) {
      const vj = tau * (v[j] as number);
      data[at0 + j] = (data[at0 + j] as number) - sum0 * vj;
      data[at1 + j] = (data[at1 + j] as number) - sum1 * vj;
      data[at2 + j] = (data[at2 + j] as number) - sum2 * vj;
      data[at3 + j] = (data[at3 + j] as number) - sum3 * vj;
    }
  }
  for (; i < rows; i++) {
    const at = start + i * stride;
    let sum = 0;
    for (let j = 0; j < cols; j++) sum += (data[at + j] as number) * (v[j] as number);
    for (let j = 0; j < cols; j++) data[at + j] = (data[at + j] as number) - tau * sum * (v[j] as number);
  }
}

/** (I − τ·v·vᵀ)·A·(I − τ·v·vᵀ) in place for the lower triangle of a symmetric A at `start`. */
function reflectBoth(
  data: Float64Array,
  start: number,
  stride: number,
  v: Float64Array,
  tau: number,
  scratch: Float64Array,
): void {
  const size = v.length;
  scratch.fill(0, 0, size);
  let i = 0;
  for (; i + 2 <= size; i += 2) {
    const at0 = start + i * stride;
    const at1 = at0 + stride;
    const [v0, v1] = [v[i] as number, v[i + 1] as number];
    const coupling = data[at1 + i] as number;
    let sum0 = v0 * (data[at0 + i] as number) + v1 * coupling;
    let sum1 = v0 * coupling + v1 * (data[at1 + i + 1] as number);
    for (let j = 0; j < i; j++) {
      const [value0, value1, vj] = [data[at0 + j] as number, data[at1 + j] as number, v[j] as number];
      sum0 += value0 * vj;
      sum1 += value1 * vj;
      scratch[j] = (scratch[j] as number) + (value0 * v0 + value1 * v1);
    }
    scratch[i] = sum0;
    scratch[i + 1] = sum1;
  }
  if (i < size) {
    const at = start + i * stride;
    const vi = v[i] as number;
    let sum = vi * (data[at + i] as number);
    for (let j = 0; j < i; j++) {
      sum += (data[at + j] as number) * (v[j] as number);
      scratch[j] = (scratch[j] as number) + (data[at + j] as number) * vi;
    }
    scratch[i] = sum;
  }
  let product = 0;
  for (let j = 0; j < size; j++) product += (v[j] as number) * (scratch[j] as number);
  const shift = 0.5 * tau * product;
  for (let j = 0; j < size; j++) scratch[j] = tau * ((scratch[j] as number) - shift * (v[j] as number));
  for (let row = 0; row < size; row++) {
    const at = start + row * stride;
    const vi = v[row] as number;
    const si = scratch[row] as number;
    for (let j = 0; j <= row; j++) {
      data[at + j] = (data[at + j] as number) - vi * (scratch[j] as number) - si * (v[j] as number);
    }
  }
}

function applyReflections(chase: Chase, c: Matrix, back: boolean): Matrix {
  const result = zeros(c.rows, c.cols);
  const sums = new Float64Array(COLUMNS);
  for (let first = 0; first < c.cols; first += COLUMNS) {
    const part = submatrix(c, 0, first, c.rows, Math.min(COLUMNS, c.cols - first));
    for (let step = 0; step < chase.count; step++) {
      const index = back ? chase.count - 1 - step : step;
      const v = chase.vectors.subarray(index * BAND, index * BAND + (chase.lengths[index] as number));
      reflectLeft(
        part.data,
        (chase.firsts[index] as number) * part.cols,
        part.cols,
        part.cols,
        v,
        chase.taus[index] as number,
        sums,
      );
    }
    paste(result, part, 0, first);
  }
  return result;
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
