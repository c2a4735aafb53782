import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectSameRanking, rankOnCommandLine, readRows } from './harness/ranking.ts';
import { useSession } from './harness/session.ts';
import { copySample, sampleDataset } from './harness/workspaces.ts';

const entry = 'EMMS: Rank Models for This Dataset';

describe('the Explorer', () => {
  const session = useSession(copySample);

  test('offers no ranking on a file', async () => {
    const { workbench } = session();
    expect(await (await workbench.contextMenu(workbench.explorerItem('README.md'), entry)).count()).toBe(0);
    await workbench.closeMenu();
  });

  test('ranks the models for a folder from its context menu', async () => {
    const { workbench, workspace } = session();
    await workbench.expand('data');
    const item = await workbench.contextMenuEntry(workbench.explorerItem('fashion'), entry);
    await workbench.screenshot('context-menu');
    await workbench.pick(item);
    const rows = await readRows(workbench.view);
    expectSameRanking(rows, await rankOnCommandLine(path.join(workspace, sampleDataset)));
  });
});
