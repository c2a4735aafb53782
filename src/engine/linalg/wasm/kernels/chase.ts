import { doubleAt, singleAt } from './memory';
import { householder, reflectBoth, reflectedHead, reflectLeft, reflectRight } from './reflections';

/**
 * The second stage of `tridiagonalise`. Column by column, a reflection clears the column below its subdiagonal; what it fills
 * in below the band is pushed down and out by further reflections, each `width` rows below the last.
 *
 * @param band `[size, 2·width]`: row i, column j ≤ i at i·2·width + j − i + 2·width − 1; becomes tridiagonal
 * @param vectors receives the reflections in the order they were made, `[count, width]`
 * @param firsts their first rows
 * @param lengths how many rows they change
 * @param taus their τ
 * @param sums room for 2·width doubles
 * @returns count
 */
export function chaseBand(
  band: usize,
  size: i32,
  width: i32,
  vectors: usize,
  firsts: usize,
  lengths: usize,
  taus: usize,
  sums: usize,
): i32 {
  // From the start of a row to that of the next, less the step to the right; then (i, 0) is at (i + 1)·stride.
  const stride = 2 * width - 1;
  let count = 0;
  for (let j = 0; j < size - 2; j++) {
    let column = j;
    let lastColumn = j;
    for (let first = j + 1; first < size - 1; first += width) {
      const length = min(width, size - first);
      const v = doubleAt(vectors, count * width);
      const rows = doubleAt(band, (first + 1) * stride);
      for (let i = 0; i < length; i++) {
        store<f64>(doubleAt(v, i), load<f64>(doubleAt(rows, i * stride + column)));
      }
      const tau = householder(v, length);
      if (tau !== 0) {
        const head = reflectedHead;
        // From the left, on the columns that the reflection before filled, and the one that is cleared: then they are `width`.
        if (lastColumn > column) {
          reflectLeft(doubleAt(rows, column), stride, lastColumn - column + 1, v, length, tau, sums);
        }
        store<f64>(doubleAt(rows, column), head);
        for (let i = 1; i < length; i++) store<f64>(doubleAt(rows, i * stride + column), 0);
        reflectBoth(doubleAt(rows, first), stride, v, length, tau, sums);
        const below = first + length;
        const belowRows = doubleAt(band, (below + 1) * stride + first);
        reflectRight(belowRows, stride, min(width, size - below), v, length, tau, sums);
        store<i32>(singleAt(firsts, count), first);
        store<i32>(singleAt(lengths, count), length);
        store<f64>(doubleAt(taus, count), tau);
        count++;
      }
      column = first;
      lastColumn = first + length - 1;
    }
  }
  return count;
}

/** Applies the reflections of `chaseBand`, or backwards their transpose, to the C `[rows, cols]` at `c`. */
export function applyReflections(
  c: usize,
  cols: i32,
  vectors: usize,
  width: i32,
  firsts: usize,
  lengths: usize,
  taus: usize,
  count: i32,
  backwards: bool,
  sums: usize,
): void {
  for (let step = 0; step < count; step++) {
    const index = backwards ? count - 1 - step : step;
    const first = load<i32>(singleAt(firsts, index));
    const length = load<i32>(singleAt(lengths, index));
    const v = doubleAt(vectors, index * width);
    reflectLeft(doubleAt(c, first * cols), cols, cols, v, length, load<f64>(doubleAt(taus, index)), sums);
  }
}
