import type { Matrix } from './matrix.ts';
import { dot, rowRange, zeros } from './matrix.ts';
import type { Reflections } from './onnxKernels.ts';

/** The reflection I − u·uᵀ that maps `vector` to (`signedLength(vector)`, 0, …); nothing for zeros. */
export function reflectionToAxis(vector: Float64Array): Reflections {
  return reflectionsToAxes({ rows: 1, cols: vector.length, data: vector });
}

/**
 * Reflections after which each of the `vectors` `[r, m]`, r ≤ m, is large on as many of the first axes as there are up to it, and
 * the first of them `signedLength` on the first axis.
 */
export function reflectionsToAxes(vectors: Matrix): Reflections {
  const { rows, cols } = vectors;
  const v = zeros(rows, cols);
  const t = zeros(rows, rows);
  const row = (of: Matrix, i: number) => rowRange(of, i, i + 1).data;
  for (let i = 0; i < rows; i++) {
    const rest = row(vectors, i).slice();
    for (let k = 0; k < i; k++) reflect(row(v, k), rest);
    const unit = reflectionVector(rest.subarray(i));
    row(v, i).set(unit, i);
    // Forward columnwise, as LAPACK's `dlarft`.
    t.data[i * rows + i] = 1;
    const products = Array.from({ length: i }, (_, k) => dot(row(v, k), row(v, i)));
    for (let k = 0; k < i; k++) {
      t.data[k * rows + i] = -products.reduce((sum, product, l) => sum + (t.data[k * rows + l] as number) * product, 0);
    }
  }
  return { v, t };
}

/** The u of I − u·uᵀ that maps `vector` to the first axis; 0 for zeros. */
function reflectionVector(vector: Float64Array): Float64Array {
  const length = signedLength(vector);
  if (length === 0) return new Float64Array(vector.length);
  const unit = vector.map((value) => value / length);
  unit[0] = (unit[0] as number) - 1;
  const norm = Math.sqrt(dot(unit, unit) / 2);
  return unit.map((value) => value / norm);
}

/** I − u·uᵀ, in place. */
function reflect(u: Float64Array, vector: Float64Array): void {
  const product = dot(u, vector);
  for (let j = 0; j < vector.length; j++) vector[j] = (vector[j] as number) - product * (u[j] as number);
}

/** ± the length of `vector`, with the sign that doesn't cancel its first entry. */
export function signedLength(vector: Float64Array): number {
  return ((vector[0] as number) > 0 ? -1 : 1) * Math.sqrt(dot(vector, vector));
}
