import { describe, expect, test } from 'vitest';
import { ProgressTally } from '../../../../src/extension/ranking/progressTally.ts';
import type { Progress } from '../../../../src/protocol/engine.ts';

function progress(change: Partial<Progress>): Progress {
  return { stage: 'extract', message: 'resnet', candidate: null, done: 0, total: 0, secondsLeft: null, ...change };
}

describe('ProgressTally', () => {
  test.each([
    [
      { message: 'resnet-digits', candidate: { number: 3, count: 11 }, done: 5410, total: 20_000, secondsLeft: 11.2 },
      'Extracting features: candidate 3 of 11, resnet-digits · 27% · about 15 s left',
    ],
    [{ candidate: { number: 1, count: 1 } }, 'Extracting features: resnet'],
    [{ stage: 'discover', message: '' }, 'Looking for datasets and checkpoints'],
    [{ stage: 'read', message: '', done: 1, total: 9 }, 'Reading the dataset · 1 of 9 samples'],
    [{ stage: 'embed', message: '', done: 47, total: 94 }, 'Embedding the labels · 50%'],
    [{ secondsLeft: 200 }, 'Extracting features: resnet · about 3 min left'],
    [{ message: '[x](command:y)' }, 'Extracting features: [x] (command:y)'],
  ] as const)('says what is going on: %j', (change, message) => {
    expect(new ProgressTally().step(progress(change)).message).toBe(message);
  });

  test('adds up to nearly all, never back', () => {
    const tally = new ProgressTally();
    const done = [0, 10, 50, 40, 100, 100];
    const increments = done.map((count) => tally.step(progress({ done: count, total: 100 })).increment);
    expect(increments).toEqual([0, 10, 40, 0, 49, 0]);
  });
});
