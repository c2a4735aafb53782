import * as fs from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { InputError } from '../../../../src/engine/errors.ts';
import { downloadModel } from '../../../../src/engine/hub/download.ts';
import { contentRanges, expectWhole, incompleteIn, modelIn, startHub, WEIGHTS } from '../../../helpers/hubModel.ts';
import { COMMIT, emptyHubHome } from '../../../helpers/hubServer.ts';

// Windows lets nobody make links who isn't an administrator or developer. Here there is no such file system to test on,
// so the one call that fails there is made to fail.
vi.mock('node:fs/promises', async (importOriginal) => {
  const actual = await importOriginal<typeof fs>();
  return { ...actual, symlink: vi.fn(), copyFile: vi.fn(actual.copyFile) };
});

let snapshot: string;

beforeEach(async () => {
  vi.mocked(fs.symlink).mockRejectedValue(Object.assign(new Error('EPERM'), { code: 'EPERM' }));
  snapshot = path.join(modelIn(await emptyHubHome()), 'snapshots', COMMIT);
});

test('the files are copies, and nothing is loaded a second time', async () => {
  const hub = await startHub();
  await expectWhole(await downloadModel('org/model'));
  await expectWhole(await downloadModel('org/model'));
  expect(fs.symlink).toHaveBeenCalled();
  for (const name of await fs.readdir(snapshot)) {
    expect((await fs.lstat(path.join(snapshot, name))).isFile()).toBe(true);
  }
  expect(contentRanges(hub)).toEqual([undefined]);
});

test('two downloads at once give whole files', async () => {
  await startHub();
  const folders = await Promise.all([downloadModel('org/model'), downloadModel('org/model')]);
  await Promise.all(folders.map(expectWhole));
});

test('half a copy that was left is replaced by a whole one', async () => {
  await startHub();
  await fs.mkdir(snapshot, { recursive: true });
  await fs.writeFile(path.join(snapshot, 'model.safetensors'), WEIGHTS.subarray(0, 1000));
  await expectWhole(await downloadModel('org/model'));
});

test('a copy that a full disk cuts off never counts as the file', async () => {
  const hub = await startHub();
  vi.mocked(fs.copyFile).mockImplementation(async (_, place) => {
    await fs.writeFile(place, WEIGHTS.subarray(0, 1000));
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  });
  await expect(downloadModel('org/model')).rejects.toThrow(InputError);
  expect(await fs.readdir(snapshot)).toEqual([]);
  expect(await incompleteIn(path.dirname(path.dirname(snapshot)))).toEqual([]);
  vi.mocked(fs.copyFile).mockReset();
  await expectWhole(await downloadModel('org/model'));
  expect(contentRanges(hub)).toEqual([undefined]);
});
