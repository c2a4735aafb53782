import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createLimit } from '../../../src/engine/limit.ts';

test.each([1, 3])('of many jobs never more than %i run at one time, in the order in which they came', async (most) => {
  const limit = createLimit(most);
  const started: number[] = [];
  let running = 0;
  let largest = 0;
  const job = (number: number) =>
    limit(async () => {
      started.push(number);
      running += 1;
      largest = Math.max(largest, running);
      await wait(number % 2);
      running -= 1;
      if (number === 3) throw new Error('failed');
      return number;
    });
  // The last comes in the very moment in which the first is done, when others wait.
  const first = job(0);
  const others = [1, 2, 3, 4, 5].map(job);
  const last = first.then(() => job(6));
  expect(await Promise.allSettled([first, ...others, last])).toMatchObject(
    [0, 1, 2, 3, 4, 5, 6].map((value) => (value === 3 ? { status: 'rejected' } : { status: 'fulfilled', value })),
  );
  expect(largest).toBe(most);
  expect(started).toEqual([0, 1, 2, 3, 4, 5, 6]);
});
