export interface Timing {
  seconds: number;
  score: number;
}

/** As many as it takes until all code is compiled for good: candidates are scored one after the other in one process. */
const ROUNDS = 15;
/** After that many seconds there is no further round. */
const LONG = 3;

/**
 * The fastest of a few rounds: the one that other work on the machine disturbed least. bench/timing.py does the same for the
 * baselines.
 */
export async function fastest(compute: () => Promise<number>): Promise<Timing> {
  let seconds = Number.POSITIVE_INFINITY;
  let score = Number.NaN;
  const first = performance.now();
  for (let round = 0; round < ROUNDS && performance.now() - first < 1000 * LONG; round++) {
    const start = performance.now();
    score = await compute();
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
  }
  return { seconds, score };
}
