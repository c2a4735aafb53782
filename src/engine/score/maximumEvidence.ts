import type { Tridiagonal } from '../linalg/tridiagonal.ts';

/** Ridge regression in the basis in which the Gram matrix is the tridiagonal T `[m, m]`. */
export interface TridiagonalProblem {
  tridiagonal: Tridiagonal;
  /** n */
  count: number;
  /** The exponent of √α in the evidence. */
  dimension: number;
  /** Whether T is that of XᵀX, not of XXᵀ. */
  primal: boolean;
  /** How far off T may be. */
  rounding: number;
}

export interface Fit {
  /** Per sample. */
  evidence: number;
  /** About how far off it is: by what rounding of T does to log det (T + t·I), and when primal that of ‖y‖² to the residual. */
  rounding: number;
}

/** What the published code adds to the denominators of α and β. */
const EPSILON = 1e-5;
const MAX_STEPS = 11;
const TOLERANCE = 1e-3;

/**
 * The maximum evidence of one target y.
 *
 * @param side `[m]`, rotated: Xᵀy when primal, else y
 * @param square ‖y‖² when primal, else what of it is not in `side`
 */
export function maximumEvidence(problem: TridiagonalProblem, side: Float64Array, square: number): Fit {
  const { tridiagonal, count, dimension, primal } = problem;
  const size = side.length;
  let alpha = 1;
  let beta = 1;
  let weightSquare = 0;
  let residual = 0;
  let rounding = 0;
  for (let step = 0; step < MAX_STEPS; step++) {
    const ratio = alpha / beta;
    const fit = ridge(problem, side, square, ratio);
    ({ weightSquare, residual } = fit);
    const ofResidual = primal ? (Number.EPSILON * square) / (residual + EPSILON) : 0;
    rounding = Math.max(rounding, (problem.rounding * fit.inverseTrace) / count + ofResidual);
    alpha = fit.effective / (weightSquare + EPSILON);
    // n − γ without cancellation.
    const freedom = count - size + ratio * fit.inverseTrace;
    beta = Math.max(Number.MIN_VALUE, freedom) / (residual + EPSILON);
    if (Math.abs(alpha / beta - ratio) / ratio <= TOLERANCE) break;
  }
  const logDeterminant = size * Math.log(beta) + shiftedLogDeterminant(tridiagonal, alpha / beta);
  const evidence =
    (dimension / 2) * Math.log(alpha) +
    (count / 2) * Math.log(beta) -
    logDeterminant / 2 -
    (beta / 2) * residual -
    (alpha / 2) * weightSquare -
    (count / 2) * Math.log(2 * Math.PI);
  return { evidence: evidence / count, rounding };
}

/**
 * Pivot i of T + t·I is positive, and no less than what the next one takes away; but for rounding, where T is singular and t
 * tiny.
 */
function leastPivot({ diagonal, offDiagonal }: Tridiagonal, i: number, ratio: number): number {
  const entry = (diagonal[i] as number) + ratio;
  const coupling = offDiagonal[i] as number;
  const explained = coupling === 0 ? 0 : (coupling / ((diagonal[i + 1] as number) + ratio)) * coupling;
  return Math.max(Number.EPSILON * entry, explained);
}

/** log det (T + t·I) by its pivots: one logarithm per product of as many as stay in the range of doubles. */
function shiftedLogDeterminant(tridiagonal: Tridiagonal, ratio: number): number {
  const { diagonal, offDiagonal } = tridiagonal;
  let sum = 0;
  let product = 1;
  let pivot = 1;
  let coupling = 0;
  for (let i = 0; i < diagonal.length; i++) {
    const entry = (diagonal[i] as number) + ratio;
    pivot = Math.max(entry - (coupling / pivot) * coupling, leastPivot(tridiagonal, i, ratio));
    coupling = offDiagonal[i] as number;
    const next = product * pivot;
    if (next > 1e-290 && next < 1e290) {
      product = next;
    } else {
      sum += Math.log(product);
      product = pivot;
    }
  }
  return sum + Math.log(product);
}

/** What one step needs of the ridge t = α/β. */
interface RidgeFit {
  /** ‖m‖² */
  weightSquare: number;
  /** ‖y − X·m‖² */
  residual: number;
  /** γ = Σ σ/(σ + t) over the eigenvalues σ of T. */
  effective: number;
  /** Σ 1/(σ + t) */
  inverseTrace: number;
}

/**
 * One factorisation of T + t·I and one solution of (T + t·I)·x = side. The pivots p and their derivatives p′ in t give the
 * sums over eigenvalues: Σ 1/(σ + t) is the derivative of log det (T + t·I), Σ p′/p, and γ is Σ (p − t·p′)/p, where the
 * recurrence of p − t·p′ doesn't cancel for large t.
 */
function ridge(
  { tridiagonal, primal }: TridiagonalProblem,
  side: Float64Array,
  square: number,
  ratio: number,
): RidgeFit {
  const { diagonal, offDiagonal } = tridiagonal;
  const size = side.length;
  const x = new Float64Array(size);
  const inverses = new Float64Array(size);
  let coupling = 0;
  let inverse = 1;
  let pivot = 1;
  let derivative = 0;
  let value = 0;
  let effective = 0;
  let inverseTrace = 0;
  let product = 0;
  for (let i = 0; i < size; i++) {
    const own = diagonal[i] as number;
    const factor = coupling * inverse;
    const factorSquare = factor * factor;
    const effectivePivot = Math.max(0, own - factorSquare * (pivot + ratio * derivative));
    pivot = Math.max(own + ratio - factor * coupling, leastPivot(tridiagonal, i, ratio));
    derivative = 1 + factorSquare * derivative;
    inverse = 1 / pivot;
    effective += effectivePivot * inverse;
    inverseTrace += derivative * inverse;
    value = (side[i] as number) - factor * value;
    if (primal) {
      // Σ value²/pivot ≤ ‖y‖²: what is far more is rounding of Xᵀy along directions in which X hardly varies.
      const limit = 2 * Math.sqrt(pivot * square);
      value = Math.max(-limit, Math.min(limit, value));
    }
    product += value * inverse * value;
    coupling = offDiagonal[i] as number;
    x[i] = value;
    inverses[i] = inverse;
  }
  let solution = 0;
  let solutionSquare = 0;
  for (let i = size - 1; i >= 0; i--) {
    solution = ((x[i] as number) - (offDiagonal[i] as number) * solution) * (inverses[i] as number);
    solutionSquare += solution * solution;
  }
  // Primal: x = m. Else m = Xᵀ·x, and the residual is t·x and what is not in `side`.
  return primal
    ? {
        weightSquare: solutionSquare,
        residual: Math.max(0, square - product - ratio * solutionSquare),
        effective,
        inverseTrace,
      }
    : {
        weightSquare: Math.max(0, product - ratio * solutionSquare),
        residual: square + ratio * ratio * solutionSquare,
        effective,
        inverseTrace,
      };
}
