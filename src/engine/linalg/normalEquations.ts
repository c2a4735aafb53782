import { uniformNumbers } from '../random.ts';
import type { Matrix } from './matrix.ts';
import { addTo, columnSquares, difference, joinColumns, rowRange, trace, transpose, zeros } from './matrix.ts';
import { multiply, multiplyTransposed } from './multiply.ts';
import { addGramian } from './onnxKernels.ts';
import { randomNormals } from './randomMatrix.ts';
import { emptyPanels, factorise, type SinglePanels, solveLower, solveUpper } from './singleCholesky.ts';

/** Random vectors that the error of the preconditioner is measured on. */
const PROBES = 8;
/** That measured error is too small by more than this with a probability under 1e-7, see below. */
const PROBE_SAFETY = 10;
/** Above, refinement would be slow or the measurement poor. */
const LARGEST_ERROR = 0.5;
/** Of tr(Sᵀ·M⁻¹·S), relative. */
const TOLERANCE = 1e-12;
const MAX_STEPS = 4;

/** The solution of M·W = S and what follows from it. */
export interface NormalSolution {
  /** W = M⁻¹·S `[d, r]` */
  solution: Matrix;
  /** Sᵀ·M⁻¹·S `[r, r]` */
  products: Matrix;
  /** Per column f of a block `[d, b]` of F its leverage fᵀ·M⁻¹·f; in single precision, of which ρ below bounds the relative error. */
  leverages(block: Matrix): Promise<Float64Array>;
}

/**
 * Solves the normal equations M·W = S, M = F·Fᵀ `[d, d]`, without forming M in double precision: a Gram matrix and its
 * Cholesky factor L in single precision, twice as fast, only precondition; every product that counts is one of F itself
 * with the r columns of S, in double precision.
 *
 * With any approximate W and its residual R = S − M·W, Sᵀ·M⁻¹·S = Wᵀ·S + Rᵀ·W + Rᵀ·M⁻¹·R, and the last term, of second
 * order, is computed by the preconditioner as Rᵀ·D with D = (L·Lᵀ)⁻¹·R. What that leaves out is at most ρ/(1−ρ)·tr(Rᵀ·D),
 * ρ = ‖I − L⁻¹·M·L⁻ᵀ‖; steps W + D follow until it is below 1e-12 of the whole.
 *
 * ρ is bounded by measurement: for Gaussian g the mean of |(I − L⁻¹·M·L⁻ᵀ)·g|² is the squared Frobenius norm, and that of 8
 * such g is under a hundredth of it with a probability below 1e-7 (χ² of 8 degrees of freedom, the worst case of one
 * direction). So ten times the root of the measured mean stands for ρ, and above 0.5 the single precision doesn't do.
 *
 * @param blocks F `[d, n]` in blocks of columns of which each may overwrite the last; called once per step
 * @param sides S `[d, r]`
 * @returns undefined when F is too ill-conditioned for single precision
 */
export async function solveNormalEquations(
  blocks: () => Iterable<Matrix>,
  sides: Matrix,
): Promise<NormalSolution | undefined> {
  const factor = emptyPanels(sides.rows);
  let numbers = new Float32Array(0);
  for (const { data } of blocks()) {
    if (numbers.length !== data.length) numbers = new Float32Array(data.length);
    numbers.set(data);
    await addGramian(factor, numbers);
  }
  if (!(await factorise(factor))) return undefined;

  const probes = randomNormals(sides.rows, PROBES, uniformNumbers(1));
  const lower = (b: Matrix) => solveInSingle(factor, solveLower, b);
  const upper = (b: Matrix) => solveInSingle(factor, solveUpper, b);
  const probeSolutions = await upper(probes);
  const solution = await upper(await lower(sides));
  for (let step = 0; step < MAX_STEPS; step++) {
    const images = await applyGram(blocks, joinColumns([solution, probeSolutions]));
    const [image, probeImages] = [columnRange(images, 0, sides.cols), columnRange(images, sides.cols, images.cols)];
    const residual = difference(sides, image);
    const reduced = await lower(joinColumns([residual, probeImages]));
    const deviation = difference(probes, columnRange(reduced, sides.cols, reduced.cols));
    const error = PROBE_SAFETY * Math.sqrt(total(columnSquares(deviation)) / PROBES);
    if (!(error <= LARGEST_ERROR)) return undefined;

    const correction = await upper(columnRange(reduced, 0, sides.cols));
    const residualRows = transpose(residual);
    const products = await multiply(transpose(solution), sides);
    addTo(products, await multiply(residualRows, solution));
    const last = await multiply(residualRows, correction);
    addTo(products, last);
    addTo(solution, correction);
    if ((error / (1 - error)) * trace(last) <= TOLERANCE * trace(products)) {
      return { solution, products, leverages: async (block) => columnSquares(await lower(block)) };
    }
  }
  return undefined;
}

async function solveInSingle(
  factor: SinglePanels,
  solve: typeof solveLower,
  { data, ...shape }: Matrix,
): Promise<Matrix> {
  const single = new Float32Array(data);
  await solve(factor, single, shape.cols);
  return { ...shape, data: new Float64Array(single) };
}

/** F·Fᵀ·W */
async function applyGram(blocks: () => Iterable<Matrix>, w: Matrix): Promise<Matrix> {
  const weights = transpose(w);
  const sum = zeros(weights.rows, weights.cols);
  for (const block of blocks()) {
    addTo(sum, await multiplyTransposed(await multiply(weights, block), block));
  }
  return transpose(sum);
}

function columnRange(matrix: Matrix, from: number, to: number): Matrix {
  return transpose(rowRange(transpose(matrix), from, to));
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
