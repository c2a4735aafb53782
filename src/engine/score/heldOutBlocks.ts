import type { Matrix } from '../linalg/matrix.ts';
import {
  addTo,
  columnDots,
  difference,
  joinColumns,
  joinRows,
  rowRange,
  selectColumns,
  submatrix,
  transpose,
  zeros,
} from '../linalg/matrix.ts';
import { gramian, inTurn, multiply } from '../linalg/multiply.ts';
import { BLOCK_SAMPLES } from '../linalg/sampleRows.ts';
import { positiveWhitening } from '../linalg/whitening.ts';
import type { Evidence } from './evidence.ts';
import type { HeldOutFit } from './heldOut.ts';
import { dualSolver, LEAST_FREEDOM, pickInBlocks, primalSolver } from './ridgeSolvers.ts';

/** Added to the diagonal of a block of I − H should rounding have made it indefinite, relative to its largest entry. */
const RIDGE = 1e-14;
/** Squared length of the predictions, over that of what they predict, below which it is rounding: some 1e-14 with the largest ridge. */
const LEAST_PREDICTION = 1e-24;

/**
 * The correlation Σ t·p / √(Σ|t|²·Σ|p|²) of held-out predictions p with what they predict, t, both less the mean of the samples that
 * the prediction was fitted to, summed over the columns and the samples `kept`, where blocks of samples are left out; all in the order
 * of the features. Its square is what 1 − Σ|t − p|² / Σ|t|², the held-out score, would be if a factor on all predictions was free, as
 * nearly it is with the ridge; but its sign tells predictions that are wrong. 0 where nothing varies or nothing is predicted.
 */
type CorrelationOf = (kept: readonly number[], blocks: readonly (readonly number[])[]) => Promise<number>;

/** What leaving a block B of b samples out takes, with a row per sample of it. */
interface Elimination {
  block: readonly number[];
  /** `[b, n]`, the rows of I − H. */
  freedom: Matrix;
  /** `[b + 1, n]`, inner products of the samples' residuals, and in the last row of the sum of their targets, with the targets of all. */
  targets: Matrix;
  /** `[b + 1, n]`, and with the fits. */
  fits: Matrix;
}

/** `BLOCK_SAMPLES` samples, fitted with all others. */
interface FittedSamples {
  first: number;
  /** `[b]`, 1 − hᵢ. */
  freedom: Float64Array;
  /** `[width, b]` of every mixture. */
  fits: Matrix[];
  /** `[b]`, ⟨z, z⟩ of the targets z of every sample, ⟨z, f⟩ and ⟨f, f⟩ with its fit f. */
  targetSquares: Float64Array;
  products: Float64Array;
  fitSquares: Float64Array;
}

