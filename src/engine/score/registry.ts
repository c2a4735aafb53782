import pLimit from 'p-limit';
import { InputError, UsageError } from '../errors.ts';
import { emms } from './emms.ts';
import { etran } from './etran.ts';
import type { Evidence } from './evidence.ts';
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
import type { Need, Score, ScoreResult } from './score.ts';
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

/**
 * Computes one score; of several that are asked for at once one after the other.
 *
 * @param options.variant when left out the first variant for which the evidence is enough
 * @param options.variation whether to give what tells how the score varies, for confidence intervals
 * @returns `variant`: the one that was computed; `seconds`: the time of the scoring alone, with the evidence in memory
 * @throws UsageError for an unknown score or variant, InputError when the evidence lacks what the score needs
 */
export async function computeScore(
  id: string,
  evidence: Evidence,
  options: { variant?: string | undefined; variation?: boolean } = {},
): Promise<ScoreResult & { variant: string; seconds: number }> {
  const score = SCORES.find((candidate) => candidate.id === id);
  if (score === undefined) {
    throw new UsageError(`Unknown score ${id}; choose one of ${SCORES.map((known) => known.id).join(', ')}.`);
  }
  if (!score.needs.some((needs) => holds(evidence, needs)))
    throw new InputError(whatIsMissing(score.title, score.needs, evidence));
  const enough = (name: string) => holds(evidence, VARIANT_NEEDS[`${id}:${name}`] ?? []);
  const variant = options.variant ?? score.variants.find(enough) ?? score.variants[0];
  if (!score.variants.includes(variant)) {
    throw new UsageError(`Unknown variant ${variant} of ${id}; choose one of ${score.variants.join(', ')}.`);
  }
  if (!enough(variant)) {
    const others = score.variants.filter(enough).join(' or ');
    const missing = whatIsMissing(
      `The variant ${variant} of ${score.title}`,
      [VARIANT_NEEDS[`${id}:${variant}`] ?? []],
      evidence,
    );
    throw new InputError(`${missing} Use the variant ${others}.`);
  }
  return oneAtATime(async () => {
    const start = performance.now();
    const result = await score.compute(evidence, { variant, variation: options.variation ?? false });
    return { ...result, variant, seconds: (performance.now() - start) / 1000 };
  });
}

function holds(evidence: Evidence, needs: readonly Need[]): boolean {
  const held: Record<Need, boolean> = {
    labels: evidence.labels !== undefined,
    labelEmbeddings: evidence.labelKind !== undefined,
    sourceProbabilities: evidence.sourceProbabilities !== undefined,
  };
  return needs.every((need) => held[need]);
}

/** One sentence that says what the evidence lacks, and what it holds instead of class labels. */
function whatIsMissing(what: string, needs: Score['needs'], evidence: Evidence): string {
  const needed = needs.map((set) => set.map((need) => NAMES[need]).join(' and ')).join(', or ');
  const { labelKind } = evidence;
  const instead = labelKind === undefined || labelKind === 'class labels' ? '' : `; these are ${labelKind}`;
  return `${what} needs ${needed}${instead}.`;
}

const NAMES: Record<Need, string> = {
  labels: 'class labels',
  labelEmbeddings: 'label embeddings',
  sourceProbabilities: 'source probabilities',
};
