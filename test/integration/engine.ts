import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import { notifications, type Progress, type RankParams, rankParamsSchema } from '../../src/protocol/engine.ts';

export const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
export const sample = path.join(root, 'sample');
export const dataset = path.join(sample, 'data', 'fashion');

/** A real engine process, spoken to over its protocol. It ends with the test. */
export interface Engine {
  readonly process: ChildProcess;
  readonly connection: MessageConnection;
  readonly progress: Progress[];
}

export function startEngine(): Engine {
  const child = fork(path.join(root, 'dist', 'engine.js'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
  const progress: Progress[] = [];
  connection.onNotification(notifications.progress.method, (params: unknown) => {
    progress.push(notifications.progress.params.parse(params));
  });
  connection.listen();
  onTestFinished(async () => {
    connection.dispose();
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });
  return { process: child, connection, progress };
}

/** Parameters of a ranking of the sample on the CPU. */
export function rankSample(cacheFolder: string | null, changes: Partial<RankParams> = {}): RankParams {
  return { ...rankParamsSchema.parse({ workspace: sample, dataset, cacheFolder, device: 'cpu' }), ...changes };
}

/** Waits until something holds, looking often. */
export async function until(condition: () => boolean, seconds = 120): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`it did not happen within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
