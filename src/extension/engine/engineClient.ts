import { CancellationToken, type Disposable, ErrorCodes, ResponseError } from 'vscode-jsonrpc/node';
import type { z } from 'zod';
import type { Discovery } from '../../protocol/discovery.ts';
import {
  type DiscoverParams,
  type DownloadParams,
  type Encoder,
  engineErrorCodes,
  type LogEntry,
  notifications,
  type Progress,
  type RankParams,
  type RenderParams,
  requests,
} from '../../protocol/engine.ts';
import type { RankingReport } from '../../protocol/report.ts';
import { EngineProcess } from './engineProcess.ts';
import { EngineInputError, NoCheckpointsError, RequestCancelledError } from './errors.ts';

/** An engine that hasn't answered a cancel by then is killed, so that the person sees it cancelled within a second. */
const CANCEL_GRACE_MS = 800;

/** What vscode-jsonrpc rejects a request with by itself, without an answer from the other side. */
const connectionErrors: ReadonlySet<number> = new Set([
  ErrorCodes.PendingResponseRejected,
  ErrorCodes.ConnectionInactive,
  ErrorCodes.MessageWriteError,
  ErrorCodes.MessageReadError,
]);

interface Request<Params extends z.ZodType, Result extends z.ZodType> {
  readonly method: string;
  readonly params: Params;
  readonly result: Result;
}

/**
 * The engine as the extension sees it. The process starts with the first request, and anew with the next one after it
 * stopped for whatever reason.
 */
export class EngineClient {
  readonly #modulePath: string;
  readonly #log: (entry: LogEntry) => void;
  #process: EngineProcess | undefined;
  /** Who follows the ranking, and who a download. */
  readonly #followers = new Map<'rank' | 'download', (progress: Progress) => void>();

  constructor(modulePath: string, log: (entry: LogEntry) => void) {
    this.#modulePath = modulePath;
    this.#log = log;
  }

  discover(params: DiscoverParams): Promise<Discovery> {
    return this.#request(requests.discover, params, CancellationToken.None);
  }

  /** A report as the text of a file in another format. */
  render(params: RenderParams): Promise<string> {
    return this.#request(requests.render, params, CancellationToken.None);
  }

  rank(params: RankParams, token: CancellationToken, onProgress: (progress: Progress) => void): Promise<RankingReport> {
    return this.#followed('rank', onProgress, () => this.#request(requests.rank, params, token));
  }

  /** The text encoders that have names of their own, and whether they are on this machine. */
  listEncoders(encoderSet: RankParams['encoderSet']): Promise<Encoder[]> {
    return this.#request(requests.listEncoders, { encoderSet }, CancellationToken.None);
  }

  download(
    params: DownloadParams,
    token: CancellationToken,
    onProgress: (progress: Progress) => void,
  ): Promise<{ folder: string }> {
    return this.#followed('download', onProgress, () => this.#request(requests.download, params, token));
  }

  dispose(): void {
    this.#process?.kill();
    this.#process = undefined;
  }

  async #followed<T>(
    work: 'rank' | 'download',
    onProgress: (progress: Progress) => void,
    run: () => Promise<T>,
  ): Promise<T> {
    this.#followers.set(work, onProgress);
    try {
      return await run();
    } finally {
      this.#followers.delete(work);
    }
  }

  async #request<Params extends z.ZodType, Result extends z.ZodType>(
    request: Request<Params, Result>,
    params: z.output<Params>,
    token: CancellationToken,
  ): Promise<z.output<Result>> {
    if (token.isCancellationRequested) throw new RequestCancelledError();
    const engine = this.#running();
    let killTimer: NodeJS.Timeout | undefined;
    let cancelling: Disposable | undefined;
    const unheard = new Promise<never>((_resolve, reject) => {
      cancelling = token.onCancellationRequested(() => {
        killTimer = setTimeout(() => {
          engine.kill();
          reject(new RequestCancelledError());
        }, CANCEL_GRACE_MS);
      });
    });
    try {
      const answer = engine.connection.sendRequest(request.method, request.params.parse(params), token);
      const ended = engine.stopped.then((error) => {
        throw error;
      });
      return request.result.parse(await Promise.race([answer.catch(unlessBroken(engine, ended)), ended, unheard]));
    } catch (error) {
      throw token.isCancellationRequested ? new RequestCancelledError() : toEngineError(error);
    } finally {
      clearTimeout(killTimer);
      cancelling?.dispose();
    }
  }

  #running(): EngineProcess {
    if (this.#process?.alive) return this.#process;
    const engine = new EngineProcess(this.#modulePath, (message) => this.#log({ level: 'debug', message }));
    engine.connection.onNotification(notifications.progress.method, (params: unknown) => {
      const progress = notifications.progress.params.safeParse(params);
      if (!progress.success) return;
      this.#followers.get(progress.data.stage === 'download' ? 'download' : 'rank')?.(progress.data);
    });
    engine.connection.onNotification(notifications.log.method, (params: unknown) => {
      const entry = notifications.log.params.safeParse(params);
      if (entry.success) this.#log(entry.data);
    });
    void engine.stopped.then((error) => {
      // An engine that was let go or replaced ended because it was told to.
      if (this.#process === engine) this.#log({ level: 'warn', message: error.message });
    });
    this.#process = engine;
    return engine;
  }
}

/** The engine's own errors pass. With a broken connection the process is of no use, and its end is what to report. */
function unlessBroken(engine: EngineProcess, ended: Promise<never>): (error: unknown) => Promise<never> {
  return async (error) => {
    if (error instanceof ResponseError && !connectionErrors.has(error.code)) throw error;
    engine.kill();
    return ended;
  };
}

function toEngineError(error: unknown): unknown {
  if (!(error instanceof ResponseError)) return error;
  switch (error.code) {
    case engineErrorCodes.input:
      return new EngineInputError(error.message);
    case engineErrorCodes.noCheckpoints:
      return new NoCheckpointsError(error.message);
    case engineErrorCodes.cancelled:
      return new RequestCancelledError();
    default:
      return error;
  }
}
