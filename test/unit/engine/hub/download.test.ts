import { lstat, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { findEncoder } from '../../../../src/engine/embed/encoders.ts';
import { downloadModel } from '../../../../src/engine/hub/download.ts';
import { COMMIT, emptyHubHome, type HubServer, hubServer, proxyTo } from '../../../helpers/hubServer.ts';

const ENCODER = path.join(import.meta.dirname, '../../../fixtures/encoders/bert');
const NEEDED = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];

let home: string;
let contents: ReadonlyMap<string, Buffer>;
let hub: HubServer;

beforeEach(async () => {
  home = await emptyHubHome();
  const files = NEEDED.map(async (name) => [name, await readFile(path.join(ENCODER, name))] as const);
  contents = new Map([...(await Promise.all(files)), ['README.md', Buffer.from('# A model')]]);
  hub = await hubServer(contents);
  vi.stubEnv('HF_ENDPOINT', hub.endpoint);
});

test('gets what it needs, in the layout of huggingface_hub, and nothing a second time', async () => {
  const shown: [number, number][] = [];
  const onProgress = (done: number, total: number) => shown.push([done, total]);
  const folder = await downloadModel('org/model', { onProgress });
  expect(folder).toBe(path.join(home, 'hub/models--org--model/snapshots', COMMIT));
  expect((await readdir(folder)).sort()).toEqual(NEEDED);
  for (const name of NEEDED) {
    expect((await lstat(path.join(folder, name))).isSymbolicLink()).toBe(true);
    expect(await readFile(path.join(folder, name))).toEqual(contents.get(name));
  }
  expect(await readFile(path.join(home, 'hub/models--org--model/refs/main'), 'utf8')).toBe(COMMIT);
  expect(shown.at(-1)?.[0]).toBe(shown.at(-1)?.[1]);
  expect(await findEncoder('org/model')).toMatchObject({ folder });

  const before = hub.requests.length;
  await downloadModel('org/model');
  const again = hub.requests.slice(before).filter(({ method, path }) => method === 'GET' && !path.startsWith('/api/'));
  expect(again).toEqual([]);
});

test('gives the token to the hub, and to no host that it redirects to', async () => {
  await downloadModel('org/model', { token: 'hf_secret' });
  const tokens = (ofContent: boolean) =>
    hub.requests.filter(({ path }) => path.startsWith('/cdn/') === ofContent).map(({ token }) => token);
  expect(new Set(tokens(true))).toEqual(new Set([undefined]));
  expect(new Set(tokens(false))).toEqual(new Set(['Bearer hf_secret']));
});

test('stays off the network when Hugging Face’s libraries are told to', async () => {
  vi.stubEnv('HF_HUB_OFFLINE', '1');
  await expect(downloadModel('org/model')).rejects.toThrow('HF_HUB_OFFLINE');
  expect(hub.requests).toEqual([]);
});

test('goes through the proxy, but not to hosts that need none', async () => {
  const warn = vi.spyOn(process, 'emitWarning');
  const { address, asked } = await proxyTo(hub);
  vi.stubEnv('HTTP_PROXY', address);
  vi.stubEnv('NO_PROXY', '127.0.0.1');
  await downloadModel('org/model');
  expect(asked).toEqual([]);
  vi.stubEnv('HF_ENDPOINT', 'http://hub.invalid');
  await downloadModel('org/model');
  expect(new Set(asked)).toEqual(new Set(['hub.invalid:80']));
  expect(warn).not.toHaveBeenCalled();
});

test('says which variable names no proxy, and not what it holds', async () => {
  vi.stubEnv('HTTP_PROXY', 'socks5://me:secret@proxy');
  const failure = downloadModel('org/model');
  await expect(failure).rejects.toThrow(/^HTTP_PROXY: no address of an HTTP proxy/);
  await expect(failure).rejects.not.toThrow('secret');
  expect(hub.requests).toEqual([]);
});

test('refuses what is no name of a model', async () => {
  for (const name of ['../../etc', 'a/b/c', '', 'org/..', 'https://huggingface.co/org/model']) {
    await expect(downloadModel(name)).rejects.toThrow(/no name of a model/);
  }
  expect(hub.requests).toEqual([]);
});
