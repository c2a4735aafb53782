import { once } from 'node:events';
import { lutimes } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, expect, it, vi } from 'vitest';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { type DownloadParams, engineErrorCodes, requests } from '../../src/protocol/engine.ts';
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
import { emptyHubHome, proxyTo, sendContent } from '../helpers/hubServer.ts';
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

it('an engine says that it tries again, and stops at once when it is told to', async () => {
  vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9');
  const engine = startEngine();
  const cancel = new CancellationTokenSource();
  const answer = engine.connection.sendRequest(requests.download.method, paramsWith(''), cancel.token);
  await until(() => engine.progress.length > 0);
  expect(engine.progress[0]).toMatchObject({ stage: 'download', done: 0, total: 0 });
  expect(engine.progress[0]?.message).toBe('no connection (ECONNREFUSED), trying again (2 of 5)');
  cancel.cancel();
  await expect(answer).rejects.toMatchObject({ code: engineErrorCodes.cancelled });
});

it('an engine goes through the proxy that VS Code is set to', async () => {
  const { address, asked } = await proxyTo(await startHub());
  vi.stubEnv('HF_ENDPOINT', 'http://hub.invalid');
  await expectWhole(await download(startEngine(), address));
  expect(asked).toContain('hub.invalid:80');
});

async function download({ connection }: Engine, proxy = ''): Promise<string> {
  const answer = await connection.sendRequest(requests.download.method, paramsWith(proxy));
  return requests.download.result.parse(answer).folder;
}

function paramsWith(proxy: string): DownloadParams {
  return { model: 'org/model', token: null, proxy: { proxy, noProxy: [] } };
}
