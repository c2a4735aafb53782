import type { Matrix } from '../linalg/matrix.ts';
import { addTo, difference, dot, paste, rowRange, rowSquares, scaled, transpose, zeros } from '../linalg/matrix.ts';
import { gramian, multiply, multiplyTransposed } from '../linalg/multiply.ts';
import { positiveWhitening } from '../linalg/whitening.ts';
import { BLOCK_SAMPLES } from './evidence.ts';

/** Steps that are kept to estimate the curvature. */
const HISTORY = 10;
/** The first step at which the guess of the curvature is made anew; then at every doubling of it. */
const FIRST_REFRESH = 10;
const MOST_STEPS = 500;
/** Twice the decrease of the loss that the next step promises when it is small enough: the loss is exact to rounding. */
const CONVERGED = 1e-18;
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
 * a start nor the order of the samples decides.
 *
 * L-BFGS from zero. Its guess of the curvature is the Hessian's mean over the classes, so that scale and correlation of the
 * features don't matter; it is made anew a few times, for the samples that count change as the classes come apart.
 * Time O(n·d² + d³) per guess and O(n·d·C + d²·C) per step.
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
  const extended = zeros(count, width + 1);
  paste(extended, samples, 0, 0);
  for (let i = 0; i < count; i++) extended.data[i * extended.cols + width] = 1;

  const preconditionFor = async (weights: Float64Array) => {
    const weighted: Matrix = {
      ...extended,
      data: extended.data.map((value, at) => value * Math.sqrt(weights[Math.floor(at / extended.cols)] as number)),
    };
    const curvature = scaled(await gramian(transpose(weighted)), 1 / (classes * count));
    for (let j = 0; j <= width; j++) {
      curvature.data[j * curvature.cols + j] = (curvature.data[j * curvature.cols + j] as number) + penalty;
    }
    const whitening = await positiveWhitening(curvature, penalty);
    return async (gradient: Matrix) => multiply(await multiplyTransposed(gradient, whitening), whitening);
  };
  return minimise(logisticLoss(extended, classOf, penalty), zeros(classes, width + 1), preconditionFor);
}

interface Evaluation extends LogisticFit {
  gradient: Matrix;
  /** `[n]`, per sample Σ p·(1 − p) over the classes. */
  weights: Float64Array;
}

/** The loss as a function of the coefficients `[C, d + 1]`, the last column being the intercepts. */
function logisticLoss(extended: Matrix, classOf: Int32Array, penalty: number) {
  const { rows: count, cols } = extended;
  const squares = rowSquares(extended);
  return async (coefficients: Matrix): Promise<Evaluation> => {
    const gradient = zeros(coefficients.rows, cols);
    let loss = 0;
    let curvature = 0;
    const weights = new Float64Array(count);
    for (let from = 0; from < count; from += BLOCK_SAMPLES) {
      const block = rowRange(extended, from, Math.min(from + BLOCK_SAMPLES, count));
      const outputs = await multiplyTransposed(block, coefficients);
      for (let i = 0; i < block.rows; i++) {
        const row = rowRange(outputs, i, i + 1).data;
        const own = classOf[from + i] as number;
        loss -= logSoftmax(row, own) / count;
        const weight = Math.max(0, 1 - dot(row, row));
        weights[from + i] = weight;
        curvature += (squares[from + i] as number) * weight;
        row[own] = (row[own] as number) - 1;
        for (let c = 0; c < row.length; c++) row[c] = (row[c] as number) / count;
      }
      addTo(gradient, await multiply(transpose(outputs), block));
    }
    for (let at = 0; at < gradient.data.length; at++) {
      if (at % cols === cols - 1) continue;
      const coefficient = coefficients.data[at] as number;
      loss += (penalty / 2) * coefficient * coefficient;
      gradient.data[at] = (gradient.data[at] as number) + penalty * coefficient;
    }
    return { loss, curvature, gradient, weights };
  };
}

