import { existsSync } from 'node:fs';
import { lutimes, mkdir, open, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { isEncoder } from '../../../../src/engine/embed/encoderFiles.ts';
import { CancelledError, InputError } from '../../../../src/engine/errors.ts';
import { type DownloadOptions, downloadModel } from '../../../../src/engine/hub/download.ts';
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
import { breakOnce, COMMIT, emptyHubHome, listen, sendContent } from '../../../helpers/hubServer.ts';

let model: string;
let blob: string;
/** Bytes of the weights that the client says are on disk. */
let onDisk: number;

beforeEach(async () => {
  model = modelIn(await emptyHubHome());
  blob = weightsIn(model);
  onDisk = 0;
});

describe('goes on where it stopped', () => {
  test('after the connection broke, more often than it is tried in vain', async () => {
    let cuts = 0;
    const hub = await startHub(FILES, (request, response) => {
      if (!isContent(request.url) || cuts === 8) return false;
      cuts += 1;
      const end = cuts * 30_000;
      sendContent(request, response, WEIGHTS, end);
      void breakOnce(response, () => onDisk === end);
      return true;
    });
    await expectDownloaded();
    expect(contentRanges(hub)).toEqual([undefined, ...[1, 2, 3, 4, 5, 6, 7, 8].map((cut) => `bytes=${cut * 30_000}-`)]);
  });

  test('after the connection broke, and again before a byte came', async () => {
    let cuts = 0;
    const hub = await startHub(FILES, (request, response) => {
      if (!isContent(request.url) || cuts === 2) return false;
      cuts += 1;
      if (cuts === 2) {
        response.destroy();
        return true;
      }
      sendContent(request, response, WEIGHTS, 5000);
      void breakOnce(response, () => onDisk === 5000);
      return true;
    });
    await expectDownloaded();
    expect(contentRanges(hub)).toEqual([undefined, 'bytes=5000-', 'bytes=5000-']);
  });

  test('after it was cancelled, though the server says nothing', async () => {
    const hub = await startHub(FILES, (request, response) => {
      if (!isContent(request.url) || request.headers.range) return false;
      sendContent(request, response, WEIGHTS, 100_000);
      return true;
    });
    const cancel = new AbortController();
    const cancelled = expect(download({ signal: cancel.signal })).rejects.toThrow(CancelledError);
    await vi.waitUntil(() => onDisk === 100_000, { interval: 2, timeout: 20_000 });
    cancel.abort();
    await cancelled;
    expect(existsSync(blob)).toBe(false);
    expect(existsSync(path.join(model, 'refs', 'main'))).toBe(false);
    const [part = ''] = await incompleteIn(model);
    expect((await stat(path.join(model, part))).size).toBe(100_000);
    await expectDownloaded();
    expect(contentRanges(hub).at(-1)).toBe('bytes=100000-');
  });

  test('from what huggingface_hub left', async () => {
    const hub = await startHub();
    await leaveIncomplete(WEIGHTS.subarray(0, 1000));
    await expectDownloaded();
    expect(contentRanges(hub)).toEqual(['bytes=1000-']);
  });

  test('from the beginning where the server can’t continue', async () => {
    await startHub(FILES, (request, response) => {
      if (!isContent(request.url)) return false;
      response.writeHead(200, { 'content-length': WEIGHTS.length }).end(WEIGHTS);
      return true;
    });
    await leaveIncomplete(WEIGHTS.subarray(0, 1000));
    await expectDownloaded();
  });

  test('but not for ever on a server that can’t continue and always breaks', async () => {
    const hub = await startHub(FILES, (request, response) => {
      if (!isContent(request.url)) return false;
      onDisk = 0;
      response.writeHead(200, { 'content-length': WEIGHTS.length });
      response.write(WEIGHTS.subarray(0, 30_000));
      void breakOnce(response, () => onDisk === 30_000);
      return true;
    });
    await expect(download()).rejects.toThrow(InputError);
    expect(contentRanges(hub).length).toBeLessThan(10);
  });

  test('and finishes what only lacked its name', async () => {
    const hub = await startHub();
    await leaveIncomplete(WEIGHTS);
    await expectDownloaded();
    expect(contentRanges(hub)).toEqual([]);
  });
});

describe('never takes for whole what is not', () => {
  test('bytes that were damaged on disk', async () => {
    const hub = await startHub();
    await leaveIncomplete(Buffer.alloc(1000, 9));
    await expectDownloaded();
    expect(contentRanges(hub)).toEqual(['bytes=1000-', undefined]);
  });

  test('bytes that were damaged on disk after they had come', async () => {
    const hub = await startHub(FILES, (request, response) => {
      if (!isContent(request.url) || contentRanges(hub).length > 1) return false;
      sendContent(request, response, WEIGHTS, 100_000);
      void vi
        .waitUntil(() => onDisk === 100_000, { interval: 2, timeout: 20_000 })
        .then(async () => {
          const [part = ''] = await incompleteIn(model);
          const handle = await open(path.join(model, part), 'r+');
          await handle.write(Buffer.alloc(10), 0, 10, 5000);
          await handle.close();
          response.end(WEIGHTS.subarray(100_000));
        });
      return true;
    });
    await expectDownloaded();
    expect(contentRanges(hub)).toEqual([undefined, undefined]);
  });

  test('more bytes than the file has', async () => {
    await startHub();
    await leaveIncomplete(Buffer.concat([WEIGHTS, WEIGHTS]));
    await expectDownloaded();
  });

  test('more bytes than the file has, and no end of them', async () => {
    await startHub(FILES, (request, response) => {
      if (!isContent(request.url)) return false;
      response.writeHead(200);
      const send = () => {
        if (!response.destroyed) response.write(WEIGHTS, send);
      };
      send();
      return true;
    });
    await expect(download()).rejects.toThrow(/checksum/);
    expect(existsSync(blob)).toBe(false);
  });

  test.each(['model.safetensors', 'tokenizer.json'])('%s with another checksum', async (name) => {
    const length = FILES.get(name)?.length ?? 0;
    await startHub(FILES, (request, response) => {
      const isWanted = name === 'tokenizer.json' ? request.url?.endsWith(name) : isContent(request.url);
      if (request.method !== 'GET' || !isWanted) return false;
      sendContent(request, response, Buffer.alloc(length, 1));
      return true;
    });
    await expect(download()).rejects.toThrow(/checksum/);
    expect(existsSync(path.join(model, 'snapshots', COMMIT, name))).toBe(false);
    expect(await incompleteIn(model)).toEqual([]);
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
    await startHub(files, (request, response) => {
      if (!isContent(request.url, shards[0])) return false;
      response.writeHead(404).end();
      return true;
    });
    await expect(download()).rejects.toThrow(/not found/);
    const snapshot = path.join(model, 'snapshots', COMMIT);
    expect(await readdir(snapshot)).toContain('model.safetensors.index.json');
    expect(isEncoder(snapshot)).toBe(false);
    await startHub(files);
    expect(isEncoder(await download())).toBe(true);
  });

  test('a page of a proxy in the place of the hub', async () => {
    vi.stubEnv('HF_ENDPOINT', await listen((_, response) => response.end('{"login": "please"}')));
    await expect(download()).rejects.toThrow(/Check HF_ENDPOINT/);
  });

  test.skipIf(process.platform !== 'linux')('what a full disk cut off', async () => {
    await startHub();
    await mkdir(path.dirname(blob), { recursive: true });
    await symlink('/dev/full', `${blob}.incomplete`);
    await lutimes(`${blob}.incomplete`, 0, 0);
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
    const hub = await startHub(FILES, (_, response) => {
      response.writeHead(status, { 'x-error-message': 'Gated' }).end();
      return true;
    });
    await expect(download()).rejects.toThrow(message);
    expect(hub.requests).toHaveLength(1);
  });

  test.each([429, 503])('for a while, with %i, is asked again', async (status) => {
    let refused = 0;
    await startHub(FILES, (request, response) => {
      if (!isContent(request.url) || refused === 2) return false;
      refused += 1;
      response.writeHead(status, { 'retry-after': '0' }).end();
      return true;
    });
    await expectDownloaded();
  });

  test('says when to come again', async () => {
    let refused = 0;
    await startHub(FILES, (_, response) => {
      if (refused > 0) return false;
      refused = performance.now();
      response.writeHead(429, { 'retry-after': '1' }).end();
      return true;
    });
    await expectDownloaded();
    expect(performance.now() - refused).toBeGreaterThan(950);
  });

  test('on and on is given up, and at once where it asks for an hour', async () => {
    const hub = await startHub(FILES, (_, response) => {
      response.writeHead(503).end();
      return true;
    });
    await expect(download()).rejects.toThrow(/status 503. Check the connection and try again later/);
    expect(hub.requests).toHaveLength(5);
    await startHub(FILES, (_, response) => {
      response.writeHead(429, { 'retry-after': '3600' }).end();
      return true;
    });
    await expect(download()).rejects.toThrow(/status 429/);
  });

  test('is not there at all', async () => {
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9');
    const told: unknown[] = [];
    const failure = download({ onRetry: (...what) => told.push(what) });
    await expect(failure).rejects.toThrow(InputError);
    await expect(failure).rejects.toThrow(
      new RegExp(`^org/model: no connection .*127.0.0.1:9. .*HTTPS_PROXY.*http.proxy.*copy ${model} from one`),
    );
    expect(told).toEqual([2, 3, 4, 5].map((next) => ['no connection (ECONNREFUSED)', next, 5]));
  });

  test('can be walked away from while nothing is there', async () => {
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9');
    const cancel = new AbortController();
    // Longer than a test may take.
    const options = { signal: cancel.signal, retryDelayMs: 50_000, onRetry: () => cancel.abort() };
    await expect(download(options)).rejects.toThrow(CancelledError);
  });

  test('can be walked away from while it makes wait', async () => {
    const cancel = new AbortController();
    await startHub(FILES, (_, response) => {
      // Longer than a test may take.
      response.writeHead(503, { 'retry-after': '50' }).end();
      setTimeout(() => cancel.abort(), 50); // By then it waits; if not, it is cancelled as well.
      return true;
    });
    await expect(download({ signal: cancel.signal })).rejects.toThrow(CancelledError);
  });

  test('leads in a circle', async () => {
    await startHub(FILES, (request, response) => {
      response.writeHead(307, { location: request.url ?? '' }).end();
      return true;
    });
    await expect(download()).rejects.toThrow(/redirected more than 5 times/);
  });
});

function download(options: DownloadOptions = {}): Promise<string> {
  return downloadModel('org/model', {
    retryDelayMs: 1,
    onProgress: (done, total) => {
      onDisk = weightsOnDisk(done, total);
    },
    ...options,
  });
}

async function expectDownloaded(): Promise<void> {
  await expectWhole(await download());
}

/** What an older huggingface_hub left, long ago. */
async function leaveIncomplete(bytes: Buffer): Promise<void> {
  await mkdir(path.dirname(blob), { recursive: true });
  await writeFile(`${blob}.incomplete`, bytes);
  await lutimes(`${blob}.incomplete`, 0, 0);
}
