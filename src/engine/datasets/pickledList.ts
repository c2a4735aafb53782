import { readFile, stat } from 'node:fs/promises';
import { InputError } from '../errors.ts';
import { UnreadableError } from '../files/unreadable.ts';
import { readPickle } from '../pickle/readPickle.ts';
import type { PickleValue } from '../pickle/values.ts';

/** The largest that are published, RefCOCO's and RefCLEF's, take up to 50 MB. */
const MAX_BYTES = 128 * 1024 * 1024;
/**
 * The memory that a list is allowed, by the pickle reader's generous estimate of all its items, of which few are there at
 * once: for expressions as protocol 0 writes them 20 times the size of the file. A file that asks for more is no such list.
 */
const MEMORY_PER_BYTE = 64;
const MEMORY_BYTES = 1.5 * 1024 * 1024 * 1024;

/** The bytes of a file that is to hold a pickled list. */
export async function readPickledBytes(file: string, signal: AbortSignal | undefined): Promise<Buffer> {
  const { size } = await stat(file);
  if (size > MAX_BYTES) throw new InputError(`${file}: larger than a pickled list can be.`);
  return readFile(file, signal && { signal });
}

/**
 * Reads a list that Python pickled. It is interpreted, not executed.
 * @param file where the bytes are of, for messages
 * @param expected what the list is of, for messages: `a list of image names`
 * @param each takes the items one after the other
 * @param unread key of dicts whose values, lists of texts, nobody reads
 * @throws InputError when they are no list, or hold anything but plain values
 */
export function readPickledList(
  file: string,
  bytes: Buffer,
  expected: string,
  each: (item: PickleValue) => void,
  unread?: string,
): void {
  try {
    const memoryBytes = Math.min(MEMORY_BYTES, MEMORY_PER_BYTE * bytes.length + 1024 * 1024);
    const list = readPickle(bytes, { expected, memoryBytes, each, ...(unread !== undefined && { unread }) });
    if (!Array.isArray(list)) throw new UnreadableError(`it does not hold ${expected}`, 'Get it again.');
  } catch (error) {
    if (error instanceof UnreadableError) throw error.about(file);
    throw error;
  }
}
