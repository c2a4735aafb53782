import { readFile, stat } from 'node:fs/promises';
import { type PickleValue, readPickle } from '../checkpoints/containers/pickle.ts';
import { UnreadableError } from '../checkpoints/containers/unreadable.ts';
import { InputError } from '../errors.ts';

/** The largest that are published, RefCOCO's and RefCLEF's, take up to 50 MB. */
const MAX_BYTES = 128 * 1024 * 1024;
/**
 * The memory that a list is allowed, by the pickle reader's generous estimate: for 100,000 expressions as protocol 0
 * writes them 32 times the size of the file, and 3 times what they really take. A file that asks for more is no such list.
 */
const MEMORY_PER_BYTE = 64;
const MEMORY_BYTES = 1.5 * 1024 * 1024 * 1024;

/**
 * The list in a file that Python pickled. It is interpreted, not executed.
 * @param expected what the list is of, for messages: `a list of image names`
 * @throws InputError when the file holds no list, or anything but plain values
 */
export async function readPickledList(
  file: string,
  expected: string,
  signal: AbortSignal | undefined,
): Promise<PickleValue[]> {
  const { size } = await stat(file);
  if (size > MAX_BYTES) throw new InputError(`${file}: larger than ${expected} can be.`);
  try {
    const memoryBytes = Math.min(MEMORY_BYTES, MEMORY_PER_BYTE * size + 1024 * 1024);
    const list = readPickle(await readFile(file, signal && { signal }), { expected, memoryBytes });
    if (!Array.isArray(list)) throw new UnreadableError(`it does not hold ${expected}`, 'Get it again.');
    return list;
  } catch (error) {
    if (error instanceof UnreadableError) throw new InputError(`${file}: ${error.message}. ${error.remedy}`);
    throw error;
  }
}
