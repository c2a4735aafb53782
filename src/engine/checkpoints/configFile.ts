import { readFile, stat } from 'node:fs/promises';
import { InputError, messageOf } from '../errors.ts';

const MAX_BYTES = 1024 * 1024;

/**
 * What a file of JSON beside a checkpoint says; undefined where there is none. Nothing in it is to be trusted.
 * @throws InputError naming the file that is no JSON, or larger than configurations are
 */
export async function readConfigFile(file: string): Promise<unknown> {
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  if (found.size > MAX_BYTES) throw new InputError(`${file}: larger than any configuration. Remove or mend it.`);
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new InputError(`${file}: not valid JSON (${messageOf(error)}). Mend or remove it.`);
  }
}
