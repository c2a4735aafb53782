import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { processorSeconds, sleep, until } from './harness/processes.ts';
import { engineProcess, engineProcesses, expectSameRanking, rankOnCommandLine, readRows } from './harness/ranking.ts';
import { useSession } from './harness/session.ts';
import { copyLargeSample, sampleDataset } from './harness/workspaces.ts';

const limit = 100_000;

/** Every test ranks with an empty cache, and a dataset that takes some seconds. */
describe('a ranking that is cut short', () => {
  const session = useSession(copyLargeSample, { 'emms.sampleLimit': limit });

  beforeEach(async () => {
    await rm(session().cache, { recursive: true, force: true });
  });

  const extracting = () => session().workbench.notification(/Extracting/);

  async function startRanking(): Promise<void> {
    await session().workbench.run('EMMS: Rank Models');
    await extracting().waitFor({ timeout: 60_000 });
  }

  /** What lies whole in the cache, and when it was written: an entry is named by a SHA-256, its first digits a folder. */
  async function finishedWork(): Promise<Map<string, number>> {
    const { cache } = session();
    const names = await readdir(cache, { recursive: true }).catch(() => []);
    const entries = names.filter((name) => /^[0-9a-f]{2}\/[0-9a-f]{62}$/.test(name));
    const written = entries.map(async (name) => [name, (await stat(path.join(cache, name))).mtimeMs] as const);
    return new Map(await Promise.all(written));
  }

  async function cancelRanking(): Promise<number> {
    const began = performance.now();
    await extracting().locator('.monaco-button', { hasText: 'Cancel' }).click();
    await session()
      .workbench.notification(/Extracting|Reading|Scoring/)
      .waitFor({ state: 'detached' });
    return performance.now() - began;
  }

  test('ends soon after Cancel, and leaves no engine at work', async () => {
    await startRanking();
    expect(await cancelRanking()).toBeLessThan(3000);
    for (const engine of await engineProcesses()) {
      const before = await processorSeconds(engine);
      await sleep(1000);
      expect((await processorSeconds(engine)) - before).toBeLessThan(0.3);
    }
  });

  test('ends soon after Cancel even when the engine hangs', async () => {
    await startRanking();
    const engine = await engineProcess();
    process.kill(engine, 'SIGSTOP');
    expect(await cancelRanking()).toBeLessThan(4000);
    await until('the hanging engine is gone', async () => !(await engineProcesses()).includes(engine));
  });

  test('is offered to be resumed after the engine was killed, and repeats no finished extraction', async () => {
    const { workbench, workspace } = session();
    await startRanking();
    const engine = await engineProcess();
    await until('some work is finished', async () => (await finishedWork()).size >= 3, { timeout: 60_000, every: 10 });
    process.kill(engine, 'SIGKILL');
    const kept = await finishedWork();
    const stopped = workbench.notification(/stopped/i);
    await stopped.waitFor();
    await workbench.screenshot('engine-killed');
    await stopped.locator('.monaco-button', { hasText: 'Resume' }).click();
    const rows = await readRows(workbench.view);
    const report = await session().storedReport();
    expect(report.inference.samplesFromCache).toBeGreaterThan(0);
    const now = await finishedWork();
    for (const [name, written] of kept) expect(now.get(name)).toBe(written);
    expect(report.inference.samplesFromCache + report.inference.samplesExtracted).toBe(
      report.dataset.samples * report.candidates.length,
    );
    expectSameRanking(rows, report);
    expectSameRanking(rows, await rankOnCommandLine(path.join(workspace, sampleDataset), '--limit', String(limit)));
  });
});
