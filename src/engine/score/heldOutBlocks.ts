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

/** Blocks of samples, in the order of the features. */
type Blocks = readonly (readonly number[])[];

/**
 * What leaving samples out one by one takes of the fit to them, `[n]` each: z is the target of a sample and v its fit, both from the
 * mean of the samples that were fitted to.
 */
interface Fit {
  /** 1 − hᵢ: the share of a sample's own target that is left as its residual. */
  freedom: Float64Array;
  /** ⟨z, z⟩ */
  targetSquares: Float64Array;
  /** ⟨z, v⟩ */
  products: Float64Array;
  /** ⟨v, v⟩ */
  fitSquares: Float64Array;
}

/** What leaving a block B of b samples out takes. The vectors w `[b + 1]` are the residuals z − v of B, and the sum of the v of B. */
interface Elimination {
  block: readonly number[];
  /** `[b, n]`, the rows of I − H. */
  freedom: Matrix;
  /** `[b + 1, n]`, ⟨w, z⟩ with the targets of all samples. */
  targets: Matrix;
  /** `[b + 1, n]`, ⟨w, v⟩ with their fits. */
  fits: Matrix;
}

/**
 * The correlation r = Σ⟨t, p⟩ / √(Σ|t|²·Σ|p|²) of held-out predictions p with what they predict, t, both from the mean of the
 * samples that the prediction was fitted to. r² is what the held-out score 1 − Σ|t − p|² / Σ|t|² would be if a factor on all
 * predictions was free, as nearly it is with the ridge; but the sign of r tells predictions that are wrong.
 *
 * In closed form: of samples with targets z and fits v from their mean, what is left of sample i by the fit to the others is
 * (z − v)/(1 − hᵢ), as in `HeldOutFit`. Seen from the mean of the n − 1 others, o = n/(n − 1) times as far away,
 *
 *     t = o·z
 *     p = o·z − (z − v)/(1 − hᵢ) = (o − 1/(1 − hᵢ))·z + v/(1 − hᵢ)
 *
 * so that ⟨z, z⟩, ⟨z, v⟩ and ⟨v, v⟩ of every sample make r, also where p is small beside residuals. `fitWithout` has them without
 * blocks of samples. The ridge γ, the weights of the embeddings and what standardises the features stay the same.
 *
 * Time that of a fit first, then O(b·n·(min(n, d) + b + r)) for b samples left out and r columns that are regressed on.
 *
 * @param weights `[K]` each, of mixtures of the embeddings; inner products are sums over these
 * @returns gives r, from −1 to 1, of the samples `kept` where `blocks` are left out; 0 where nothing varies or nothing is predicted
 */
