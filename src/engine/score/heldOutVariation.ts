import { joinColumns, transpose } from '../linalg/matrix.ts';
import { scoresWithoutBlocks } from './blocks.ts';
import type { Evidence } from './evidence.ts';
import { dualGram, type HeldOutFit, standardisedBlocks } from './heldOut.ts';
import { dualWithout, primalWithout } from './heldOutBlocks.ts';
import type { LeftOut } from './score.ts';

/** Without the search for a ridge a block costs less than of scores that are computed anew, and twenty tell their variance better. */
const BLOCKS = 20;

/** Samples per feature up to which the closed form `[n, n]` costs less than forty fits `[d, d]`. */
const CLOSED_FORM = 2;

/**
 * How the held-out score varies with the samples, by the held-out correlation without blocks of them: the score is about its square,
 * and 0 where it is negative. Near 0 it is the correlation that varies by about the same whatever it is, and alike to both sides; the
 * score does neither. The ridge is held fixed: the predictions' size, which it moves most, doesn't touch their correlation.
 *
 * @param score 1 − Q/B, Q and B summed over pairs of embeddings each times its of `factors`
 */
export async function heldOutVariation(
  evidence: Evidence,
  { side, ridge, dual }: HeldOutFit,
  score: number,
  factors: readonly number[],
): Promise<LeftOut> {
  const { count, features } = evidence;
  const gamma = count * ridge;
  const correlationOf =
    count <= CLOSED_FORM * features.cols
      ? await dualWithout(
          side,
          dual ?? (await dualGram(transpose(joinColumns(await standardisedBlocks(evidence))))),
          gamma,
          factors,
        )
      : await primalWithout(evidence, side, gamma, factors);
  const samples = Array.from({ length: count }, (_, i) => i);
  const correlation = await correlationOf(samples, []);
  const { blocks, pairs } = await scoresWithoutBlocks(count, correlationOf, BLOCKS);
  const root = score > 0 ? Math.sqrt(score) : Math.min(0, correlation);
  // The correlation's own square is a bit more than the score, by how far the best factor on the predictions is from 1.
  const shift = root - correlation;
  return { root, blocks: blocks.map((value) => value + shift), pairs: pairs.map((value) => value + shift) };
}
