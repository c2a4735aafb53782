import { doubleAt, horizontalSum, PAIR } from './memory';
import { dot } from './reflections';
import { addRow, loadPair } from './samples';

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
 * The mixtures Σₖ (x − shift)·factor, and their products with a few vectors.
 *
 * @param shift `[K, width]`
 * @param factors `[K, width]`
 * @param mixture receives `[rows, width]` doubles
 * @param vectors `[vectorCount, width]`
 * @param products receives `[vectorCount, rows]`
 */
export function mixRows<T>(
  data: usize,
  size: i32,
  rows: i32,
  width: i32,
  shift: usize,
  factors: usize,
  mixture: usize,
  vectors: usize,
  vectorCount: i32,
  products: usize,
): void {
  const pairs = width & ~1;
  memory.fill(mixture, 0, doubleAt(0, rows * width));
  let value = data;
  for (let k = 0; k < size; k++) {
    let sum = mixture;
    for (let i = 0; i < rows; i++) {
      let origin = doubleAt(shift, k * width);
      let factor = doubleAt(factors, k * width);
      for (let j = 0; j < pairs; j += 2) {
        const centred = f64x2.sub(loadPair<T>(value), v128.load(origin));
        v128.store(sum, f64x2.add(v128.load(sum), f64x2.mul(centred, v128.load(factor))));
        value += 2 * sizeof<T>();
        origin += PAIR;
        factor += PAIR;
        sum += PAIR;
      }
      if (pairs < width) {
        store<f64>(sum, load<f64>(sum) + (<f64>load<T>(value) - load<f64>(origin)) * load<f64>(factor));
        value += sizeof<T>();
        sum += 8;
      }
    }
  }
  multiplyRows(mixture, rows, width, vectors, vectorCount, products);
}

/**
 * Adds up Σ f·(x − shift)·factor over all rows and columns for each embedding, and Σ f²; the products of the rows of f with a
 * few vectors.
 *
 * @param fits f `[rows, width]` doubles
 * @param sums `[K + 1]`
 * @param vectors `[vectorCount, width]`
 * @param products receives `[vectorCount, rows]`
 */
export function dotRows<T>(
  data: usize,
  size: i32,
  rows: i32,
  width: i32,
  shift: usize,
  factors: usize,
  fits: usize,
  sums: usize,
  vectors: usize,
  vectorCount: i32,
  products: usize,
): void {
  const pairs = width & ~1;
  let value = data;
  for (let k = 0; k < size; k++) {
    let fit = fits;
    let pairSum = f64x2.splat(0);
    let rest: f64 = 0;
    for (let i = 0; i < rows; i++) {
      let origin = doubleAt(shift, k * width);
      let factor = doubleAt(factors, k * width);
      for (let j = 0; j < pairs; j += 2) {
        const centred = f64x2.sub(loadPair<T>(value), v128.load(origin));
        pairSum = f64x2.add(pairSum, f64x2.mul(f64x2.mul(centred, v128.load(factor)), v128.load(fit)));
        value += 2 * sizeof<T>();
        origin += PAIR;
        factor += PAIR;
        fit += PAIR;
      }
      if (pairs < width) {
        rest += (<f64>load<T>(value) - load<f64>(origin)) * load<f64>(factor) * load<f64>(fit);
        value += sizeof<T>();
        fit += 8;
      }
    }
    store<f64>(doubleAt(sums, k), load<f64>(doubleAt(sums, k)) + horizontalSum(pairSum) + rest);
  }
  const square = doubleAt(sums, size);
  store<f64>(square, load<f64>(square) + dot(fits, fits, doubleAt(0, rows * width)));
  multiplyRows(fits, rows, width, vectors, vectorCount, products);
}

function multiplyRows(matrix: usize, rows: i32, width: i32, vectors: usize, vectorCount: i32, products: usize): void {
  const bytes = doubleAt(0, width);
  for (let k = 0; k < vectorCount; k++) {
    const vector = doubleAt(vectors, k * width);
    for (let i = 0; i < rows; i++) {
      store<f64>(doubleAt(products, k * rows + i), dot(doubleAt(matrix, i * width), vector, bytes));
    }
  }
}
