/** A rotation in the plane of two vectors. */
export interface Rotation {
  cosine: number;
  sine: number;
}

/**
 * The smaller of the rotations that make two vectors a and b orthogonal (Hestenes, "Inversion of matrices by biorthogonalization
 * and related results", J. SIAM 6, 1958).
 *
 * @param aa ⟨a, a⟩
 * @param bb ⟨b, b⟩
 * @param ab ⟨a, b⟩, not 0
 */
export function orthogonalisingRotation(aa: number, bb: number, ab: number): Rotation {
  const ratio = (bb - aa) / (2 * ab);
  const tangent = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.sqrt(1 + ratio * ratio));
  const cosine = 1 / Math.sqrt(1 + tangent * tangent);
  return { cosine, sine: cosine * tangent };
}

/** cosine·a − sine·b into a, and sine·a + cosine·b into b. */
export function rotate(a: Float64Array, b: Float64Array, { cosine, sine }: Rotation): void {
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as number;
    const y = b[i] as number;
    a[i] = cosine * x - sine * y;
    b[i] = sine * x + cosine * y;
  }
}
