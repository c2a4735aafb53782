import { uniformNumbers } from '../random.ts';

/** Blocks of samples that are left out in turn, where the score without them takes a computation of its own. */
export const RECOMPUTED_BLOCKS = 10;

/**
 * The block of each of `count` samples: blocks of equal size, but for one sample, and the same at every call, so that
 * candidates pair. Drawn at random: samples come class by class or the classes take turns, and a block that held one class
 * would say nothing of how the score varies.
 */
export function drawBlocks(count: number, blocks: number): Int32Array {
  const uniform = uniformNumbers(count);
  const blockOf = Int32Array.from({ length: count }, (_, i) => i % blocks);
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(uniform() * (i + 1));
    [blockOf[i], blockOf[other]] = [blockOf[other] as number, blockOf[i] as number];
  }
  return blockOf;
}
