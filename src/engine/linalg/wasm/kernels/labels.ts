import { doubleAt, PAIR } from './memory';
import { addRow, loadPair, storePair } from './samples';

// Rows of K label embeddings side by side, `data` `[K, rows, width]` in single (T is f32) or double precision (f64).

/**
 * Adds up, per column, the products of embeddings k and l ≤ k and the values of each, all relative to `shift`.
 *
 * @param shift `[K, width]`
 * @param sums `[K, width]`
 * @param products `[K·(K+1)/2, width]`, in the order (0, 0), (1, 0), (1, 1), (2, 0), …
 */
export function addMoments<T>(
  data: usize,
  size: i32,
  rows: i32,
  width: i32,
  shift: usize,
  sums: usize,
  products: usize,
): void {
  const step = <usize>width * sizeof<T>();
  const plane = <usize>rows * step;
  const bytes = doubleAt(0, width);
  let product = products;
  for (let k = 0; k < size; k++) {
    const valuesK = data + <usize>k * plane;
    const shiftK = doubleAt(shift, k * width);
    for (let l = 0; l <= k; l++) {
      const valuesL = data + <usize>l * plane;
      const shiftL = doubleAt(shift, l * width);
      let i = 0;
      // Two rows at a time: fewer loads and stores of what adds up.
      for (; i + 2 <= rows; i += 2) {
        const at = <usize>i * step;
        addProducts<T>(valuesK + at, valuesL + at, step, width, shiftK, shiftL, product);
      }
      if (i < rows)
        addProducts<T>(valuesK + <usize>i * step, valuesL + <usize>i * step, 0, width, shiftK, shiftL, product);
      product += bytes;
    }
    for (let i = 0; i < rows; i++) addRow<T>(valuesK + <usize>i * step, width, shiftK, doubleAt(sums, k * width));
  }
}

/** Adds, per column, the products of a row of a and b, and of the next, `step` bytes on, unless that is 0. */
function addProducts<T>(
  a: usize,
  b: usize,
  step: usize,
  width: i32,
  shiftA: usize,
  shiftB: usize,
  products: usize,
): void {
  const pairs = width & ~1;
  let target = products;
  for (let j = 0; j < pairs; j += 2) {
    const at = <usize>j * sizeof<T>();
    const originA = v128.load(doubleAt(shiftA, j));
    const originB = v128.load(doubleAt(shiftB, j));
    let sum = f64x2.mul(f64x2.sub(loadPair<T>(a + at), originA), f64x2.sub(loadPair<T>(b + at), originB));
    if (step !== 0) {
      const next = at + step;
      const product = f64x2.mul(f64x2.sub(loadPair<T>(a + next), originA), f64x2.sub(loadPair<T>(b + next), originB));
      sum = f64x2.add(sum, product);
    }
    v128.store(target, f64x2.add(v128.load(target), sum));
    target += PAIR;
  }
  if (pairs < width) {
    const at = <usize>pairs * sizeof<T>();
    const originA = load<f64>(doubleAt(shiftA, pairs));
    const originB = load<f64>(doubleAt(shiftB, pairs));
    let sum = (<f64>load<T>(a + at) - originA) * (<f64>load<T>(b + at) - originB);
    if (step !== 0) sum += (<f64>load<T>(a + at + step) - originA) * (<f64>load<T>(b + at + step) - originB);
    store<f64>(target, load<f64>(target) + sum);
  }
}

/**
 * Writes rows minus `shift` in the precision of R, and adds their sums with given weights, which see the rows unrounded.
 *
 * @param data `[rows, width]`
 * @param shift `[width]`
 * @param result receives `[rows, width]`
 * @param weights `[sumCount, stride]`, of which the first `rows` of each count
 * @param sums `[sumCount, width]`
 */
export function centreRows<T, R>(
  data: usize,
  rows: i32,
  width: i32,
  shift: usize,
  result: usize,
  weights: usize,
  stride: i32,
  sumCount: i32,
  sums: usize,
): void {
  for (let i = 0; i < rows; i++) {
    const row = data + <usize>i * <usize>width * sizeof<T>();
    centreRow<T, R>(row, width, shift, result + <usize>i * <usize>width * sizeof<R>());
    for (let k = 0; k < sumCount; k++) {
      const weight = load<f64>(doubleAt(weights, k * stride + i));
      addWeighted<T>(row, width, shift, weight, doubleAt(sums, k * width));
    }
  }
}

function centreRow<T, R>(row: usize, width: i32, shift: usize, result: usize): void {
  const pairs = width & ~1;
  let target = result;
  for (let j = 0; j < pairs; j += 2) {
    const centred = f64x2.sub(loadPair<T>(row + <usize>j * sizeof<T>()), v128.load(doubleAt(shift, j)));
    storePair<R>(target, centred);
    target += 2 * sizeof<R>();
  }
  if (pairs < width) {
    store<R>(target, <R>(<f64>load<T>(row + <usize>pairs * sizeof<T>()) - load<f64>(doubleAt(shift, pairs))));
  }
}

