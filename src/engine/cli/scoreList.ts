import { needsInWords, SCORES } from '../score/registry.ts';
import type { Score } from '../score/score.ts';

/** For the help of commands that take a score: which there are, what they need and what they mean. */
export const SCORE_LIST = `Scores with their variants, the default first. Several labels per sample and regression targets count as label embeddings.

${SCORES.map(
  (score) => `  ${score.id}: ${variantList(score)}\n      Needs ${needsInWords(score)}. Larger: ${score.meaning}`,
).join('\n')}`;

function variantList(score: Score): string {
  return score.variants
    .map((variant) => {
      const needs = needsInWords(score, variant);
      return needs === '' ? variant : `${variant} (needs ${needs})`;
    })
    .join(', ');
}
