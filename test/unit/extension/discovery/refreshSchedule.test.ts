import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RefreshSchedule } from '../../../../src/extension/discovery/refreshSchedule.ts';

let seen: boolean;
let looks: number;
/** How long a look takes. */
let takes: number;
let schedule: RefreshSchedule;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  [seen, looks, takes] = [true, 0, 0];
  schedule = new RefreshSchedule(
    () => void look(),
    () => seen,
  );
});

afterEach(() => {
  schedule.dispose();
  vi.useRealTimers();
});

async function look(): Promise<void> {
  looks += 1;
  await schedule.look(() => new Promise<void>((resolve) => setTimeout(resolve, takes)));
}

test('looks once after all files of a bunch have come', async () => {
  for (let file = 0; file < 100; file += 1) {
    schedule.changed();
    await vi.advanceTimersByTimeAsync(500);
  }
  expect(looks).toBe(0);
  await vi.advanceTimersByTimeAsync(500);
  expect(looks).toBe(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(looks).toBe(1);
});

test('waits until somebody sees what is found, and looks then at once', async () => {
  seen = false;
  schedule.changed();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(looks).toBe(0);
  seen = true;
  schedule.seen();
  schedule.seen();
  expect(looks).toBe(1);
});

test('is not hurried by eyes while files still come', async () => {
  schedule.changed();
  schedule.seen();
  expect(looks).toBe(0);
});

test('rests ten times as long as a look takes', async () => {
  takes = 3000;
  await Promise.all([look(), vi.advanceTimersByTimeAsync(takes)]);
  schedule.changed();
  await vi.advanceTimersByTimeAsync(29_000);
  expect(looks).toBe(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect(looks).toBe(2);
});

test('a look that somebody asked for makes up for what changed before, not for what changes meanwhile', async () => {
  seen = false;
  schedule.changed();
  await Promise.all([look(), vi.advanceTimersByTimeAsync(5000)]);
  seen = true;
  schedule.seen();
  expect(looks).toBe(1);
  takes = 100;
  const looking = look();
  schedule.changed();
  await vi.advanceTimersByTimeAsync(takes);
  await looking;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(looks).toBe(3);
});

test('does nothing once it is disposed of', async () => {
  schedule.changed();
  schedule.dispose();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(looks).toBe(0);
});
