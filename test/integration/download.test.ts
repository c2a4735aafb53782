import { once } from 'node:events';
import { lutimes } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { requests } from '../../src/protocol/engine.ts';
import {
  contentRanges,
  expectWhole,
  FILES,
  incompleteIn,
  isContent,
  modelIn,
  startHub,
  WEIGHTS,
  weightsOnDisk,
} from '../helpers/hubModel.ts';
import { emptyHubHome, sendContent } from '../helpers/hubServer.ts';
import { type Engine, startEngine, until } from './engine.ts';

let model: string;

beforeEach(async () => {
  model = modelIn(await emptyHubHome());
});

it('two engines that download a model at once load a file each, and one of them is kept', async () => {
  const answers: (() => void)[] = [];
  const hub = await startHub(FILES, (request, response) => {
    if (!isContent(request.url)) return false;
    answers.push(() => sendContent(request, response, WEIGHTS));
    if (answers.length === 2) for (const answer of answers) answer();
    return true;
  });
  const [one, other] = await Promise.all([download(startEngine()), download(startEngine())]);
  expect(one).toBe(other);
  await expectWhole(one);
  expect(contentRanges(hub)).toEqual([undefined, undefined]);
});

it('an engine goes on with the download of one that was killed', async () => {
  const hub = await startHub(FILES, (request, response) => {
    if (!isContent(request.url) || contentRanges(hub).length > 1) return false;
    sendContent(request, response, WEIGHTS, 100_000);
    return true;
  });
  const killed = startEngine();
  download(killed).catch(() => undefined);
  await until(() => {
    const { done, total } = killed.progress.at(-1) ?? { done: 0, total: 0 };
    return weightsOnDisk(done, total) === 100_000;
  });
  killed.process.kill('SIGKILL');
  await once(killed.process, 'exit');
  const [part = ''] = await incompleteIn(model);
  const aMinuteAgo = Date.now() / 1000 - 60;
  await lutimes(path.join(model, part), aMinuteAgo, aMinuteAgo);
  await expectWhole(await download(startEngine()));
  expect(contentRanges(hub)).toEqual([undefined, 'bytes=100000-']);
});

async function download({ connection }: Engine): Promise<string> {
  const params = { model: 'org/model', token: null };
  return requests.download.result.parse(await connection.sendRequest(requests.download.method, params)).folder;
}
