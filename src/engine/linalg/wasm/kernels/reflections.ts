import { doubleAt, horizontalSum, PAIR } from './memory';

// Householder reflections I − τ·v·vᵀ of short vectors v with v₀ = 1, applied to parts of a matrix whose rows are `stride`
// apart. Four rows at a time: fewer loads and stores, and sums side by side that don't wait for each other.

/** What the last `householder` left of its vector's first entry. */
export let reflectedHead: f64 = 0;

/** Vectors whose entries are all smaller pass for 0: their squares and inverses leave the range of doubles. */
const TINY: f64 = 1e-290;

/** Replaces x `[length]` by the v of the reflection that maps x to (`reflectedHead`, 0, …, 0); returns τ. */
export function householder(x: usize, length: i32): f64 {
  const tail = x + 8;
  const bytes = doubleAt(0, length - 1);
  const head = load<f64>(x);
  const largest = largestMagnitude(tail, bytes);
  store<f64>(x, 1);
  reflectedHead = head;
  if (largest < TINY) return 0;
  // Scaled, so that squares neither overflow nor vanish.
  const scale = max(largest, abs(head));
  scaleBy(tail, 1 / scale, bytes);
  const scaledHead = head / scale;
  const scaledNorm = sqrt(scaledHead * scaledHead + dot(tail, tail, bytes));
  const scaledResult = head > 0 ? -scaledNorm : scaledNorm;
  const divisor = scaledHead - scaledResult;
  scaleBy(tail, 1 / divisor, bytes);
  reflectedHead = scale * scaledResult;
  return -divisor / scaledResult;
}

function largestMagnitude(x: usize, bytes: usize): f64 {
  const pairs = bytes & ~(PAIR - 1);
  let largest = f64x2.splat(0);
  let j: usize = 0;
  for (; j < pairs; j += PAIR) largest = f64x2.max(largest, f64x2.abs(v128.load(x + j)));
  const result = max(f64x2.extract_lane(largest, 0), f64x2.extract_lane(largest, 1));
  return j < bytes ? max(result, abs(load<f64>(x + j))) : result;
}

/** x *= factor over `bytes`. */
export function scaleBy(x: usize, factor: f64, bytes: usize): void {
  const pairs = bytes & ~(PAIR - 1);
  const factors = f64x2.splat(factor);
  let j: usize = 0;
  for (; j < pairs; j += PAIR) v128.store(x + j, f64x2.mul(v128.load(x + j), factors));
  if (j < bytes) store<f64>(x + j, load<f64>(x + j) * factor);
}

