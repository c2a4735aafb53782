import { afterEach, describe, expect, test } from 'vitest';
import { readRows, rowOf } from './harness/ranking.ts';
import { useSession } from './harness/session.ts';
import { fillHostileWorkspace, hashOf, hostileNames } from './harness/workspaces.ts';

describe('a workspace with hostile names and broken files', () => {
  let before: string;
  const session = useSession(async (workspace) => {
    await fillHostileWorkspace(workspace);
    before = await hashOf(workspace);
  });

  afterEach(async () => {
    expect(session().dialogs).toEqual([]);
    for (const frame of session().workbench.page.frames()) {
      expect(await frame.locator('img[src="x"]').count()).toBe(0);
    }
  });

  test('is ranked, with names as text and the reasons for what was left out', async () => {
    const { workbench } = session();
    await workbench.run('EMMS: Rank Models');
    const rows = await readRows(workbench.view);
    expect(rows.map(({ id }) => id).sort()).toEqual(
      hostileNames.checkpoints.map((name) => `checkpoints/${name}.onnx`).sort(),
    );
    for (const name of hostileNames.checkpoints) {
      await rowOf(workbench.view, `checkpoints/${name}.onnx`).getByText(name).first().waitFor();
    }
    await workbench.run('EMMS: Open Ranking in Editor');
    await readRows(workbench.panel);
    for (const name of ['truncated.onnx', 'empty.onnx']) {
      await workbench.panel.getByText(name).first().waitFor({ state: 'attached' });
    }
    await workbench.screenshot('hostile');
  });

  test('shows the names as text beside the code, too', async () => {
    const { workbench } = session();
    await workbench.run('View: Close All Editors');
    await workbench.showExplorer();
    await workbench.explorerItem('train.py').dblclick();
    await workbench.page
      .locator('.codelens-decoration a')
      .filter({ hasText: /^EMMS:/ })
      .first()
      .waitFor();
    await workbench.page.locator('.view-line').getByText('CHECKPOINT').first().waitFor();
    await workbench.page.locator('.view-line').getByText('onerror').first().hover();
    await workbench.page.locator('.monaco-hover').filter({ hasText: /rank/i }).first().waitFor();
    await workbench.screenshot('hostile-hover');
  });

  test('is left as it was', async () => {
    expect(await hashOf(session().workspace)).toBe(before);
  });
});
