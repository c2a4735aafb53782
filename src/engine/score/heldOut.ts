import type { Matrix } from '../linalg/matrix.ts';
import { columnSquares, trace, zeros } from '../linalg/matrix.ts';
import { BLOCK_SAMPLES } from '../linalg/sampleRows.ts';
import type { Evidence } from './evidence.ts';
import type { LabelSide } from './heldOutLabels.ts';
import { classLabels, pairs, sampleLabels } from './heldOutLabels.ts';
import type { DualGram } from './ridgeSolvers.ts';
import { dualGram, dualSolver, LEAST_FREEDOM, primalSolver, standardisedSamples } from './ridgeSolvers.ts';

/**
 * Ridge regression of the label embeddings on the features with an unpenalised intercept, judged by leave-one-out: each
 * sample is predicted by the fit to all others.
 *
 * In closed form: with the hat matrix H = 11ᵀ/n + X·(XᵀX + γI)⁻¹·Xᵀ the held-out residual of sample i is
 * (zᵢ − ẑᵢ)/(1 − hᵢ), exactly. X is standardised once, with all samples; labels don't enter that. With fewer samples
 * than features the same comes from the n × n matrix XXᵀ. γ is n times the power of ten, refined, that leaves the
 * least held-out residual; it is the only thing that a sample's own label touches. Where no γ leaves less than predicting
 * the mean does, which is what γ without end comes to, the mean is predicted: Q = B, and the score is 0.
 *
 * The score that is reported is 1 − tᵀ·Q·t / tᵀ·B·t, where Q and B `[K, K]` sum the products of the held-out residuals of
 * embeddings k and l, of this regression and of predicting the mean; t minimises tᵀ·Q·t over the simplex, as EMMS does.
 */
export interface HeldOutFit {
  /** γ/n */
  ridge: number;
  /** Q `[K, K]` */
  residual: Matrix;
  /** B `[K, K]` */
  baseline: Matrix;
  side: LabelSide;
  /** What the fit came from, with no more samples than features. */
  dual: DualGram | undefined;
}

/** How far the search of log₁₀(γ/n) may go: from hardly any ridge to nothing but ridge. */
const LOWEST_EXPONENT = -6;
const HIGHEST_EXPONENT = 5;
/** Where the search begins, and where it goes on when less is left there. */
const STARTS = [-1, 1, -4, LOWEST_EXPONENT];
/** A decade is too coarse for one parabola: on simulated features it missed up to 2 % of the score. */
const HALF = 0.5;
/**
 * Problems of fewer multiplications are cheap enough to begin everywhere, and to go on in smaller steps: few samples have
 * several valleys, and narrow ones where one of them is far away.
 */
const SMALL = 2 ** 27;
const SMALLEST_STEP = 2 ** -5;
/** The least gain that counts, relative to the held-out residual: more than the rounding of rough ones. */
const LEAST_IMPROVEMENT = 1e-6;

/** The held-out fit of `evidence`; computed once, whoever asks. */
export function heldOutFit(evidence: Evidence): Promise<HeldOutFit> {
  return evidence.share('heldOutFit', () => crossValidate(evidence));
}

