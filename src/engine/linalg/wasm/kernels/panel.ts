import { doubleAt } from './memory';
import { householder, multiplyVector, reflectedHead, reflectRight } from './reflections';

/**
 * QR of a few columns of length m, given as the rows of `columns` `[width, m]`; R replaces them where it isn't 0.
 *
 * @param v `[count, m]`, zeros: receives the vectors of count = min(width, m − 1) reflections
 * @param t `[count, count]`, zeros: receives T, with which their product is I − Vᵀ·T·V
 * @param sums room for `width` doubles
 */
export function factorColumns(columns: usize, width: i32, m: i32, v: usize, t: usize, sums: usize): void {
  const count = min(width, m - 1);
  for (let k = 0; k < count; k++) {
    const column = doubleAt(columns, k * m + k);
    const vector = doubleAt(v, k * m + k);
    const length = m - k;
    memory.copy(vector, column, doubleAt(0, length));
    const tau = householder(vector, length);
    store<f64>(column, reflectedHead);
    if (tau !== 0) reflectRight(doubleAt(column, m), m, width - k - 1, vector, length, tau, sums);
    // Column k of T is −τ·T·(V·vₖ), with τ on the diagonal. V·vₖ waits in row k of T, which stays below the diagonal.
    multiplyVector(doubleAt(v, k), m, k, vector, length, doubleAt(t, k * count));
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