/** (I − τ·v·vᵀ)·A in place for the A `[rows, cols]` at `a`; `sums` has room for `cols` doubles. */
export function reflectLeft(a: usize, stride: i32, cols: i32, v: usize, rows: i32, tau: f64, sums: usize): void {
  const step = doubleAt(0, stride);
  const end = doubleAt(0, cols);
  const fours = end & ~(2 * PAIR - 1);
  const lastFour = doubleAt(v, rows & ~3);
  const last = doubleAt(v, rows);
  memory.fill(sums, 0, end);

  let row = a;
  let at = v;
  for (; at < lastFour; at += 32) {
    const v0 = load<f64>(at);
    const v1 = load<f64>(at, 8);
    const v2 = load<f64>(at, 16);
    const v3 = load<f64>(at, 24);
    const w0 = f64x2.splat(v0);
    const w1 = f64x2.splat(v1);
    const w2 = f64x2.splat(v2);
    const w3 = f64x2.splat(v3);
    const row1 = row + step;
    const row2 = row1 + step;
    const row3 = row2 + step;
    let j: usize = 0;
    for (; j < fours; j += 2 * PAIR) {
      const at0 = row + j;
      const at1 = row1 + j;
      const at2 = row2 + j;
      const at3 = row3 + j;
      const sum = sums + j;
      const first = f64x2.add(f64x2.mul(w0, v128.load(at0)), f64x2.mul(w1, v128.load(at1)));
      const second = f64x2.add(f64x2.mul(w2, v128.load(at2)), f64x2.mul(w3, v128.load(at3)));
      v128.store(sum, f64x2.add(v128.load(sum), f64x2.add(first, second)));
      const third = f64x2.add(f64x2.mul(w0, v128.load(at0, PAIR)), f64x2.mul(w1, v128.load(at1, PAIR)));
      const fourth = f64x2.add(f64x2.mul(w2, v128.load(at2, PAIR)), f64x2.mul(w3, v128.load(at3, PAIR)));
      v128.store(sum, f64x2.add(v128.load(sum, PAIR), f64x2.add(third, fourth)), PAIR);
    }
    for (; j < end; j += 8) {
      const first = v0 * load<f64>(row + j) + v1 * load<f64>(row1 + j);
      const second = v2 * load<f64>(row2 + j) + v3 * load<f64>(row3 + j);
      store<f64>(sums + j, load<f64>(sums + j) + (first + second));
    }
    row = row3 + step;
  }
  for (; at < last; at += 8) {
    addScaled(sums, load<f64>(at), row, end);
    row += step;
  }

  scaleBy(sums, tau, end);

  row = a;
  at = v;
  for (; at < lastFour; at += 32) {
    const v0 = load<f64>(at);
    const v1 = load<f64>(at, 8);
    const v2 = load<f64>(at, 16);
    const v3 = load<f64>(at, 24);
    const w0 = f64x2.splat(v0);
    const w1 = f64x2.splat(v1);
    const w2 = f64x2.splat(v2);
    const w3 = f64x2.splat(v3);
    const row1 = row + step;
    const row2 = row1 + step;
    const row3 = row2 + step;
    let j: usize = 0;
    for (; j < fours; j += 2 * PAIR) {
      const at0 = row + j;
      const at1 = row1 + j;
      const at2 = row2 + j;
      const at3 = row3 + j;
      const left = v128.load(sums + j);
      const right = v128.load(sums + j, PAIR);
      v128.store(at0, f64x2.sub(v128.load(at0), f64x2.mul(w0, left)));
      v128.store(at0, f64x2.sub(v128.load(at0, PAIR), f64x2.mul(w0, right)), PAIR);
      v128.store(at1, f64x2.sub(v128.load(at1), f64x2.mul(w1, left)));
      v128.store(at1, f64x2.sub(v128.load(at1, PAIR), f64x2.mul(w1, right)), PAIR);
      v128.store(at2, f64x2.sub(v128.load(at2), f64x2.mul(w2, left)));
      v128.store(at2, f64x2.sub(v128.load(at2, PAIR), f64x2.mul(w2, right)), PAIR);
      v128.store(at3, f64x2.sub(v128.load(at3), f64x2.mul(w3, left)));
      v128.store(at3, f64x2.sub(v128.load(at3, PAIR), f64x2.mul(w3, right)), PAIR);
    }
    for (; j < end; j += 8) {
      const sum = load<f64>(sums + j);
      store<f64>(row + j, load<f64>(row + j) - v0 * sum);
      store<f64>(row1 + j, load<f64>(row1 + j) - v1 * sum);
      store<f64>(row2 + j, load<f64>(row2 + j) - v2 * sum);
      store<f64>(row3 + j, load<f64>(row3 + j) - v3 * sum);
    }
    row = row3 + step;
  }
  for (; at < last; at += 8) {
    addScaled(row, -load<f64>(at), sums, end);
    row += step;
  }
}

