import { doubleAt, PAIR } from './memory';
import { loadPair, storePair } from './samples';

// Rows of K label embeddings side by side, `data` `[K, rows, width]` in single (T is f32) or double precision (f64).

/**
 * Columns that are worked on at once, by 32 rows of three embeddings: they stay in the first-level cache. Where fewer are
 * left, what is added up beyond them has no meaning.
 */
const STRIP = 32;
/** Columns whose sums stay in registers. */
const COLUMNS = 8;

/**
 * Adds up, per column, the products of embeddings k and l ≤ k and the values of each, all relative to `shift`.
 *
 * @param shift `[K, width]`
 * @param sums `[K, stride]`, stride being `width` rounded up to a multiple of 32; the last columns are not used
 * @param products `[K·(K+1)/2, stride]`, in the order (0, 0), (1, 0), (1, 1), (2, 0), …
 * @param centred room for `[K, rows, 32]` doubles
 */
export function addMoments<T>(
  data: usize,
  size: i32,
  rows: i32,
  width: i32,
  shift: usize,
  sums: usize,
  products: usize,
  centred: usize,
): void {
  const step = <usize>width * sizeof<T>();
  const stride = (width + STRIP - 1) & -STRIP;
  const plane = doubleAt(0, rows * STRIP);
  for (let first = 0; first < width; first += STRIP) {
    const cols = min(STRIP, width - first);
    let value = data + <usize>first * sizeof<T>();
    let target = centred;
    for (let k = 0; k < size; k++) {
      for (let i = 0; i < rows; i++) {
        centreRow<T, f64>(value, cols, doubleAt(shift, k * width + first), target);
        value += step;
        target += doubleAt(0, STRIP);
      }
    }
    let product = doubleAt(products, first);
    for (let k = 0; k < size; k++) {
      const values = centred + <usize>k * plane;
      for (let l = 0; l <= k; l++) {
        addProducts(values, centred + <usize>l * plane, rows, product);
        product += doubleAt(0, stride);
      }
      addColumns(values, rows, doubleAt(sums, k * stride + first));
    }
  }
}

/** Adds the sums over rows of a·b, both `[rows, STRIP]`. */
function addProducts(a: usize, b: usize, rows: i32, target: usize): void {
  for (let j = 0; j < STRIP; j += COLUMNS) {
    const at = doubleAt(target, j);
    let left = doubleAt(a, j);
    let right = doubleAt(b, j);
    let sum0 = v128.load(at);
    let sum1 = v128.load(at, PAIR);
    let sum2 = v128.load(at, 2 * PAIR);
    let sum3 = v128.load(at, 3 * PAIR);
    for (let i = 0; i < rows; i++) {
      sum0 = f64x2.add(sum0, f64x2.mul(v128.load(left), v128.load(right)));
      sum1 = f64x2.add(sum1, f64x2.mul(v128.load(left, PAIR), v128.load(right, PAIR)));
      sum2 = f64x2.add(sum2, f64x2.mul(v128.load(left, 2 * PAIR), v128.load(right, 2 * PAIR)));
      sum3 = f64x2.add(sum3, f64x2.mul(v128.load(left, 3 * PAIR), v128.load(right, 3 * PAIR)));
      left += doubleAt(0, STRIP);
      right += doubleAt(0, STRIP);
    }
    v128.store(at, sum0);
    v128.store(at, sum1, PAIR);
    v128.store(at, sum2, 2 * PAIR);
    v128.store(at, sum3, 3 * PAIR);
  }
}

