import fs, { mkdir, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { CancelledError } from '../../../../src/engine/errors.ts';
import { type Folder, walk } from '../../../../src/engine/files/walk.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

async function tree(files: readonly string[]): Promise<string> {
  const root = await temporaryFolder();
  for (const file of files) {
    await mkdir(path.join(root, path.dirname(file)), { recursive: true });
    await writeFile(path.join(root, file), '');
  }
  return root;
}

function list(folder: Folder, prefix = ''): string[] {
  return [
    ...folder.files.map((file) => prefix + file),
    ...folder.folders.flatMap((child) => list(child, `${prefix}${child.name}/`)),
  ];
}

describe('walk', () => {
  it('lists names in one order, passing over tools, hidden and excluded folders and virtual environments', async () => {
    const root = await tree([
      'b.txt',
      'a/c.txt',
      '.git/config',
      'node_modules/x/index.js',
      'env/pyvenv.cfg',
      'conda/conda-meta/history',
      'conda/share/model.onnx',
      'env/lib/model.onnx',
      'build/out.onnx',
      '__MACOSX/a/._c.txt',
      'a/Thumbs.db',
      'a/desktop.ini',
    ]);
    expect(list((await walk(root, { excludes: ['build'] })).root)).toEqual(['b.txt', 'a/c.txt']);
  });

  it('passes over no folder that a person named, be it a virtual environment', async () => {
    expect(list((await walk(await tree(['pyvenv.cfg', 'model.onnx']))).root)).toEqual(['model.onnx', 'pyvenv.cfg']);
  });

  it('follows links to folders, and ends where they lead back', async () => {
    const root = await tree(['data/raw/cat/1.png', 'data/view/keep.txt']);
    await symlink(path.join(root, 'data/raw/cat'), path.join(root, 'data/view/cat'));
    await symlink(root, path.join(root, 'data/loop'));
    await symlink(path.join(root, 'data/self'), path.join(root, 'data/self'));
    await symlink(path.join(root, 'gone'), path.join(root, 'data/broken'));
    expect(list((await walk(root)).root)).toEqual(['data/raw/cat/1.png', 'data/view/keep.txt', 'data/view/cat/1.png']);
  });

  it('does not leave the folder by a link to one above it', async () => {
    const root = await tree(['data/cat/1.png', 'other.txt']);
    await symlink(root, path.join(root, 'data/cat/up'));
    expect(list((await walk(path.join(root, 'data'))).root)).toEqual(['cat/1.png']);
  });

  it('does not follow links far through each other, as the ways by them double with every folder', async () => {
    const root = await tree(Array.from({ length: 12 }, (_, i) => `${i}/x.txt`));
    for (const i of Array.from({ length: 11 }).keys()) {
      for (const name of ['a', 'b']) await symlink(path.join(root, `${i + 1}`), path.join(root, `${i}`, name));
    }
    const files = list((await walk(root)).root);
    expect(files).toContain('0/a/b/a/b/x.txt');
    expect(files).not.toContain('0/a/b/a/b/a/x.txt');
    expect(files).toContain('11/x.txt');
  });

  it('stops when it is cancelled', async () => {
    const cancel = new AbortController();
    cancel.abort();
    await expect(walk(await tree(['a.txt']), { signal: cancel.signal })).rejects.toThrow(CancelledError);
  });

  it('takes a folder that can’t be read for empty', async () => {
    const root = await tree(['a.txt', 'locked/b.txt']);
    const { readdir } = fs;
    // No permission keeps root out.
    const locked = vi.spyOn(fs, 'readdir').mockImplementation((folder, options) => {
      return path.basename(String(folder)) === 'locked'
        ? Promise.reject(new Error('EACCES'))
        : readdir(folder, options);
    });
    syncBuiltinESMExports();
    onTestFinished(() => {
      locked.mockRestore();
      syncBuiltinESMExports();
    });
    expect(list((await walk(root)).root)).toEqual(['a.txt']);
    expect(locked).toHaveBeenCalledTimes(2);
  });

  it('reads no further folder once there were too many names', async () => {
    const root = await tree(Array.from({ length: 100 }, (_, i) => `${i}/x.txt`));
    const reads = vi.spyOn(fs, 'readdir');
    syncBuiltinESMExports();
    onTestFinished(() => {
      reads.mockRestore();
      syncBuiltinESMExports();
    });
    expect(await walk(root, { maxEntries: 110 })).toMatchObject({ truncated: true });
    // Eleven say that there are too many; some more are being read by then.
    expect(reads.mock.calls.length).toBeLessThan(40);
  });

  it('says that something may be missing where it stops: after many names, or deep below', async () => {
    const root = await tree(['a.txt', 'b/1.txt', 'b/2.txt']);
    expect(await walk(root, { maxEntries: 4 })).toMatchObject({ truncated: false });
    expect(await walk(root, { maxEntries: 3 })).toMatchObject({ truncated: true, root: { files: ['a.txt'] } });

    const [deep, deeper] = [32, 33].map((depth) => `${'d/'.repeat(depth)}x.txt`);
    const { root: folder, truncated } = await walk(await tree([deep ?? '', deeper ?? '']));
    expect(truncated).toBe(true);
    expect(list(folder)).toEqual([deep]);
  });
});
