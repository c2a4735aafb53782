import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { useSession } from './harness/session.ts';

describe('a workspace without datasets and checkpoints', () => {
  const session = useSession((workspace) => writeFile(path.join(workspace, 'notes.md'), 'Nothing here.\n'));

  test('asks for the folder of the dataset at once', async () => {
    const { workbench } = session();
    const { page } = workbench;
    await workbench.run('EMMS: Focus on Datasets View');
    await page.getByText('Choose a Folder…').click();
    const dialog = page.locator('.quick-input-widget').filter({ hasText: 'Folder of the dataset' });
    await dialog.waitFor();
    await workbench.screenshot('welcome');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect(await workbench.notification(/./).count()).toBe(0);
  });

  test('leads to the setting that names further folders of checkpoints', async () => {
    const { page } = session().workbench;
    await page.getByText('Name Their Folders').click();
    await page.locator('.settings-editor').getByText('Checkpoint Folders').first().waitFor();
  });
});
