import type { Matrix } from '../linalg/matrix.ts';
import {
  addMultiple,
  addToDiagonal,
  difference,
  dot,
  paste,
  rowSquares,
  scaled,
  transpose,
  zeros,
} from '../linalg/matrix.ts';
import { gramian, multiply } from '../linalg/multiply.ts';
import { positiveWhitening } from '../linalg/whitening.ts';

/**
 * A pass is an evaluation of the loss or a step of conjugate gradients: two products of all samples with all features and classes.
 * There are at most as many as take `MOST_MULTIPLICATIONS`, where the exponential of an output counts as
 * `MULTIPLICATIONS_PER_OUTPUT`. Most problems take 60 to 500.
 */
const MOST_MULTIPLICATIONS = 2 ** 36;
const MULTIPLICATIONS_PER_OUTPUT = 100;
const MOST_PASSES = 5000;
const FEWEST_PASSES = 100;
/**
 * Twice the decrease of the loss that is negligible, relative to it, or to 1 per sample where that is less: the loss is exact to
 * rounding, and the curvature to 1e-10.
 */
const CONVERGED = 1e-21;
/** A direction is precise enough once a step of conjugate gradients adds so little to it, relative to the mean step. */
const LARGEST_GAIN = 0.3;
const SUFFICIENT_DECREASE = 1e-4;
const SHORTEST_STEP = 1e-10;
/** Relative to the loss: close to the minimum what it decreases by drowns in it, while the gradient still leads on. */
const ROUNDING = 2 ** -42;

interface LogisticFit {
  /** The minimum per sample. */
  loss: number;
  /** Σ of the second derivatives of n times the cross entropy by every coefficient and intercept. */
  curvature: number;
}

/**
 * Fits softmax(W·x + b) to classes by the least cross entropy plus ½·ridge·‖W‖², both summed over samples. The minimum is
 * unique, so neither a start nor the order of the samples decides; large problems are left near to it.
 *
 * Newton's method from zero, with directions by conjugate gradients. Their preconditioner is the Hessian's mean over the
 * classes, so that scale and correlation of the features don't matter; it is made anew once the products since cost as much,
 * for the samples that count change as the classes come apart. Time O(n·d² + d³) per preconditioner and O(n·d·C + d²·C) per
 * product; memory O(n·d + d² + n·C + d·C).
 *
 * @param samples `[n, d]`, centred
 * @param classOf `[n]` classes from 0 to `classes` − 1
 */
export async function fitLogistic(
  samples: Matrix,
  classOf: Int32Array,
  classes: number,
  ridge: number,
): Promise<LogisticFit> {
  const { rows: count, cols: width } = samples;
  const rows = zeros(count, width + 1);
  paste(rows, samples, 0, 0);
  const squares = rowSquares(samples);
  // As long as the samples, so that an intercept is a coefficient like the others to the preconditioner.
  const constant = Math.sqrt(Math.max(1, squares.reduce((sum, square) => sum + square, 0) / count));
  for (let i = 0; i < count; i++) rows.data[i * rows.cols + width] = constant;
  const problem: Problem = { rows, columns: transpose(rows), classOf, ridge };

  let coefficients = zeros(classes, rows.cols);
  let current = await evaluate(problem, coefficients);
  let precondition = await preconditioner(problem, current);
  let passesSince = 0;
  let left = Math.max(
    FEWEST_PASSES,
    Math.min(MOST_PASSES, MOST_MULTIPLICATIONS / (count * classes * (width + MULTIPLICATIONS_PER_OUTPUT))),
  );
  while (left > 0) {
    if (passesSince > width / classes) {
      precondition = await preconditioner(problem, current);
      passesSince = 0;
    }
    const negligible = CONVERGED * Math.min(count, current.loss);
    const { direction, promised, steps } = await newtonDirection(problem, current, precondition, negligible, left);
    if (promised <= negligible) break;
    let next: { coefficients: Matrix; evaluation: Evaluation } | undefined;
    let tries = 0;
    for (let length = 1; length >= SHORTEST_STEP && next === undefined; length /= 2) {
      const moved = difference(coefficients, scaled(direction, length));
      const evaluation = await evaluate(problem, moved);
      tries++;
      if (evaluation.loss <= current.loss * (1 + ROUNDING) - SUFFICIENT_DECREASE * length * promised) {
        next = { coefficients: moved, evaluation };
      }
    }
    if (next === undefined) break;
    coefficients = next.coefficients;
    current = next.evaluation;
    passesSince += steps + tries;
    left -= steps + tries;
  }
  const weight = current.weights.reduce((sum, value) => sum + value, 0);
  return { loss: current.loss / count, curvature: dot(squares, current.weights) + weight };
}

