import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findEncoder } from '../../../../src/engine/embed/encoders.ts';
import { CancelledError } from '../../../../src/engine/errors.ts';
import { downloadModel } from '../../../../src/engine/hub/download.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

const ENCODER = path.join(import.meta.dirname, '../../../fixtures/encoders/bert');
const MODEL = 'acme/tiny-bert';
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'];

/** A server that speaks the hub's protocol: a description, files that redirect to another host, ranges, checksums. */
class Hub {
  readonly contents = new Map<string, Buffer>();
  readonly requests: { method: string; url: string; range: string | undefined; token: string | undefined }[] = [];
  /** Answers instead of the hub, where it likes to. */
  disturb: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  readonly #hub: Server;
  readonly #cdn: Server;

  constructor() {
    this.#hub = createServer((request, response) => this.#answer(request, response));
    this.#cdn = createServer((request, response) => this.#answer(request, response));
  }

  async start(): Promise<string> {
    for (const name of [...FILES, 'README.md']) {
      const there = FILES.includes(name);
      this.contents.set(name, there ? await readFile(path.join(ENCODER, name)) : Buffer.from('# A model'));
    }
    for (const server of [this.#hub, this.#cdn]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${portOf(this.#hub)}`;
  }

  async stop(): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers } = request;
    this.requests.push({ method, url, range: headers.range, token: headers.authorization });
    if (this.disturb(request, response)) return;
    if (url === `/api/models/${MODEL}/revision/main`) {
      const siblings = [...this.contents.keys()].map((rfilename) => ({ rfilename }));
      response.end(JSON.stringify({ sha: COMMIT, siblings }));
      return;
    }
    const [, place, name = ''] = /^\/(cdn|acme\/tiny-bert\/resolve\/[0-9a-f]+)\/(.+)$/.exec(url) ?? [];
    const content = this.contents.get(name);
    if (content === undefined) {
      response.writeHead(404).end();
      return;
    }
    const large = name === 'model.safetensors';
    const etag = large ? sha256(content) : gitSha1(content);
    if (large && place !== 'cdn') {
      response.writeHead(302, {
        location: `http://127.0.0.1:${portOf(this.#cdn)}/cdn/${name}`,
        'x-repo-commit': COMMIT,
        'x-linked-etag': `"${etag}"`,
        'x-linked-size': content.length,
      });
      response.end();
      return;
    }
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    const part = content.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      etag: `"${etag}"`,
      'content-length': part.length,
      ...(start > 0 && { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }),
    });
    response.end(method === 'HEAD' ? undefined : part);
  }
}