export async function correlationWithout(
  evidence: Evidence,
  { side, ridge, dual }: HeldOutFit,
  weights: readonly (readonly number[])[],
): Promise<(kept: readonly number[], blocks: Blocks) => Promise<number>> {
  const { count } = evidence;
  const { regressands, targets: targetsOf, weighted } = side.mixtures(weights);
  const solver = dual ? dualSolver(dual) : await primalSolver(evidence);

  const none = () => new Float64Array(count);
  const fit: Fit = { freedom: none(), targetSquares: none(), products: none(), fitSquares: none() };
  /** `[width, size]` of every mixture, for every `BLOCK_SAMPLES` samples. */
  const fits: Matrix[][] = [];
  await solver.solve(regressands, count * ridge, false, async (residuals, first, freedom) => {
    const targets = targetsOf(first);
    const fitted = targets.map((target, k) => difference(target, residuals[k] as Matrix));
    const weightedTargets = await weighted(targets);
    fit.freedom.set(freedom, first);
    fit.targetSquares.set(sumOfDots(weightedTargets, targets), first);
    fit.products.set(sumOfDots(weightedTargets, fitted), first);
    fit.fitSquares.set(sumOfDots(await weighted(fitted), fitted), first);
    fits.push(fitted);
  });

  const fitsOf = (first: number) => fits[first / BLOCK_SAMPLES] as Matrix[];
  const freedomRows = await solver.freedomRows(count * ridge);
  const eliminationOf = async (block: readonly number[]): Promise<Elimination> => {
    const picked = pickInBlocks(block, count);
    const ofBlock = (of: (first: number) => readonly Matrix[], k: number) =>
      joinColumns(picked.map(({ first, places }) => selectColumns(of(first)[k] as Matrix, places)));
    const vectors = regressands.map((_, k) => {
      const own = ofBlock(fitsOf, k);
      return joinColumns([difference(ofBlock(targetsOf, k), own), rowSums(own)]);
    });
    const rows = (await weighted(vectors)).map(transpose);
    const productsWith = async (of: (first: number) => readonly Matrix[]) =>
      joinColumns(await inTurn(fits, (_, index) => sumOfProducts(rows, of(index * BLOCK_SAMPLES))));
    return {
      block,
      freedom: await freedomRows(block),
      targets: await productsWith(targetsOf),
      fits: await productsWith(fitsOf),
    };
  };
  // A block is left out by itself, then with the next one.
  let recent: Elimination[] = [];
  const eliminationsOf = (blocks: Blocks) =>
    inTurn(blocks, async (block) => {
      const known = recent.find((entry) => entry.block === block) ?? (await eliminationOf(block));
      recent = [...recent.filter((entry) => entry !== known).slice(-1), known];
      return known;
    });

  return async (kept, blocks) => {
    if (kept.length < 2) return 0;
    const fitToKept = blocks.length > 0 ? await fitWithout(fit, await eliminationsOf(blocks), kept.length) : fit;
    return heldOutCorrelation(fitToKept, kept);
  };
}

/** r of the samples `kept`, which were fitted to. */
function heldOutCorrelation({ freedom, targetSquares, products, fitSquares }: Fit, kept: readonly number[]): number {
  const others = kept.length / (kept.length - 1);
  let [tt, tp, pp] = [0, 0, 0];
  for (const i of kept) {
    const [zz, zv, vv] = [targetSquares[i] as number, products[i] as number, fitSquares[i] as number];
    const ofFit = 1 / Math.max(LEAST_FREEDOM, freedom[i] as number);
    const ofTarget = others - ofFit;
    tt += others ** 2 * zz;
    tp += others * (ofTarget * zz + ofFit * zv);
    pp += ofTarget ** 2 * zz + 2 * ofTarget * ofFit * zv + ofFit ** 2 * vv;
  }
  // Of samples that are labelled alike nothing but rounding is left, of either sign.
  if (!(tt > 0 && pp > LEAST_PREDICTION * tt)) return 0;
  return Math.max(-1, Math.min(1, tp / Math.sqrt(tt * pp)));
}

/**
 * The fit to the n′ samples that are kept, without those of some blocks, B.
 *
 * With Q = I − H `[n, n]` and e = Q·z the residuals of the fit to all, what is left of sample i by the fit without S = B ∪ {i} is
 * its part of (Q_SS)⁻¹·e_S. By elimination of B that is
 *
 *     (eᵢ − cᵢᵀ·e_B) / (Q_ii − cᵢᵀ·Q_Bi)   with cᵢ = Q_BB⁻¹·Q_Bi
 *
 * the residual over 1 − hᵢ of the fit without B. Targets add up to 0 over all samples, so those that are kept have the mean −m,
 * m = Σ z_B / n′, and from there
 *
 *     z′ = z + m
 *     v′ = z′ − (e − cᵢᵀ·e_B) = v + u   with u = cᵢᵀ·e_B + m
 *
 * Σ z_B is the sum of the vectors w of B, e_B and Σ v_B. So m is 1/n′ of each, and u is cᵢ + 1/n′ of e_B and 1/n′ of Σ v_B: small
 * parts of large vectors and of small ones where the ridge is large, not the difference of two large ones.
 *
 * @param kept n′
 */
