import { lutimes, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { CancelledError } from '../../../../src/engine/errors.ts';
import { downloadModel } from '../../../../src/engine/hub/download.ts';
import { Part, sizeOf } from '../../../../src/engine/hub/part.ts';
import {
  contentRanges,
  expectWhole,
  FILES,
  incompleteIn,
  isContent,
  modelIn,
  startHub,
  WEIGHTS,
  weightsIn,
  weightsOnDisk,
} from '../../../helpers/hubModel.ts';
import { emptyHubHome, type HubServer, sendContent } from '../../../helpers/hubServer.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

let model: string;
let blob: string;

beforeEach(async () => {
  model = modelIn(await emptyHubHome());
  blob = weightsIn(model);
  await mkdir(path.dirname(blob), { recursive: true });
});

describe('two downloads of a model', () => {
  test('that begin at once load a file each, and one of them is kept', async () => {
    const answers: (() => void)[] = [];
    const hub = await startHub(FILES, (request, response) => {
      if (!isContent(request.url)) return false;
      answers.push(() => sendContent(request, response, WEIGHTS));
      if (answers.length === 2) for (const answer of answers) answer();
      return true;
    });
    const [one, other] = await Promise.all([downloadModel('org/model'), downloadModel('org/model')]);
    expect(one).toBe(other);
    await expectWhole(one);
    expect(contentRanges(hub)).toEqual([undefined, undefined]);
  });

  test('leave each other’s parts alone, the one that waits and the one that ends', async () => {
    const { hub, waiting, cancel } = await downloadThatWaits();
    await downloadModel('org/model');
    expect(contentRanges(hub)).toEqual([undefined, undefined]);
    const [part = ''] = await incompleteIn(model);
    expect((await readFile(path.join(model, part))).equals(WEIGHTS.subarray(0, 100_000))).toBe(true);
    cancel.abort();
    await expect(waiting).rejects.toThrow(CancelledError);
    await expectWhole(await downloadModel('org/model'));
  });

  test('can’t spoil a file when one slept, was taken for dead, and wakes up', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const { hub, waiting, response } = await downloadThatWaits();
    vi.setSystemTime(Date.now() + MINUTE);
    await expectWhole(await downloadModel('org/model'));
    const kept = (await stat(blob)).ino;
    response.end(Buffer.alloc(WEIGHTS.length - 100_000));
    await expectWhole(await waiting);
    expect(contentRanges(hub)).toEqual([undefined, 'bytes=100000-', undefined]);
    expect((await stat(blob)).ino).toBe(kept);
  });
});

describe('what a download has left', () => {
  test.each([
    ['.emms-0123abcd.incomplete', MINUTE, 'goes on with it'],
    ['.emms-0123abcd.incomplete', SECOND, 'leaves it, for it may live'],
    ['.incomplete', 11 * MINUTE, 'goes on with it'],
    ['.incomplete', MINUTE, 'leaves it, for it may live'],
    ['.0123abcd.incomplete', 1000 * MINUTE, 'leaves it, for it may have holes'],
  ])('as %s %i ms ago: the next %s', async (ending, age, then) => {
    await leave(ending, 1000, age);
    const part = await Part.begin(blob, WEIGHTS.length);
    expect(await sizeOf(part.file)).toBe(then.startsWith('goes on') ? 1000 : -1);
    expect(await sizeOf(blob + ending)).toBe(then.startsWith('goes on') ? -1 : 1000);
    const other = await Part.begin(blob, WEIGHTS.length);
    expect(await sizeOf(other.file)).toBe(-1);
    await part.abandon();
    await other.abandon();
  });

  test('is given to one of those who want it', async () => {
    await leave('.incomplete', 1000, 11 * MINUTE);
    const parts = await Promise.all([1, 2, 3].map(() => Part.begin(blob, WEIGHTS.length)));
    const sizes = await Promise.all(parts.map(({ file }) => sizeOf(file)));
    expect(sizes.sort()).toEqual([-1, -1, 1000]);
    for (const part of parts) await part.abandon();
  });

  test('is gone when the file is whole, whichever of it was gone on with', async () => {
    const hub = await startHub();
    for (const [digit, size] of [10, 1000, WEIGHTS.length + 1].entries()) {
      await leave(`.emms-0000000${digit}.incomplete`, size, MINUTE);
    }
    await expectWhole(await downloadModel('org/model'));
    expect(contentRanges(hub)).toEqual(['bytes=1000-']);
  });
});

/** A download that has received 100,000 bytes of the weights when this returns, and then no more. Later ones get all. */
async function downloadThatWaits(): Promise<{
  hub: HubServer;
  waiting: Promise<string>;
  response: ServerResponse;
  cancel: AbortController;
}> {
  const held: ServerResponse[] = [];
  const hub = await startHub(FILES, (request, response) => {
    if (!isContent(request.url) || held.length > 0) return false;
    held.push(response);
    sendContent(request, response, WEIGHTS, 100_000);
    return true;
  });
  const cancel = new AbortController();
  let onDisk = 0;
  const onProgress = (done: number, total: number) => {
    onDisk = weightsOnDisk(done, total);
  };
  const waiting = downloadModel('org/model', { signal: cancel.signal, onProgress, retryDelayMs: 1 });
  waiting.catch(() => undefined);
  await vi.waitUntil(() => onDisk === 100_000, { interval: 2, timeout: 20_000 });
  const [response] = held;
  if (!response) throw new Error('nobody asked for the weights');
  return { hub, waiting, response, cancel };
}

/** Leaves the first bytes of the weights in a part that was last touched so long ago. */
async function leave(ending: string, bytes: number, age: number): Promise<void> {
  await writeFile(blob + ending, Buffer.concat([WEIGHTS, WEIGHTS]).subarray(0, bytes));
  const touched = (Date.now() - age) / 1000;
  await lutimes(blob + ending, touched, touched);
}
