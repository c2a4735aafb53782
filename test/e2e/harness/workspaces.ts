import { createHash } from 'node:crypto';
import { cp, link, mkdir, readdir, readFile, readlink, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { repository } from './places.ts';

export const sampleDataset = 'data/fashion';

/** Fills a workspace with a copy of the sample. */
export async function copySample(workspace: string): Promise<void> {
  await cp(path.join(repository, 'sample'), workspace, { recursive: true });
}

/** Makes the sample's dataset larger, with further names for the same images, so that ranking takes its time. */
export async function copyLargeSample(workspace: string): Promise<void> {
  await copySample(workspace);
  const train = path.join(workspace, sampleDataset, 'train');
  for (const name of await readdir(train, { recursive: true })) {
    if (!name.endsWith('.png')) continue;
    for (let copy = 1; copy < 2; copy += 1) {
      await link(path.join(train, name), path.join(train, name.replace('.png', `-${copy}.png`)));
    }
  }
}

/** One hash over the names and contents of everything in a folder. */
export async function hashOf(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.map((entry) => ({ entry, file: path.join(entry.parentPath, entry.name) }));
  for (const { entry, file } of files.sort((a, b) => (a.file < b.file ? -1 : 1))) {
    hash.update(`${file}\0`);
    if (entry.isFile()) hash.update(await readFile(file));
    if (entry.isSymbolicLink()) hash.update(await readlink(file));
  }
  return hash.digest('hex');
}

/** Names that are markup, quotes, spaces and other scripts. If one were taken for HTML, a dialog would open. */
export const hostileNames = {
  classes: ['<img src=x onerror=alert(1)>', `it's "quoted" & more`, '衣服 и обувь'],
  checkpoints: ['<img src=x onerror=alert(2)>', `модель 'два' "2"`],
};

/** A small dataset and checkpoints under hostile names, with every kind of broken file among them. */
export async function fillHostileWorkspace(workspace: string): Promise<void> {
  const sample = path.join(repository, 'sample');
  const images = path.join(sample, sampleDataset, 'train');
  const sources = (await readdir(images)).sort();
  const dataset = path.join(workspace, 'data/odd');
  for (const [index, name] of hostileNames.classes.entries()) {
    const source = path.join(images, sources[index] ?? '');
    await mkdir(path.join(dataset, name), { recursive: true });
    for (const file of (await readdir(source)).sort().slice(0, 40)) {
      await cp(path.join(source, file), path.join(dataset, name, file));
    }
    await writeFile(path.join(dataset, name, 'text.png'), 'This is no image.');
  }
  const [firstClass = ''] = hostileNames.classes;
  const [broken = ''] = await readdir(path.join(dataset, firstClass));
  await cp(path.join(dataset, firstClass, broken), path.join(dataset, firstClass, 'truncated.png'));
  await truncate(path.join(dataset, firstClass, 'truncated.png'), 60);
  await symlink('../..', path.join(dataset, firstClass, 'loop'));
  await symlink('..', path.join(workspace, 'data/loop'));

  const checkpoints = path.join(workspace, 'checkpoints');
  const models = (await readdir(path.join(sample, 'checkpoints'))).sort();
  const graphs = models.filter((file) => file.endsWith('.onnx'));
  await mkdir(checkpoints);
  for (const file of models.filter((name) => name.endsWith('.json'))) {
    await cp(path.join(sample, 'checkpoints', file), path.join(checkpoints, file));
  }
  for (const [index, name] of [...hostileNames.checkpoints, 'truncated'].entries()) {
    await cp(
      path.join(sample, 'checkpoints', graphs[index % graphs.length] ?? ''),
      path.join(checkpoints, `${name}.onnx`),
    );
  }
  await truncate(path.join(checkpoints, 'truncated.onnx'), 1000);
  await writeFile(path.join(checkpoints, 'empty.onnx'), '');
  await writeFile(path.join(workspace, 'train.py'), `CHECKPOINT = 'checkpoints/${hostileNames.checkpoints[0]}.onnx'\n`);
}
