import type { ScoreId } from '../../protocol/scores.ts';
import type { Evidence } from './evidence.ts';

/** A part of the evidence that a score can't do without; class labels, multi-labels and targets have label embeddings too. */
export type Need = 'labels' | 'labelEmbeddings' | 'sourceProbabilities';

/**
 * A score as a ratio of sums over samples: score = Σ numerator / Σ denominator, one entry per sample in the order of
 * the features. The ratio without some samples moves as the score would, without computing it again.
 */
export interface Contributions {
  numerator: Float64Array;
  denominator: Float64Array;
}

/** A scale on which the noise of a score is about normal, and alike to both sides. */
export interface NormalScale {
  /** Where the score is on it. */
  value: number;
  /** The score that is to be expected where `value` is `end` on average, with a standard error of `error`; it rises with `end`. */
  expectedScore(end: number, error: number): number;
}

/** A score without some of the samples, of which `drawBlocks` makes the blocks. */
export interface LeftOut {
  /** What the numbers below are on, where that isn't the score's own scale. */
  scale?: NormalScale;
  /** Without each block in turn. */
  blocks: Float64Array;
  /** Without each block and the next, after the last the first. */
  pairs: Float64Array;
  /** Number of blocks that all samples make; more than were left out where these tell enough. */
  blocksInAll: number;
}

/** The least and the most that a score can be, where there is any. */
export interface Bounds {
  least?: number;
  most?: number;
}

export const PROBABILITY: Bounds = { least: 0, most: 1 };

/** How a score varies with the samples: their parts, or the score without blocks of them. */
export type Variation = Contributions | LeftOut;

export interface ScoreResult {
  /** Larger is better. */
  score: number;
  details: {
    /** λ: the weight of each label embedding. */
    weights?: number[];
    /** γ of the ridge regression, relative to the number of samples. */
    ridge?: number;
    /** k of the nearest neighbours. */
    neighbours?: number;
  };
  bounds?: Bounds;
  /** What the number alone doesn't say. */
  warning?: string;
  variation?: Variation;
}

interface ScoreOptions {
  variant: string;
  /** Whether the result shall have its variation, where the score has one. */
  variation: boolean;
}

/** All that is known of a score but its title, which `SCORE_TITLES` has for everybody. */
export interface Score {
  id: ScoreId;
  /** The first is the default. */
  variants: readonly [string, ...string[]];
  /** Sets of parts of which one must be there. */
  needs: readonly (readonly Need[])[];
  /** What a larger value means. */
  meaning: string;
  /** Whether rounding may show in it, so that it is computed from the samples in an order of their own, see `Evidence.sorted`. */
  sortsSamples: boolean;
  /** @throws InputError when the score is not defined for the evidence, or would take too long */
  compute(evidence: Evidence, options: ScoreOptions): Promise<ScoreResult>;
}

/** A score that is the mean over samples of `values`, each within `bounds`. */
export function meanOverSamples(values: Float64Array, bounds: Bounds, variation: boolean): ScoreResult {
  const score = values.reduce((sum, value) => sum + value, 0) / values.length;
  const result: ScoreResult = { score, bounds, details: {} };
  if (variation) result.variation = { numerator: values, denominator: values.map(() => 1) };
  return result;
}
