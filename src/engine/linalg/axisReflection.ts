import type { Matrix } from './matrix.ts';
import { dot, zeros } from './matrix.ts';
import type { Reflections } from './onnxKernels.ts';

/** The reflection I − u·uᵀ that maps `vector` to (`signedLength(vector)`, 0, …); nothing for zeros. */
export function reflectionToAxis(vector: Float64Array): Reflections {
  const t: Matrix = { rows: 1, cols: 1, data: Float64Array.of(1) };
  const length = signedLength(vector);
  if (length === 0) return { v: zeros(1, vector.length), t };
  const unit = vector.map((value) => value / length);
  unit[0] = (unit[0] as number) - 1;
  const norm = Math.sqrt(dot(unit, unit) / 2);
  return { v: { rows: 1, cols: vector.length, data: unit.map((value) => value / norm) }, t };
}

/** ± the length of `vector`, with the sign that doesn't cancel its first entry. */
export function signedLength(vector: Float64Array): number {
  return ((vector[0] as number) > 0 ? -1 : 1) * Math.sqrt(dot(vector, vector));
}
