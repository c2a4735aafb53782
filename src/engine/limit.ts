/** At most `concurrent` of the given jobs run at one time; the rest wait their turn. */
export function createLimit(concurrent: number): <T>(job: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (job) => {
    if (running < concurrent) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await job();
    } finally {
      // Who waits takes the place over at once: one that is free for a moment could be taken twice.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
