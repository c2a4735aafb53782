/**
 * The lower triangle of a symmetric matrix `[d, d]`, or a triangular one, as panels of columns with the rows from the diagonal
 * down: `[d − first, width]` row-major, from left to right.
 */
export interface LowerPanels<T extends Float32Array | Float64Array> {
  size: number;
  panels: { first: number; width: number; data: T }[];
}

/** Zeros in panels of `width` columns but the last. */
export function lowerPanels<T extends Float32Array | Float64Array>(
  size: number,
  width: number,
  Numbers: new (length: number) => T,
): LowerPanels<T> {
  const panels = Array.from({ length: Math.ceil(size / width) }, (_, k) => {
    const first = k * width;
    const cols = Math.min(width, size - first);
    return { first, width: cols, data: new Numbers((size - first) * cols) };
  });
  return { size, panels };
}
