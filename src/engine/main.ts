/**
 * The engine process: forked by the extension (or any other client), it answers JSON-RPC requests over the IPC channel
 * and ends with its parent.
 */
import {
  type CancellationToken,
  createMessageConnection,
  ErrorCodes,
  IPCMessageReader,
  IPCMessageWriter,
  ResponseError,
} from 'vscode-jsonrpc/node';
import type { z } from 'zod';
import { engineErrorCodes, notifications, type Progress, requests } from '../protocol/engine.ts';
import { listEncoders } from './embed/listEncoders.ts';
import { CancelledError, InputError, messageOf, UsageError } from './errors.ts';
import { downloadModel } from './hub/download.ts';
import { discoverWorkspace } from './rank/discoverWorkspace.ts';
import { NoCheckpoints } from './rank/nothingToRank.ts';
import { rank } from './rank/rank.ts';
import { reportCsv } from './report/csv.ts';
import { reportHtml } from './report/html.ts';

const connection = createMessageConnection(new IPCMessageReader(process), new IPCMessageWriter(process));

answer(requests.discover, discoverWorkspace);
answer(requests.rank, (params, signal) =>
  rank(params, {
    signal,
    onProgress: (progress) => void connection.sendNotification(notifications.progress.method, progress),
    log: (message) => void connection.sendNotification(notifications.log.method, { level: 'info', message }),
  }),
);
answer(requests.listEncoders, listEncoders);
answer(requests.download, async ({ model, token, proxy }, signal) => {
  let last: Progress = { stage: 'download', message: '', candidate: null, done: 0, total: 0, secondsLeft: null };
  const tell = (change: Partial<Progress>) => {
    last = { ...last, message: '', ...change };
    void connection.sendNotification(notifications.progress.method, last);
  };
  const folder = await downloadModel(model, {
    signal,
    proxy,
    ...(token !== null && { token }),
    onProgress: (done, total) => tell({ done, total }),
    onRetry: (failure, next, most) => tell({ message: `${failure}, trying again (${next} of ${most})` }),
  });
  return { folder };
});
answer(requests.render, async ({ report, format }) => (format === 'csv' ? reportCsv(report) : reportHtml(report)));
process.once('disconnect', () => process.exit(0));
connection.listen();

/** Answers a request of the protocol: what comes in is validated, errors go back with the protocol's codes. */
function answer<Params extends z.ZodType, Result extends z.ZodType>(
  request: { readonly method: string; readonly params: Params; readonly result: Result },
  work: (params: z.output<Params>, signal: AbortSignal) => Promise<z.input<Result>>,
): void {
  connection.onRequest(request.method, async (raw: unknown, token: CancellationToken) => {
    const params = request.params.safeParse(raw);
    if (!params.success) throw new ResponseError(ErrorCodes.InvalidParams, params.error.message);
    const cancel = new AbortController();
    token.onCancellationRequested(() => cancel.abort());
    try {
      return await work(params.data, cancel.signal);
    } catch (error) {
      throw responseError(error, cancel.signal);
    }
  });
}

function responseError(error: unknown, signal: AbortSignal): ResponseError<void> {
  const message = messageOf(error);
  if (error instanceof CancelledError || signal.aborted) return new ResponseError(engineErrorCodes.cancelled, message);
  if (error instanceof NoCheckpoints) return new ResponseError(engineErrorCodes.noCheckpoints, message);
  if (error instanceof InputError || error instanceof UsageError)
    return new ResponseError(engineErrorCodes.input, message);
  const stack = error instanceof Error ? (error.stack ?? message) : message;
  void connection.sendNotification(notifications.log.method, { level: 'error', message: stack });
  return new ResponseError(ErrorCodes.InternalError, message);
}
