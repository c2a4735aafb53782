import { InputError, messageOf } from '../errors.ts';
import { readSmallFile } from '../files/smallFile.ts';

const MAX_BYTES = 1024 * 1024;

/**
 * What a file of JSON beside a checkpoint says; undefined where there is none. Nothing in it is to be trusted.
 * @throws InputError naming the file that is no JSON, or larger than configurations are
 */
export async function readConfigFile(file: string): Promise<unknown> {
  const text = await readSmallFile(file, MAX_BYTES, 'configuration');
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(`${file}: not valid JSON (${messageOf(error)}). Mend or remove it.`);
  }
}