/** Adds a row minus `shift`, times `weight`, to `sums`. */
function addWeighted<T>(row: usize, width: i32, shift: usize, weight: f64, sums: usize): void {
  const pairs = width & ~1;
  const factor = f64x2.splat(weight);
  let sum = sums;
  for (let j = 0; j < pairs; j += 2) {
    const centred = f64x2.sub(loadPair<T>(row + <usize>j * sizeof<T>()), v128.load(doubleAt(shift, j)));
    v128.store(sum, f64x2.add(v128.load(sum), f64x2.mul(centred, factor)));
    sum += PAIR;
  }
  if (pairs < width) {
    const centred = <f64>load<T>(row + <usize>pairs * sizeof<T>()) - load<f64>(doubleAt(shift, pairs));
    store<f64>(sum, load<f64>(sum) + centred * weight);
  }
}

/**
 * Writes the mixture Σₖ factor·(x − shift) − constant of K embeddings, per sample and column.
 *
 * @param data `[K, rows, width]`
 * @param shift `[K, width]`
 * @param factors `[K, width]`
 * @param constant `[width]`
 * @param result receives `[rows, width]` in single precision
 */
export function mixRows<T>(
  data: usize,
  size: i32,
  rows: i32,
  width: i32,
  shift: usize,
  factors: usize,
  constant: usize,
  result: usize,
): void {
  const step = <usize>width * sizeof<T>();
  const plane = <usize>rows * step;
  const pairs = width & ~1;
  let target = result;
  for (let i = 0; i < rows; i++) {
    const row = data + <usize>i * step;
    for (let j = 0; j < pairs; j += 2) {
      let value = row + <usize>j * sizeof<T>();
      let sum = f64x2.neg(v128.load(doubleAt(constant, j)));
      for (let k = 0; k < size; k++) {
        const at = k * width + j;
        const centred = f64x2.sub(loadPair<T>(value), v128.load(doubleAt(shift, at)));
        sum = f64x2.add(sum, f64x2.mul(centred, v128.load(doubleAt(factors, at))));
        value += plane;
      }
      storePair<f32>(target, sum);
      target += 2 * sizeof<f32>();
    }
    if (pairs < width) {
      let value = row + <usize>pairs * sizeof<T>();
      let sum = -load<f64>(doubleAt(constant, pairs));
      for (let k = 0; k < size; k++) {
        const at = k * width + pairs;
        sum += (<f64>load<T>(value) - load<f64>(doubleAt(shift, at))) * load<f64>(doubleAt(factors, at));
        value += plane;
      }
      store<f32>(target, <f32>sum);
      target += sizeof<f32>();
    }
  }
}

/**
 * Adds up, per embedding and column, the products of its values relative to `shift` and of other rows.
 *
 * @param data `[K, rows, width]`
 * @param shift `[K, width]`
 * @param others `[rows, width]` in single precision
 * @param sums `[K, width]`
 */
export function addDots<T>(
  data: usize,
  size: i32,
  rows: i32,
  width: i32,
  shift: usize,
  others: usize,
  sums: usize,
): void {
  const step = <usize>width * sizeof<T>();
  const otherStep = <usize>width * sizeof<f32>();
  const fours = rows & ~3;
  for (let k = 0; k < size; k++) {
    const plane = data + <usize>k * <usize>rows * step;
    const shiftK = doubleAt(shift, k * width);
    const sumsK = doubleAt(sums, k * width);
    // Four rows at a time: fewer loads and stores of what adds up.
    for (let i = 0; i < rows; i += i < fours ? 4 : 1) {
      const at = <usize>i;
      addRowDots<T>(plane + at * step, others + at * otherStep, i < fours, width, shiftK, sumsK);
    }
  }
}

/** Adds, per column, the product of a value relative to `shift` and another; of the next three rows, too, when `four`. */
function addRowDots<T>(value: usize, other: usize, four: bool, width: i32, shift: usize, sums: usize): void {
  const step = <usize>width * sizeof<T>();
  const otherStep = <usize>width * sizeof<f32>();
  const pairs = width & ~1;
  for (let j = 0; j < pairs; j += 2) {
    const a = value + <usize>j * sizeof<T>();
    const b = other + <usize>j * sizeof<f32>();
    const origin = v128.load(doubleAt(shift, j));
    let sum = dotPair<T>(a, b, origin);
    if (four) {
      const second = dotPair<T>(a + step, b + otherStep, origin);
      const third = dotPair<T>(a + 2 * step, b + 2 * otherStep, origin);
      const fourth = dotPair<T>(a + 3 * step, b + 3 * otherStep, origin);
      sum = f64x2.add(f64x2.add(sum, second), f64x2.add(third, fourth));
    }
    const target = doubleAt(sums, j);
    v128.store(target, f64x2.add(v128.load(target), sum));
  }
  if (pairs < width) {
    const origin = load<f64>(doubleAt(shift, pairs));
    const rows: usize = four ? 4 : 1;
    let sum = load<f64>(doubleAt(sums, pairs));
    for (let i: usize = 0; i < rows; i++) {
      const a = <f64>load<T>(value + i * step + <usize>pairs * sizeof<T>());
      sum += (a - origin) * <f64>load<f32>(other + i * otherStep + <usize>pairs * sizeof<f32>());
    }
    store<f64>(doubleAt(sums, pairs), sum);
  }
}

function dotPair<T>(value: usize, other: usize, origin: v128): v128 {
  return f64x2.mul(f64x2.sub(loadPair<T>(value), origin), loadPair<f32>(other));
}
