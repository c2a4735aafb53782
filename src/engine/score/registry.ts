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

/**
 * Computes one score.
 *
 * @param options.variant the score's default variant when left out
 * @param options.contributions whether to give per-sample contributions, for confidence intervals
 * @returns `seconds`: the time of the scoring alone, with the evidence in memory
 * @throws UsageError for an unknown score or variant, InputError when the evidence lacks what the score needs
 */
export async function computeScore(
  id: string,
  evidence: Evidence,
  options: { variant?: string | undefined; contributions?: boolean } = {},
): Promise<ScoreResult & { seconds: number }> {
  const score = SCORES.find((candidate) => candidate.id === id);
  if (score === undefined) {
    throw new UsageError(`Unknown score ${id}; choose one of ${SCORES.map((known) => known.id).join(', ')}.`);
  }
  const variant = options.variant ?? score.variants[0];
  if (!score.variants.includes(variant)) {
    throw new UsageError(`Unknown variant ${variant} of ${id}; choose one of ${score.variants.join(', ')}.`);
  }
  if (!applies(score, evidence)) {
    throw new InputError(
      `${score.title} needs ${score.needs.map((set) => set.map(name).join(' and ')).join(', or ')}.`,
    );
  }
  const start = performance.now();
  const result = await score.compute(evidence, { variant, contributions: options.contributions ?? false });
  return { ...result, seconds: (performance.now() - start) / 1000 };
}

/** Whether the evidence holds what the score needs. */
function applies(score: Score, evidence: Evidence): boolean {
  return score.needs.some((set) =>
    set.every((need) =>
      need === 'labelEmbeddings' ? evidence.labelEmbeddings.length > 0 : evidence[need] !== undefined,
    ),
  );
}

function name(need: Need): string {
  return { labels: 'class labels', labelEmbeddings: 'label embeddings', sourceProbabilities: 'source probabilities' }[
    need
  ];
}
