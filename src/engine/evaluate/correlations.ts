import { formatQuantity } from '../../protocol/format.ts';
import { InputError } from '../errors.ts';

/** How well scores rank models whose accuracy after fine-tuning is known. */
export interface RankingEvaluation {
  /** Kendall's τ with hyperbolic weights by rank, top ranks count most: scipy.stats.weightedtau. Null if undefined. */
  weightedTau: number | null;
  /** Kendall's τ-b: scipy.stats.kendalltau. */
  kendallTau: number | null;
  pearson: number | null;
  /** The `wpearson` of the published SFDA and EMMS code, weights n…1 by position, rounded to 4 digits as there. */
  weightedPearson: number | null;
  /** Accuracy of the model with the best score, relative to the best accuracy. */
  'rel@1': number | null;
  /** The same for the best of the 3 models with the best scores. */
  'rel@3': number | null;
  /** 1 if a model of the best accuracy has the best score, else 0. */
  'recall@1': number;
  /** 1 if a model of the best accuracy is among the 3 best scores, else 0. */
  'recall@3': number;
  /** Models that were compared: those in both lists. */
  models: number;
  /** Models with an accuracy but no score. */
  missingScores: string[];
  /** Models with a score but no accuracy. */
  missingTruth: string[];
}

/**
 * Compares scores with known accuracies over the models that have both, in the order of `scores`.
 *
 * A correlation is null when it is undefined because all scores or all accuracies are equal; `rel` is null when the
 * best accuracy is 0.
 *
 * @throws InputError with fewer than 2 models in common, or for a value that is not a finite number
 */
export function evaluateRanking(scores: Record<string, number>, truth: Record<string, number>): RankingEvaluation {
  const models = Object.keys(scores).filter((model) => Object.hasOwn(truth, model));
  if (models.length < 2) {
    throw new InputError(
      `Scores and known accuracies have ${formatQuantity(models.length, 'model')} in common; at least 2 must bear the same name in both.`,
    );
  }
  const x = models.map((model) => finite(model, scores[model]));
  const y = models.map((model) => finite(model, truth[model]));
  return {
    weightedTau: finiteOrNull(weightedTau(x, y)),
    kendallTau: finiteOrNull(kendallTau(x, y)),
    pearson: finiteOrNull(
      pearson(
        x,
        y,
        x.map(() => 1),
      ),
    ),
    weightedPearson: finiteOrNull(
      Number(
        pearson(
          x,
          y,
          x.map((_, i) => x.length - i),
        ).toFixed(4),
      ),
    ),
    'rel@1': finiteOrNull(bestOfTop(x, y, 1) / Math.max(...y)),
    'rel@3': finiteOrNull(bestOfTop(x, y, 3) / Math.max(...y)),
    'recall@1': bestOfTop(x, y, 1) === Math.max(...y) ? 1 : 0,
    'recall@3': bestOfTop(x, y, 3) === Math.max(...y) ? 1 : 0,
    models: models.length,
    missingScores: Object.keys(truth).filter((model) => !Object.hasOwn(scores, model)),
    missingTruth: Object.keys(scores).filter((model) => !Object.hasOwn(truth, model)),
  };
}

/** The largest accuracy among the `k` models with the largest scores; of equal scores, the earlier counts as larger. */
function bestOfTop(scores: readonly number[], truth: readonly number[], k: number): number {
  return Math.max(
    ...decreasing(scores, [])
      .slice(0, k)
      .map((i) => at(truth, i)),
  );
}

/**
 * Weighted τ of Vigna (2015) with SciPy's defaults: a pair of ranks r, s weighs 1/(r+1) + 1/(s+1); the mean of the value
 * with ranks by (x, y) and the value with ranks by (y, x), both decreasing.
 */
function weightedTau(x: readonly number[], y: readonly number[]): number {
  return (weightedTauByRank(x, y, decreasing(x, y)) + weightedTauByRank(x, y, decreasing(y, x))) / 2;
}

function weightedTauByRank(x: readonly number[], y: readonly number[], order: readonly number[]): number {
  const weight = new Float64Array(x.length);
  order.forEach((model, rank) => {
    weight[model] = 1 / (rank + 1);
  });
  return tau(x, y, (i, j) => at(weight, i) + at(weight, j));
}

function kendallTau(x: readonly number[], y: readonly number[]): number {
  return tau(x, y, () => 1);
}

/** Σw·sgn(Δx)·sgn(Δy) / √(Σw·|sgn Δx| · Σw·|sgn Δy|) over all pairs: with equal weights, τ-b. */
function tau(x: readonly number[], y: readonly number[], weight: (i: number, j: number) => number): number {
  let agreement = 0;
  let untiedX = 0;
  let untiedY = 0;
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < i; j++) {
      const signX = Math.sign(at(x, i) - at(x, j));
      const signY = Math.sign(at(y, i) - at(y, j));
      const w = weight(i, j);
      agreement += w * signX * signY;
      untiedX += w * Math.abs(signX);
      untiedY += w * Math.abs(signY);
    }
  }
  return agreement / Math.sqrt(untiedX * untiedY);
}

function pearson(x: readonly number[], y: readonly number[], weights: readonly number[]): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = (values: readonly number[]) => values.reduce((sum, v, i) => sum + at(weights, i) * v, 0) / total;
  const [meanX, meanY] = [mean(x), mean(y)];
  let xy = 0;
  let xx = 0;
  let yy = 0;
  for (let i = 0; i < x.length; i++) {
    const dx = at(x, i) - meanX;
    const dy = at(y, i) - meanY;
    xy += at(weights, i) * dx * dy;
    xx += at(weights, i) * dx * dx;
    yy += at(weights, i) * dy * dy;
  }
  if (isConstant(x) || isConstant(y)) return Number.NaN;
  // Rounding may take it beyond; SciPy limits it, too.
  return Math.max(-1, Math.min(1, xy / Math.sqrt(xx) / Math.sqrt(yy)));
}

/** Rounding makes the variance of equal numbers a little more than 0, so they are compared instead. */
function isConstant(values: readonly number[]): boolean {
  return values.every((value) => value === values[0]);
}

/** Indices by decreasing value, equal ones by decreasing `tieBreak`. */
function decreasing(values: readonly number[], tieBreak: readonly number[]): number[] {
  return values
    .map((_, i) => i)
    .sort((i, j) => at(values, j) - at(values, i) || (tieBreak[j] ?? 0) - (tieBreak[i] ?? 0));
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}

function finite(model: string, value: number | undefined): number {
  if (value === undefined || !Number.isFinite(value)) {
    throw new InputError(`The value of ${model} is ${value}, not a number; leave the model out or correct it.`);
  }
  return value;
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
