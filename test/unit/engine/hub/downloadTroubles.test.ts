import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { isEncoder } from '../../../../src/engine/embed/encoderFiles.ts';
import { CancelledError, InputError } from '../../../../src/engine/errors.ts';
import { type DownloadOptions, downloadModel } from '../../../../src/engine/hub/download.ts';
import { hubToken } from '../../../../src/engine/hub/settings.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';
import { COMMIT, type HubServer, hubServer, type Interference, listen, sendContent, sha256 } from './hubServer.ts';

const WEIGHTS = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) % 251));
const FILES = new Map([
  ['README.md', Buffer.from('# A model')],
  ['config.json', Buffer.from('{"model_type": "bert"}')],
  ['model.safetensors', WEIGHTS],
  ['pytorch_model.bin', Buffer.from('the same again')],
  ['tokenizer.json', Buffer.from('{"model": {}}')],
]);
const NEEDED = ['config.json', 'model.safetensors', 'tokenizer.json'];

let home: string;
let model: string;
let blob: string;

beforeEach(async () => {
  home = await temporaryFolder();
  vi.stubEnv('HF_HOME', home);
  for (const name of [
    ...['HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE', 'HF_TOKEN', 'HF_TOKEN_PATH'],
    ...['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'],
  ]) {
    vi.stubEnv(name, undefined);
  }
  model = path.join(home, 'hub', 'models--org--model');
  blob = path.join(model, 'blobs', sha256(WEIGHTS));
  return () => vi.unstubAllEnvs();
});

describe('goes on where it stopped', () => {
  test('after the connection broke, more often than it is tried in vain', async () => {
    let cuts = 0;
    const hub = await start(FILES, (request, response) => {
      if (!isContent(request.url) || cuts === 8) return false;
      cuts += 1;
      const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, {
        'content-length': WEIGHTS.length - from,
        ...(from > 0 && { 'content-range': `bytes ${from}-${WEIGHTS.length - 1}/${WEIGHTS.length}` }),
      });
      response.write(WEIGHTS.subarray(from, from + 30_000), () => setTimeout(() => response.destroy(), 10));
      return true;
    });
    await expectDownloaded();
    const ranges = contentRequests(hub).map(({ range }) => range);
    expect(ranges).toHaveLength(9);
    expect(ranges[1]).toMatch(/^bytes=[1-9]\d*-$/);
  });

  test('after it was cancelled', async () => {
    const hub = await start(FILES, slowly(20_000));
    const cancel = new AbortController();
    const onProgress = (done: number) => {
      if (done > 100_000) cancel.abort();
    };
    await expect(download({ signal: cancel.signal, onProgress })).rejects.toThrow(CancelledError);
    expect(existsSync(blob)).toBe(false);
    expect(existsSync(path.join(model, 'refs', 'main'))).toBe(false);
    const kept = (await readFile(`${blob}.incomplete`)).length;
    expect(kept).toBeGreaterThan(50_000);
    await expectDownloaded();
    expect(contentRequests(hub).at(-1)?.range).toBe(`bytes=${kept}-`);
  });

  test('from what huggingface_hub left', async () => {
    const hub = await start();
    await leaveIncomplete(WEIGHTS.subarray(0, 1000));
    await expectDownloaded();
    expect(contentRequests(hub).map(({ range }) => range)).toEqual(['bytes=1000-']);
  });

  test('from the beginning where the server can’t continue', async () => {
    await start(FILES, (request, response) => {
      if (!isContent(request.url)) return false;
      response.writeHead(200, { 'content-length': WEIGHTS.length }).end(WEIGHTS);
      return true;
    });
    await leaveIncomplete(WEIGHTS.subarray(0, 1000));
    await expectDownloaded();
  });

  test('but not for ever on a server that can’t continue and always breaks', async () => {
    const hub = await start(FILES, (request, response) => {
      if (!isContent(request.url)) return false;
      response.writeHead(200, { 'content-length': WEIGHTS.length });
      response.write(WEIGHTS.subarray(0, 30_000), () => setTimeout(() => response.destroy(), 10));
      return true;
    });
    await expect(download()).rejects.toThrow(InputError);
    expect(contentRequests(hub).length).toBeLessThan(10);
  });

  test('and finishes what only lacked its name', async () => {
    const hub = await start();
    await leaveIncomplete(WEIGHTS);
    await expectDownloaded();
    expect(contentRequests(hub)).toEqual([]);
  });
});

