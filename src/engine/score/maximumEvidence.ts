import type { Matrix } from '../linalg/matrix.ts';
import { zeros } from '../linalg/matrix.ts';
import type { Tridiagonal } from '../linalg/tridiagonal.ts';
import { LANES, logDeterminants, type RidgeSolution, solveRidges } from '../linalg/tridiagonalRidge.ts';

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
 * The maximum evidence of every target y.
 *
 * @param sides `[m, r]`, rotated: Xᵀy when primal, else y
 * @param squares `[r]`, ‖y‖² when primal, else what of it is not in `sides`
 */
export function maximumEvidence(problem: TridiagonalProblem, sides: Matrix, squares: Float64Array): Fit[] {
  const fits: Fit[] = [];
  for (let first = 0; first < sides.cols; first += LANES) {
    const some = Array.from(squares.subarray(first, first + LANES));
    const lanes = zeros(sides.rows, LANES);
    for (let i = 0; i < sides.rows; i++) {
      for (let j = 0; j < some.length; j++)
        lanes.data[i * LANES + j] = sides.data[i * sides.cols + first + j] as number;
    }
    fits.push(...fitTogether(problem, lanes, some));
  }
  return fits;
}

/** α and β of a target, and what the ridge α/β before these came to. */
interface Posterior {
  alpha: number;
  beta: number;
  /** ‖m‖² */
  weightSquare: number;
  /** ‖y − X·m‖² */
  residual: number;
  rounding: number;
  converged: boolean;
}

const PRIOR: Posterior = { alpha: 1, beta: 1, weightSquare: 0, residual: 0, rounding: 0, converged: false };

/** @param lanes `[m, LANES]`, a side for each of the `squares`, then zeros */
function fitTogether(problem: TridiagonalProblem, lanes: Matrix, squares: readonly number[]): Fit[] {
  const { tridiagonal, primal } = problem;
  // The targets explain no more than ‖y‖².
  const limits = squares.map((square) => (primal ? square : Number.POSITIVE_INFINITY));
  let posteriors = squares.map(() => PRIOR);
  for (let step = 0; step < MAX_STEPS && !posteriors.every(({ converged }) => converged); step++) {
    const solutions = solveRidges(tridiagonal, posteriors.map(ridgeOf), lanes, limits);
    posteriors = posteriors.map((posterior, j) =>
      posterior.converged
        ? posterior
        : updated(problem, posterior, squares[j] as number, solutions[j] as RidgeSolution),
    );
  }
  const determinants = logDeterminants(tridiagonal, posteriors.map(ridgeOf));
  return posteriors.map((posterior, j) => ({
    evidence: evidenceOf(problem, posterior, determinants[j] as number) / problem.count,
    rounding: posterior.rounding,
  }));
}

/** t = α/β */
function ridgeOf({ alpha, beta }: Posterior): number {
  return alpha / beta;
}

function updated(
  { count, primal, tridiagonal, rounding }: TridiagonalProblem,
  before: Posterior,
  square: number,
  { product, square: solutionSquare, effective, inverseTrace }: RidgeSolution,
): Posterior {
  const ridge = ridgeOf(before);
  // Primal: the solution is m. Else m = Xᵀ·x, and the residual is t·x and what is not in `sides`.
  const weightSquare = primal ? solutionSquare : Math.max(0, product - ridge * solutionSquare);
  const residual = primal
    ? Math.max(0, square - product - ridge * solutionSquare)
    : square + ridge * ridge * solutionSquare;
  const ofResidual = primal ? (Number.EPSILON * square) / (residual + EPSILON) : 0;
  // n − γ without cancellation.
  const freedom = count - tridiagonal.diagonal.length + ridge * inverseTrace;
  const alpha = effective / (weightSquare + EPSILON);
  const beta = Math.max(Number.MIN_VALUE, freedom) / (residual + EPSILON);
  return {
    alpha,
    beta,
    weightSquare,
    residual,
    rounding: Math.max(before.rounding, (rounding * inverseTrace) / count + ofResidual),
    converged: Math.abs(alpha / beta - ridge) / ridge <= TOLERANCE,
  };
}

function evidenceOf(
  { count, dimension, tridiagonal }: TridiagonalProblem,
  { alpha, beta, weightSquare, residual }: Posterior,
  logDeterminant: number,
): number {
  const size = tridiagonal.diagonal.length;
  return (
    (dimension / 2) * Math.log(alpha) +
    (count / 2) * Math.log(beta) -
    (size * Math.log(beta) + logDeterminant) / 2 -
    (beta / 2) * residual -
    (alpha / 2) * weightSquare -
    (count / 2) * Math.log(2 * Math.PI)
  );
}
