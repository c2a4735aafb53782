import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { JSONParser } from '@streamparser/json';
import { CancelledError, InputError } from '../../errors.ts';
import { isRecord } from './jsonl.ts';

/** An entry of one of the lists, counted from 1. */
export interface ListEntry {
  readonly list: string;
  readonly entry: number;
  readonly value: unknown;
}

/** Up to here a file is parsed at once, which is ten times as fast; beyond, it is streamed. */
const MAX_AT_ONCE = 256 * 1024 * 1024;

/**
 * The entries of the lists of a JSON object, `{"images": […], "annotations": […]}`, as they come in the file.
 * @param lists names of the lists; other parts of the object are passed over
 * @throws InputError when the file is not JSON
 */
export async function* readJsonLists(
  file: string,
  lists: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<ListEntry> {
  if ((await stat(file)).size > MAX_AT_ONCE) {
    yield* streamed(file, lists, signal);
    return;
  }
  let whole: unknown;
  try {
    whole = JSON.parse((await readFile(file, { encoding: 'utf8', ...(signal && { signal }) })).replace(/^\uFEFF/, ''));
  } catch (error) {
    if (signal?.aborted) throw new CancelledError();
    throw notJson(file, error instanceof Error ? error.message : String(error));
  }
  if (!isRecord(whole)) throw notJson(file, 'it holds no object');
  for (const list of lists) {
    const values = whole[list];
    if (!Array.isArray(values)) continue;
    for (const [index, value] of values.entries()) yield { list, entry: index + 1, value };
  }
}

async function* streamed(
  file: string,
  lists: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<ListEntry> {
  const parser = new JSONParser({ paths: lists.map((list) => `$.${list}.*`), keepStack: false });
  const counts = new Map<string, number>();
  let ready: ListEntry[] = [];
  let failure: Error | undefined;
  parser.onValue = ({ value, stack }) => {
    const list = String(stack[1]?.key ?? '');
    const entry = (counts.get(list) ?? 0) + 1;
    counts.set(list, entry);
    ready.push({ list, entry, value });
  };
  parser.onError = (error) => {
    failure ??= error;
  };
  const source = createReadStream(file, signal ? { signal } : {});
  try {
    for await (const chunk of source) {
      parser.write(chunk);
      yield* ready;
      ready = [];
      if (failure) break;
    }
    if (failure || !parser.isEnded) throw notJson(file, failure?.message ?? 'it ends early');
  } catch (error) {
    throw signal?.aborted ? new CancelledError() : error;
  } finally {
    source.destroy();
  }
}

/** Whether the head of a JSON file names all of these keys. */
export function hasKeys(head: string, keys: readonly string[]): boolean {
  return keys.every((key) => head.includes(`"${key}"`));
}

function notJson(file: string, reason: string): InputError {
  return new InputError(
    `${path.basename(file)}: not JSON (${reason.split('\n')[0]?.slice(0, 200)}); save it again as JSON.`,
  );
}