describe('never takes for whole what is not', () => {
  test('bytes that were damaged on disk', async () => {
    const hub = await start();
    await leaveIncomplete(Buffer.alloc(1000, 9));
    await expectDownloaded();
    expect(contentRequests(hub).map(({ range }) => range)).toEqual(['bytes=1000-', undefined]);
  });

  test('more bytes than the file has', async () => {
    await start();
    await leaveIncomplete(Buffer.concat([WEIGHTS, WEIGHTS]));
    await expectDownloaded();
  });

  test.each(['model.safetensors', 'tokenizer.json'])('%s with another checksum', async (name) => {
    const length = FILES.get(name)?.length ?? 0;
    await start(FILES, (request, response) => {
      const isWanted = name === 'tokenizer.json' ? request.url?.endsWith(name) : isContent(request.url);
      if (request.method !== 'GET' || !isWanted) return false;
      sendContent(request, response, Buffer.alloc(length, 1));
      return true;
    });
    await expect(download()).rejects.toThrow(/checksum/);
    expect(existsSync(path.join(model, 'snapshots', COMMIT, name))).toBe(false);
    expect((await readdir(path.join(model, 'blobs'))).filter((blob) => blob.endsWith('.incomplete'))).toEqual([]);
    expect(existsSync(path.join(model, 'refs', 'main'))).toBe(false);
  });

  test('an index without all of its shards', async () => {
    const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    const index = Buffer.from(JSON.stringify({ weight_map: { a: shards[0], b: shards[1] } }));
    const files = new Map([
      ['tokenizer.json', Buffer.from('{}')],
      ['model.safetensors.index.json', index],
      ['model-00001-of-00002.safetensors', WEIGHTS],
      ['model-00002-of-00002.safetensors', Buffer.from('the rest')],
    ]);
    await start(files, (request, response) => {
      if (!isContent(request.url, shards[0])) return false;
      response.writeHead(404).end();
      return true;
    });
    await expect(download()).rejects.toThrow(/not found/);
    const snapshot = path.join(model, 'snapshots', COMMIT);
    expect(await readdir(snapshot)).toContain('model.safetensors.index.json');
    expect(isEncoder(snapshot)).toBe(false);
    await start(files);
    expect(isEncoder(await download())).toBe(true);
  });

  test('a page of a proxy in the place of the hub', async () => {
    vi.stubEnv('HF_ENDPOINT', await listen((_, response) => response.end('{"login": "please"}')));
    await expect(download()).rejects.toThrow(/Check HF_ENDPOINT/);
  });

  test.skipIf(process.platform !== 'linux')('what a full disk cut off', async () => {
    await start();
    await mkdir(path.dirname(blob), { recursive: true });
    await symlink('/dev/full', `${blob}.incomplete`);
    await expect(download()).rejects.toThrow(/the disk is full. Make room/);
    expect(existsSync(path.join(model, 'snapshots', COMMIT, 'model.safetensors'))).toBe(false);
  });
});

describe('a server that refuses', () => {
  test.each([
    [401, /no access \(status 401, Gated\).*Give a token of yours/],
    [403, /no access \(status 403, Gated\).*accept its terms/],
    [404, /not found \(status 404, Gated\)/],
    [451, /not to be had \(status 451, Gated\)/],
  ])('for good, with %i, is asked once', async (status, message) => {
    const hub = await start(FILES, (_, response) => {
      response.writeHead(status, { 'x-error-message': 'Gated' }).end();
      return true;
    });
    await expect(download()).rejects.toThrow(message);
    expect(hub.requests).toHaveLength(1);
  });

  test('says when to come again', async () => {
    let refused = 0;
    await start(FILES, (_, response) => {
      if (refused > 0) return false;
      refused = performance.now();
      response.writeHead(429, { 'retry-after': '1' }).end();
      return true;
    });
    await expectDownloaded();
    expect(performance.now() - refused).toBeGreaterThan(950);
  });

  test('on and on is given up, and at once where it asks for an hour', async () => {
    const hub = await start(FILES, (_, response) => {
      response.writeHead(503).end();
      return true;
    });
    await expect(download()).rejects.toThrow(/status 503. Check the connection and try again later/);
    expect(hub.requests).toHaveLength(5);
    await start(FILES, (_, response) => {
      response.writeHead(429, { 'retry-after': '3600' }).end();
      return true;
    });
    await expect(download()).rejects.toThrow(/status 429/);
  });

  test('is not there at all', async () => {
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9');
    await expect(download()).rejects.toThrow(/127.0.0.1:9: the connection failed/);
  });

  test('can be walked away from while it makes wait', async () => {
    await start(FILES, (_, response) => {
      response.writeHead(503, { 'retry-after': '30' }).end();
      return true;
    });
    const cancel = new AbortController();
    setTimeout(() => cancel.abort(), 50);
    const began = performance.now();
    await expect(download({ signal: cancel.signal })).rejects.toThrow(CancelledError);
    expect(performance.now() - began).toBeLessThan(1000);
  });

  test('leads in a circle', async () => {
    await start(FILES, (request, response) => {
      response.writeHead(307, { location: request.url ?? '' }).end();
      return true;
    });
    await expect(download()).rejects.toThrow(/redirected more than 5 times/);
  });
});

