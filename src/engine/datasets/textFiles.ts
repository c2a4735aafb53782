import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { decodeText } from './tables/encoding.ts';

/** Networks read some hundred words; a review or an article has more. */
const MAX_BYTES = 20_000;
const READ = Buffer.alloc(MAX_BYTES);
/** So long texts are read before others have their turn: cancelling must work. */
const SLICE_MS = 50;

/**
 * The beginnings of texts that are files of their own, of which there may be very many: read one after the other they take
 * a part of the time that promises take.
 * @param fileOf where the text of an item is
 * @param longest bytes of a text that are read
 * @returns the items with their texts, empty where one can't be read
 */
export async function* withTexts<T>(
  items: Iterable<T>,
  fileOf: (item: T) => string,
  signal: AbortSignal | undefined,
  longest = MAX_BYTES,
): AsyncGenerator<{ item: T; text: string }> {
  const buffer = longest > READ.length ? Buffer.alloc(longest) : READ;
  let resumed = performance.now();
  for (const item of items) {
    if (performance.now() - resumed > SLICE_MS) {
      await setImmediate();
      signal?.throwIfAborted();
      resumed = performance.now();
    }
    yield { item, text: textIn(fileOf(item), buffer) };
  }
}

/** The beginning of a text in UTF-8 or, as older ones are, in Latin-1; empty when it can't be read. */
export function textIn(file: string, buffer: Buffer = READ): string {
  let handle: number | undefined;
  try {
    handle = openSync(file, 'r');
    return decodeText(buffer.subarray(0, readSync(handle, buffer, 0, buffer.length, 0)), file).trim();
  } catch {
    return '';
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}
