import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { cacheKey, Store } from '../../../../src/engine/cache/store.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

async function entries(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  return names.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

describe('Store', () => {
  it('gives back what was put, to any process that names the folder', async () => {
    const folder = await temporaryFolder();
    await new Store(folder).put(cacheKey('a', 1), Buffer.from('value'));
    expect((await new Store(folder).get(cacheKey('a', 1)))?.toString()).toBe('value');
    expect(await new Store(folder).get(cacheKey('a', 2))).toBeUndefined();
  });

  it('takes an entry that was damaged for absent', async () => {
    const folder = await temporaryFolder();
    const store = new Store(folder);
    await store.put(cacheKey('a'), Buffer.from('a longer value'));
    const [file = ''] = await entries(folder);
    const whole = await readFile(file);
    for (let length = 0; length < whole.length; length += 1) {
      await writeFile(file, whole.subarray(0, length));
      expect(await store.get(cacheKey('a'))).toBeUndefined();
    }
  });

  it('forgets what is removed, of a section too', async () => {
    const store = new Store(await temporaryFolder());
    const section = store.section('notes');
    await section.put(cacheKey('a'), Buffer.from('value'));
    expect(await store.get(cacheKey('a'))).toBeUndefined();
    expect((await section.get(cacheKey('a')))?.toString()).toBe('value');
    await section.remove(cacheKey('a'));
    expect(await section.get(cacheKey('a'))).toBeUndefined();
    await section.remove(cacheKey('a'));
  });

  it('says why it can’t write, and lets the work go on', async () => {
    const file = path.join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    const store = new Store(file);
    await store.put(cacheKey('a'), Buffer.from('value'));
    expect(store.failure).toContain('ENOTDIR');
    expect(await store.get(cacheKey('a'))).toBeUndefined();
  });

  it('leaves one whole entry and nothing else when many write the same at once', async () => {
    const folder = await temporaryFolder();
    const stores = Array.from({ length: 20 }, () => new Store(folder));
    await Promise.all(stores.map((store) => store.put(cacheKey('a'), Buffer.alloc(100_000, 1))));
    expect(await entries(folder)).toHaveLength(1);
    expect(await stores[0]?.get(cacheKey('a'))).toHaveLength(100_000);
  });
});

describe('cacheKey', () => {
  it('keeps parts apart', () => {
    expect(cacheKey('ab', 'c')).not.toBe(cacheKey('a', 'bc'));
    expect(cacheKey('1')).not.toBe(cacheKey(1));
  });
});
