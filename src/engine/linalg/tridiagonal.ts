import { BAND, BAND_WIDTH, reduceToBand } from './bandReduction.ts';
import type { Matrix } from './matrix.ts';
import { paste, rowRange, submatrix, zeros } from './matrix.ts';
import { reflectRows } from './onnxKernels.ts';
import { allocate, doubles, integers, kernels } from './wasm/kernels.ts';

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
 * @param matrix `[d, d]`, both triangles filled; overwritten
 */
export async function tridiagonalise(matrix: Matrix): Promise<Tridiagonal> {
  const { band, panels } = await reduceToBand(matrix);
  const chase = chaseBand(band, matrix.rows);
  return {
    diagonal: chase.diagonal,
    offDiagonal: chase.offDiagonal,
    rotate: async (c) => {
      const result: Matrix = { ...c, data: c.data.slice() };
      for (const panel of panels) await reflectRows(panel, rowRange(result, panel.first, c.rows), false);
      return applyReflections(chase, result, false);
    },
    rotateBack: async (z) => {
      const result = applyReflections(chase, z, true);
      for (const panel of panels.toReversed()) await reflectRows(panel, rowRange(result, panel.first, z.rows), true);
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

function chaseBand(band: Float64Array, size: number): Chase {
  let capacity = 0;
  for (let j = 0; j < size - 2; j++) capacity += Math.ceil((size - 1 - j) / BAND);
  const [bandAt, vectorsAt, firstsAt, lengthsAt, tausAt, sumsAt] = allocate(
    8 * band.length,
    8 * capacity * BAND,
    4 * capacity,
    4 * capacity,
    8 * capacity,
    8 * BAND_WIDTH,
  );
  doubles(bandAt, band.length).set(band);
  const count = kernels.chaseBand(bandAt, size, BAND, vectorsAt, firstsAt, lengthsAt, tausAt, sumsAt);
  const chased = doubles(bandAt, band.length);
  const at = (i: number, j: number) => chased[i * BAND_WIDTH + j - i + BAND_WIDTH - 1] as number;
  return {
    diagonal: Float64Array.from({ length: size }, (_, i) => at(i, i)),
    offDiagonal: Float64Array.from({ length: size }, (_, i) => (i + 1 < size ? at(i + 1, i) : 0)),
    count,
    firsts: integers(firstsAt, count).slice(),
    lengths: integers(lengthsAt, count).slice(),
    taus: doubles(tausAt, count).slice(),
    vectors: doubles(vectorsAt, count * BAND).slice(),
  };
}

function applyReflections({ count, firsts, lengths, taus, vectors }: Chase, c: Matrix, back: boolean): Matrix {
  const result = zeros(c.rows, c.cols);
  const [partAt, vectorsAt, firstsAt, lengthsAt, tausAt, sumsAt] = allocate(
    8 * c.rows * COLUMNS,
    vectors.byteLength,
    firsts.byteLength,
    lengths.byteLength,
    taus.byteLength,
    8 * COLUMNS,
  );
  doubles(vectorsAt, vectors.length).set(vectors);
  integers(firstsAt, count).set(firsts);
  integers(lengthsAt, count).set(lengths);
  doubles(tausAt, count).set(taus);
  for (let first = 0; first < c.cols; first += COLUMNS) {
    const part = submatrix(c, 0, first, c.rows, Math.min(COLUMNS, c.cols - first));
    const numbers = doubles(partAt, part.data.length);
    numbers.set(part.data);
    kernels.applyReflections(
      partAt,
      part.cols,
      vectorsAt,
      BAND,
      firstsAt,
      lengthsAt,
      tausAt,
      count,
      back ? 1 : 0,
      sumsAt,
    );
    paste(result, { ...part, data: numbers }, 0, first);
  }
  return result;
}

const MAX_STEPS = 60;

/**
 * The eigenvalues of a tridiagonal matrix, not sorted, by the implicit QL algorithm in the form of Pal, Walker and Kahan
 * (Parlett, The Symmetric Eigenvalue Problem, 8.15), which needs the squares of the couplings and no roots. A matrix that is
 * graded from large to small keeps the digits of its small eigenvalues, since the algorithm runs from the end.
 *
 * @returns `[d]`
 * @throws Error when they don't converge, as for entries that are NaN or infinite
 */
export function tridiagonalEigenvalues({
  diagonal,
  offDiagonal,
}: Pick<Tridiagonal, 'diagonal' | 'offDiagonal'>): Float64Array {
  const size = diagonal.length;
  const largest = Math.max(largestMagnitude(diagonal), largestMagnitude(offDiagonal));
  if (largest === 0) return new Float64Array(size);
  // QL wants the small end first. Scaled, so that squares stay in the range of doubles; by a power of two, which is exact.
  const scale = 2 ** Math.ceil(Math.log2(largest));
  const d = diagonal.toReversed().map((value) => value / scale);
  const squares = new Float64Array(size);
  for (let i = 0; i + 1 < size; i++) squares[i] = ((offDiagonal[size - 2 - i] as number) / scale) ** 2;
  for (let l = 0; l < size; l++) {
    for (let step = 0; ; step++) {
      let m = l;
      for (; m < size - 1; m++) {
        const negligible = Number.EPSILON * (Math.abs(d[m] as number) + Math.abs(d[m + 1] as number));
        if ((squares[m] as number) <= negligible * negligible) break;
      }
      if (m === l) break;
      if (step === MAX_STEPS) throw new Error('The eigenvalues of a tridiagonal matrix did not converge.');
      qlSweep(d, squares, l, m);
    }
  }
  return d.map((value) => value * scale);
}

function qlSweep(d: Float64Array, squares: Float64Array, l: number, m: number): void {
  const coupling = Math.sqrt(squares[l] as number);
  const dl = d[l] as number;
  const half = ((d[l + 1] as number) - dl) / (2 * coupling);
  const root = Math.sqrt(half * half + 1);
  const shift = dl - coupling / (half + (half < 0 ? -root : root));
  let gamma = (d[m] as number) - shift;
  let p = gamma * gamma;
  let cosine = 1;
  let sine = 0;
  for (let i = m - 1; i >= l; i--) {
    const square = squares[i] as number;
    const r = p + square;
    if (i !== m - 1) squares[i + 1] = sine * r;
    const previousCosine = cosine;
    const previousGamma = gamma;
    cosine = p / r;
    sine = square / r;
    const entry = d[i] as number;
    gamma = cosine * (entry - shift) - sine * previousGamma;
    d[i + 1] = previousGamma + (entry - gamma);
    p = cosine === 0 ? previousCosine * square : (gamma * gamma) / cosine;
  }
  squares[l] = sine * p;
  d[l] = shift + gamma;
}

function largestMagnitude(values: Float64Array): number {
  return values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
}
