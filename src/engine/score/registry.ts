import pLimit from 'p-limit';
import { SCORE_TITLES } from '../../protocol/scores.ts';
import { InputError, UsageError } from '../errors.ts';
import { emms } from './emms.ts';
import { etran } from './etran.ts';
import type { Evidence } from './evidence.ts';
import type { LabelKind } from './evidenceInput.ts';
import { gbc } from './gbc.ts';
import { hscore } from './hscore.ts';
import { knn } from './knn.ts';
import { leep } from './leep.ts';
import { linearProbe } from './linearProbe.ts';
import { logme } from './logme.ts';
import { ncti } from './ncti.ts';
import { nleep } from './nleep.ts';
import { pactran } from './pactran.ts';
import { parc } from './parc.ts';
import type { Need, Score, ScoreResult, Variation } from './score.ts';
import { sfda } from './sfda.ts';
import { transrate } from './transrate.ts';

/** Every score there is: what pipeline, command line, settings and panel offer. */
export const SCORES: readonly Score[] = [
  emms,
  logme,
  leep,
  nleep,
  transrate,
  sfda,
  hscore,
  knn,
  parc,
  linearProbe,
  gbc,
  pactran,
  etran,
  ncti,
];

/** What single variants need besides what their score needs, by `score:variant`. */
const VARIANT_NEEDS: Readonly<Record<string, readonly Need[]>> = {
  'logme:classification': ['labels'],
  'pactran:dirichlet': ['sourceProbabilities'],
  'pactran:gamma': ['sourceProbabilities'],
};

/** Scores share the memory of the kernels (`linalg/wasm/kernels.ts`), and what they read of it must not change while they wait. */
const oneAtATime = pLimit(1);

/** What a candidate's scores can be computed from, besides its features. */
interface Available {
  /** Undefined without labels of any kind. */
  labelKind: LabelKind | undefined;
  sourceProbabilities: boolean;
}

/** @throws UsageError for a score, or a variant of it, that there isn't */
export function findScore(id: string, variant?: string): Score {
  const score = SCORES.find((known) => known.id === id);
  if (score === undefined) {
    throw new UsageError(`Unknown score ${id}; choose one of ${SCORES.map((known) => known.id).join(', ')}.`);
  }
  if (variant !== undefined && !score.variants.includes(variant)) {
    throw new UsageError(`Unknown variant ${variant} of ${id}; choose one of ${score.variants.join(', ')}.`);
  }
  return score;
}

/** Why a score, or one variant of it, can't be computed from what there is, in a sentence; undefined where it can. */
export function whyNotComputable(score: Score, variant: string | undefined, available: Available): string | undefined {
  if (!score.needs.some((needs) => holds(available, needs)))
    return `${whatIsMissing(SCORE_TITLES[score.id], score.needs, available)}.`;
  const fitting = fittingVariants(score, available);
  if (variant === undefined || fitting.includes(variant)) return undefined;
  const missing = whatIsMissing(
    `The variant ${variant} of ${SCORE_TITLES[score.id]}`,
    [ownNeeds(score, variant)],
    available,
  );
  return `${missing}. Use the variant ${fitting.join(' or ')}.`;
}

/** What a score needs, and what a variant of it needs besides, in words. */
export function needsInWords(score: Score, variant?: string): string {
  return inWords(variant === undefined ? score.needs : [ownNeeds(score, variant)]);
}

/**
 * Computes one score; of several that are asked for at once one after the other.
 *
 * @param options.variant when left out the first variant for which the evidence is enough
 * @param options.variation whether to give what tells how the score varies, for confidence intervals
 * @returns `variant`: the one that was computed; `seconds`: the time of the scoring alone, with the evidence in memory
 * @throws UsageError for an unknown score or variant, InputError when the evidence lacks what the score needs or the score is
 * not defined for it
 */
export async function computeScore(
  id: string,
  evidence: Evidence,
  options: { variant?: string | undefined; variation?: boolean } = {},
): Promise<ScoreResult & { variant: string; seconds: number }> {
  const score = findScore(id, options.variant);
  const { labelKind, sourceProbabilities } = evidence;
  const available = { labelKind, sourceProbabilities: sourceProbabilities !== undefined };
  const reason = whyNotComputable(score, options.variant, available);
  if (reason !== undefined) throw new InputError(reason);
  const variant = options.variant ?? fittingVariants(score, available)[0] ?? score.variants[0];
  return oneAtATime(async () => {
    const start = performance.now();
    const ordered = score.sortsSamples ? evidence.sorted() : evidence;
    const result = await score.compute(ordered, { variant, variation: options.variation ?? false });
    return {
      ...result,
      ...(result.variation && { variation: inGivenOrder(result.variation, ordered.order) }),
      variant,
      seconds: (performance.now() - start) / 1000,
    };
  });
}

/** Candidates are compared sample by sample, whose order depends on the features of each. */
function inGivenOrder(variation: Variation, order: readonly number[] | undefined): Variation {
  if (order === undefined || 'blocks' in variation) return variation;
  const numerator = new Float64Array(order.length);
  const denominator = new Float64Array(order.length);
  order.forEach((sample, i) => {
    numerator[sample] = variation.numerator[i] as number;
    denominator[sample] = variation.denominator[i] as number;
  });
  return { numerator, denominator };
}

function fittingVariants(score: Score, available: Available): string[] {
  return score.variants.filter((variant) => holds(available, ownNeeds(score, variant)));
}

function ownNeeds({ id }: Score, variant: string): readonly Need[] {
  return VARIANT_NEEDS[`${id}:${variant}`] ?? [];
}

function holds({ labelKind, sourceProbabilities }: Available, needs: readonly Need[]): boolean {
  const held: Record<Need, boolean> = {
    labels: labelKind === 'class labels',
    labelEmbeddings: labelKind !== undefined,
    sourceProbabilities,
  };
  return needs.every((need) => held[need]);
}

/** What is lacking, and what there is instead of class labels. */
function whatIsMissing(what: string, needs: Score['needs'], { labelKind }: Available): string {
  const instead = labelKind === undefined || labelKind === 'class labels' ? '' : `; these are ${labelKind}`;
  return `${what} needs ${inWords(needs)}${instead}`;
}

function inWords(needs: Score['needs']): string {
  return needs.map((set) => set.map((need) => NAMES[need]).join(' and ')).join(', or ');
}

const NAMES: Record<Need, string> = {
  labels: 'class labels',
  labelEmbeddings: 'label embeddings',
  sourceProbabilities: 'source probabilities',
};