/** A·(I − τ·v·vᵀ) in place for the A `[rows, cols]` at `a`; `sums` has room for `rows` doubles. */
export function reflectRight(a: usize, stride: i32, rows: i32, v: usize, cols: i32, tau: f64, sums: usize): void {
  const step = doubleAt(0, stride);
  const end = doubleAt(0, cols);
  const fours = end & ~(2 * PAIR - 1);
  multiplyVector(a, stride, rows, v, cols, sums);
  let row = a;
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const row1 = row + step;
    const row2 = row1 + step;
    const row3 = row2 + step;
    const factor0 = -tau * load<f64>(doubleAt(sums, i));
    const factor1 = -tau * load<f64>(doubleAt(sums, i + 1));
    const factor2 = -tau * load<f64>(doubleAt(sums, i + 2));
    const factor3 = -tau * load<f64>(doubleAt(sums, i + 3));
    const factors0 = f64x2.splat(factor0);
    const factors1 = f64x2.splat(factor1);
    const factors2 = f64x2.splat(factor2);
    const factors3 = f64x2.splat(factor3);
    let j: usize = 0;
    for (; j < fours; j += 2 * PAIR) {
      const at0 = row + j;
      const at1 = row1 + j;
      const at2 = row2 + j;
      const at3 = row3 + j;
      const left = v128.load(v + j);
      const right = v128.load(v + j, PAIR);
      v128.store(at0, f64x2.add(v128.load(at0), f64x2.mul(factors0, left)));
      v128.store(at0, f64x2.add(v128.load(at0, PAIR), f64x2.mul(factors0, right)), PAIR);
      v128.store(at1, f64x2.add(v128.load(at1), f64x2.mul(factors1, left)));
      v128.store(at1, f64x2.add(v128.load(at1, PAIR), f64x2.mul(factors1, right)), PAIR);
      v128.store(at2, f64x2.add(v128.load(at2), f64x2.mul(factors2, left)));
      v128.store(at2, f64x2.add(v128.load(at2, PAIR), f64x2.mul(factors2, right)), PAIR);
      v128.store(at3, f64x2.add(v128.load(at3), f64x2.mul(factors3, left)));
      v128.store(at3, f64x2.add(v128.load(at3, PAIR), f64x2.mul(factors3, right)), PAIR);
    }
    for (; j < end; j += 8) {
      const w = load<f64>(v + j);
      store<f64>(row + j, load<f64>(row + j) + factor0 * w);
      store<f64>(row1 + j, load<f64>(row1 + j) + factor1 * w);
      store<f64>(row2 + j, load<f64>(row2 + j) + factor2 * w);
      store<f64>(row3 + j, load<f64>(row3 + j) + factor3 * w);
    }
    row = row3 + step;
  }
  for (; i < rows; i++) {
    addScaled(row, -tau * load<f64>(doubleAt(sums, i)), v, end);
    row += step;
  }
}

/** A·v for the A `[rows, cols]` at `a`, into `products` `[rows]`. */
export function multiplyVector(a: usize, stride: i32, rows: i32, v: usize, cols: i32, products: usize): void {
  const step = doubleAt(0, stride);
  const end = doubleAt(0, cols);
  const fours = end & ~(2 * PAIR - 1);
  let row = a;
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const row1 = row + step;
    const row2 = row1 + step;
    const row3 = row2 + step;
    let pair0 = f64x2.splat(0);
    let pair1 = pair0;
    let pair2 = pair0;
    let pair3 = pair0;
    let j: usize = 0;
    for (; j < fours; j += 2 * PAIR) {
      const at0 = row + j;
      const at1 = row1 + j;
      const at2 = row2 + j;
      const at3 = row3 + j;
      const left = v128.load(v + j);
      const right = v128.load(v + j, PAIR);
      pair0 = f64x2.add(pair0, f64x2.add(f64x2.mul(v128.load(at0), left), f64x2.mul(v128.load(at0, PAIR), right)));
      pair1 = f64x2.add(pair1, f64x2.add(f64x2.mul(v128.load(at1), left), f64x2.mul(v128.load(at1, PAIR), right)));
      pair2 = f64x2.add(pair2, f64x2.add(f64x2.mul(v128.load(at2), left), f64x2.mul(v128.load(at2, PAIR), right)));
      pair3 = f64x2.add(pair3, f64x2.add(f64x2.mul(v128.load(at3), left), f64x2.mul(v128.load(at3, PAIR), right)));
    }
    let sum0 = horizontalSum(pair0);
    let sum1 = horizontalSum(pair1);
    let sum2 = horizontalSum(pair2);
    let sum3 = horizontalSum(pair3);
    for (; j < end; j += 8) {
      const w = load<f64>(v + j);
      sum0 += w * load<f64>(row + j);
      sum1 += w * load<f64>(row1 + j);
      sum2 += w * load<f64>(row2 + j);
      sum3 += w * load<f64>(row3 + j);
    }
    const target = doubleAt(products, i);
    store<f64>(target, sum0);
    store<f64>(target, sum1, 8);
    store<f64>(target, sum2, 16);
    store<f64>(target, sum3, 24);
    row = row3 + step;
  }
  for (; i < rows; i++) {
    store<f64>(doubleAt(products, i), dot(row, v, end));
    row += step;
  }
}

