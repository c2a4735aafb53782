import type { Matrix } from '../linalg/matrix.ts';
import { difference, dot, paste, rowSquares, scaled, transpose, zeros } from '../linalg/matrix.ts';
import { gramian, multiply } from '../linalg/multiply.ts';
import { positiveWhitening } from '../linalg/whitening.ts';

/** Steps that are kept to estimate the curvature. */
const HISTORY = 10;
/** The first step at which the guess of the curvature is made anew; then at every threefold of it. */
const FIRST_REFRESH = 10;
/**
 * More than the 100 that the published code of PACTran makes. Large problems get fewer: so many outputs are computed, or
 * the fewest steps made.
 */
const MOST_STEPS = 150;
const FEWEST_STEPS = 50;
const MOST_OUTPUTS = 2 ** 27;
/** Small problems get as many as cost no more multiplications than this: classes far apart take long. */
const MOST_PRODUCTS = 2 ** 30;
const MOST_STEPS_OF_SMALL = 1500;
/**
 * Twice the decrease of the loss that the next step promises when it is small enough: the loss is exact to rounding. Relative
 * to the loss when that is below 1: where classes are far apart all of it is small.
 */
const CONVERGED = 1e-20;
const SUFFICIENT_DECREASE = 1e-4;
const SHORTEST_STEP = 1e-10;

interface LogisticFit {
  /** The mean cross entropy plus the penalty, at its minimum. */
  loss: number;
  /** Σ of the second derivatives of n times the cross entropy by every coefficient and intercept. */
  curvature: number;
}

/**
 * Fits softmax(W·x + b) to classes by the least mean cross entropy plus ½·penalty·‖W‖². The minimum is unique, so neither
 * a start nor the order of the samples decides; large problems are left near to it.
 *
 * L-BFGS from zero. Its guess of the curvature is the Hessian's mean over the classes, so that scale and correlation of the
 * features don't matter; it is made anew a few times, for the samples that count change as the classes come apart.
 * Time O(n·d² + d³) per guess and O(n·d·C + d²·C) per step; memory O(n·d + n·C).
 *
 * @param samples `[n, d]`, centred
 * @param classOf `[n]` classes from 0 to `classes` − 1
 */
export async function fitLogistic(
  samples: Matrix,
  classOf: Int32Array,
  classes: number,
  penalty: number,
): Promise<LogisticFit> {
  const { rows: count, cols: width } = samples;
  const rows = zeros(count, width + 1);
  paste(rows, samples, 0, 0);
  for (let i = 0; i < count; i++) rows.data[i * rows.cols + width] = 1;
  const problem: Problem = { rows, columns: transpose(rows), squares: rowSquares(rows), classOf, penalty };

  let coefficients = zeros(classes, width + 1);
  let current = await evaluate(problem, coefficients);
  let precondition = await preconditioner(problem, current.weights, classes);
  let preconditioned = await precondition(current.gradient);
  let refresh = FIRST_REFRESH;
  let history: Step[] = [];
  const most = Math.max(
    Math.min(MOST_STEPS, Math.max(FEWEST_STEPS, MOST_OUTPUTS / (count * classes))),
    Math.min(MOST_STEPS_OF_SMALL, MOST_PRODUCTS / (count * classes * rows.cols)),
  );
  for (let steps = 0; steps < most; steps++) {
    if (steps === refresh) {
      precondition = await preconditioner(problem, current.weights, classes);
      preconditioned = await precondition(current.gradient);
      history = [];
      refresh *= 3;
    }
    const direction = newtonDirection(current.gradient, preconditioned, history);
    const promised = dot(direction.data, current.gradient.data);
    if (promised <= CONVERGED * Math.min(1, current.loss)) break;
    let next: { coefficients: Matrix; evaluation: Evaluation } | undefined;
    for (let length = 1; length >= SHORTEST_STEP && next === undefined; length /= 2) {
      const moved = difference(coefficients, scaled(direction, length));
      const evaluation = await evaluate(problem, moved);
      // Close to the minimum the decrease drowns in the rounding of the loss, while the gradient still leads on.
      const rounding = 4 * Number.EPSILON * Math.max(1, current.loss);
      if (evaluation.loss <= current.loss - SUFFICIENT_DECREASE * length * promised + rounding) {
        next = { coefficients: moved, evaluation };
      }
    }
    if (next === undefined) break;
    const nextPreconditioned = await precondition(next.evaluation.gradient);
    const step = difference(next.coefficients, coefficients).data;
    const change = difference(next.evaluation.gradient, current.gradient).data;
    const preconditionedChange = difference(nextPreconditioned, preconditioned).data;
    const product = dot(step, change);
    if (product > 0) history = [...history, { step, change, preconditionedChange, product }].slice(-HISTORY);
    coefficients = next.coefficients;
    current = next.evaluation;
    preconditioned = nextPreconditioned;
  }
  return { loss: current.loss, curvature: dot(problem.squares, current.weights) };
}

interface Problem {
  /** `[n, d + 1]`, the samples with a 1 after each, for the intercept. */
  rows: Matrix;
  /** Its transpose. */
  columns: Matrix;
  /** `[n]`, the squared lengths of the rows. */
  squares: Float64Array;
  classOf: Int32Array;
  penalty: number;
}

interface Evaluation {
  loss: number;
  /** `[C, d + 1]` */
  gradient: Matrix;
  /** `[n]`, per sample Σ p·(1 − p) over the classes. */
  weights: Float64Array;
}

