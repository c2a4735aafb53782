import { isAscii } from 'node:buffer';
import path from 'node:path';
import { CancelledError, InputError } from '../../errors.ts';
import { readUtf8 } from './encoding.ts';
import { EntryFinder, endsOf } from './entryFinder.ts';
import { isRecord, type JsonLine, parseJson } from './jsonl.ts';

/** An entry of an array, counted from 1. */
export interface JsonEntry {
  readonly entry: number;
  readonly value: unknown;
}

interface JsonOptions {
  /**
   * Of entries, or values of members, that are objects, these members alone are read where they are told: annotations may
   * hold much that nobody asks for.
   */
  readonly members?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A member of an object, counted from 1. */
interface JsonMember extends JsonEntry {
  readonly name: string;
}

/** So little that it stays in the processor's cache while it is gone over several times. */
const CHUNK_BYTES = 256 * 1024;
/** The longest entry that is read; articles with all their questions take up to some megabytes. */
const MAX_ENTRY_BYTES = 64 * 1024 * 1024;
/** Entries of a list that others refer to by their ids: twice as many as any published dataset has. */
const MAX_INDEXED = 2_000_000;

/**
 * The entries of a JSON file that holds one array, those together that were read together. The file is streamed, so that it
 * may be larger than the memory.
 * @throws InputError when it is not JSON
 */
export function readJsonArray(file: string, signal?: AbortSignal): AsyncGenerator<JsonEntry[]> {
  return entriesOf(file, new EntryFinder('array'), signal);
}

/**
 * The entries of one list of a JSON object, `{"images": […], "annotations": […]}`, those together that were read together;
 * the rest of the object is passed over, and none come where it has no such list. The file is streamed.
 * @throws InputError when it is not JSON, as far as it is read
 */
export function readJsonList(
  file: string,
  list: string,
  { members, signal }: JsonOptions = {},
): AsyncGenerator<JsonEntry[]> {
  return entriesOf(file, new EntryFinder({ list }, members), signal);
}

/**
 * The members of a JSON file that holds one object, `{"05451384": {…}, …}`, in the order of the file, those together that
 * were read together. The file is streamed.
 * @throws InputError when it is not JSON
 */
export async function* readJsonMembers(
  file: string,
  { members, signal }: JsonOptions = {},
): AsyncGenerator<JsonMember[]> {
  for await (const entries of entriesOf(file, new EntryFinder('object', members), signal)) {
    yield entries.map(({ entry, value: pair }) => {
      const [name, value]: unknown[] = Array.isArray(pair) ? pair : [];
      return { entry, name: String(name), value };
    });
  }
}

/** Entries one by one, as rows of a table. */
export async function* rowsAmong(batches: AsyncIterable<JsonEntry[]>): AsyncGenerator<JsonLine> {
  for await (const entries of batches) for (const { entry, value } of entries) yield { line: entry, value };
}

/**
 * What the objects of a list say, by their ids.
 * @param members of the objects, those that are read
 * @param read id and value of an object; objects of which it says nothing are passed over
 * @throws InputError when the file is not JSON, or has more of them than the memory should hold
 */
export async function indexJsonList<T>(
  file: string,
  list: string,
  members: readonly string[],
  read: (value: Record<string, unknown>) => readonly [id: unknown, value: T] | undefined,
  signal?: AbortSignal,
): Promise<JsonIndex<T>> {
  const index = new JsonIndex<T>();
  for await (const entries of readJsonList(file, list, { members, signal })) {
    for (const { value } of entries) {
      const entry = isRecord(value) ? read(value) : undefined;
      if (entry) index.set(entry[0], entry[1]);
    }
    if (index.size > MAX_INDEXED) {
      throw new InputError(
        `${path.basename(file)}: more than ${MAX_INDEXED.toLocaleString('en-US')} ${list}; split it.`,
      );
    }
  }
  return index;
}

/** Values by ids, be these numbers or strings; `5` and `"5"` are the same. */
export class JsonIndex<T> {
  /** Numbers stay what they are: a search looks up hundreds of thousands. */
  readonly #values = new Map<number | string, T>();

  get size(): number {
    return this.#values.size;
  }

  get(id: unknown): T | undefined {
    const key = indexKey(id);
    return key === undefined ? undefined : this.#values.get(key);
  }

  /** What is no id is passed over. */
  set(id: unknown, value: T): void {
    const key = indexKey(id);
    if (key !== undefined) this.#values.set(key, value);
  }
}

function indexKey(id: unknown): number | string | undefined {
  if (typeof id !== 'string') return typeof id === 'number' ? id : undefined;
  const number = Number(id);
  return String(number) === id ? number : id;
}

/** Whether the head of a JSON file names all of these keys. */
export function hasKeys(head: string, keys: readonly string[]): boolean {
  return keys.every((key) => head.includes(`"${key}"`));
}

async function* entriesOf(
  file: string,
  finder: EntryFinder,
  signal: AbortSignal | undefined,
): AsyncGenerator<JsonEntry[]> {
  const name = path.basename(file);
  const source = readUtf8(file, { highWaterMark: CHUNK_BYTES, ...(signal && { signal }) });
  let bytes = Buffer.alloc(2 * CHUNK_BYTES);
  let length = 0;
  // So many bytes are looked at next: the beginning of a long entry not again for each chunk behind it.
  let next = 0;
  let entry = 0;
  try {
    for await (const read of andEnd(source)) {
      if (read) {
        if (length + read.length > bytes.length) bytes = Buffer.concat([bytes], 2 * (length + read.length));
        length += read.copy(bytes, length);
        if (length < next && length <= MAX_ENTRY_BYTES) continue;
      }
      const { taken, run, count, done } = finder.push(bytes.subarray(0, length));
      // The same where it is in ASCII, as most annotations are, and made several times as fast.
      const text = run.toString(isAscii(run) ? 'latin1' : 'utf8', 0, run.length - 1);
      const { values, damage } = parsed(text, count, run);
      yield values.map((value, index) => ({ entry: entry + index + 1, value }));
      entry += values.length;
      if (damage) throw damage;
      if (done) return;
      if (!read) throw new SyntaxError('it ends early');
      bytes.copyWithin(0, taken, length);
      length -= taken;
      next = 2 * length;
      if (length > MAX_ENTRY_BYTES) {
        const limit = MAX_ENTRY_BYTES / 1024 / 1024;
        throw new InputError(`${name}: entry ${entry + 1} takes more than ${limit} MB; split it.`);
      }
    }
  } catch (error) {
    if (signal?.aborted) throw new CancelledError();
    if (!(error instanceof SyntaxError)) throw error;
    const reason = error.message.split('\n')[0]?.slice(0, 200);
    throw new InputError(`${name}: not JSON after entry ${entry} (${reason}); save it again as JSON.`);
  } finally {
    source.destroy();
  }
}

/** The chunks of a file, and nothing behind them. */
async function* andEnd(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer | undefined> {
  yield* source;
  yield undefined;
}

/**
 * The values of entries.
 * @param text of the run, without the comma behind the last one
 * @returns the values before the one that is no JSON, and what is wrong with that
 */
function parsed(text: string, count: number, run: Buffer): { values: unknown[]; damage?: unknown } {
  const together = parseJson(`[${text}]`);
  if (Array.isArray(together) && together.length === count) return { values: together };
  const values: unknown[] = [];
  const entries = Buffer.from(run);
  let start = 0;
  try {
    for (const end of endsOf(entries)) {
      values.push(JSON.parse(entries.toString('utf8', start, end)));
      start = end + 1;
    }
  } catch (damage) {
    return { values, damage };
  }
  return { values };
}
