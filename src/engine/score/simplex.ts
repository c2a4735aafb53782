import { InputError } from '../errors.ts';
import type { Matrix } from '../linalg/matrix.ts';

/** 2^K supports are tried: no one has more label encoders than this. */
const MAX_SIZE = 8;

/** The point of the simplex {t ≥ 0, Σt = 1} nearest to `z` (Martins & Astudillo 2016). */
export function sparsemax(z: readonly number[]): number[] {
  const sorted = [...z].sort((a, b) => b - a);
  let sum = 0;
  let threshold = 0;
  sorted.forEach((value, i) => {
    sum += value;
    if (1 + (i + 1) * value > sum) threshold = (sum - 1) / (i + 1);
  });
  return z.map((value) => Math.max(0, value - threshold));
}

/** tᵀ·q·t */
export function quadraticForm(q: Matrix, t: readonly number[]): number {
  let sum = 0;
  t.forEach((ti, i) => {
    t.forEach((tj, j) => {
      sum += ti * tj * (q.data[i * q.cols + j] as number);
    });
  });
  return sum;
}

/**
 * The t of the simplex that minimises tᵀ·q·t, exactly: the minimum lies inside some face, and there q_SS·t_S = μ·1, so
 * the best among the faces' stationary points that lie in the simplex is the answer.
 *
 * @param q `[K, K]` symmetric positive semidefinite, K ≤ 8
 * @throws InputError for more than 8 label encoders
 */
export function minimiseOnSimplex(q: Matrix): number[] {
  const size = q.rows;
  if (size > MAX_SIZE) {
    throw new InputError(`${size} label encoders are too many; choose at most ${MAX_SIZE}.`);
  }
  let best: number[] = [];
  let bestValue = Number.POSITIVE_INFINITY;
  for (let mask = 1; mask < 1 << size; mask++) {
    const support = Array.from({ length: size }, (_, k) => k).filter((k) => mask & (1 << k));
    const solution = stationaryPoint(q, support);
    // A face without an own stationary point in the simplex has its minimum on its border, which is another face.
    if (solution === undefined || solution.some((value) => value < 0)) continue;
    const t = Array.from({ length: size }, (_, k) => solution[support.indexOf(k)] ?? 0);
    const value = quadraticForm(q, t);
    if (value < bestValue) {
      best = t;
      bestValue = value;
    }
  }
  return best;
}

/** t_S with Σt_S = 1 and q_SS·t_S constant, by elimination with pivoting; undefined when not unique. */
function stationaryPoint(q: Matrix, support: readonly number[]): number[] | undefined {
  const size = support.length;
  // Unknowns are the steps from the first vertex along the edges to the others: the constraint is gone.
  const [origin = 0, ...others] = support;
  const entry = (i: number, j: number) => q.data[i * q.cols + j] as number;
  const rows = others.map((i) => [
    ...others.map((j) => entry(i, j) - entry(i, origin) - entry(origin, j) + entry(origin, origin)),
    entry(origin, origin) - entry(i, origin),
  ]);
  const scale = Math.max(...rows.map((row, i) => Math.abs(row[i] as number)));
  for (let column = 0; column < size - 1; column++) {
    const pivot = rows.reduce(
      (p, row, i) => (i > column && Math.abs(row[column] as number) > Math.abs(rows[p]?.[column] as number) ? i : p),
      column,
    );
    [rows[column], rows[pivot]] = [rows[pivot] as number[], rows[column] as number[]];
    const pivotRow = rows[column] as number[];
    const pivotValue = pivotRow[column] as number;
    if (!(Math.abs(pivotValue) > 1e-14 * scale)) return undefined;
    rows.forEach((row, i) => {
      if (i === column) return;
      const factor = (row[column] as number) / pivotValue;
      for (let j = column; j < size; j++) {
        row[j] = (row[j] as number) - factor * (pivotRow[j] as number);
      }
    });
  }
  const steps = rows.map((row, i) => (row[size - 1] as number) / (row[i] as number));
  return [1 - steps.reduce((sum, step) => sum + step, 0), ...steps];
}
