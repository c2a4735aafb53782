import { doubleAt, PAIR, singleAt } from './memory';

// Rows of samples in single precision (T is f32) or double precision (f64), computed with in double precision.

/** Two numbers from `pointer` on. */
export function loadPair<T>(pointer: usize): v128 {
  return sizeof<T>() === 4 ? f64x2.promote_low_f32x4(v128.load64_zero(pointer)) : v128.load(pointer);
}

/** Writes two numbers in the precision of R. */
export function storePair<R>(pointer: usize, pair: v128): void {
  if (sizeof<R>() === 4) {
    v128.store64_lane(pointer, f32x4.demote_f64x2_zero(pair), 0);
  } else {
    v128.store(pointer, pair);
  }
}

/**
 * Adds every row minus `shift` to its sum.
 *
 * @param data `[rows, cols]`
 * @param shift `[cols]`
 * @param groups `[rows]`, which row of `sums` a row goes to
 * @param sums `[groups, cols]`
 */
export function sumRows<T>(data: usize, rows: i32, cols: i32, shift: usize, groups: usize, sums: usize): void {
  for (let i = 0; i < rows; i++) {
    const row = data + <usize>i * <usize>cols * sizeof<T>();
    addRow<T>(row, cols, shift, doubleAt(sums, load<i32>(singleAt(groups, i)) * cols));
  }
}

/**
 * Adds the squares of every row minus `shift`.
 *
 * @param data `[rows, cols]`
 * @param shift `[cols]`
 * @param squares `[cols]`
 */
export function sumSquares<T>(data: usize, rows: i32, cols: i32, shift: usize, squares: usize): void {
  const pairs = cols & ~1;
  let value = data;
  for (let i = 0; i < rows; i++) {
    let sum = squares;
    let origin = shift;
    for (let j = 0; j < pairs; j += 2) {
      const centred = f64x2.sub(loadPair<T>(value), v128.load(origin));
      v128.store(sum, f64x2.add(v128.load(sum), f64x2.mul(centred, centred)));
      value += 2 * sizeof<T>();
      sum += PAIR;
      origin += PAIR;
    }
    if (pairs < cols) {
      const centred = <f64>load<T>(value) - load<f64>(origin);
      store<f64>(sum, load<f64>(sum) + centred * centred);
      value += sizeof<T>();
    }
  }
}

/** Adds a row minus `shift` to `sums`. */
function addRow<T>(row: usize, cols: i32, shift: usize, sums: usize): void {
  const pairs = cols & ~1;
  let value = row;
  let origin = shift;
  let sum = sums;
  for (let j = 0; j < pairs; j += 2) {
    v128.store(sum, f64x2.add(v128.load(sum), f64x2.sub(loadPair<T>(value), v128.load(origin))));
    value += 2 * sizeof<T>();
    origin += PAIR;
    sum += PAIR;
  }
  if (pairs < cols) store<f64>(sum, load<f64>(sum) + (<f64>load<T>(value) - load<f64>(origin)));
}

/** Columns that are written side by side: each is on a page of its own, and the processor keeps track of few. */
const STRIP = 32;

/**
 * Writes (x − shift − offset)·scale of every column in the precision of R, transposed: `result` `[cols, rows]`, its rows `stride`
 * apart.
 *
 * Eight rows at a time: their part of a column of the result is a line of the cache, or half of one.
 */
export function standardiseColumns<T, R>(
  data: usize,
  rows: i32,
  cols: i32,
  shift: usize,
  offset: usize,
  scale: usize,
  result: usize,
  stride: i32,
): void {
  const step = <usize>cols * sizeof<T>();
  const down = <usize>stride * sizeof<R>();
  const eights = rows & ~7;
  const pairs = cols & ~1;
  for (let first = 0; first < pairs; first += STRIP) {
    const last = min(first + STRIP, pairs);
    for (let i = 0; i < eights; i += 8) {
      for (let j = first; j < last; j += 2) {
        const origin = v128.load(doubleAt(shift, j));
        const mean = v128.load(doubleAt(offset, j));
        const factor = v128.load(doubleAt(scale, j));
        let value = data + <usize>i * step + <usize>j * sizeof<T>();
        let target = result + (<usize>j * <usize>stride + <usize>i) * sizeof<R>();
        for (let two = 0; two < 4; two++) {
          const above = f64x2.mul(f64x2.sub(f64x2.sub(loadPair<T>(value), origin), mean), factor);
          const below = f64x2.mul(f64x2.sub(f64x2.sub(loadPair<T>(value + step), origin), mean), factor);
          storePair<R>(target, i64x2.shuffle(above, below, 0, 2));
          storePair<R>(target + down, i64x2.shuffle(above, below, 1, 3));
          value += 2 * step;
          target += 2 * sizeof<R>();
        }
      }
    }
  }
  standardisePart<T, R>(data, cols, 0, eights, pairs, cols, shift, offset, scale, result, stride);
  standardisePart<T, R>(data, cols, eights, rows, 0, cols, shift, offset, scale, result, stride);
}

/** The same for the rows and columns that are left over. */
function standardisePart<T, R>(
  data: usize,
  cols: i32,
  firstRow: i32,
  lastRow: i32,
  firstCol: i32,
  lastCol: i32,
  shift: usize,
  offset: usize,
  scale: usize,
  result: usize,
  stride: i32,
): void {
  for (let i = firstRow; i < lastRow; i++) {
    for (let j = firstCol; j < lastCol; j++) {
      const value = <f64>load<T>(data + (<usize>i * <usize>cols + <usize>j) * sizeof<T>());
      const centred = value - load<f64>(doubleAt(shift, j)) - load<f64>(doubleAt(offset, j));
      const target = result + (<usize>j * <usize>stride + <usize>i) * sizeof<R>();
      store<R>(target, <R>(centred * load<f64>(doubleAt(scale, j))));
    }
  }
}

/** Whether all numbers are smaller than `limit` > 0 in magnitude, so neither NaN nor infinite. */
export function allSmaller64(data: usize, count: i32, limit: f64): bool {
  const limits = f64x2.splat(limit);
  const pairs = count & ~1;
  let smaller = i64x2.splat(-1);
  let value = data;
  for (let i = 0; i < pairs; i += 2) {
    smaller = v128.and(smaller, f64x2.lt(f64x2.abs(v128.load(value)), limits));
    value += PAIR;
  }
  if (pairs < count && !(abs(load<f64>(value)) < limit)) return false;
  return i64x2.all_true(smaller);
}

/** The same of numbers in single precision, compared with the least of these that is not below `limit`. */
export function allSmaller32(data: usize, count: i32, limit: f64): bool {
  const rounded = <f32>limit;
  const least = <f64>rounded < limit ? reinterpret<f32>(reinterpret<i32>(rounded) + 1) : rounded;
  const limits = f32x4.splat(least);
  const fours = count & ~3;
  let smaller = i32x4.splat(-1);
  let value = data;
  for (let i = 0; i < fours; i += 4) {
    smaller = v128.and(smaller, f32x4.lt(f32x4.abs(v128.load(value)), limits));
    value += 4 * sizeof<f32>();
  }
  for (let i = fours; i < count; i++) {
    if (!(abs(load<f32>(value)) < least)) return false;
    value += sizeof<f32>();
  }
  return i32x4.all_true(smaller);
}
