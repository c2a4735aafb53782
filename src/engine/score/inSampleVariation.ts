import type { Matrix } from '../linalg/matrix.ts';
import { dot, mix, rowSquares, scaleRows, trace, transpose } from '../linalg/matrix.ts';
import { gramian } from '../linalg/multiply.ts';
import { ratiosWithoutBlocks } from './blocks.ts';
import type { Evidence } from './evidence.ts';
import type { InSampleFit, InSampleSolution, SquaredResiduals } from './inSample.ts';
import { oneHotLabels } from './oneHotLabels.ts';
import type { LeftOut } from './score.ts';

/** Share of the labels' squared length; what a fit leaves less of is rounding. */
const LEAST_SHARE = 1e-12;
/** Of what a sample keeps of its own error, 1 − hᵢ; less is rounding of single precision. */
const LEAST_FREEDOM = 1e-6;
/** Mean of it, up to which all is rounding: one free sample of as many as there may be features is more. */
const USED_UP = 1e-5;

/**
 * How the in-sample score −factor·|Σ aₖ·P·Zₖ − Σ bₖ·Zₖ|²/n varies with the samples, on the scale of Fisher's z, artanh R: 1 − R² is the
 * share of the most that is left, and an R of samples varies by about 1 − R².
 *
 * Each of the r columns of Z is standardised again with other samples: the sum over columns of the share ρⱼ of column j that is left
 * moves by rᵢⱼ²/(1 − hᵢ) − ρⱼ·zᵢⱼ² over n with sample i, hᵢ its entry of the diagonal of P. Of errors ε with the projector M that leaves
 * the residuals r = Mε, |r|² varies, per sample, by f²·Var|εᵢ|², what each adds of its own, and 2f(1 − f)·‖Σ‖², what pairs of them do
 * together, where f is the mean of the diagonal of M and Σ the covariance of ε. The above varies by the former and 2(1 − f²)·‖Σ‖².
 *
 * With a and b the weights that the regression was fitted for and of what it is compared with.
 */
export async function inSampleVariation(
  evidence: Evidence,
  fit: InSampleFit,
  { fittedWeights: a, weights: b, most }: InSampleSolution,
  factor: number,
): Promise<LeftOut> {
  const { count } = evidence;
  const residuals = await fit.squaredResiduals(a, b);
  const residual = mean(residuals.samples);
  const freedom = residuals.leverages.map((leverage) => Math.max(LEAST_FREEDOM, 1 - 1 / count - leverage));
  const free = mean(freedom);
  const moves = centred(sampleMoves(evidence, b, residuals, freedom));
  const pairs = 2 * (residual / free) ** 2 * (await concentration(evidence, b, residuals, count * free));
  const variance = mean(moves.map((move) => move ** 2));
  const own = Math.max(0, variance - (1 - free ** 2) * pairs);
  // A fit that uses up all samples leaves nothing to vary but rounding.
  const varies = free > USED_UP && variance > 0;
  const spread = varies ? Math.sqrt((own + free * (1 - free) * pairs) / variance) : 0;

  const length = most / count;
  const left = Math.max(LEAST_SHARE, residual / length);
  const value = fisherOf(left);
  // No steeper than at chance, which leaves f: where less is explained it is R² that varies less, not z that varies more.
  const at = Math.min(left, free);
  const slope = 1 / (2 * at * Math.sqrt(1 - at));
  return {
    scale: { value, expectedScore: (end) => 0 - (factor * length) / Math.cosh(Math.max(0, end)) ** 2 },
    ...ratiosWithoutBlocks({
      numerator: moves.map((move) => value - (spread * slope * move) / length),
      denominator: moves.map(() => 1),
    }),
  };
}

/** artanh R, given 1 − R². */
function fisherOf(left: number): number {
  return Math.log1p(Math.sqrt(Math.max(0, 1 - left))) - Math.log(Math.min(1, left)) / 2;
}

/**
 * `[n]`, Σⱼ rᵢⱼ²/(1 − hᵢ) − ρⱼ·zᵢⱼ² given t `[K]`. The one-hot column of a class of m samples loses as much as one of them has of its
 * length: there it is m/(m − 1) times as much for these, and for a single one, without which there is no column, as it is.
 */
