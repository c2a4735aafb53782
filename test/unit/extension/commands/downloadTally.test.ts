import { expect, test } from 'vitest';
import { DownloadTally } from '../../../../src/extension/commands/downloadTally.ts';
import type { Progress } from '../../../../src/protocol/engine.ts';

test('counts megabytes, and says what it waits for without losing its place', () => {
  const tally = new DownloadTally();
  const step = (message: string, done: number, total: number) => {
    const progress: Progress = { stage: 'download', message, candidate: null, done, total, secondsLeft: null };
    return tally.step(progress);
  };
  expect(step('no connection (ENOTFOUND), trying again (2 of 5)', 0, 0)).toEqual({
    message: 'no connection (ENOTFOUND), trying again (2 of 5)',
    increment: 0,
  });
  expect(step('', 125e6, 500e6)).toEqual({ message: '125 of 500 MB', increment: 25 });
  expect(step('[x](command:y), trying again (2 of 5)', 125e6, 500e6)).toEqual({
    message: '[x] (command:y), trying again (2 of 5)',
    increment: 0,
  });
  expect(step('', 500e6, 500e6)).toEqual({ message: '500 of 500 MB', increment: 75 });
});
