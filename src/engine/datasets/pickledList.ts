import { readFile, stat } from 'node:fs/promises';
import { readPickle } from '../checkpoints/containers/pickle.ts';
import type { PickleValue } from '../checkpoints/containers/pickleValues.ts';
import { UnreadableError } from '../checkpoints/containers/unreadable.ts';
import { InputError } from '../errors.ts';

/** The largest that are published, RefCOCO's and RefCLEF's, take up to 50 MB. */
const MAX_BYTES = 128 * 1024 * 1024;
/**
 * The memory that a list is allowed, by the pickle reader's generous estimate of all its items, of which few are there at
 * once: for expressions as protocol 0 writes them 20 times the size of the file. A file that asks for more is no such list.
 */
const MEMORY_PER_BYTE = 64;
const MEMORY_BYTES = 1.5 * 1024 * 1024 * 1024;

/**
 * The list in a file that Python pickled. It is interpreted, not executed.
 * @param expected what the list is of, for messages: `a list of image names`
 * @param read what is kept of an item
 * @throws InputError when the file holds no list, or anything but plain values
 */
export async function readPickledList<T>(
  file: string,
  expected: string,
  read: (item: PickleValue) => T,
  signal: AbortSignal | undefined,
): Promise<T[]> {
  const { size } = await stat(file);
  if (size > MAX_BYTES) throw new InputError(`${file}: larger than ${expected} can be.`);
  try {
    const memoryBytes = Math.min(MEMORY_BYTES, MEMORY_PER_BYTE * size + 1024 * 1024);
    const items: T[] = [];
    const each = (item: PickleValue) => items.push(read(item));
    const list = readPickle(await readFile(file, signal && { signal }), { expected, memoryBytes, each });
    if (!Array.isArray(list)) throw new UnreadableError(`it does not hold ${expected}`, 'Get it again.');
    return items;
  } catch (error) {
    if (error instanceof UnreadableError) throw new InputError(`${file}: ${error.message}. ${error.remedy}`);
    throw error;
  }
}
