export interface Timing {
  seconds: number;
  score: number;
}

/** After so many seconds there is no further round: enough for all code to be compiled for good, as candidates are scored one after the other. */
const LONG = 3;

/**
 * The fastest of the rounds of a few seconds: the one that other work on the machine disturbed least. bench/timing.py does the
 * same for the baselines.
 */
export async function fastest(compute: () => Promise<number>): Promise<Timing> {
  let seconds = Number.POSITIVE_INFINITY;
  let score = Number.NaN;
  const first = performance.now();
  do {
    const start = performance.now();
    score = await compute();
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
  } while (performance.now() - first < 1000 * LONG);
  return { seconds, score };
}
