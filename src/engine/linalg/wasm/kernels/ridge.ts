import { doubleAt, PAIR } from './memory';

// Ridge regressions on one tridiagonal T, several side by side with a ridge t and a target each: `lanes`, an even number. They
// wait for divisions together.

const EPSILON: f64 = 2.220446049250313e-16;

/**
 * One over the pivots of T + t·I.
 *
 * @param diagonal `[size]` of T
 * @param offDiagonal `[size]`, entry i couples i and i + 1; the last is 0
 * @param ridges `[lanes]`, t
 * @param inverses `[size, lanes]`, written
 */
export function invertPivots(
  diagonal: usize,
  offDiagonal: usize,
  size: i32,
  lanes: i32,
  ridges: usize,
  inverses: usize,
): void {
  const width = doubleAt(0, lanes);
  const one = f64x2.splat(1);
  let row = inverses;
  let before = f64x2.splat(0);
  for (let i = 0; i < size; i++) {
    const own = f64x2.splat(load<f64>(doubleAt(diagonal, i)));
    const coupling = f64x2.splat(load<f64>(doubleAt(offDiagonal, i)));
    for (let lane: usize = 0; lane < width; lane += PAIR) {
      const ridge = v128.load(ridges + lane);
      const entry = f64x2.add(own, ridge);
      let pivot = entry;
      if (i > 0) pivot = f64x2.sub(entry, f64x2.mul(f64x2.mul(before, v128.load(row + lane - width)), before));
      // Positive, but for rounding, where T is singular and t tiny.
      pivot = f64x2.max(pivot, f64x2.mul(f64x2.splat(EPSILON), entry));
      v128.store(row + lane, f64x2.div(one, pivot));
    }
    before = coupling;
    row += width;
  }
}

/**
 * Solves (T + t·I)·x = b, and sums over the eigenvalues σ of T. The pivots p and their derivatives p′ in t give Σ 1/(σ + t), the
 * derivative of log det (T + t·I), as Σ p′/p, and Σ σ/(σ + t) as Σ (p − t·p′)/p, where the recurrence of p − t·p′ doesn't cancel
 * for large t.
 *
 * @param inverses `[size, lanes]` of `invertPivots`
 * @param sides `[size, lanes]`, b; overwritten
 * @param limits `[lanes]`, of bᵀ·x: what adds far more to it is rounding of b along directions in which T is next to nothing
 * @param sums `[5, lanes]`: receives bᵀ·x, ‖x‖², Σ σ/(σ + t), Σ 1/(σ + t), and p′
 */
export function solveRidges(
  diagonal: usize,
  offDiagonal: usize,
  size: i32,
  lanes: i32,
  ridges: usize,
  inverses: usize,
  sides: usize,
  limits: usize,
  sums: usize,
): void {
  const width = doubleAt(0, lanes);
  const products = sums;
  const squares = products + width;
  const effectives = squares + width;
  const traces = effectives + width;
  const derivatives = traces + width;
  memory.fill(sums, 0, 5 * width);
  const one = f64x2.splat(1);
  let coupling = f64x2.splat(0);
  let row: usize = 0;
  for (let i = 0; i < size; i++) {
    const own = f64x2.splat(load<f64>(doubleAt(diagonal, i)));
    for (let lane: usize = 0; lane < width; lane += PAIR) {
      const inverse = v128.load(inverses + row + lane);
      let effectivePivot = own;
      let derivative = one;
      let value = v128.load(sides + row + lane);
      if (i > 0) {
        const factor = f64x2.mul(coupling, v128.load(inverses + row + lane - width));
        const change = f64x2.mul(factor, v128.load(derivatives + lane));
        const taken = f64x2.mul(factor, f64x2.add(coupling, f64x2.mul(v128.load(ridges + lane), change)));
        effectivePivot = f64x2.max(f64x2.splat(0), f64x2.sub(own, taken));
        derivative = f64x2.add(one, f64x2.mul(factor, change));
        value = f64x2.sub(value, f64x2.mul(factor, v128.load(sides + row + lane - width)));
      }
      let product = f64x2.mul(f64x2.mul(value, inverse), value);
      const limit = f64x2.mul(f64x2.splat(4), v128.load(limits + lane));
      if (v128.any_true(f64x2.gt(product, limit))) {
        const largest = f64x2.sqrt(f64x2.div(limit, inverse));
        value = f64x2.max(f64x2.neg(largest), f64x2.min(largest, value));
        product = f64x2.mul(f64x2.mul(value, inverse), value);
      }
      v128.store(sides + row + lane, value);
      v128.store(derivatives + lane, derivative);
      addPair(effectives + lane, f64x2.mul(effectivePivot, inverse));
      addPair(traces + lane, f64x2.mul(derivative, inverse));
      addPair(products + lane, product);
    }
    coupling = f64x2.splat(load<f64>(doubleAt(offDiagonal, i)));
    row += width;
  }
  for (let i = size - 1; i >= 0; i--) {
    row -= width;
    coupling = f64x2.splat(load<f64>(doubleAt(offDiagonal, i)));
    for (let lane: usize = 0; lane < width; lane += PAIR) {
      let value = v128.load(sides + row + lane);
      if (i < size - 1) value = f64x2.sub(value, f64x2.mul(coupling, v128.load(sides + row + lane + width)));
      value = f64x2.mul(value, v128.load(inverses + row + lane));
      v128.store(sides + row + lane, value);
      addPair(squares + lane, f64x2.mul(value, value));
    }
  }
}

function addPair(sum: usize, pair: v128): void {
  v128.store(sum, f64x2.add(v128.load(sum), pair));
}
