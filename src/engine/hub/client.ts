import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import type { DownloadParams } from '../../protocol/engine.ts';
import { CancelledError, InputError } from '../errors.ts';
import { proxyOf } from './settings.ts';

/** A file on the hub, before it is downloaded. */
export interface RemoteFile {
  readonly url: string;
  /** What the cache calls its content: SHA-256 of a large file, git's SHA-1 of a small one. */
  readonly etag: string;
  readonly bytes: number;
}

export interface ClientOptions {
  readonly endpoint: string;
  readonly token?: string | undefined;
  /** Comes before what the environment says. */
  readonly proxy?: DownloadParams['proxy'] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What failed, and which try of how many comes next, before the wait for it. */
  readonly onRetry?: ((failure: string, next: number, most: number) => void) | undefined;
  /** Wait before the first retry; doubles from one to the next. */
  readonly retryDelayMs?: number | undefined;
}

const MAX_REDIRECTS = 5;
/** Tries in a row, without a byte received, after which nothing more is hoped for. */
const MAX_TRIES = 5;
const RETRY_DELAY_MS = 1000;
const MAX_DELAY_MS = 60_000;
/** A connection that says nothing for so long is taken for broken. */
const SILENCE_MS = 30_000;
/** Codes of errors that come before any connection: no network, no name, nobody there, or a proxy that lets nothing else out. */
const NO_CONNECTION = new Set([
  ...['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'],
]);
/** What the answer to a request can be when the next may fare better. */
const TEMPORARY_STATUS = new Set([408, 425, 429, 500, 502, 503, 504]);
const ETAG = /^(?:W\/)?"?([\w-]+)"?$/;

/** Something that may pass: a busy server, a broken connection. */
export class TemporaryFailure extends Error {
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** There is no way to the hub, or none just now. */
export class NoConnection extends TemporaryFailure {}

/**
 * Talks to the Hugging Face hub, through the proxy that HTTPS_PROXY and NO_PROXY name. (Node 20's own `fetch` knows no
 * proxy, undici's EnvHttpProxyAgent is experimental and warns of it, and @huggingface/hub neither resumes a download nor
 * verifies it.) The token goes to the hub alone, never to the hosts that it redirects to.
 */
export class HubClient {
  readonly #options: ClientOptions;
  /** One for each proxy, and one for none. */
  readonly #dispatchers = new Map<string | undefined, Dispatcher>();

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get signal(): AbortSignal | undefined {
    return this.#options.signal;
  }

  /** The JSON at a path of the hub. */
  json(path: string): Promise<unknown> {
    return this.retry(async () => {
      const { body } = await this.#follow('GET', `${this.#options.endpoint}${path}`, {});
      return this.#receiving(() => body.json());
    });
  }

  /** What a file is, as the hub describes it before it redirects to where the content lies. */
  describe(path: string): Promise<RemoteFile> {
    const url = `${this.#options.endpoint}${path}`;
    return this.retry(async () => {
      const { headers, body } = await this.#follow('HEAD', url, {}, isRelative);
      await this.#receiving(() => body.dump());
      const etag = ETAG.exec(headerOf(headers, 'x-linked-etag') ?? headerOf(headers, 'etag') ?? '')?.[1];
      const bytes = Number(headerOf(headers, 'x-linked-size') ?? headerOf(headers, 'content-length') ?? Number.NaN);
      if (etag === undefined || !Number.isSafeInteger(bytes) || bytes < 0) {
        throw new InputError(
          `${url}: the server doesn't say what the file is (ETag, Content-Length). Use another HF_ENDPOINT.`,
        );
      }
      return { url, etag, bytes };
    });
  }