/**
 * The held-out correlation without some samples, in closed form. The ridge γ, the weights of the embeddings and what standardises
 * the features stay the same.
 *
 * With Q = I − H `[n, n]` and e = Q·z = z − f the residual of sample i, predicted without itself and without the block B, is that
 * of i in (Q_SS)⁻¹·e_S for S = B ∪ {i}, by elimination of B
 *
 *     (eᵢ − cᵢᵀ·e_B) / (Q_ii − cᵢᵀ·Q_Bi) = (eᵢ − cᵢᵀ·e_B) / qᵢ   with cᵢ = Q_BB⁻¹·Q_Bi
 *
 * Targets get h = Σ z_B / n′ added, which centres the n′ that are kept, and are (zᵢ + h)·o, o = n′/(n′ − 1), from the mean of the
 * others. So t·p and |p|² of p = (o − 1/qᵢ)·zᵢ + o·h + (fᵢ + cᵢᵀ·e_B)/qᵢ are made of inner products of z, f, e_B and Σ z_B, and no
 * residuals without B are formed.
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
  const { regressands, targets: targetsOf, weighted } = side.mixtures(weights);
  const solver = dual ? dualSolver(dual) : await primalSolver(evidence);
  const fitted: FittedSamples[] = [];
  await solver.solve(regressands, count * ridge, false, async (residuals, first, freedom) => {
    const targets = targetsOf(first);
    const fits = targets.map((target, k) => difference(target, residuals[k] as Matrix));
    const weightedTargets = await weighted(targets);
    fitted.push({
      first,
      freedom: freedom.slice(),
      fits,
      targetSquares: sumOfDots(weightedTargets, targets),
      products: sumOfDots(weightedTargets, fits),
      fitSquares: sumOfDots(await weighted(fits), fits),
    });
  });

  const freedomRows = await solver.freedomRows(count * ridge);
  const eliminationOf = async (block: readonly number[]): Promise<Elimination> => {
    const picked = pickInBlocks(block, count);
    const own = regressands.map((_, k) => {
      const targets = joinColumns(
        picked.map(({ first, places }) => selectColumns(targetsOf(first)[k] as Matrix, places)),
      );
      const fits = joinColumns(
        picked.map(({ first, places }) => selectColumns(fitted[first / BLOCK_SAMPLES]?.fits[k] as Matrix, places)),
      );
      return joinColumns([difference(targets, fits), rowSums(targets)]);
    });
    const left = (await weighted(own)).map(transpose);
    const parts = await inTurn(fitted, async (samples) => ({
      targets: await sumOfProducts(left, targetsOf(samples.first)),
      fits: await sumOfProducts(left, samples.fits),
    }));
    return {
      block,
      freedom: await freedomRows(block),
      targets: joinColumns(parts.map(({ targets }) => targets)),
      fits: joinColumns(parts.map(({ fits }) => fits)),
    };
  };
  // A block is left out by itself, then with the next one.
  let recent: Elimination[] = [];
  const eliminationsOf = (blocks: readonly (readonly number[])[]) =>
    inTurn(blocks, async (block) => {
      const known = recent.find((entry) => entry.block === block) ?? (await eliminationOf(block));
      recent = [...recent.filter((entry) => entry !== known).slice(-1), known];
      return known;
    });

  return async (kept, blocks) => {
    if (kept.length < 2) return 0;
    const changesOf = blocks.length > 0 ? await elimination(await eliminationsOf(blocks), kept.length) : unchanged;
    const others = kept.length / (kept.length - 1);
    let [targets, products, predictions] = [0, 0, 0];
    for (const { first, places } of pickInBlocks(kept, count)) {
      const { freedom, targetSquares, fitSquares, ...part } = fitted[first / BLOCK_SAMPLES] as FittedSamples;
      const changes = await changesOf(first, freedom.length);
      for (const i of places) {
        const of = (values: Float64Array) => values[i] as number;
        const factor = 1 / Math.max(LEAST_FREEDOM, of(freedom) - of(changes.freedom));
        // The prediction is ownPart·z + rest; rest = others·h + factor·(f + c).
        const ownPart = others - factor;
        const { shiftSquare } = changes;
        const square = of(targetSquares);
        const shift = of(changes.targetShift);
        const own = of(part.products) + of(changes.targetReach);
        const shifted = of(changes.fitShift) + of(changes.reachShift);
        const fit = of(fitSquares) + 2 * of(changes.fitReach) + of(changes.reachSquare);
        const targetRest = others * shift + factor * own;
        const shiftRest = others * shiftSquare + factor * shifted;
        const restSquare = others * (shiftRest + factor * shifted) + factor * factor * fit;
        targets += others * others * (square + 2 * shift + shiftSquare);
        products += others * (ownPart * (square + shift) + targetRest + shiftRest);
        predictions += ownPart * (ownPart * square + 2 * targetRest) + restSquare;
      }
    }
    if (!(predictions > LEAST_PREDICTION * targets)) return 0;
    return Math.max(-1, Math.min(1, products / Math.sqrt(targets * predictions)));
  };
}

/** What changes for samples when others are left out: inner products with h and with cᵢᵀ·e_B, `[b]` each. */
interface Changes {
  /** Taken from 1 − hᵢ. */
  freedom: Float64Array;
  targetShift: Float64Array;
  fitShift: Float64Array;
  targetReach: Float64Array;
  fitReach: Float64Array;
  reachShift: Float64Array;
  reachSquare: Float64Array;
  /** ⟨h, h⟩ */
  shiftSquare: number;
}

