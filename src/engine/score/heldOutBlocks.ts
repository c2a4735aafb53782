import type { Matrix } from '../linalg/matrix.ts';
import { columnSquares, joinRows, paste, selectColumns, transpose, zeros } from '../linalg/matrix.ts';
import { inTurn, multiply, multiplyTransposed, subtractProduct } from '../linalg/multiply.ts';
import { positiveWhitening } from '../linalg/whitening.ts';
import type { Evidence } from './evidence.ts';
import type { HeldOutFit } from './heldOut.ts';
import { HeldOutCorrelation } from './heldOutCorrelation.ts';
import type { Regressand } from './heldOutLabels.ts';
import { dualSolver, pickInBlocks, primalSolver } from './ridgeSolvers.ts';

/** Added to the diagonal of a block of I − H should rounding have made it indefinite, relative to its largest entry. */
const RIDGE = 1e-14;

/** The held-out correlation of the samples `kept`, where blocks of samples are left out; all in the order of the features. */
type CorrelationOf = (kept: readonly number[], blocks: readonly (readonly number[])[]) => Promise<number>;

/**
 * The held-out correlation without some samples, in closed form. The ridge γ, the weights of the embeddings and what standardises
 * the features stay the same.
 *
 * With Q = I − H `[n, n]` and e = Q·z the residual of sample i, predicted without itself and without the block B, is that
 * of i in (Q_SS)⁻¹·e_S for S = B ∪ {i}, by elimination of B
 *
 *     (eᵢ − Q_iB·Q_BB⁻¹·e_B) / (Q_ii − Q_iB·Q_BB⁻¹·Q_Bi)
 *
 * Time that of a fit first, then O(b·n·(min(n, d) + b + r)) for b samples left out and r columns that are regressed on.
 *
 * @param weights `[K]` each, of mixtures of the embeddings
 */
export async function correlationWithout(
  evidence: Evidence,
  { side, ridge, dual }: HeldOutFit,
  weights: readonly (readonly number[])[],
): Promise<CorrelationOf> {
  const { count } = evidence;
  const { regressands, sumOfSquares } = side.mixtures(weights);
  const solver = dual ? dualSolver(dual) : await primalSolver(evidence);
  const errors = regressands.map((regressand) => zeros(regressand.block(0, 0).rows, count));
  const freedom = new Float64Array(count);
  await solver.solve(regressands, count * ridge, false, async (residuals, first, free) => {
    residuals.forEach((residual, k) => {
      paste(errors[k] as Matrix, residual, 0, first);
    });
    freedom.set(free, first);
  });
  const freedomRows = await solver.freedomRows(count * ridge);
  // A block is left out by itself, then with the next one.
  let recent: { block: readonly number[]; rows: Matrix }[] = [];
  const rowsOf = async (block: readonly number[]) => {
    const known = recent.find((entry) => entry.block === block)?.rows ?? (await freedomRows(block));
    recent = [...recent.filter((entry) => entry.block !== block).slice(-1), { block, rows: known }];
    return known;
  };

  /** What takes blocks of samples out of the errors and freedoms of others. */
  const elimination = async (blocks: readonly (readonly number[])[]) => {
    const out = blocks.flat();
    const rows = joinRows(...(await inTurn(blocks, rowsOf)));
    const own = selectColumns(rows, out);
    const inverse = await positiveWhitening(own, RIDGE * own.data.reduce((most, value) => Math.max(most, value), 0));
    const known = await inTurn(errors, async (error) =>
      transpose(await multiplyTransposed(inverse, selectColumns(error, out))),
    );
    return async (picked: readonly number[], residuals: readonly Matrix[], free: Float64Array) => {
      const reach = await multiply(inverse, selectColumns(rows, picked));
      for (const [k, residual] of residuals.entries()) await subtractProduct(residual, known[k] as Matrix, reach);
      columnSquares(reach).forEach((square, i) => {
        free[i] = (free[i] as number) - square;
      });
    };
  };

  return async (kept, blocks) => {
    if (kept.length < 2) return 0;
    const eliminate = blocks.length > 0 ? await elimination(blocks) : undefined;
    const shifts = regressands.map((regressand) => shiftWithout(regressand, count, kept.length, blocks.flat()));
    const correlation = new HeldOutCorrelation(sumOfSquares, kept.length);
    for (const { first, size, samples, places } of pickInBlocks(kept, count)) {
      const residuals = errors.map((error) => selectColumns(error, samples));
      const free = Float64Array.from(samples, (sample) => freedom[sample] as number);
      await eliminate?.(samples, residuals, free);
      const targets = regressands.map((regressand, k) =>
        shifted(selectColumns(regressand.block(first, size), places), shifts[k] as Float64Array),
      );
      await correlation.add(targets, residuals, free);
    }
    return correlation.value();
  };
}

/** `[width]`, what centres the samples that are kept, given that all samples are centred. */
function shiftWithout(regressand: Regressand, count: number, kept: number, out: readonly number[]): Float64Array {
  const shift = new Float64Array(regressand.block(0, 0).rows);
  for (const { first, size, places } of pickInBlocks(out, count)) {
    const { cols, data } = regressand.block(first, size);
    shift.forEach((value, i) => {
      shift[i] = places.reduce((sum, place) => sum + (data[i * cols + place] as number) / kept, value);
    });
  }
  return shift;
}

/** Adds its of `shift` to every row, in place. */
function shifted(matrix: Matrix, shift: Float64Array): Matrix {
  const { cols, data } = matrix;
  shift.forEach((value, i) => {
    for (let j = i * cols; j < (i + 1) * cols; j++) data[j] = (data[j] as number) + value;
  });
  return matrix;
}
