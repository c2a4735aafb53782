import type { Sample } from '../datasets/dataset.ts';

/** Share of the samples that may be the only one of their class before that is worth a warning. */
const MOST_ALONE = 0.1;

/**
 * What a reader must know of classes with a single sample: held out, no such class has been seen.
 *
 * @param samples those drawn
 * @param available how many there are to draw from
 */
export function warnOfThinClasses(samples: readonly Sample[], available: number): string[] {
  const counts = new Map<number, number>();
  for (const { label, labels } of samples) {
    // Targets are no classes, and one of several labels says little of the others.
    if (label < 0 || labels !== undefined) return [];
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const alone = [...counts.values()].filter((count) => count === 1).length;
  if (alone <= MOST_ALONE * samples.length) return [];
  const remedy =
    samples.length < available
      ? `Raise the number of samples (now ${samples.length} of ${available}), or rank for fewer classes.`
      : 'Rank for fewer classes, or with more samples of each.';
  return [
    `${alone} of ${samples.length} samples are the only one of their class, which held-out scores can't predict. ${remedy}`,
  ];
}