interface Problem {
  /** `[n, d + 1]`, the samples with a constant after each, for the intercept. */
  rows: Matrix;
  /** Its transpose. */
  columns: Matrix;
  classOf: Int32Array;
  ridge: number;
}

interface Evaluation {
  loss: number;
  /** `[C, d + 1]` */
  gradient: Matrix;
  /** `[C, n]` */
  probabilities: Matrix;
  /** `[n]`, per sample Σ p·(1 − p) over the classes. */
  weights: Float64Array;
}

/** The loss at coefficients `[C, d + 1]`, the last column being for the intercepts. */
async function evaluate({ rows, columns, classOf, ridge }: Problem, coefficients: Matrix): Promise<Evaluation> {
  const probabilities = await multiply(coefficients, columns);
  const { weights, rest, loss } = softmaxColumns(probabilities, classOf);
  const errors = scaled(probabilities, 1);
  classOf.forEach((c, i) => {
    errors.data[c * rows.rows + i] = -(rest[i] as number);
  });
  const gradient = await multiply(errors, rows);
  const square = addPenalty(gradient, coefficients, ridge);
  return { loss: loss + (ridge / 2) * square, gradient, probabilities, weights };
}

/** Adds ridge·W to a matrix; gives ‖W‖², without the intercepts. */
function addPenalty({ rows, cols, data }: Matrix, coefficients: Matrix, ridge: number): number {
  let square = 0;
  for (let c = 0; c < rows; c++) {
    for (let at = c * cols; at < (c + 1) * cols - 1; at++) {
      const coefficient = coefficients.data[at] as number;
      square += coefficient * coefficient;
      data[at] = (data[at] as number) + ridge * coefficient;
    }
  }
  return square;
}

/**
 * Turns outputs `[C, n]` into probabilities, in place. Of the samples' own classes it gives 1 − p, `[n]`, and −Σ log p, both
 * exact however sure the classifier is, and with them the weights.
 */