async function crossValidate(evidence: Evidence): Promise<HeldOutFit> {
  const { count, labels } = evidence;
  const side = labels === undefined ? await sampleLabels(evidence) : await classLabels(evidence, labels);
  const gram = count > evidence.features.cols ? undefined : await dualGram(await standardisedSamples(evidence));
  const solver = gram ? dualSolver(gram) : await primalSolver(evidence);
  const ridge = await minimiseOverPowers(
    async (candidate) => {
      let sum = 0;
      await solver.solve([side.search], count * candidate, true, async ([residuals = zeros(0, 0)], _, freedom) => {
        sum += heldOutProducts(columnSquares(residuals), freedom).reduce((total, square) => total + square, 0);
      });
      return sum;
    },
    count * Math.min(count, evidence.features.cols) ** 2 < SMALL,
  );

  const held = zeros(side.embeddings, side.embeddings);
  await solver.solve(side.regressands, count * ridge, false, async (residuals, _, freedom) => {
    addSums(
      held,
      (await side.pairProducts(residuals)).map((products) => heldOutProducts(products, freedom)),
    );
  });
  const means = zeros(side.embeddings, side.embeddings);
  for (let first = 0; first < count; first += BLOCK_SAMPLES) {
    const size = Math.min(BLOCK_SAMPLES, count - first);
    const products = await side.pairProducts(side.regressands.map(({ block }) => block(first, size)));
    // The mean of the others is farther from a sample than the mean of all, by n/(n−1).
    addSums(
      means,
      products.map((parts) => parts.map((part) => part * (count / (count - 1)) ** 2)),
    );
  }
  const better = trace(held) < (1 - LEAST_IMPROVEMENT) * trace(means);
  return { ridge, residual: better ? held : means, baseline: means, side, dual: gram };
}

/** Products of residuals of the samples as products of held-out ones: over the square of each sample's freedom. */
function heldOutProducts(products: Float64Array, freedom: Float64Array): Float64Array {
  return products.map((product, i) => product / Math.max(LEAST_FREEDOM, freedom[i] as number) ** 2);
}

/**
 * The power of ten 10^x with the least `objective`: downhill in steps of 1 from where least is left, then over halves, and `thorough`
 * over parts of them, then one parabola step. The held-out residual has one valley, as a rule; where features nearly
 * depend on each other, and what little they differ by predicts the labels, a second one lies far below, and with few samples
 * there may be another above.
 */
async function minimiseOverPowers(objective: (power: number) => Promise<number>, thorough: boolean): Promise<number> {
  const known = new Map<number, number>();
  const at = async (exponent: number) => {
    const value = known.get(exponent) ?? (await objective(10 ** exponent));
    known.set(exponent, value);
    return value;
  };
  // Rounding must not decide where the objective is flat.
  const improves = async (on: number, by: number) => (await at(by)) < (1 - LEAST_IMPROVEMENT) * (await at(on));

  const downhill = async (start: number) => {
    let exponent = start;
    const step = exponent > LOWEST_EXPONENT && (await improves(exponent, exponent - 1)) ? -1 : 1;
    while (isWithin(exponent + step) && (await improves(exponent, exponent + step))) exponent += step;
    return exponent;
  };
  const [first = 0, ...further] = STARTS;
  let best = await downhill(first);
  const everywhere = Array.from(
    { length: (HIGHEST_EXPONENT - LOWEST_EXPONENT) / HALF + 1 },
    (_, i) => LOWEST_EXPONENT + i * HALF,
  );
  for (const start of thorough ? everywhere : further) if (await improves(best, start)) best = await downhill(start);
  let step = HALF;
  for (; ; step /= 2) {
    for (const beside of [best - step, best + step]) if (await improves(best, beside)) best = beside;
    if (!thorough || step <= SMALLEST_STEP) break;
  }
  const [below, here, above] = [await at(best - step), await at(best), await at(best + step)];
  const curvature = below - 2 * here + above;
  const vertex = curvature > LEAST_IMPROVEMENT * here ? (below - above) / (2 * curvature) : 0;
  return 10 ** (best + step * Math.max(-0.5, Math.min(0.5, vertex)));
}

function isWithin(exponent: number): boolean {
  return exponent >= LOWEST_EXPONENT && exponent <= HIGHEST_EXPONENT;
}

/**
 * Adds products of some samples to a matrix of sums over all.
 *
 * @param sums `[K, K]`
 * @param products per pair of embeddings
 */
function addSums(sums: Matrix, products: readonly Float64Array[]): void {
  const { rows: size, data } = sums;
  pairs(size).forEach(([k, l], pair) => {
    const sum = (products[pair] as Float64Array).reduce((total, part) => total + part, 0);
    data[k * size + l] = (data[k * size + l] as number) + sum;
    data[l * size + k] = data[k * size + l] as number;
  });
}
