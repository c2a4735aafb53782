import type { Matrix } from './matrix.ts';
import { dot, rowRange, transpose, zeros } from './matrix.ts';
import type { Tridiagonal } from './tridiagonal.ts';
import { tridiagonalEigenvalues, tridiagonalise } from './tridiagonal.ts';

/** A symmetric matrix by its tridiagonal form and all eigenvalues, the largest first. */
export interface Spectrum {
  tridiagonal: Tridiagonal;
  eigenvalues: Float64Array;
}

/** The spectrum of a symmetric matrix `[d, d]`, O(d³) mostly in matrix products. */
export async function spectrumOf(matrix: Matrix): Promise<Spectrum> {
  const tridiagonal = await tridiagonalise({ ...matrix, data: matrix.data.slice() });
  return { tridiagonal, eigenvalues: tridiagonalEigenvalues(tridiagonal).sort().reverse() };
}

/**
 * Orthonormal eigenvectors `[d, k]` of the k largest eigenvalues, by inverse iteration on the tridiagonal form:
 * O(d·k² + d²·k).
 */
export async function leadingEigenvectors({ tridiagonal, eigenvalues }: Spectrum, count: number): Promise<Matrix> {
  const vectors = inverseIteration(tridiagonal, eigenvalues.subarray(0, count));
  return tridiagonal.rotateBack(transpose(vectors));
}

const ITERATIONS = 4;
/** A matrix of zeros has eigenvectors too. */
const SMALLEST_SCALE = 1e-200;

/** `[k, d]`, one eigenvector of the tridiagonal matrix per eigenvalue. */
function inverseIteration(tridiagonal: Tridiagonal, eigenvalues: Float64Array): Matrix {
  const size = tridiagonal.diagonal.length;
  const vectors = zeros(eigenvalues.length, size);
  const scale = eigenvalues.reduce((max, value) => Math.max(max, Math.abs(value)), SMALLEST_SCALE);
  let shift = Number.POSITIVE_INFINITY;
  for (let k = 0; k < eigenvalues.length; k++) {
    const vector = rowRange(vectors, k, k + 1).data;
    for (let i = 0; i < size; i++) vector[i] = startValue(i, k);
    // Eigenvalues that coincide get shifts that don't: the same factorisation would give the same vector.
    shift = Math.min(eigenvalues[k] as number, shift - 10 * Number.EPSILON * scale);
    for (let iteration = 0; iteration < ITERATIONS; iteration++) {
      solveShifted(tridiagonal, shift, scale, vector);
      orthogonalise(vector, rowRange(vectors, 0, k));
    }
  }
  return vectors;
}

/** Fixed numbers without a pattern, so that no eigenvector is missed and results repeat. */
function startValue(i: number, k: number): number {
  const hash = Math.imul(Math.imul(i + 1, 0x9e3779b1) ^ (k + 1), 0x85ebca6b);
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32 - 0.5;
}

/** Makes `vector` a unit vector orthogonal to the rows of `others`; twice, for rounding spoils the first time. */
function orthogonalise(vector: Float64Array, others: Matrix): void {
  for (let pass = 0; pass < 2; pass++) {
    scaleToUnit(vector);
    for (let k = 0; k < others.rows; k++) {
      const other = rowRange(others, k, k + 1).data;
      const factor = dot(vector, other);
      for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) - factor * (other[i] as number);
    }
  }
  scaleToUnit(vector);
}

function scaleToUnit(vector: Float64Array): void {
  const largest = vector.reduce((max, value) => Math.max(max, Math.abs(value)), Number.MIN_VALUE);
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) / largest;
  const norm = Math.sqrt(dot(vector, vector));
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) / norm;
}

/** Solves (T − shift·I)·x = b into b by elimination with row exchanges; pivots of 0 become tiny, as is usual here. */
function solveShifted({ diagonal, offDiagonal }: Tridiagonal, shift: number, scale: number, b: Float64Array): void {
  const size = diagonal.length;
  const tiny = Number.EPSILON * scale;
  const pivots = new Float64Array(size);
  const next = new Float64Array(size);
  const afterNext = new Float64Array(size);
  let pivot = (diagonal[0] as number) - shift;
  let right = offDiagonal[0] as number;
  for (let i = 0; i + 1 < size; i++) {
    const below = offDiagonal[i] as number;
    const belowDiagonal = (diagonal[i + 1] as number) - shift;
    const belowRight = offDiagonal[i + 1] as number;
    if (Math.abs(below) > Math.abs(pivot)) {
      const factor = pivot / below;
      pivots[i] = below;
      next[i] = belowDiagonal;
      afterNext[i] = belowRight;
      pivot = right - factor * belowDiagonal;
      right = -factor * belowRight;
      const value = b[i] as number;
      b[i] = b[i + 1] as number;
      b[i + 1] = value - factor * (b[i] as number);
    } else {
      if (Math.abs(pivot) < tiny) pivot = tiny;
      const factor = below / pivot;
      pivots[i] = pivot;
      next[i] = right;
      pivot = belowDiagonal - factor * right;
      right = belowRight;
      b[i + 1] = (b[i + 1] as number) - factor * (b[i] as number);
    }
  }
  pivots[size - 1] = Math.abs(pivot) < tiny ? tiny : pivot;
  for (let i = size - 1; i >= 0; i--) {
    let value = b[i] as number;
    if (i + 1 < size) value -= (next[i] as number) * (b[i + 1] as number);
    if (i + 2 < size) value -= (afterNext[i] as number) * (b[i + 2] as number);
    b[i] = value / (pivots[i] as number);
  }
}