function softmaxColumns(
  { rows, cols, data }: Matrix,
  classOf: Int32Array,
): { weights: Float64Array; rest: Float64Array; loss: number } {
  const largest = data.slice(0, cols);
  for (let c = 1; c < rows; c++) {
    const row = data.subarray(c * cols, (c + 1) * cols);
    for (let i = 0; i < cols; i++) {
      if ((row[i] as number) > (largest[i] as number)) largest[i] = row[i] as number;
    }
  }
  let loss = 0;
  for (let i = 0; i < cols; i++) {
    loss += (largest[i] as number) - (data[(classOf[i] as number) * cols + i] as number);
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
  const rest = new Float64Array(cols);
  for (let c = 0; c < rows; c++) {
    const row = data.subarray(c * cols, (c + 1) * cols);
    for (let i = 0; i < cols; i++) {
      const value = row[i] as number;
      const sum = 1 + (others[i] as number);
      // 1 − p; of the largest the share of the others.
      const complement = (value === 1 ? (others[i] as number) : sum - value) / sum;
      row[i] = value / sum;
      weights[i] = (weights[i] as number) + (value / sum) * complement;
      if (classOf[i] === c) rest[i] = complement;
    }
  }
  return { weights, rest, loss: loss + others.reduce((total, sum) => total + Math.log1p(sum), 0) };
}

type Preconditioner = (gradient: Matrix) => Promise<Matrix>;

/** The inverse of the Hessian's mean over the classes, as a product, less what all classes have in common. */
async function preconditioner({ columns, ridge }: Problem, { weights, gradient }: Evaluation): Promise<Preconditioner> {
  const { rows: width, cols: count } = columns;
  const roots = weights.map((weight) => Math.sqrt(weight / gradient.rows));
  const weighted: Matrix = { ...columns, data: columns.data.map((value, at) => value * (roots[at % count] as number)) };
  const curvature = await gramian(weighted);
  addToDiagonal(curvature, ridge);
  const inverse = await gramian(transpose(await positiveWhitening(curvature, ridge)));
  return async (matrix) => {
    const result = await multiply(matrix, inverse);
    // It changes no probability: nothing but rounding, along which there is no curvature.
    const sums = zeros(1, width);
    for (let at = 0; at < result.data.length; at++) {
      sums.data[at % width] = (sums.data[at % width] as number) + (result.data[at] as number);
    }
    for (let at = 0; at < result.data.length; at++) {
      result.data[at] = (result.data[at] as number) - (sums.data[at % width] as number) / result.rows;
    }
    return result;
  };
}

/**
 * The inverse of the Hessian times the gradient, by conjugate gradients.
 *
 * @returns `promised`: the product of the two, which is twice what the direction would decrease a quadratic loss by
 */
async function newtonDirection(
  problem: Problem,
  { gradient, probabilities, loss }: Evaluation,
  precondition: Preconditioner,
  negligible: number,
  mostSteps: number,
): Promise<{ direction: Matrix; promised: number; steps: number }> {
  const direction = zeros(gradient.rows, gradient.cols);
  const residual = scaled(gradient, 1);
  let search = await precondition(residual);
  let square = dot(residual.data, search.data);
  let promised = 0;
  let steps = 0;
  // Nothing is gained from more than all of the loss, nor from precision that the next Newton step doesn't keep.
  for (let gain = square; square > 0 && gain > negligible && promised < loss && steps < mostSteps; ) {
    const image = await applyHessian(problem, probabilities, search);
    const length = square / dot(search.data, image.data);
    addMultiple(direction.data, length, search.data);
    addMultiple(residual.data, -length, image.data);
    gain = length * square;
    promised += gain;
    steps++;
    if (steps * gain <= promised * Math.min(LARGEST_GAIN, Math.sqrt(promised / loss))) break;
    const next = await precondition(residual);
    const nextSquare = dot(residual.data, next.data);
    addMultiple(next.data, nextSquare / square, search.data);
    search = next;
    square = nextSquare;
  }
  return { direction, promised, steps };
}

/** The Hessian times `direction` `[C, d + 1]`. */
async function applyHessian(
  { rows, columns, classOf, ridge }: Problem,
  { rows: classes, cols: count, data: probabilities }: Matrix,
  direction: Matrix,
): Promise<Matrix> {
  const changes = await multiply(direction, columns);
  // Relative to the change of the sample's own class: next to a probability of 1 the others would drown.
  const own = Float64Array.from(classOf, (c, i) => changes.data[c * count + i] as number);
  const means = new Float64Array(count);
  for (let c = 0; c < classes; c++) {
    for (let i = 0, at = c * count; i < count; i++, at++) {
      const change = (changes.data[at] as number) - (own[i] as number);
      changes.data[at] = change;
      means[i] = (means[i] as number) + (probabilities[at] as number) * change;
    }
  }
  for (let c = 0; c < classes; c++) {
    for (let i = 0, at = c * count; i < count; i++, at++) {
      changes.data[at] = (probabilities[at] as number) * ((changes.data[at] as number) - (means[i] as number));
    }
  }
  const image = await multiply(changes, rows);
  addPenalty(image, direction, ridge);
  return image;
}
