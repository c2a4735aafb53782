import { mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { cachedSnapshot, modelFolder } from '../../../../src/engine/hub/cache.ts';
import { emptyHubHome } from '../../../helpers/hubServer.ts';

let model: string;

beforeEach(async () => {
  await emptyHubHome();
  model = modelFolder('org/model');
  await addSnapshot('old', 1);
  await addSnapshot('newest', 3);
  await addSnapshot('middle', 2);
});

test('takes the commit that main was at, else the newest that is whole', async () => {
  expect(await found(() => true)).toBe('newest');
  expect(await found((folder) => !folder.endsWith('newest'))).toBe('middle');
  await mkdir(path.join(model, 'refs'));
  await writeFile(path.join(model, 'refs', 'main'), 'old\n');
  expect(await found(() => true)).toBe('old');
  expect(await found((folder) => !folder.endsWith('old'))).toBe('newest');
  expect(await found(() => false)).toBeUndefined();
});

test('finds nothing of a model that was never loaded', async () => {
  expect(await cachedSnapshot('org/other', () => true)).toBeUndefined();
});

async function addSnapshot(commit: string, day: number): Promise<void> {
  const folder = path.join(model, 'snapshots', commit);
  await mkdir(folder, { recursive: true });
  await utimes(folder, day * 86_400, day * 86_400);
}

async function found(isWhole: (folder: string) => boolean): Promise<string | undefined> {
  const folder = await cachedSnapshot('org/model', isWhole);
  return folder && path.basename(folder);
}