function sampleMoves(
  evidence: Evidence,
  t: readonly number[],
  { samples, columns, ofOwnClass }: SquaredResiduals,
  freedom: Float64Array,
): Float64Array {
  const { count, labels } = evidence;
  const shares = columns.map((square) => square / count);
  const labelSquares = squaredLabels(evidence, t, shares);
  const moves = samples.map((square, i) => square / (freedom[i] as number) - (labelSquares[i] as number));
  if (!evidence.isOneHot || labels === undefined || ofOwnClass === undefined) return moves;
  const counts = evidence.classCounts();
  const { frequency, scale } = oneHotLabels(evidence);
  return moves.map((move, i) => {
    const c = labels[i] as number;
    const others = (counts[c] as number) - 1;
    const square = (scale[c] as number) ** 2;
    const own =
      (ofOwnClass[i] as number) / (freedom[i] as number) - (shares[c] as number) * (1 - (frequency[c] as number)) ** 2;
    return others > 0 ? move + (square * own) / others : move;
  });
}

function centred(values: Float64Array): Float64Array {
  const centre = mean(values);
  return values.map((value) => value - centre);
}

/**
 * ‖Σ‖²/tr²Σ of the covariance of the errors: 1 over how many columns seem to vary. Of one-hot labels and embeddings of classes that of
 * the mixed labels, which has about that shape.
 *
 * @param freedom degrees of freedom of the errors
 */
async function concentration(
  evidence: Evidence,
  weights: readonly number[],
  { errors }: SquaredResiduals,
  freedom: number,
): Promise<number> {
  if (evidence.isOneHot) {
    // Two columns correlate by −√(o·o′) with the odds o of their classes.
    const odds = Array.from(oneHotLabels(evidence).frequency, (share) => share / (1 - share));
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    const { width } = evidence.embeddingShape;
    return (width + sum(odds) ** 2 - sum(odds.map((value) => value ** 2))) / width ** 2;
  }
  if (errors !== undefined) {
    // Few errors seem to vary in fewer columns than they do: of normal ones by (1 − c)·(1 + 2c) over their degrees of freedom.
    const share = await concentrationOf(errors);
    return Math.max(0, share - ((1 - share) * (1 + 2 * share)) / freedom);
  }
  return concentrationOf(scaleRows(mix(evidence.standardisedLabels(), weights), evidence.classCounts().map(Math.sqrt)));
}

/** ‖M‖²/tr²M of M = AᵀA. @param a A `[n, d2]` */
async function concentrationOf(a: Matrix): Promise<number> {
  const gram = await gramian(a.rows < a.cols ? a : transpose(a));
  return dot(gram.data, gram.data) / trace(gram) ** 2;
}

/** `[n]`, Σ tₖ·Σ ρⱼ·zₖᵢⱼ², given t `[K]` and ρ per column. */
function squaredLabels(evidence: Evidence, weights: readonly number[], factors: Float64Array): Float64Array {
  const { labels } = evidence;
  const rows = evidence.isOneHot
    ? [oneHotSquares(evidence, factors)]
    : evidence.standardisedLabels().map((embedding) => rowSquares(embedding, factors));
  return Float64Array.from({ length: evidence.count }, (_, i) => {
    const row = labels === undefined ? i : (labels[i] as number);
    return weights.reduce((sum, weight, k) => sum + weight * (rows[k]?.[row] as number), 0);
  });
}

/** `[C]`, the squared columns of the one-hot label of each class, times factors `[C]`; without the `[C, C]` numbers. */
function oneHotSquares(evidence: Evidence, factors: Float64Array): Float64Array {
  const { frequency, scale } = oneHotLabels(evidence);
  const squares = scale.map((value, c) => (factors[c] as number) * value ** 2);
  const share = (c: number) => frequency[c] as number;
  const ofMeans = squares.reduce((sum, square, c) => sum + square * share(c) ** 2, 0);
  return squares.map((square, c) => ofMeans + square * (1 - 2 * share(c)));
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
