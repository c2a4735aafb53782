import { dot, mix, rowSquares, transpose } from '../linalg/matrix.ts';
import { gramian } from '../linalg/multiply.ts';
import { ratiosWithoutBlocks } from './blocks.ts';
import { trace } from './classScatter.ts';
import type { Evidence } from './evidence.ts';
import type { InSampleFit } from './inSample.ts';
import { oneHotLabels } from './oneHotLabels.ts';
import { scaleColumns } from './samples.ts';
import type { LeftOut } from './score.ts';

/** Share of the labels' squared length; what a fit leaves less of is rounding. */
const LEAST_SHARE = 1e-12;

/**
 * How the in-sample score −factor·|Σ aₖ·P·Zₖ − Σ bₖ·Zₖ|²/n varies with the samples, on the scale of Fisher's z, artanh R: R² is the
 * share of the labels' squared length that the fit explains, and an R of samples varies by about 1 − R².
 *
 * Each of the r columns of Z is standardised again with other samples: sample i moves the sum over columns of the share ρⱼ of column
 * j that is left by rᵢⱼ² − ρⱼ·zᵢⱼ² over n. Of errors ε with the projector M that leaves the residuals r = Mε, |r|² varies, per
 * sample, by f²·Var|εᵢ|², what each adds of its own, and 2f(1 − f)·‖Σ‖², what pairs of them do together, where f is the mean of the
 * diagonal of M and Σ the covariance of ε. The residuals tell: with their squares over f, the above varies by the former and
 * 2(1 − f²)·‖Σ‖².
 *
 * @param a `[K]`, the weights that the regression was fitted for
 * @param b `[K]`, the weights of what it is compared with
 */
export async function inSampleVariation(
  evidence: Evidence,
  fit: InSampleFit,
  { fittedWeights: a, weights: b }: { fittedWeights: readonly number[]; weights: readonly number[] },
  factor: number,
): Promise<LeftOut> {
  const { count } = evidence;
  const { samples: residuals, columns } = await fit.squaredResiduals(a, b);
  const labels = squaredLabels(
    evidence,
    b,
    columns.map((square) => square / count),
  );
  const residual = mean(residuals);
  // A fit that uses up all samples leaves nothing to vary but rounding.
  const freedom = Math.max(0, count - (await fit.rank()) - 1) / count;
  const moves = freedom > 0 ? await spreadMoves(evidence, b, { residuals, labels, freedom }) : residuals.map(() => 0);
  const { blocks, pairs, blocksInAll } = ratiosWithoutBlocks({
    numerator: moves.map((move) => residual + move),
    denominator: moves.map(() => 1),
  });
  const { cols, data } = fit.gram;
  // As many as there are columns that aren't the same for all samples.
  const length = b.reduce((sum, weight, k) => sum + (weight * (data[k * cols + k] as number)) / count, 0);
  const onScale = (left: number) => fisherOf(left / length);
  return {
    scale: {
      value: onScale(residual),
      expectedScore: (end) => 0 - (factor * length) / Math.cosh(Math.max(0, end)) ** 2,
    },
    blocks: blocks.map(onScale),
    pairs: pairs.map(onScale),
    blocksInAll,
  };
}

/** artanh R, given 1 − R². */
function fisherOf(unexplained: number): number {
  const left = Math.max(LEAST_SHARE, Math.min(1, unexplained));
  return Math.log1p(Math.sqrt(1 - left)) - Math.log(left) / 2;
}

/**
 * `[n]`, what the samples move the residual by, as if the regression was done again.
 *
 * @param parts.residuals `[n]`, squared
 * @param parts.labels `[n]`, their squared columns times ρ
 * @param parts.freedom f, more than 0
 */
async function spreadMoves(
  evidence: Evidence,
  weights: readonly number[],
  { residuals, labels, freedom }: { residuals: Float64Array; labels: Float64Array; freedom: number },
): Promise<Float64Array> {
  const moves = residuals.map((square, i) => square / freedom - (labels[i] as number));
  const centre = mean(moves);
  const variance = mean(moves.map((move) => (move - centre) ** 2));
  if (!(variance > 0)) return residuals.map(() => 0);
  const pairs = 2 * (mean(residuals) / freedom) ** 2 * (await concentration(evidence, weights));
  // Where the fit leaves little the difference is mostly chance, but then errors in residuals are many and so all but normal.
  const normal = mean(residuals.map((square, i) => (square - (labels[i] as number)) ** 2));
  const own = Math.max(0, Math.min(normal, variance - (1 - freedom ** 2) * pairs));
  const spread = Math.sqrt((own + freedom * (1 - freedom) * pairs) / variance);
  return moves.map((move) => spread * (move - centre));
}

/** ‖Σ‖²/tr²Σ of the covariance of the mixed labels, which tells that of the errors in shape: 1 over how many columns seem to vary. */
async function concentration(evidence: Evidence, weights: readonly number[]): Promise<number> {
  if (evidence.isOneHot) {
    // Two columns correlate by −√(o·o′) with the odds o of their classes.
    const odds = Array.from(oneHotLabels(evidence).frequency, (share) => share / (1 - share));
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    const { width } = evidence.embeddingShape;
    return (width + sum(odds) ** 2 - sum(odds.map((value) => value ** 2))) / width ** 2;
  }
  const labels = mix(evidence.standardisedLabels(), weights);
  const counts = evidence.labels && evidence.classCounts();
  const rows = counts ? transpose(scaleColumns(transpose(labels), counts.map(Math.sqrt))) : labels;
  const gram = await gramian(rows.rows < rows.cols ? rows : transpose(rows));
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