type ChangesOf = (first: number, size: number) => Promise<Changes>;

const unchanged: ChangesOf = async (_, size) => {
  const none = new Float64Array(size);
  return {
    freedom: none,
    targetShift: none,
    fitShift: none,
    targetReach: none,
    fitReach: none,
    reachShift: none,
    reachSquare: none,
    shiftSquare: 0,
  };
};

/** @param kept how many samples */
async function elimination(left: readonly Elimination[], kept: number): Promise<ChangesOf> {
  const out = left.flatMap(({ block }) => block);
  const rowsOf = (of: 'freedom' | 'targets' | 'fits') =>
    left.map(({ block, [of]: matrix }) => rowRange(matrix, 0, block.length));
  const [freedom, targets, fits] = [rowsOf('freedom'), rowsOf('targets'), rowsOf('fits')];
  const shiftOf = (of: 'targets' | 'fits') => {
    const [sum = new Float64Array(0), ...others] = left.map(({ block, [of]: { data, cols } }) =>
      data.slice(block.length * cols),
    );
    return sum.map((value, i) => others.reduce((total, other) => total + (other[i] as number), value) / kept);
  };
  const [targetShift, fitShift] = [shiftOf('targets'), shiftOf('fits')];
  const errorShift = Float64Array.from(out, (i) => (targetShift[i] as number) - (fitShift[i] as number));
  const shiftSquare = out.reduce((sum, i) => sum + (targetShift[i] as number) / kept, 0);

  const pick = (rows: readonly Matrix[]) => joinRows(...rows.map((matrix) => selectColumns(matrix, out)));
  const own = pick(freedom);
  const whitening = await positiveWhitening(own, RIDGE * own.data.reduce((most, value) => Math.max(most, value), 0));
  const inverse = await gramian(transpose(whitening));
  const errors = difference(pick(targets), pick(fits));

  return async (first, size) => {
    const part = (rows: readonly Matrix[]) =>
      joinRows(...rows.map((matrix) => submatrix(matrix, 0, first, matrix.rows, size)));
    const rows = part(freedom);
    const reach = await multiply(inverse, rows);
    return {
      freedom: columnDots(rows, reach),
      targetShift: targetShift.subarray(first, first + size),
      fitShift: fitShift.subarray(first, first + size),
      targetReach: columnDots(part(targets), reach),
      fitReach: columnDots(part(fits), reach),
      reachShift: (await multiply({ rows: 1, cols: out.length, data: errorShift }, reach)).data,
      reachSquare: columnDots(reach, await multiply(errors, reach)),
      shiftSquare,
    };
  };
}

/** Σ aₖᵀ·bₖ of every column, `[b]`. */
function sumOfDots(a: readonly Matrix[], b: readonly Matrix[]): Float64Array {
  const sums = a.map((matrix, k) => columnDots(matrix, b[k] as Matrix));
  return sums.reduce((total, sum) => total.map((value, i) => value + (sum[i] as number)));
}

/** Σ Aₖ·Bₖ */
async function sumOfProducts(a: readonly Matrix[], b: readonly Matrix[]): Promise<Matrix> {
  const sum = zeros(a[0]?.rows ?? 0, b[0]?.cols ?? 0);
  for (const [k, matrix] of a.entries()) addTo(sum, await multiply(matrix, b[k] as Matrix));
  return sum;
}

/** The sum of the columns, `[rows, 1]`. */
function rowSums({ rows, cols, data }: Matrix): Matrix {
  const sums = zeros(rows, 1);
  for (let at = 0; at < data.length; at++) {
    const row = Math.floor(at / cols);
    sums.data[row] = (sums.data[row] as number) + (data[at] as number);
  }
  return sums;
}
