import { createReadStream } from 'node:fs';
import path from 'node:path';
import { JSONParser } from '@streamparser/json';
import { CancelledError, InputError } from '../../errors.ts';

/** The longest entry that is read. */
const MAX_ENTRY_BYTES = 8 * 1024 * 1024;

/**
 * The entries of a JSON file that holds one array, counted from 1. The file is streamed, so that it may be larger than
 * the memory.
 * @throws InputError when it is not JSON
 */
export async function* readJsonArray(
  file: string,
  signal?: AbortSignal,
): AsyncGenerator<{ entry: number; value: unknown }> {
  const parser = new JSONParser({ paths: ['$.*'], keepStack: false });
  let ready: unknown[] = [];
  let failure: Error | undefined;
  parser.onValue = ({ value }) => {
    ready.push(value);
  };
  parser.onError = (error) => {
    failure ??= error;
  };
  const source = createReadStream(file, signal ? { signal } : {});
  let entry = 0;
  let pending = 0;
  try {
    for await (const chunk of source) {
      const bytes: Buffer = chunk;
      parser.write(bytes);
      pending = ready.length > 0 ? 0 : pending + bytes.length;
      for (const value of ready) {
        entry += 1;
        yield { entry, value };
      }
      ready = [];
      if (failure) break;
      if (pending > MAX_ENTRY_BYTES) {
        const limit = MAX_ENTRY_BYTES / 1024 / 1024;
        throw new InputError(`${path.basename(file)}: entry ${entry + 1} takes more than ${limit} MB; split it.`);
      }
    }
    if (failure || !parser.isEnded) {
      const reason = failure ? failure.message.split('\n')[0] : 'it ends early';
      throw new InputError(`${path.basename(file)}: not JSON after entry ${entry} (${reason}); save it again as JSON.`);
    }
  } catch (error) {
    throw signal?.aborted ? new CancelledError() : error;
  } finally {
    source.destroy();
  }
}
