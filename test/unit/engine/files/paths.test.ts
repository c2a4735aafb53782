import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { findWorkspace, idOf } from '../../../../src/engine/files/paths.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

const workspace = path.resolve('/w');

test.each([
  ['models/a.onnx', 'models/a.onnx'],
  ['..models/a.onnx', '..models/a.onnx'],
  ['...', '...'],
])('what lies in the workspace is called by its path in it: %s', (file, id) => {
  expect(idOf(path.join(workspace, file), workspace)).toBe(id);
});

test.each(['/w', '/', '/w2/a.onnx', '/models/a.onnx'])('else by its whole path: %s', (file) => {
  expect(idOf(path.resolve(file), workspace)).toBe(path.resolve(file).split(path.sep).join('/'));
});

test('the workspace of a dataset is the nearest folder around it that looks like one', async () => {
  const folder = await temporaryFolder();
  const dataset = path.join(folder, 'project/data/fashion');
  await mkdir(dataset, { recursive: true });
  await writeFile(path.join(folder, 'requirements.txt'), '');
  expect(await findWorkspace(dataset)).toBe(folder);
  await writeFile(path.join(folder, 'project/pyproject.toml'), '');
  expect(await findWorkspace(dataset)).toBe(path.join(folder, 'project'));
});