/** Adds the sums over rows of a `[rows, STRIP]`. */
function addColumns(a: usize, rows: i32, target: usize): void {
  for (let j = 0; j < STRIP; j += COLUMNS) {
    const at = doubleAt(target, j);
    let value = doubleAt(a, j);
    let sum0 = v128.load(at);
    let sum1 = v128.load(at, PAIR);
    let sum2 = v128.load(at, 2 * PAIR);
    let sum3 = v128.load(at, 3 * PAIR);
    for (let i = 0; i < rows; i++) {
      sum0 = f64x2.add(sum0, v128.load(value));
      sum1 = f64x2.add(sum1, v128.load(value, PAIR));
      sum2 = f64x2.add(sum2, v128.load(value, 2 * PAIR));
      sum3 = f64x2.add(sum3, v128.load(value, 3 * PAIR));
      value += doubleAt(0, STRIP);
    }
    v128.store(at, sum0);
    v128.store(at, sum1, PAIR);
    v128.store(at, sum2, 2 * PAIR);
    v128.store(at, sum3, 3 * PAIR);
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
 * Writes the mixture Σₖ factor·(x − shift) − constant of K embeddings, per sample and column, in single precision.
 *
 * @param data `[K, rows, width]`
 * @param shift `[K, width]` in the precision of `data`, which differences lose nothing of
 * @param factors `[K, width]` in single precision, as all below
 * @param constant `[width]`
 * @param result receives `[rows, width]`
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
  const fours = width & ~3;
  let target = result;
  for (let i = 0; i < rows; i++) {
    const row = data + <usize>i * step;
    for (let j = 0; j < fours; j += 4) {
      let at = <usize>j;
      let value = row + at * sizeof<T>();
      let sum = f32x4.neg(v128.load(constant + at * sizeof<f32>()));
      for (let k = 0; k < size; k++) {
        const centred = centredFour<T>(value, shift + at * sizeof<T>());
        sum = f32x4.add(sum, f32x4.mul(centred, v128.load(factors + at * sizeof<f32>())));
        value += plane;
        at += width;
      }
      v128.store(target, sum);
      target += 4 * sizeof<f32>();
    }
    for (let j = fours; j < width; j++) {
      let at = <usize>j;
      let value = row + at * sizeof<T>();
      let sum = -load<f32>(constant + at * sizeof<f32>());
      for (let k = 0; k < size; k++) {
        const centred = <f32>(load<T>(value) - load<T>(shift + at * sizeof<T>()));
        sum += centred * load<f32>(factors + at * sizeof<f32>());
        value += plane;
        at += width;
      }
      store<f32>(target, sum);
      target += sizeof<f32>();
    }
  }
}

/** Four values minus as many others, then in single precision. */
function centredFour<T>(value: usize, origin: usize): v128 {
  if (sizeof<T>() === 4) return f32x4.sub(v128.load(value), v128.load(origin));
  const first = f32x4.demote_f64x2_zero(f64x2.sub(v128.load(value), v128.load(origin)));
  const second = f32x4.demote_f64x2_zero(f64x2.sub(v128.load(value, PAIR), v128.load(origin, PAIR)));
  return i64x2.shuffle(first, second, 0, 2);
}

/**
 * Adds up, per embedding and column, the products of its values relative to `shift` and of other rows, and the squares of
 * these.
 *
 * @param data `[K, rows, width]`
 * @param shift `[K + 1, width]`, the last row zeros
 * @param others `[rows, width]` in single precision
 * @param sums `[K + 1, width]`, the last row for the squares
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
  const plane = <usize>rows * <usize>width * sizeof<T>();
  const row = doubleAt(0, width);
  for (let k = 0; k < size; k++) {
    const at = <usize>k;
    addPlaneDots<T>(data + at * plane, rows, width, shift + at * row, others, sums + at * row);
  }
  const last = <usize>size * row;
  addPlaneDots<f32>(others, rows, width, shift + last, others, sums + last);
}

function addPlaneDots<T>(plane: usize, rows: i32, width: i32, shift: usize, others: usize, sums: usize): void {
  const step = <usize>width * sizeof<T>();
  const otherStep = <usize>width * sizeof<f32>();
  const fours = rows & ~3;
  // Four rows at a time: fewer loads and stores of what adds up.
  for (let i = 0; i < rows; i += i < fours ? 4 : 1) {
    const at = <usize>i;
    addRowDots<T>(plane + at * step, others + at * otherStep, i < fours, width, shift, sums);
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