test('goes through the proxy, but not to hosts that need none', async () => {
  const { endpoint } = await start();
  const asked: string[] = [];
  const proxy = await listen(
    () => undefined,
    (target) => {
      asked.push(target);
      return Number(new URL(target === 'hub.invalid:80' ? endpoint : `http://${target}`).port);
    },
  );
  vi.stubEnv('HTTP_PROXY', proxy);
  vi.stubEnv('NO_PROXY', '127.0.0.1');
  await expectDownloaded();
  expect(asked).toEqual([]);
  vi.stubEnv('HF_ENDPOINT', 'http://hub.invalid');
  await expectDownloaded();
  expect(new Set(asked)).toEqual(new Set(['hub.invalid:80']));
});

test('reads the token as the hub’s own tools do', async () => {
  expect(await hubToken()).toBeUndefined();
  await writeFile(path.join(home, 'token'), 'hf_kept\n');
  expect(await hubToken()).toBe('hf_kept');
  vi.stubEnv('HF_TOKEN', 'hf_said');
  expect(await hubToken()).toBe('hf_said');
});

test('refuses what is no name of a model', async () => {
  const hub = await start();
  for (const name of ['../../etc', 'a/b/c', '', 'org/..', 'https://huggingface.co/org/model']) {
    await expect(downloadModel(name)).rejects.toThrow(/no name of a model/);
  }
  expect(hub.requests).toEqual([]);
});

async function start(files: ReadonlyMap<string, Buffer> = FILES, interfere?: Interference): Promise<HubServer> {
  const hub = await hubServer(files, interfere);
  vi.stubEnv('HF_ENDPOINT', hub.endpoint);
  return hub;
}

function download(options: DownloadOptions = {}): Promise<string> {
  return downloadModel('org/model', { retryDelayMs: 1, ...options });
}

async function expectDownloaded(): Promise<void> {
  const folder = await download();
  expect((await readdir(folder)).sort()).toEqual(NEEDED);
  for (const name of NEEDED) {
    const content = await readFile(path.join(folder, name));
    expect(content.equals(FILES.get(name) ?? Buffer.alloc(0))).toBe(true);
  }
  expect((await readdir(path.join(model, 'blobs'))).some((name) => name.endsWith('.incomplete'))).toBe(false);
}

async function leaveIncomplete(bytes: Buffer): Promise<void> {
  await mkdir(path.dirname(blob), { recursive: true });
  await writeFile(`${blob}.incomplete`, bytes);
}

function isContent(url: string | undefined, name = 'model.safetensors'): boolean {
  return url === `/cdn/${name}`;
}

function contentRequests({ requests }: HubServer): HubServer['requests'] {
  return requests.filter(({ path }) => path.startsWith('/cdn/'));
}

/** Sends the weights piece by piece. */
function slowly(piece: number): Interference {
  return (request, response) => {
    if (!isContent(request.url) || request.headers.range) return false;
    response.writeHead(200, { 'content-length': WEIGHTS.length });
    let at = 0;
    const timer = setInterval(() => {
      if (response.destroyed) return clearInterval(timer);
      response.write(WEIGHTS.subarray(at, at + piece));
      at += piece;
      if (at < WEIGHTS.length) return;
      clearInterval(timer);
      response.end();
    }, 5);
    return true;
  };
}
