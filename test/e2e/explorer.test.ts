import { cp, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { until } from './harness/processes.ts';
import { expectSameRanking, rankOnCommandLine, readRows } from './harness/ranking.ts';
import { useSession } from './harness/session.ts';
import { copySample, sampleDataset } from './harness/workspaces.ts';

const entry = 'EMMS: Rank Models for This Dataset';

/** The sample and, in a folder of their own, some of its images under a table of their classes. */
async function sampleAndTable(workspace: string): Promise<void> {
  await copySample(workspace);
  const images = path.join(workspace, 'listed/images');
  await cp(path.join(workspace, sampleDataset, 'test'), images, { recursive: true });
  const files = (await readdir(images, { recursive: true })).filter((name) => name.endsWith('.png'));
  const lines = files.map((file) => `images/${file},${path.dirname(file)}`);
  await writeFile(path.join(workspace, 'listed/labels.csv'), ['image,label', ...lines].join('\n'));
  await writeFile(path.join(workspace, 'listed/settings.json'), '{}');
}

describe('the Explorer', () => {
  const session = useSession(sampleAndTable);

  test('offers no ranking on a file that can hold no dataset', async () => {
    const { workbench } = session();
    expect(await (await workbench.contextMenu(workbench.explorerItem('README.md'), entry)).count()).toBe(0);
    await workbench.closeMenu();
  });

  test('ranks the models for a folder from its context menu', async () => {
    const { workbench, workspace } = session();
    const item = await workbench.contextMenuEntry(await workbench.itemIn('data', 'fashion'), entry);
    await workbench.screenshot('context-menu');
    await workbench.pick(item);
    const rows = await readRows(workbench.view);
    expectSameRanking(rows, await rankOnCommandLine(path.join(workspace, sampleDataset)));
  });

  test('says of a file why it is no dataset, and ranks the models for one that is', async () => {
    const { workbench, workspace } = session();
    await workbench.showExplorer();
    const settings = await workbench.itemIn('listed', 'settings.json');
    await workbench.pick(await workbench.contextMenuEntry(settings, entry));
    await workbench.notification(/settings\.json: no dataset here/).waitFor();
    await workbench.run('Notifications: Clear All Notifications');

    const table = path.join(workspace, 'listed/labels.csv');
    const report = await rankOnCommandLine(table);
    await workbench.showExplorer();
    const labels = await workbench.itemIn('listed', 'labels.csv');
    await workbench.pick(await workbench.contextMenuEntry(labels, entry));
    const stored = await until(
      'the table is ranked',
      async () => {
        const last = await session().storedReport();
        return last.dataset.path === table && last;
      },
      { timeout: 120_000 },
    );
    expectSameRanking(stored.candidates, report);
  });
});
