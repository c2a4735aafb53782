import { doubleAt } from './memory';
import { addScaled, dot, householder, reflectedHead } from './reflections';

/**
 * QR of a few columns of length m, given as the rows of `columns` `[width, m]`; R replaces them where it isn't 0.
 *
 * @param v `[count, m]`, zeros: receives the vectors of count = min(width, m − 1) reflections
 * @param t `[count, count]`, zeros: receives T, with which their product is I − Vᵀ·T·V
 */
export function factorColumns(columns: usize, width: i32, m: i32, v: usize, t: usize): void {
  const count = min(width, m - 1);
  for (let k = 0; k < count; k++) {
    const column = doubleAt(columns, k * m + k);
    const vector = doubleAt(v, k * m + k);
    const bytes = doubleAt(0, m - k);
    memory.copy(vector, column, bytes);
    const tau = householder(vector, m - k);
    store<f64>(column, reflectedHead);
    if (tau !== 0) {
      for (let j = k + 1; j < width; j++) {
        const other = doubleAt(columns, j * m + k);
        addScaled(other, -tau * dot(vector, other, bytes), vector, bytes);
      }
    }
    // Column k of T is −τ·T·(V·vₖ), with τ on the diagonal. V·vₖ waits in row k of T, which stays below the diagonal.
    for (let j = 0; j < k; j++) store<f64>(doubleAt(t, k * count + j), dot(doubleAt(v, j * m + k), vector, bytes));
    for (let i = 0; i < k; i++) {
      let sum: f64 = 0;
      for (let j = i; j < k; j++) {
        sum += load<f64>(doubleAt(t, i * count + j)) * load<f64>(doubleAt(t, k * count + j));
      }
      store<f64>(doubleAt(t, i * count + k), -tau * sum);
    }
    memory.fill(doubleAt(t, k * count), 0, doubleAt(0, k));
    store<f64>(doubleAt(t, k * count + k), tau);
  }
}
