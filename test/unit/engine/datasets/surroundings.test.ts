import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openDataset } from '../../../../src/engine/datasets/open.ts';
import { surroundingsOf } from '../../../../src/engine/datasets/surroundings.ts';
import { folderWith } from '../../../helpers/miniatures.ts';

/** Counts how often the names in each folder are read; folders called `many` hold 100,000 files more than are there. */
function watchReads(): Map<string, number> {
  const { readdir } = fs;
  const reads = new Map<string, number>();
  const spy = vi.spyOn(fs, 'readdir').mockImplementation(async (folder, options) => {
    const file = String(folder);
    reads.set(file, (reads.get(file) ?? 0) + 1);
    const names = await readdir(folder, options);
    return path.basename(file) === 'many' ? Array.from({ length: 100_000 }, () => names).flat() : names;
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    spy.mockRestore();
    syncBuiltinESMExports();
  });
  return reads;
}

test('folders around what was named are read once, whatever is asked of them', async () => {
  const root = await folderWith({ 'a/b/c/notes.txt': 'hello\n', 'a/b/other/x.log': '', 'a/more/x.log': '' });
  const reads = watchReads();
  await expect(openDataset(path.join(root, 'a/b/c'), 'auto')).rejects.toThrow('no dataset here');
  const beside = ['a/b/other', 'a/more'].map((folder) => reads.get(path.join(root, folder)));
  // Of a/b, a and what holds them, each once.
  expect(beside).toEqual([3, 2]);
});

test('no dataset is looked for around a folder where there is too much to look through', async () => {
  const files = [...'1234567'].map((name) => [`a/b/${name}/many/x.log`, '']);
  const root = await folderWith({ 'a/b/c/notes.txt': 'hello\n', ...Object.fromEntries(files) });
  const reads = watchReads();
  const { nearest, folder: around } = await surroundingsOf(path.join(root, 'a/b/c/notes.txt'), undefined);
  expect(nearest.root.path).toBe(path.join(root, 'a/b/c'));
  expect(await around(0)).toBe(nearest.root);
  expect(await around(2)).toBeUndefined();
  expect(reads.get(path.join(root, 'a/b'))).toBe(1);
  expect(reads.has(path.join(root, 'a'))).toBe(false);
});

test('all years of COCO are not too much', async () => {
  const files = [...'12345'].map((name) => [`a/${name}/many/x.log`, '']);
  const root = await folderWith({ 'a/annotations/notes.txt': '', ...Object.fromEntries(files) });
  watchReads();
  const { folder } = await surroundingsOf(path.join(root, 'a/annotations'), undefined);
  expect((await folder(1))?.path).toBe(path.join(root, 'a'));
});

test('a dataset in a folder that holds too much says that it may lack some', async () => {
  const files = { 'cat/1.png': '', 'dog/1.png': '' };
  const whole = await openDataset(await folderWith(files), 'auto');
  expect(whole.warnings.join()).not.toContain('only a part was searched');
  const root = await folderWith({ ...files, [`cat/${'d/'.repeat(33)}1.png`]: '' });
  expect((await openDataset(root, 'auto')).warnings.join()).toContain(`${root}: Too many files`);
});
