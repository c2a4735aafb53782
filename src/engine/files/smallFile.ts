import { readFile, stat } from 'node:fs/promises';
import { InputError, messageOf } from '../errors.ts';

/**
 * The text of a file in UTF-8 that is small by its kind; undefined where there is none.
 *
 * @param most bytes
 * @param kind what such files are, for the error: `configuration`
 * @throws InputError naming the file that is larger, or can't be read
 */
export async function readSmallFile(file: string, most: number, kind: string): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  if (found.size > most) {
    throw new InputError(`${file}: larger than any ${kind} (${found.size} bytes). Use the file as it was published.`);
  }
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new InputError(`${file}: can't be read (${messageOf(error)}). Make it readable, or remove it.`);
  });
}
