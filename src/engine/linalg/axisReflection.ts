import { dot } from './matrix.ts';
import type { Reflections } from './onnxKernels.ts';

/** The reflection I − u·uᵀ that maps `vector` to (`signedLength(vector)`, 0, …); nothing for zeros. */
export function reflectionToAxis(vector: Float64Array): Reflections {
  return {
    v: { rows: 1, cols: vector.length, data: axisReflection(vector) },
    t: { rows: 1, cols: 1, data: Float64Array.of(1) },
  };
}

/** The u of I − u·uᵀ that maps `vector` to the first axis; 0 for zeros. */
export function axisReflection(vector: Float64Array): Float64Array {
  const length = signedLength(vector);
  if (length === 0) return new Float64Array(vector.length);
  const unit = vector.map((value) => value / length);
  unit[0] = (unit[0] as number) - 1;
  const norm = Math.sqrt(dot(unit, unit) / 2);
  return unit.map((value) => value / norm);
}

/** ± the length of `vector`, with the sign that doesn't cancel its first entry. */
export function signedLength(vector: Float64Array): number {
  return ((vector[0] as number) > 0 ? -1 : 1) * Math.sqrt(dot(vector, vector));
}
