import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ScratchFolder } from '../../../../src/engine/cache/scratch.ts';
import { Store } from '../../../../src/engine/cache/store.ts';
import { InputError } from '../../../../src/engine/errors.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

describe('ScratchFolder', () => {
  it('is another each time, for this person alone, and gone with its files when removed', async () => {
    const folder = path.join(await temporaryFolder(), 'not', 'yet', 'there');
    const one = await ScratchFolder.create(new Store(folder), 1);
    const other = await ScratchFolder.create(new Store(folder), 1);
    expect(new Set(await readdir(folder))).toEqual(new Set([one, other].map(({ path: at }) => path.basename(at))));
    if (process.platform !== 'win32') expect((await stat(one.path)).mode & 0o077).toBe(0);
    await writeFile(path.join(one.path, '0.bin'), 'weights');
    await one.remove();
    await one.remove();
    expect(await readdir(folder)).toEqual([path.basename(other.path)]);
  });

  it('removes what processes of this machine left behind, and nothing else', async () => {
    const folder = await temporaryFolder();
    const { pid: ended } = spawnSync(process.execPath, ['--version']);
    const named = (host: string, id: number) => path.join(folder, `scratch.${host}.${id}.${randomUUID()}`);
    const left = named(os.hostname(), ended);
    const others = [
      named(os.hostname(), process.ppid),
      named(`${os.hostname()}.b`, ended),
      path.join(folder, `scratch.${os.hostname()}.notes`),
      path.join(folder, 'ab'),
    ];
    for (const at of [left, ...others]) await mkdir(at);
    await writeFile(path.join(left, '0.bin'), 'weights');
    const own = await ScratchFolder.create(new Store(folder), 1);
    expect((await readdir(folder)).sort()).toEqual([...others, own.path].map((at) => path.basename(at)).sort());
  });

  it('is among the temporary files where there is no cache, or none that can be written', async () => {
    const file = path.join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    for (const store of [undefined, new Store(file)]) {
      const scratch = await ScratchFolder.create(store, 1);
      expect(path.dirname(scratch.path)).toBe(os.tmpdir());
      await scratch.remove();
    }
  });

  it('says how much room is missing where, and leaves nothing', async () => {
    const folder = await temporaryFolder();
    const error = await ScratchFolder.create(new Store(folder), 1e18).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect(String(error)).toContain(`1000000000000 MB of temporary files: ${folder} has `);
    expect(String(error)).toContain(`; ${os.tmpdir()} has `);
    expect(await readdir(folder)).toEqual([]);
  });
});
