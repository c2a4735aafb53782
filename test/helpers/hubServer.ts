import { createHash } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import { onTestFinished, vi } from 'vitest';
import { temporaryFolder } from './temporaryFolder.ts';

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** Takes over the answer to a request; false lets the hub answer. */
export type Interference = (request: http.IncomingMessage, response: http.ServerResponse) => boolean;

export interface HubServer {
  readonly endpoint: string;
  /** Every request so far. */
  readonly requests: readonly Request[];
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly token: string | undefined;
}

/** A hub of one model, `org/model`, that speaks the protocol of huggingface.co: large files lie on another host. */
export async function hubServer(
  files: ReadonlyMap<string, Buffer>,
  interfere: Interference = () => false,
): Promise<HubServer> {
  const requests: Request[] = [];
  const serve = (answer: http.RequestListener): http.RequestListener => {
    return (request, response) => {
      const { method = '', url = '', headers } = request;
      requests.push({ method, path: url, range: headers.range, token: headers.authorization });
      if (!interfere(request, response)) answer(request, response);
    };
  };
  const contentHost = await listen(
    serve((request, response) => sendContent(request, response, files.get(nameIn(request)) ?? Buffer.alloc(0))),
  );
  const endpoint = await listen(
    serve((request, response) => {
      if (request.url === '/api/models/org/model/revision/main') {
        const siblings = [...files.keys()].map((rfilename) => ({ rfilename }));
        response.end(JSON.stringify({ id: 'org/model', sha: COMMIT, siblings }));
        return;
      }
      const name = nameIn(request);
      const file = request.url === `/org/model/resolve/${COMMIT}/${name}` ? files.get(name) : undefined;
      if (!file) {
        response.writeHead(404, { 'x-error-message': 'Entry not found' }).end();
      } else if (/\.(safetensors|bin)$/.test(name)) {
        response.setHeader('x-linked-etag', `"${sha256(file)}"`);
        response.setHeader('x-linked-size', file.length);
        response.writeHead(302, { location: `${contentHost}/cdn/${name}` }).end();
      } else {
        response.setHeader('etag', `"${gitHash(file)}"`);
        sendContent(request, response, file);
      }
    }),
  );
  return { endpoint, requests };
}

/**
 * Starts a server for this test.
 * @param tunnel makes it a proxy: the local port that a host is reached at
 * @returns its origin
 */
export async function listen(answer: http.RequestListener, tunnel?: (target: string) => number): Promise<string> {
  const server = http.createServer(answer);
  if (tunnel) {
    server.on('connect', ({ url = '' }, client) => {
      const host = net.connect(tunnel(url), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        host.pipe(client).pipe(host);
      });
      for (const socket of [client, host]) socket.on('error', () => socket.destroy());
    });
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}

/** Starts a proxy for this test, to which the hub goes by another name, too. */
export async function proxyTo({ endpoint }: HubServer): Promise<{ address: string; asked: readonly string[] }> {
  const asked: string[] = [];
  const address = await listen(
    () => undefined,
    (target) => {
      asked.push(target);
      return Number(new URL(target === 'hub.invalid:80' ? endpoint : `http://${target}`).port);
    },
  );
  return { address, asked };
}

/**
 * The file, or the rest of it from where a range begins.
 * @param end where to stop and say no more, the connection left open
 */
export function sendContent(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  file: Buffer,
  end = file.length,
): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(from > 0 ? 206 : 200, {
    'content-length': file.length - from,
    ...(from > 0 && { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` }),
  });
  if (request.method === 'HEAD') response.end();
  else if (end < file.length) response.write(file.subarray(from, end));
  else response.end(file.subarray(from));
}

/**
 * Breaks a connection once something holds. (What undici has received, but nobody has read, it throws away when the
 * connection breaks, so that only the client's word tells what it has kept.)
 */
export async function breakOnce(response: http.ServerResponse, holds: () => boolean): Promise<void> {
  await vi.waitUntil(holds, { interval: 2, timeout: 20_000 });
  response.destroy();
}

/** An empty home of Hugging Face's tools for this test: nothing in the cache, no token, no proxy. */
export async function emptyHubHome(): Promise<string> {
  const home = await temporaryFolder();
  vi.stubEnv('HF_HOME', home);
  for (const name of [
    ...['HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE', 'HF_TOKEN', 'HF_TOKEN_PATH'],
    ...['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'],
  ]) {
    vi.stubEnv(name, undefined);
  }
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  return home;
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function gitHash(bytes: Buffer): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

function nameIn({ url }: http.IncomingMessage): string {
  return url?.split('/').at(-1) ?? '';
}