/** Turns outputs into probabilities, in place; gives the logarithm of one of them. */
function logSoftmax(outputs: Float64Array, own: number): number {
  const largest = outputs.reduce((max, output) => Math.max(max, output), Number.NEGATIVE_INFINITY);
  const logarithm = (outputs[own] as number) - largest;
  let sum = 0;
  for (let c = 0; c < outputs.length; c++) {
    const value = Math.exp((outputs[c] as number) - largest);
    outputs[c] = value;
    sum += value;
  }
  for (let c = 0; c < outputs.length; c++) outputs[c] = (outputs[c] as number) / sum;
  return logarithm - Math.log(sum);
}

/** A step of the coefficients, the change of the gradient that it made, and the product of the two. */
interface Step {
  step: Float64Array;
  change: Float64Array;
  product: number;
}

/** L-BFGS with steps that are halved until they lower a convex loss enough. */
async function minimise(
  evaluate: (coefficients: Matrix) => Promise<Evaluation>,
  start: Matrix,
  preconditionFor: (weights: Float64Array) => Promise<(gradient: Matrix) => Promise<Matrix>>,
): Promise<LogisticFit> {
  let coefficients = start;
  let current = await evaluate(coefficients);
  let precondition = await preconditionFor(current.weights);
  let refresh = FIRST_REFRESH;
  let history: Step[] = [];
  let scale = 1;
  for (let steps = 0; steps < MOST_STEPS; steps++) {
    if (steps === refresh) {
      precondition = await preconditionFor(current.weights);
      history = [];
      scale = 1;
      refresh *= 2;
    }
    const direction = await newtonDirection(current.gradient, history, scale, precondition);
    const promised = dot(direction.data, current.gradient.data);
    if (promised <= CONVERGED) break;
    let next: { coefficients: Matrix; evaluation: Evaluation } | undefined;
    for (let length = 1; length >= SHORTEST_STEP && next === undefined; length /= 2) {
      const moved = difference(coefficients, scaled(direction, length));
      const evaluation = await evaluate(moved);
      // Close to the minimum the decrease drowns in the rounding of the loss, while the gradient still leads on.
      const rounding = 4 * Number.EPSILON * Math.max(1, current.loss);
      if (evaluation.loss <= current.loss - SUFFICIENT_DECREASE * length * promised + rounding) {
        next = { coefficients: moved, evaluation };
      }
    }
    if (next === undefined) break;
    const step = difference(next.coefficients, coefficients).data;
    const change = difference(next.evaluation.gradient, current.gradient);
    const product = dot(step, change.data);
    if (product > 0) {
      history = [...history, { step, change: change.data, product }].slice(-HISTORY);
      scale = product / dot(change.data, (await precondition(change)).data);
    }
    coefficients = next.coefficients;
    current = next.evaluation;
  }
  return current;
}

/** The inverse of the estimated curvature times the gradient, by the two loops of L-BFGS. */
async function newtonDirection(
  gradient: Matrix,
  history: readonly Step[],
  scale: number,
  precondition: (gradient: Matrix) => Promise<Matrix>,
): Promise<Matrix> {
  const remaining = scaled(gradient, 1);
  const factors = history.map(() => 0);
  for (const [k, { step, change, product }] of [...history.entries()].reverse()) {
    const factor = dot(step, remaining.data) / product;
    factors[k] = factor;
    addMultiple(remaining.data, -factor, change);
  }
  const direction = scaled(await precondition(remaining), scale);
  for (const [k, { step, change, product }] of history.entries()) {
    addMultiple(direction.data, (factors[k] as number) - dot(change, direction.data) / product, step);
  }
  return direction;
}

function addMultiple(a: Float64Array, factor: number, b: Float64Array): void {
  for (let j = 0; j < a.length; j++) a[j] = (a[j] as number) + factor * (b[j] as number);
}
