import { uniformNumbers } from '../random.ts';
import type { Contributions, LeftOut } from './score.ts';

/** Blocks of samples that are left out in turn, where that costs no new fit. */
const MOST_BLOCKS = 32;
/** Blocks of samples that are left out in turn, where the score without them is computed anew. */
const RECOMPUTED_BLOCKS = 10;
/** Of fewer blocks any two are neighbours. */
const LEAST_APART = 4;
/** Of a sum; less is rounding. */
const ROUNDING = 1e-9;

/**
 * The block of each of `count` samples: blocks of equal size, but for one sample, and the same at every call, so that
 * candidates pair. Drawn at random: samples come class by class or the classes take turns, and a block that held one class
 * would say nothing of how the score varies.
 *
 * @param needed samples of which a score needs one or more; while two neighbouring blocks hold them all, blocks are drawn anew
 */
export function drawBlocks(count: number, blocks: number, needed: readonly number[] = []): Int32Array {
  const uniform = uniformNumbers(count);
  const blockOf = Int32Array.from({ length: count }, (_, i) => i % blocks);
  do {
    for (let i = count - 1; i > 0; i--) {
      const other = Math.floor(uniform() * (i + 1));
      [blockOf[i], blockOf[other]] = [blockOf[other] as number, blockOf[i] as number];
    }
  } while (blocks >= LEAST_APART && needed.length > 1 && areNeighbours(needed, blockOf, blocks));
  return blockOf;
}

/** Whether all samples are in one block and the next, after the last the first. */
function areNeighbours(samples: readonly number[], blockOf: Int32Array, blocks: number): boolean {
  const used = [...new Set(samples.map((sample) => blockOf[sample] as number))];
  return used.some((block) => used.every((other) => other === block || other === (block + 1) % blocks));
}

/**
 * A score without blocks of samples, and without pairs of them.
 *
 * @param scoreOf the score of the samples `kept`, where one or two blocks are left out; all in the order of the features
 * @param options.blocks most that are left out in turn
 * @param options.samples most of a block
 * @param options.needed see `drawBlocks`
 */
export async function scoresWithoutBlocks(
  count: number,
  scoreOf: (kept: readonly number[], out: readonly (readonly number[])[]) => Promise<number>,
  options: { blocks?: number; samples?: number; needed?: readonly number[] } = {},
): Promise<LeftOut> {
  const { blocks: mostBlocks = RECOMPUTED_BLOCKS, samples: mostSamples = count, needed } = options;
  const size = Math.min(mostBlocks, count);
  const blocksInAll = Math.max(size, Math.ceil(count / mostSamples));
  const blockOf = drawBlocks(count, blocksInAll, needed);
  const samplesOf: number[][] = Array.from({ length: size }, () => []);
  blockOf.forEach((block, sample) => {
    samplesOf[block]?.push(sample);
  });
  const without = (...left: number[]) => {
    const kept: number[] = [];
    blockOf.forEach((block, sample) => {
      if (!left.includes(block)) kept.push(sample);
    });
    return scoreOf(
      kept,
      left.map((block) => samplesOf[block] as number[]),
    );
  };
  const blocks = new Float64Array(size);
  const pairs = new Float64Array(size);
  for (let block = 0; block < size; block++) {
    blocks[block] = await without(block);
    pairs[block] = await without(block, (block + 1) % size);
  }
  return { blocks, pairs, blocksInAll };
}

/** A score that is a ratio of sums over samples without blocks of them, at the cost of no new fit. */
export function ratiosWithoutBlocks({ numerator, denominator }: Contributions): LeftOut {
  const count = Math.min(MOST_BLOCKS, numerator.length);
  const above = new Float64Array(count);
  const below = new Float64Array(count);
  drawBlocks(numerator.length, count).forEach((block, i) => {
    above[block] = (above[block] as number) + (numerator[i] as number);
    below[block] = (below[block] as number) + (denominator[i] as number);
  });
  const [allAbove, allBelow] = [sum(above), sum(below)];
  const without = (block: number, other?: number) => {
    const part = (of: Float64Array) => (of[block] as number) + (other === undefined ? 0 : (of[other] as number));
    const rest = allBelow - part(below);
    // Without the only samples of their class nothing varies that could be explained.
    return rest > ROUNDING * allBelow ? (allAbove - part(above)) / rest : 0;
  };
  return {
    blocks: above.map((_, block) => without(block)),
    pairs: above.map((_, block) => without(block, (block + 1) % count)),
    blocksInAll: count,
  };
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