describe('downloading a label encoder', () => {
  let hub: Hub;
  let cache: string;
  const quick = { retryDelayMs: 5 };

  beforeEach(async () => {
    hub = new Hub();
    cache = await temporaryFolder();
    vi.stubEnv('HF_ENDPOINT', await hub.start());
    vi.stubEnv('HF_HUB_CACHE', cache);
    for (const name of ['HF_TOKEN', 'HTTPS_PROXY', 'HTTP_PROXY', 'https_proxy', 'http_proxy']) vi.stubEnv(name, '');
    vi.stubEnv('HF_TOKEN_PATH', path.join(cache, 'no-token'));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await hub.stop();
  });

  const failWeights = (status: number, times: number, headers: Record<string, string> = {}) => {
    let failures = 0;
    hub.disturb = ({ url }, response) => {
      if (!url?.endsWith('model.safetensors') || failures >= times) return false;
      failures += 1;
      response.writeHead(status, headers).end();
      return true;
    };
  };

  it('gets what it needs, in the layout of huggingface_hub, and nothing a second time', async () => {
    const shown: [number, number][] = [];
    const folder = await downloadModel(MODEL, { ...quick, onProgress: (done, total) => shown.push([done, total]) });
    expect(folder).toBe(path.join(cache, 'models--acme--tiny-bert/snapshots', COMMIT));
    expect((await readdir(folder)).sort()).toEqual([...FILES].sort());
    for (const name of FILES) {
      expect((await lstat(path.join(folder, name))).isSymbolicLink()).toBe(true);
      expect(await readFile(path.join(folder, name))).toEqual(hub.contents.get(name));
    }
    expect(await readFile(path.join(cache, 'models--acme--tiny-bert/refs/main'), 'utf8')).toBe(COMMIT);
    expect(shown.at(-1)?.[0]).toBe(shown.at(-1)?.[1]);
    expect(await findEncoder(MODEL)).toMatchObject({ folder });

    hub.requests.length = 0;
    await downloadModel(MODEL, quick);
    expect(hub.requests.filter(({ method, url }) => method === 'GET' && !url.startsWith('/api/'))).toEqual([]);
  });

  it('goes on where the connection broke', async () => {
    const whole = hub.contents.get('model.safetensors') ?? Buffer.alloc(0);
    let broken = 0;
    hub.disturb = ({ url, method }, response) => {
      if (!url?.startsWith('/cdn/') || method !== 'GET' || broken >= 2) return false;
      broken += 1;
      if (broken === 2) {
        response.destroy();
        return true;
      }
      response.writeHead(200, { 'content-length': whole.length });
      response.write(whole.subarray(0, 5000), () => setTimeout(() => response.destroy(), 20));
      return true;
    };
    const folder = await downloadModel(MODEL, quick);
    expect(await readFile(path.join(folder, 'model.safetensors'))).toEqual(whole);
    expect(hub.requests.map(({ range }) => range)).toContain('bytes=5000-');
  });

  it.each([429, 503])('waits and tries again when the hub answers %i', async (status) => {
    failWeights(status, 2, { 'retry-after': '0' });
    await expect(downloadModel(MODEL, quick)).resolves.toContain(COMMIT);
  });

  it.each([
    [401, 'no access'],
    [403, 'no access'],
    [404, 'not found'],
    [500, 'Check the connection'],
  ])('says what to do when the hub answers %i, and nothing counts as whole', async (status, reason) => {
    failWeights(status, Number.POSITIVE_INFINITY);
    await expect(downloadModel(MODEL, quick)).rejects.toThrow(reason);
    expect(await findEncoder(MODEL)).toBeUndefined();
  });

  it('refuses what has another checksum than the hub tells', async () => {
    const whole = hub.contents.get('model.safetensors') ?? Buffer.alloc(0);
    hub.disturb = ({ url, method }, response) => {
      if (!url?.startsWith('/cdn/') || method !== 'GET') return false;
      const wrong = Buffer.from(whole);
      wrong[100] = (wrong[100] ?? 0) ^ 1;
      response.writeHead(200, { 'content-length': wrong.length }).end(wrong);
      return true;
    };
    await expect(downloadModel(MODEL, quick)).rejects.toThrow('checksum');
    expect(await findEncoder(MODEL)).toBeUndefined();
    const blobs = await readdir(path.join(cache, 'models--acme--tiny-bert/blobs'));
    expect(blobs.filter((name) => name.startsWith(sha256(whole)))).toEqual([]);
  });

  it('gives the token to the hub, and to no host that it redirects to', async () => {
    await downloadModel(MODEL, { ...quick, token: 'hf_secret' });
    const cdn = hub.requests.filter(({ url }) => url.startsWith('/cdn/'));
    expect(cdn.length).toBeGreaterThan(0);
    expect(cdn.every(({ token }) => token === undefined)).toBe(true);
    const others = hub.requests.filter(({ url }) => !url.startsWith('/cdn/'));
    expect(others.every(({ token }) => token === 'Bearer hf_secret')).toBe(true);
  });

  it('is cancelled at once, and what was loaded is there for the next time', async () => {
    const whole = hub.contents.get('model.safetensors') ?? Buffer.alloc(0);
    hub.disturb = ({ url, method }, response) => {
      if (!url?.startsWith('/cdn/') || method !== 'GET') return false;
      response.writeHead(200, { 'content-length': whole.length });
      response.write(whole.subarray(0, 5000)); // and never the rest
      return true;
    };
    const cancel = new AbortController();
    const download = downloadModel(MODEL, { ...quick, signal: cancel.signal });
    const caught = expect(download).rejects.toThrow(CancelledError);
    await vi.waitFor(() => expect(hub.requests.some(({ url }) => url.startsWith('/cdn/'))).toBe(true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const began = performance.now();
    cancel.abort();
    await caught;
    expect(performance.now() - began).toBeLessThan(1000);
    expect(await findEncoder(MODEL)).toBeUndefined();
    expect(await readdir(path.join(cache, 'models--acme--tiny-bert/blobs'))).toContain(`${sha256(whole)}.incomplete`);
  });

  it('stays off the network when Hugging Face’s libraries are told to', async () => {
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    await expect(downloadModel(MODEL, quick)).rejects.toThrow('HF_HUB_OFFLINE');
    expect(hub.requests).toEqual([]);
  });
});

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function gitSha1(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}