/** The loss at coefficients `[C, d + 1]`, the last column being the intercepts. */
async function evaluate({ rows, columns, classOf, penalty }: Problem, coefficients: Matrix): Promise<Evaluation> {
  const count = rows.rows;
  const outputs = await multiply(coefficients, columns);
  const { weights, logarithms } = softmaxColumns(outputs, classOf);
  for (let i = 0; i < count; i++) {
    const at = (classOf[i] as number) * count + i;
    outputs.data[at] = (outputs.data[at] as number) - 1;
  }
  for (let at = 0; at < outputs.data.length; at++) outputs.data[at] = (outputs.data[at] as number) / count;
  const gradient = await multiply(outputs, rows);
  const square = addPenalty(gradient, coefficients, penalty);
  return { loss: (penalty / 2) * square - logarithms / count, gradient, weights };
}

/** Adds penalty·W to a matrix; gives ‖W‖², without the intercepts. */
function addPenalty({ rows, cols, data }: Matrix, coefficients: Matrix, penalty: number): number {
  let square = 0;
  for (let c = 0; c < rows; c++) {
    for (let at = c * cols; at < (c + 1) * cols - 1; at++) {
      const coefficient = coefficients.data[at] as number;
      square += coefficient * coefficient;
      data[at] = (data[at] as number) + penalty * coefficient;
    }
  }
  return square;
}

/** Turns outputs `[C, n]` into probabilities, in place; gives the weights and Σ log p of the samples' own classes. */
function softmaxColumns(
  { rows, cols, data }: Matrix,
  classOf: Int32Array,
): { weights: Float64Array; logarithms: number } {
  const largest = data.slice(0, cols);
  for (let c = 1; c < rows; c++) {
    const row = data.subarray(c * cols, (c + 1) * cols);
    for (let i = 0; i < cols; i++) {
      if ((row[i] as number) > (largest[i] as number)) largest[i] = row[i] as number;
    }
  }
  let logarithms = 0;
  for (let i = 0; i < cols; i++) {
    logarithms += (data[(classOf[i] as number) * cols + i] as number) - (largest[i] as number);
  }
  // Without the 1 of the largest: next to it what a sure classifier leaves for the others would drown.
  const others = new Float64Array(cols);
  const isLargest = new Uint8Array(cols);
  for (let c = 0; c < rows; c++) {
    const row = data.subarray(c * cols, (c + 1) * cols);
    for (let i = 0; i < cols; i++) {
      const value = Math.exp((row[i] as number) - (largest[i] as number));
      row[i] = value;
      if (value === 1 && isLargest[i] === 0) isLargest[i] = 1;
      else others[i] = (others[i] as number) + value;
    }
  }
  const weights = new Float64Array(cols);
  for (let c = 0; c < rows; c++) {
    const row = data.subarray(c * cols, (c + 1) * cols);
    for (let i = 0; i < cols; i++) {
      const value = row[i] as number;
      const sum = 1 + (others[i] as number);
      // p·(1 − p); of the largest 1 − p is the share of the others.
      const rest = value === 1 ? (others[i] as number) : sum - value;
      row[i] = value / sum;
      weights[i] = (weights[i] as number) + ((value / sum) * rest) / sum;
    }
  }
  return {
    weights,
    logarithms: logarithms - others.reduce((total, sum) => total + Math.log1p(sum), 0),
  };
}

/** The inverse of the Hessian's mean over the classes, as a product. */
async function preconditioner({ columns, penalty }: Problem, weights: Float64Array, classes: number) {
  const { rows: width, cols: count } = columns;
  const roots = weights.map(Math.sqrt);
  const weighted: Matrix = { ...columns, data: columns.data.map((value, at) => value * (roots[at % count] as number)) };
  const curvature = scaled(await gramian(weighted), 1 / (classes * count));
  for (let j = 0; j < width; j++) {
    curvature.data[j * width + j] = (curvature.data[j * width + j] as number) + penalty;
  }
  const inverse = await gramian(transpose(await positiveWhitening(curvature, penalty)));
  return (gradient: Matrix) => multiply(gradient, inverse);
}

/** A step of the coefficients, the change of the gradient that it made, and the product of the two. */
interface Step {
  step: Float64Array;
  change: Float64Array;
  /** The guess of the inverse curvature times `change`. */
  preconditionedChange: Float64Array;
  product: number;
}

/**
 * The inverse of the estimated curvature times the gradient, by the two loops of L-BFGS. The guess of the inverse that they
 * start from is linear, so that its products with gradient and changes, which are at hand, are all that is needed of it.
 */
function newtonDirection(gradient: Matrix, preconditioned: Matrix, history: readonly Step[]): Matrix {
  const remaining = gradient.data.slice();
  const direction = scaled(preconditioned, 1);
  const factors = history.map(() => 0);
  for (const [k, { step, change, preconditionedChange, product }] of [...history.entries()].reverse()) {
    const factor = dot(step, remaining) / product;
    factors[k] = factor;
    addMultiple(remaining, -factor, change);
    addMultiple(direction.data, -factor, preconditionedChange);
  }
  const last = history.at(-1);
  const scale = last === undefined ? 1 : last.product / dot(last.change, last.preconditionedChange);
  for (let j = 0; j < direction.data.length; j++) direction.data[j] = scale * (direction.data[j] as number);
  for (const [k, { step, change, product }] of history.entries()) {
    addMultiple(direction.data, (factors[k] as number) - dot(change, direction.data) / product, step);
  }
  return direction;
}

function addMultiple(a: Float64Array, factor: number, b: Float64Array): void {
  for (let j = 0; j < a.length; j++) a[j] = (a[j] as number) + factor * (b[j] as number);
}
