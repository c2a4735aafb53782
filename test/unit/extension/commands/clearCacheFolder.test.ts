import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ScratchFolder } from '../../../../src/engine/cache/scratch.ts';
import { cacheKey, Store } from '../../../../src/engine/cache/store.ts';
import { clearCacheFolder } from '../../../../src/extension/commands/clearCacheFolder.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

describe('clearCacheFolder', () => {
  test('removes entries of the cache, and nothing else', async () => {
    const folder = await temporaryFolder();
    const entry = '0'.repeat(62);
    await mkdir(path.join(folder, 'ab'));
    await mkdir(path.join(folder, 'photos'));
    const others = ['photos/x.jpg', 'ab/notes.txt', `ab/${entry}0`, `ab/${entry.slice(1)}`, 'readme'];
    for (const file of [`ab/${entry}`, `ab/${entry}.1-2.tmp`, ...others]) await writeFile(path.join(folder, file), '');
    await clearCacheFolder(folder);
    const left = await readdir(folder, { recursive: true });
    expect(left.sort()).toEqual(['ab', 'photos', ...others].sort());
  });

  test('removes folders of temporary files', async () => {
    const folder = await temporaryFolder();
    const scratch = await ScratchFolder.create(new Store(folder), 1);
    await writeFile(path.join(scratch.path, '0.bin'), 'weights');
    await mkdir(path.join(folder, 'scratch.mine'));
    await clearCacheFolder(folder);
    expect(await readdir(folder)).toEqual(['scratch.mine']);
  });

  test('removes what a store wrote, and its notes on unfinished work', async () => {
    const folder = await temporaryFolder();
    const store = new Store(folder);
    await store.put(cacheKey('a'), Buffer.from('features'));
    await store.section('notes').put(cacheKey('a'), Buffer.from('[1]'));
    await clearCacheFolder(folder);
    expect(await store.get(cacheKey('a'))).toBeUndefined();
    expect(await store.section('notes').get(cacheKey('a'))).toBeUndefined();
  });

  test('takes a folder that is not there for an empty one', async () => {
    const folder = await temporaryFolder();
    await clearCacheFolder(path.join(folder, 'nothing'));
  });
});
