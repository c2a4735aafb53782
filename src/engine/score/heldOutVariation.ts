import { scoresWithoutBlocks } from './blocks.ts';
import type { Evidence } from './evidence.ts';
import type { HeldOutFit } from './heldOut.ts';
import { correlationWithout } from './heldOutBlocks.ts';
import type { LeftOut } from './score.ts';
import { squareScale } from './squareScale.ts';

/** Without the search for a ridge a block costs less than of scores that are computed anew, and twenty tell their variance better. */
const BLOCKS = 20;
/** What a block costs grows with the square of its samples, what it tells doesn't. */
const BLOCK_SAMPLES = 100;

/**
 * How the held-out score varies with the samples, by the held-out correlation without blocks of them: the score is about its square,
 * and 0 where it is negative. Near 0 it is the correlation that varies by about the same whatever it is, and alike to both sides; the
 * score does neither. The ridge is held fixed: the predictions' size, which it moves most, doesn't touch their correlation.
 *
 * @param score 1 − Σ tᵀ·Q·t / Σ tᵀ·B·t, sums over `weights`
 * @param weights `[K]` each, t of mixtures of the embeddings
 */
export async function heldOutVariation(
  evidence: Evidence,
  fit: HeldOutFit,
  score: number,
  weights: readonly (readonly number[])[],
): Promise<LeftOut> {
  const { count } = evidence;
  const correlationOf = await correlationWithout(evidence, fit, weights);
  const samples = Array.from({ length: count }, (_, i) => i);
  const correlation = await correlationOf(samples, []);
  const { blocks, pairs, blocksInAll } = await scoresWithoutBlocks(count, correlationOf, {
    blocks: BLOCKS,
    samples: BLOCK_SAMPLES,
  });
  const root = score > 0 ? Math.sqrt(score) : Math.min(0, correlation);
  // The correlation's own square is a bit more than the score, by how far the best factor on the predictions is from 1.
  const shift = root - correlation;
  return {
    scale: squareScale(root),
    blocks: blocks.map((value) => value + shift),
    pairs: pairs.map((value) => value + shift),
    blocksInAll,
  };
}
