import { execFile } from 'node:child_process';
import path from 'node:path';
import type { FrameLocator, Locator } from 'playwright-core';
import { expect, inject } from 'vitest';
import { type RankingReport, rankingReportSchema } from '../../../src/protocol/report.ts';
import { bestGroup } from '../../../src/webview/sort.ts';
import { cleanEnvironment, processesWith, until } from './processes.ts';

/** What a row of the ranking says. */
export interface Row {
  readonly id: string;
  readonly rank: number;
  readonly score: number;
}

/** The rows of the ranking that a webview shows, as locators and from top to bottom. */
export const rowsOf = (view: FrameLocator): Locator => view.locator('[data-candidate-id]');

export const rowOf = (view: FrameLocator, id: string): Locator =>
  view.locator(`[data-candidate-id=${JSON.stringify(id)}]`);

/** Waits for rows, then reads them in the order in which the eye meets them. */
export async function readRows(view: FrameLocator, { timeout = 120_000 } = {}): Promise<Row[]> {
  await rowsOf(view).first().waitFor({ timeout });
  const rows = await rowsOf(view).evaluateAll((elements) =>
    elements.map((element) => ({
      id: element.getAttribute('data-candidate-id') ?? '',
      rank: Number(element.getAttribute('data-rank')),
      score: Number(element.getAttribute('data-score')),
      top: element.getBoundingClientRect().top,
    })),
  );
  return rows.sort((a, b) => a.top - b.top).map(({ top: _, ...row }) => row);
}

/** Ranks with the command line of the very files that the VSIX installed. */
export async function rankOnCommandLine(dataset: string, ...options: string[]): Promise<RankingReport> {
  const { code, stdout, stderr } = await commandLine('rank', dataset, '--no-cache', '--json', ...options);
  if (code !== 0) throw new Error(`emms rank ended with ${code}:\n${stderr}`);
  return rankingReportSchema.parse(JSON.parse(stdout));
}

/** Runs `emms` as installed by the VSIX. It may fail; its exit code is part of the answer. */
function commandLine(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const cli = path.join(inject('extensionFolder'), 'dist/cli.js');
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [cli, ...args],
      { env: cleanEnvironment(), maxBuffer: 2 ** 26 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

/** The webview's rows are the report's candidates, those that are tied with the best on top: same ids, ranks and scores. */
export function expectSameRanking(rows: readonly Row[], report: RankingReport): void {
  const best = bestGroup(report.candidates);
  const [tied, others] = [true, false].map((isBest) => report.candidates.filter(({ id }) => best.has(id) === isBest));
  const candidates = [...(tied ?? []), ...(others ?? [])];
  expect(rows.map(({ id, rank }) => ({ id, rank }))).toEqual(candidates.map(({ id, rank }) => ({ id, rank })));
  for (const [index, candidate] of candidates.entries()) {
    expect(Math.abs((rows[index]?.score ?? Number.NaN) - candidate.score)).toBeLessThanOrEqual(1e-9);
  }
}

/** Ids of the running engine processes of the installed extension. */
export const engineProcesses = (): Promise<number[]> =>
  processesWith(path.join(inject('extensionFolder'), 'dist/engine.js'));

export const engineProcess = (): Promise<number> =>
  until('an engine process', async () => (await engineProcesses())[0], { every: 20 });
