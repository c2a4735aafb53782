import { truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { InputError } from '../../../../src/engine/errors.ts';
import { readSmallFile } from '../../../../src/engine/files/smallFile.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

test('gives the text of a file up to its bound, and refuses a larger one', async () => {
  const file = path.join(await temporaryFolder(), 'a.json');
  await writeFile(file, 'né');
  expect(await readSmallFile(file, 3, 'list')).toBe('né');
  await truncate(file, 4);
  await expect(readSmallFile(file, 3, 'list')).rejects.toThrow(
    new InputError(`${file}: larger than any list (4 bytes). Use the file as it was published.`),
  );
});

test('gives nothing for what is no file', async () => {
  const folder = await temporaryFolder();
  expect(await readSmallFile(folder, 3, 'list')).toBeUndefined();
  expect(await readSmallFile(path.join(folder, 'a.json'), 3, 'list')).toBeUndefined();
});

// The memory of a process is a file whose beginning nobody may read.
test.runIf(process.platform === 'linux')('names a file that can’t be read', async () => {
  await expect(readSmallFile('/proc/self/mem', 3, 'list')).rejects.toThrow("/proc/self/mem: can't be read (EIO");
});