  /**
   * The content of a file from a byte on.
   * @returns where it starts after all: a server may not know how to continue
   */
  async content(url: string, from: number): Promise<{ start: number; chunks: AsyncGenerator<Buffer> }> {
    const { statusCode, headers, body } = await this.#follow('GET', url, from > 0 ? { range: `bytes=${from}-` } : {});
    const start = statusCode === 206 ? Number(/^bytes (\d+)-/.exec(headerOf(headers, 'content-range') ?? '')?.[1]) : 0;
    return { start, chunks: this.#chunks(body) };
  }

  /**
   * Tries again what failed for a reason that may pass.
   * @param attempt calls `progressed` when it got something: then it may fail as often again
   * @throws NoConnection when the hub was not to be reached to the end
   * @throws InputError when what else failed did not pass
   */
  async retry<T>(attempt: (progressed: () => void) => Promise<T>): Promise<T> {
    const { signal, onRetry, retryDelayMs = RETRY_DELAY_MS } = this.#options;
    for (let failures = 1; ; failures += 1) {
      try {
        return await attempt(() => {
          failures = 0;
        });
      } catch (error) {
        if (signal?.aborted) throw new CancelledError();
        if (!(error instanceof TemporaryFailure)) throw error;
        const delay = error.retryAfterMs ?? retryDelayMs * 2 ** Math.max(0, failures - 1);
        if (failures >= MAX_TRIES || delay > MAX_DELAY_MS) {
          if (error instanceof NoConnection) throw error;
          throw new InputError(
            `${this.#options.endpoint}: ${error.message}. Check the connection and try again later.`,
          );
        }
        onRetry?.(error.message, failures + 1, MAX_TRIES);
        await wait(delay, undefined, signal ? { signal } : {}).catch(() => undefined);
        if (signal?.aborted) throw new CancelledError();
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
  }

  /**
   * Requests, following redirects.
   * @param mayFollow of those redirects that it refuses, the answer itself is wanted
   */
  async #follow(
    method: 'GET' | 'HEAD',
    url: string,
    headers: Readonly<Record<string, string>>,
    mayFollow: (location: string) => boolean = () => true,
  ): Promise<Dispatcher.ResponseData> {
    let target = new URL(url);
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const dispatcher = this.#dispatcherTo(target);
      const response = await this.#receiving(() => this.#request(method, target, headers, dispatcher));
      const location = headerOf(response.headers, 'location');
      if (response.statusCode < 300) return response;
      if (response.statusCode < 400 && location !== undefined) {
        if (!mayFollow(location)) return response;
        await this.#receiving(() => response.body.dump());
        target = this.#redirected(target, location);
      } else {
        await this.#receiving(() => response.body.dump());
        throw this.#failure(response, target);
      }
    }
    throw new InputError(`${url}: redirected more than ${MAX_REDIRECTS} times. Check HF_ENDPOINT.`);
  }

  async #request(
    method: 'GET' | 'HEAD',
    url: URL,
    headers: Readonly<Record<string, string>>,
    dispatcher: Dispatcher,
  ): Promise<Dispatcher.ResponseData> {
    const { token, signal, endpoint } = this.#options;
    const authorization = token !== undefined && url.origin === new URL(endpoint).origin;
    // A proxy that hangs up makes undici try to connect for ever.
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(new Error(`no answer in ${SILENCE_MS / 1000} s`)), SILENCE_MS);
    try {
      const response = await request(url, {
        method,
        dispatcher,
        bodyTimeout: SILENCE_MS,
        // Compressed, neither lengths nor ranges would be those of the file.
        headers: {
          'accept-encoding': 'identity',
          ...headers,
          ...(authorization && { authorization: `Bearer ${token}` }),
        },
        signal: AbortSignal.any(signal ? [signal, silence.signal] : [silence.signal]),
      });
      // A connection may break before anyone reads from it: whoever reads then is told.
      response.body.on('error', () => undefined);
      return response;
    } finally {
      clearTimeout(timer);
    }
  }

  #dispatcherTo(url: URL): Dispatcher {
    const proxy = proxyOf(url, this.#options.proxy);
    const dispatcher = this.#dispatchers.get(proxy) ?? (proxy === undefined ? new Agent() : new ProxyAgent(proxy));
    this.#dispatchers.set(proxy, dispatcher);
    return dispatcher;
  }

  #redirected(from: URL, location: string): URL {
    const target = new URL(location, from);
    if (target.protocol === 'https:' || target.protocol === from.protocol) return target;
    throw new InputError(`${from.href}: redirected from ${from.protocol} to ${target.protocol}. Check HF_ENDPOINT.`);
  }

  #failure({ statusCode, headers }: Dispatcher.ResponseData, { href }: URL): Error {
    if (TEMPORARY_STATUS.has(statusCode)) {
      return new TemporaryFailure(`it answers with status ${statusCode}`, retryAfter(headerOf(headers, 'retry-after')));
    }
    if (statusCode === 416) return new TemporaryFailure('it has less of the file than was received before');
    const said = headerOf(headers, 'x-error-message');
    const reason = `status ${statusCode}${said === undefined ? '' : `, ${said}`}`;
    if (statusCode === 401 || statusCode === 403) {
      const given = this.#options.token === undefined ? 'Give a token of yours' : 'Check your token';
      return new InputError(
        `${href}: no access (${reason}). Either the name is wrong, or the model asks for consent: accept its terms on its page. ${given}.`,
      );
    }
    if (statusCode === 404) return new InputError(`${href}: not found (${reason}). Check the model's name.`);
    return new InputError(`${href}: not to be had (${reason}). Check HF_ENDPOINT and the model's name.`);
  }

  async *#chunks(body: Readable): AsyncGenerator<Buffer> {
    const chunks = body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { value, done } = await this.#receiving(() => chunks.next());
        if (done) return;
        yield Buffer.from(value);
      }
    } finally {
      body.destroy();
    }
  }

  /** What goes wrong between the two ends of a connection may go well the next time. */
  async #receiving<T>(receive: () => Promise<T>): Promise<T> {
    try {
      return await receive();
    } catch (error) {
      if (this.#options.signal?.aborted) throw new CancelledError();
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (NO_CONNECTION.has(code)) throw new NoConnection(`no connection (${code})`);
      throw new TemporaryFailure(`the connection failed (${error instanceof Error ? describe(error) : error})`);
    }
  }
}

function describe(error: Error): string {
  return error.message || ('code' in error && typeof error.code === 'string' ? error.code : error.name);
}

function isRelative(location: string): boolean {
  return location.startsWith('/') && !location.startsWith('//');
}

function headerOf(headers: Dispatcher.ResponseData['headers'], name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Seconds, or a date. */
function retryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
