import { mkdtemp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RankingReport } from '../../src/protocol/report.ts';
import { faintTexts } from './harness/contrast.ts';
import { until } from './harness/processes.ts';
import { engineProcesses, expectSameRanking, rankOnCommandLine, readRows, rowOf, rowsOf } from './harness/ranking.ts';
import { useSession } from './harness/session.ts';
import { copySample, hashOf, sampleDataset } from './harness/workspaces.ts';

/** One person's way through the product, from the first ranking on: the tests build on each other. */
describe('ranking the sample workspace', () => {
  const session = useSession(copySample);
  let before: string;
  let report: RankingReport;

  beforeAll(async () => {
    before = await hashOf(session().workspace);
    report = await rankOnCommandLine(path.join(session().workspace, sampleDataset));
  });

  test('no engine runs before a command asks for it', async () => {
    expect(await engineProcesses()).toEqual([]);
  });

  test('"EMMS: Rank Models" shows its progress, then the ranking of the command line', async () => {
    const { workbench } = session();
    await workbench.run('EMMS: Rank Models');
    await workbench.notification(/Looking|Reading|Extracting|Scoring/).waitFor();
    expectSameRanking(await readRows(workbench.view), report);
    expect(report.candidates.length).toBeGreaterThanOrEqual(8);
    await workbench.notification(/Looking|Reading|Extracting|Scoring/).waitFor({ state: 'detached' });
    await workbench.screenshot('view-dark');
  });

  test('"EMMS: Open Ranking in Editor" shows the same, legible in every kind of theme', async () => {
    const { workbench } = session();
    await workbench.run('EMMS: Open Ranking in Editor');
    expectSameRanking(await readRows(workbench.panel), report);
    await workbench.panel
      .getByRole('button', { name: /^Details of/ })
      .first()
      .click();
    for (const [theme, kind, name] of [
      ['Light Modern', 'vs', 'light'],
      ['Dark High Contrast', 'hc-black', 'high-contrast'],
      ['Light High Contrast', 'hc-light', 'high-contrast-light'],
      ['Dark Modern', 'vs-dark', 'dark'],
    ] as const) {
      await workbench.useTheme(theme, kind);
      await workbench.panel.locator(`body[data-vscode-theme-name="${theme}"]`).waitFor();
      await workbench.screenshot(`panel-${name}`);
      expect(await faintTexts(workbench.panel), theme).toEqual([]);
    }
  });

  test('a click on a candidate reveals its file in the Explorer', async () => {
    const { workbench } = session();
    const { id, name, path: file } = report.candidates[1] ?? expect.fail('There is no second candidate.');
    await rowOf(workbench.panel, id).getByText(name, { exact: true }).click();
    const revealed = workbench.explorerItem(path.basename(file));
    await revealed.waitFor();
    await until('the file is selected', async () => (await revealed.getAttribute('aria-selected')) === 'true');
    await workbench.screenshot('revealed');
  });

  test('the ranking is exported as what the name of the file ends in, or why not is said', async () => {
    const { workbench, folder } = session();
    const csv = path.join(await mkdtemp(path.join(folder, 'export-')), 'ranking.csv');
    await workbench.panel.getByRole('button', { name: 'Export…' }).click();
    await workbench.nameFile(csv);
    await workbench.notification(/The ranking is in .*ranking\.csv/).waitFor();
    const [, ...lines] = (await readFile(csv, 'utf8')).trim().split('\r\n');
    expect(lines.map((line) => line.split(',')[1])).toEqual(report.candidates.map(({ id }) => id));

    await workbench.panel.getByRole('button', { name: 'Export…' }).click();
    await workbench.nameFile('/proc/ranking.csv');
    await workbench
      .notification(/proc.ranking\.csv can’t be written/)
      .getByText('Show Log')
      .waitFor();
    await workbench.screenshot('export');
    await workbench.run('Notifications: Clear All Notifications');
  });

  test('an HTML page of a remote machine is shown in the Explorer, since no browser here reaches it', async () => {
    const { workbench, folder } = session();
    const page = path.join(await mkdtemp(path.join(folder, 'export-')), 'ranking.html');
    await workbench.run('EMMS: Export Ranking…');
    await workbench.nameFile(page);
    const exported = workbench.notification(/The ranking is in .*ranking\.html/);
    await exported.locator('.monaco-button', { hasText: 'Show' }).click();
    await workbench
      .notification(/lies outside the workspace.*ranking\.html/)
      .getByText('Copy Path')
      .waitFor();
    expect(await readFile(page, 'utf8')).toMatch(/^<!doctype html>/i);
    // The window still answers.
    await workbench.run('Notifications: Clear All Notifications');
  });

  test('a CodeLens and a hover tell the rank beside the code, and the lens opens the ranking beside it', async () => {
    const { workbench } = session();
    const { page } = workbench;
    await workbench.run('View: Close All Editors');
    await workbench.showExplorer();
    await workbench.explorerItem('train.py').dblclick();
    await workbench.tab('train.py').waitFor();
    const lens = page
      .locator('.codelens-decoration a')
      .filter({ hasText: /^EMMS:/ })
      .first();
    await lens.waitFor();
    await page.locator('.view-line').getByText('checkpoints/').first().hover();
    const hover = page.locator('.monaco-hover').filter({ hasText: /rank/i }).first();
    await hover.waitFor();
    await workbench.screenshot('inline');
    await page.keyboard.press('Escape');
    await lens.click();
    expectSameRanking(await readRows(workbench.panel), report);
    await until('two editor groups', async () => (await page.locator('.editor-group-container').count()) === 2);
    await workbench.screenshot('beside');
  });

  test('after a reload of the window the last ranking is back, without a run', async () => {
    const { workbench } = session();
    const { createdAt } = await session().storedReport();
    await workbench.reload();
    await workbench.run('EMMS: Focus on Ranking View');
    expectSameRanking(await readRows(workbench.view, { timeout: 30_000 }), report);
    expect(await workbench.notification(/./).count()).toBe(0);
    expect((await session().storedReport()).createdAt).toBe(createdAt);
  });

  test('nothing was written into the workspace, and nothing opened a dialog', async () => {
    expect(await hashOf(session().workspace)).toBe(before);
    expect(session().dialogs).toEqual([]);
    expect(await rowsOf(session().workbench.view).count()).toBe(report.candidates.length);
  });
});
