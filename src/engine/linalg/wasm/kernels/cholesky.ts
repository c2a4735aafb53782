import { doubleAt } from './memory';
import { addScaled, scaleBy } from './reflections';

/**
 * Replaces a symmetric A = L·Lᵀ `[size, size]` by L⁻¹.
 *
 * Elimination turns [A | I] into [Lᵀ | L⁻¹], of which the right half grows in the lower triangle, where the left one isn't
 * needed any more.
 *
 * @returns false when A is not positive definite to working precision
 */
export function invertFactor(a: usize, size: i32): bool {
  const step = doubleAt(0, size);
  const end = a + <usize>size * step;
  let before: usize = 0;
  for (let row = a; row < end; row += step) {
    const pivot = load<f64>(row + before);
    if (!(pivot > 0 && pivot < Infinity)) return false;
    store<f64>(row + before, 1);
    scaleBy(row, 1 / sqrt(pivot), step);
    let to = before + 8;
    for (let below = row + step; below < end; below += step) {
      const factor = -load<f64>(row + to);
      store<f64>(below + before, 0);
      addScaled(below, factor, row, before + 8);
      addScaled(below + to, factor, row + to, step - to);
      to += 8;
    }
    memory.fill(row + before + 8, 0, step - before - 8);
    before += 8;
  }
  return true;
}