/** (I − τ·v·vᵀ)·A·(I − τ·v·vᵀ) in place for the lower triangle of a symmetric A `[size, size]` at `a`. */
export function reflectBoth(a: usize, stride: i32, v: usize, size: i32, tau: f64, sums: usize): void {
  const step = doubleAt(0, stride);
  const end = doubleAt(0, size);
  const pairs = end & ~(PAIR - 1);
  memory.fill(sums, 0, end);
  let row = a;
  let at: usize = 0;
  for (; at < pairs; at += PAIR) {
    const row1 = row + step;
    const v0 = load<f64>(v + at);
    const v1 = load<f64>(v + at, 8);
    const w0 = f64x2.splat(v0);
    const w1 = f64x2.splat(v1);
    let pair0 = f64x2.splat(0);
    let pair1 = pair0;
    for (let j: usize = 0; j < at; j += PAIR) {
      const value0 = v128.load(row + j);
      const value1 = v128.load(row1 + j);
      const w = v128.load(v + j);
      pair0 = f64x2.add(pair0, f64x2.mul(value0, w));
      pair1 = f64x2.add(pair1, f64x2.mul(value1, w));
      v128.store(sums + j, f64x2.add(v128.load(sums + j), f64x2.add(f64x2.mul(value0, w0), f64x2.mul(value1, w1))));
    }
    const coupling = load<f64>(row1 + at);
    store<f64>(sums + at, horizontalSum(pair0) + v0 * load<f64>(row + at) + v1 * coupling);
    store<f64>(sums + at, horizontalSum(pair1) + v0 * coupling + v1 * load<f64>(row1 + at, 8), 8);
    row = row1 + step;
  }
  if (at < end) {
    const w = load<f64>(v + at);
    store<f64>(sums + at, dot(row, v, at) + w * load<f64>(row + at));
    addScaled(sums, w, row, at);
  }

  scaleBy(sums, tau, end);
  addScaled(sums, -0.5 * tau * dot(v, sums, end), v, end);
  row = a;
  at = 0;
  for (; at < pairs; at += PAIR) {
    const row1 = row + step;
    const v0 = load<f64>(v + at);
    const v1 = load<f64>(v + at, 8);
    const s0 = load<f64>(sums + at);
    const s1 = load<f64>(sums + at, 8);
    const v0s = f64x2.splat(v0);
    const v1s = f64x2.splat(v1);
    const s0s = f64x2.splat(s0);
    const s1s = f64x2.splat(s1);
    for (let j: usize = 0; j < at; j += PAIR) {
      const w = v128.load(v + j);
      const sum = v128.load(sums + j);
      const change0 = f64x2.add(f64x2.mul(v0s, sum), f64x2.mul(s0s, w));
      const change1 = f64x2.add(f64x2.mul(v1s, sum), f64x2.mul(s1s, w));
      v128.store(row + j, f64x2.sub(v128.load(row + j), change0));
      v128.store(row1 + j, f64x2.sub(v128.load(row1 + j), change1));
    }
    store<f64>(row + at, load<f64>(row + at) - 2 * v0 * s0);
    store<f64>(row1 + at, load<f64>(row1 + at) - (v1 * s0 + s1 * v0));
    store<f64>(row1 + at, load<f64>(row1 + at, 8) - 2 * v1 * s1, 8);
    row = row1 + step;
  }
  if (at < end) {
    const w = load<f64>(v + at);
    const sum = load<f64>(sums + at);
    addScaled(row, -w, sums, at);
    addScaled(row, -sum, v, at);
    store<f64>(row + at, load<f64>(row + at) - 2 * w * sum);
  }
}

/** Σ x·y over `bytes`. */
function dot(x: usize, y: usize, bytes: usize): f64 {
  const pairs = bytes & ~(2 * PAIR - 1);
  let pair0 = f64x2.splat(0);
  let pair1 = pair0;
  let j: usize = 0;
  for (; j < pairs; j += 2 * PAIR) {
    pair0 = f64x2.add(pair0, f64x2.mul(v128.load(x + j), v128.load(y + j)));
    pair1 = f64x2.add(pair1, f64x2.mul(v128.load(x + j, 16), v128.load(y + j, 16)));
  }
  let sum = horizontalSum(f64x2.add(pair0, pair1));
  for (; j < bytes; j += 8) sum += load<f64>(x + j) * load<f64>(y + j);
  return sum;
}

/** x += factor·y over `bytes`. */
export function addScaled(x: usize, factor: f64, y: usize, bytes: usize): void {
  const pairs = bytes & ~(PAIR - 1);
  const factors = f64x2.splat(factor);
  let j: usize = 0;
  for (; j < pairs; j += PAIR) {
    v128.store(x + j, f64x2.add(v128.load(x + j), f64x2.mul(factors, v128.load(y + j))));
  }
  if (j < bytes) store<f64>(x + j, load<f64>(x + j) + factor * load<f64>(y + j));
}
