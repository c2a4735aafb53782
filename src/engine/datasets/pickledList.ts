import { readFile, stat } from 'node:fs/promises';
import { type PickleValue, readPickle } from '../checkpoints/containers/pickle.ts';
import { UnreadableError } from '../checkpoints/containers/unreadable.ts';
import { InputError } from '../errors.ts';

/** The largest that is published, RefCOCOg's, takes 50 MB; what it becomes in memory is larger. */
const MAX_BYTES = 512 * 1024 * 1024;
const MEMORY_BYTES = 4 * 1024 * 1024 * 1024;

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
    const list = readPickle(await readFile(file, signal && { signal }), { expected, memoryBytes: MEMORY_BYTES });
    if (!Array.isArray(list)) throw new UnreadableError(`it does not hold ${expected}`, 'Get it again.');
    return list;
  } catch (error) {
    if (error instanceof UnreadableError) throw new InputError(`${file}: ${error.message}. ${error.remedy}`);
    throw error;
  }
}