async function fitWithout(fit: Fit, left: readonly Elimination[], kept: number): Promise<Fit> {
  const out = left.flatMap(({ block }) => block);
  const freedom = left.map((entry) => entry.freedom);
  // The residuals of all blocks, then the sum of fits of each.
  const rowsOf = (of: 'targets' | 'fits') => [
    ...left.map(({ block, [of]: products }) => rowRange(products, 0, block.length)),
    ...left.map(({ block, [of]: products }) => rowRange(products, block.length, products.rows)),
  ];
  const [targets, fits] = [rowsOf('targets'), rowsOf('fits')];

  const pick = (rows: readonly Matrix[]) => joinRows(...rows.map((matrix) => selectColumns(matrix, out)));
  // Q_BB
  const own = pick(freedom);
  const whitening = await positiveWhitening(own, RIDGE * own.data.reduce((most, value) => Math.max(most, value), 0));
  const inverse = await gramian(transpose(whitening));
  const ownFits = pick(fits);
  const ofSums = left.map(({ block }, k) => {
    const first = left.slice(0, k).reduce((sum, before) => sum + before.block.length, 0);
    return rowSums(submatrix(ownFits, 0, first, ownFits.rows, block.length));
  });
  // Inner products of the vectors w.
  const gram = joinColumns([difference(pick(targets), ownFits), ...ofSums]);
  const meanSquare = gram.data.reduce((sum, product) => sum + product, 0) / kept ** 2;

  const result: Fit = {
    freedom: fit.freedom.slice(),
    targetSquares: fit.targetSquares.map((square) => square + meanSquare),
    products: fit.products.slice(),
    fitSquares: fit.fitSquares.slice(),
  };
  // What m has of every w.
  const m: Matrix = { rows: 1, cols: gram.rows, data: new Float64Array(gram.rows).fill(1 / kept) };
  for (let first = 0; first < fit.freedom.length; first += BLOCK_SAMPLES) {
    const size = Math.min(BLOCK_SAMPLES, fit.freedom.length - first);
    const part = (rows: readonly Matrix[]) =>
      joinRows(...rows.map((matrix) => submatrix(matrix, 0, first, matrix.rows, size)));
    const [q, wz, wv] = [part(freedom), part(targets), part(fits)];
    const c = await multiply(inverse, q);
    // What u has of every w.
    const u: Matrix = { ...wz, data: new Float64Array(wz.data.length).fill(1 / kept) };
    addTo(rowRange(u, 0, out.length), c);
    const wu = await multiply(gram, u);
    const add = (sums: Float64Array, factor: number, products: Float64Array) =>
      products.forEach((product, i) => {
        sums[first + i] = (sums[first + i] as number) + factor * product;
      });
    add(result.freedom, -1, columnDots(c, q));
    // ⟨z + m, z + m⟩ = ⟨z, z⟩ + 2⟨m, z⟩ + ⟨m, m⟩
    add(result.targetSquares, 2, (await multiply(m, wz)).data);
    // ⟨z + m, v + u⟩ = ⟨z, v⟩ + ⟨u, z⟩ + ⟨m, v⟩ + ⟨m, u⟩
    add(result.products, 1, columnDots(u, wz));
    add(result.products, 1, (await multiply(m, wv)).data);
    add(result.products, 1, (await multiply(m, wu)).data);
    // ⟨v + u, v + u⟩ = ⟨v, v⟩ + 2⟨u, v⟩ + ⟨u, u⟩
    add(result.fitSquares, 2, columnDots(u, wv));
    add(result.fitSquares, 1, columnDots(u, wu));
  }
  return result;
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
function rowSums(matrix: Matrix): Matrix {
  const { rows } = matrix;
  const sumOf = (_: unknown, row: number) => rowRange(matrix, row, row + 1).data.reduce((sum, value) => sum + value, 0);
  return { rows, cols: 1, data: Float64Array.from({ length: rows }, sumOf) };
}
