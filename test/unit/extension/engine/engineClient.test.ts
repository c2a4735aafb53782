import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { EngineClient } from '../../../../src/extension/engine/engineClient.ts';
import {
  EngineInputError,
  EngineStoppedError,
  NoCheckpointsError,
  RequestCancelledError,
} from '../../../../src/extension/engine/errors.ts';
import {
  discoverParamsSchema,
  type LogEntry,
  type Progress,
  rankParamsSchema,
} from '../../../../src/protocol/engine.ts';

const fakeEngine = fileURLToPath(new URL('fakeEngine.mjs', import.meta.url));
const never = new CancellationTokenSource().token;
const clients: EngineClient[] = [];

function start() {
  const log: LogEntry[] = [];
  const client = new EngineClient(fakeEngine, (entry) => log.push(entry));
  clients.push(client);
  return { client, log };
}

function rankParams(dataset: string) {
  return rankParamsSchema.parse({ workspace: '/w', dataset, cacheFolder: null });
}

async function processOf(client: EngineClient): Promise<string | undefined> {
  const discovery = await client.discover(discoverParamsSchema.parse({ workspace: '/w' }));
  return discovery.skipped[0]?.reason;
}

afterEach(() => {
  for (const client of clients.splice(0)) client.dispose();
});

describe('EngineClient', () => {
  test('runs the engine as plain Node, without the options of the host', async () => {
    process.env.NODE_OPTIONS = '--no-warnings';
    try {
      expect(await processOf(start().client)).toMatch(/^\d+ 1 undefined false$/);
    } finally {
      delete process.env.NODE_OPTIONS;
    }
  });

  test('keeps one process for all requests', async () => {
    const { client } = start();
    expect(await processOf(client)).toBe(await processOf(client));
  });

  test('passes progress and log on, and drops what does not fit the protocol', async () => {
    const { client, log } = start();
    const progress: Progress[] = [];
    await expect(client.rank(rankParams('internal'), never, (step) => progress.push(step))).rejects.toThrow('oops');
    expect(progress).toMatchObject([{ stage: 'extract', message: 'resnet', done: 1, total: 2 }]);
    expect(log).toContainEqual({ level: 'info', message: 'hello' });
  });

  test('tells errors of the input from others', async () => {
    const { client } = start();
    const ranking = client.rank(rankParams('broken'), never, () => {});
    await expect(ranking).rejects.toBeInstanceOf(EngineInputError);
    await expect(ranking).rejects.not.toBeInstanceOf(NoCheckpointsError);
    await expect(ranking).rejects.toThrow('data: no images. Put one folder per class in it.');
    const lonely = client.rank(rankParams('lonely'), never, () => {});
    await expect(lonely).rejects.toBeInstanceOf(NoCheckpointsError);
    await expect(lonely).rejects.toThrow('data: no checkpoints here.');
  });

  test('refuses an answer that is not a report', async () => {
    await expect(start().client.rank(rankParams('nonsense'), never, () => {})).rejects.toThrow('schemaVersion');
  });

  test('cancels without ending the process when the engine listens', async () => {
    const { client } = start();
    const before = await processOf(client);
    const cancellation = new CancellationTokenSource();
    const ranking = client.rank(rankParams('polite'), cancellation.token, () => cancellation.cancel());
    await expect(ranking).rejects.toBeInstanceOf(RequestCancelledError);
    expect(await processOf(client)).toBe(before);
  });

  test('kills an engine that does not answer a cancel, within a second, and starts a new one', async () => {
    const { client } = start();
    const before = await processOf(client);
    const cancellation = new CancellationTokenSource();
    const ranking = client.rank(rankParams('deaf'), cancellation.token, () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      cancellation.cancel();
      vi.advanceTimersByTime(1000);
      vi.useRealTimers();
    });
    await expect(ranking).rejects.toBeInstanceOf(RequestCancelledError);
    const after = await processOf(client);
    expect(after).toBeDefined();
    expect(after).not.toBe(before);
  });

  test('says that the engine stopped, with its last words, and starts a new one', async () => {
    const { client, log } = start();
    const before = await processOf(client);
    const ranking = client.rank(rankParams('talking'), never, () => {});
    const stopped = expect(ranking).rejects.toBeInstanceOf(EngineStoppedError);
    await expect.poll(() => log, { timeout: 20_000 }).toContainEqual({ level: 'debug', message: 'last words' });
    process.kill(Number(before?.split(' ')[0]), 'SIGKILL');
    await stopped;
    await expect(ranking).rejects.toMatchObject({
      reason: 'SIGKILL',
      message: 'The EMMS engine stopped (SIGKILL).\nfirst line\nlast words',
    });
    expect(await processOf(client)).not.toBe(before);
  });

  test('an engine that is not there is one that stopped', async () => {
    const client = new EngineClient('/no/such/engine.js', () => {});
    await expect(client.rank(rankParams('polite'), never, () => {})).rejects.toBeInstanceOf(EngineStoppedError);
  });

  test('a request that was cancelled before it began starts nothing', async () => {
    const cancellation = new CancellationTokenSource();
    cancellation.cancel();
    const client = new EngineClient('/no/such/engine.js', () => {});
    const ranking = client.rank(rankParams('polite'), cancellation.token, () => {});
    await expect(ranking).rejects.toBeInstanceOf(RequestCancelledError);
  });

  test('ends the process when disposed', async () => {
    const { client } = start();
    const pid = Number((await processOf(client))?.split(' ')[0]);
    client.dispose();
    await expect.poll(() => isRunning(pid), { timeout: 20_000 }).toBe(false);
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
