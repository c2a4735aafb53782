import { createHash } from 'node:crypto';
import type { Sample } from './dataset.ts';

/**
 * Draws at most `limit` samples, stratified by class and in an order that is the same on every machine.
 *
 * Within its class each sample stands where the hash of the seed and its name puts it; the classes are then interleaved
 * in proportion to their sizes. So every prefix of the result, and every block of it, has nearly the class shares of
 * the whole, smaller limits give subsets of larger ones, and adding a file to the dataset moves no other.
 */
export function drawStratified(samples: readonly Sample[], limit: number, seed: number): Sample[] {
  const byClass = new Map<number, { sample: Sample; key: string }[]>();
  for (const sample of samples) {
    const key = createHash('sha256').update(`${seed}\n${sample.id}`).digest('hex');
    const members = byClass.get(sample.label) ?? [];
    members.push({ sample, key });
    byClass.set(sample.label, members);
  }
  const placed = [...byClass.values()].flatMap((members) =>
    members
      .sort((a, b) => compare(a.key, b.key))
      .map(({ sample, key }, index) => ({ sample, key, place: (index + 0.5) / members.length })),
  );
  return placed
    .sort((a, b) => a.place - b.place || compare(a.key, b.key))
    .slice(0, limit)
    .map(({ sample }) => sample);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
