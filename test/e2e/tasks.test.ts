import { cp, mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { changeWeights } from '../helpers/otherWeights.ts';
import { repository } from './harness/places.ts';
import { until } from './harness/processes.ts';
import { expectSameRanking, rankOnCommandLine, readRows } from './harness/ranking.ts';
import { useSession } from './harness/session.ts';

const fixtures = path.join(repository, 'test/fixtures');

/** A dataset of each task, by its folder's name. */
const datasets = {
  mnist: 'image-classification',
  'coco-captions': 'image-captioning',
  'vqa-v2': 'visual-question-answering',
  'squad1.1': 'text-question-answering',
  'refcoco-data': 'referring-expression-comprehension',
} as const;

/** A repository of PyTorch: a Lightning run, a torchvision file, snapshots of Hugging Face for images and texts. */
async function fill(workspace: string): Promise<void> {
  for (const name of Object.keys(datasets)) {
    await cp(path.join(fixtures, 'miniatures', name), path.join(workspace, 'data', name), { recursive: true });
  }
  const networks = path.join(fixtures, 'networks');
  await cp(path.join(networks, 'runs/lightning_logs'), path.join(workspace, 'lightning_logs'), { recursive: true });
  await mkdir(path.join(workspace, 'models'));
  await cp(path.join(networks, 'cnn/resnet18/resnet18.pth'), path.join(workspace, 'models/resnet18-f37072fd.pth'));
  await cp(path.join(networks, 'vit/vit-hf'), path.join(workspace, 'models/tiny-vit'), { recursive: true });
  for (const [from, to] of [
    ['bert', 'bert'],
    ['gpt2', 'gpt2'],
    ['clip', 'clip'],
    ['clip', 'other-clip'],
  ] as const) {
    await cp(path.join(fixtures, 'encoders', from), path.join(workspace, 'models', to), { recursive: true });
  }
  await changeWeights(path.join(workspace, 'models/other-clip'));
  // Marks the root of the workspace for the command line.
  await writeFile(path.join(workspace, 'requirements.txt'), 'torch\n');
}

describe('each task of the paper', () => {
  const session = useSession(fill);

  test.each(Object.entries(datasets))('%s is chosen among the datasets, and ranked (%s)', async (name, task) => {
    const { workbench, workspace } = session();
    const report = await rankOnCommandLine(path.join(workspace, 'data', name));
    expect(report.task).toBe(task);
    expect(report.candidates.length).toBeGreaterThanOrEqual(2);

    await workbench.run('EMMS: Rank Models');
    await workbench.choice(name).click();
    await workbench.view.getByRole('heading', { name, exact: true }).waitFor({ timeout: 120_000 });
    await until('the report is the new one', async () => (await session().storedReport()).task === task);
    expectSameRanking(await readRows(workbench.view), report);
    await workbench.screenshot(`task-${task}`);
  });

  test('a repository of PyTorch shows its three image networks ranked together', async () => {
    const { workbench } = session();
    await workbench.run('EMMS: Rank Models');
    await workbench.choice('mnist').click();
    await workbench.view.getByRole('heading', { name: 'mnist', exact: true }).waitFor({ timeout: 120_000 });
    const { candidates } = await until('the report is the new one', async () => {
      const report = await session().storedReport();
      return report.dataset.name === 'mnist' ? report : undefined;
    });
    const names = candidates.map(({ name }) => name);
    for (const name of ['epoch=3-step=120', 'resnet18-f37072fd', 'tiny-vit']) expect(names).toContain(name);
  });

  test('"Rank Again" asks for no dataset', async () => {
    const { workbench } = session();
    const { createdAt } = await session().storedReport();
    await workbench.run('EMMS: Open Ranking in Editor');
    await workbench.panel.getByRole('button', { name: 'Rank Again' }).click();
    const again = await until('there is a new report', async () => {
      const report = await session().storedReport();
      return report.createdAt !== createdAt && report;
    });
    expect(again.dataset.name).toBe('mnist');
    expect(again.inference.samplesExtracted).toBe(0);
  });

  test('a checkpoint that comes later is found by itself, whatever its kind', async () => {
    const { workbench, workspace } = session();
    const late = workbench.page.getByRole('treeitem', { name: /^Checkpoint a-late-one/ });
    expect(await late.count()).toBe(0);
    await cp(
      path.join(fixtures, 'networks/cnn/densenet-legacy/densenet-legacy.pth'),
      path.join(workspace, 'a-late-one.pth'),
    );
    await late.waitFor();
  });

  test('a dataset under the pointer tells what a narrow view cuts short', async () => {
    const { workbench } = session();
    await workbench.page.getByRole('treeitem', { name: /^Dataset vqa-v2/ }).hover();
    await workbench.page
      .locator('.monaco-hover')
      .filter({ hasText: /questions on images · \d+ samples/ })
      .waitFor();
  });

  test('a dataset that is renamed is listed by its new name, without being asked', async () => {
    const { workbench, workspace } = session();
    const listed = (name: string) => workbench.page.getByRole('treeitem', { name: new RegExp(`^Dataset ${name},`) });
    await listed('mnist').waitFor();
    await rename(path.join(workspace, 'data/mnist'), path.join(workspace, 'data/digits'));
    await listed('digits').waitFor();
    expect(await listed('mnist').count()).toBe(0);
  });

  test('a dataset that comes later is found by itself', async () => {
    const { workbench, workspace } = session();
    await cp(path.join(fixtures, 'miniatures/mnist'), path.join(workspace, 'data/late'), { recursive: true });
    await workbench.page.getByRole('treeitem', { name: /^Dataset late,/ }).waitFor();
  });
});
