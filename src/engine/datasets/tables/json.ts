import path from 'node:path';
import { CancelledError, InputError } from '../../errors.ts';
import { readUtf8 } from './encoding.ts';
import { isRecord, parseJson } from './jsonl.ts';

/** An entry of an array, counted from 1. */
export interface JsonEntry {
  readonly entry: number;
  readonly value: unknown;
}

const CHUNK_BYTES = 1024 * 1024;
/** The longest entry that is read; articles with all their questions take up to some megabytes. */
const MAX_ENTRY_BYTES = 64 * 1024 * 1024;
const MAX_DEPTH = 256;
/** Entries of a list that others refer to by their ids: twice as many as any published dataset has. */
const MAX_INDEXED = 2_000_000;

/**
 * The entries of a JSON file that holds one array. The file is streamed, so that it may be larger than the memory.
 * @throws InputError when it is not JSON
 */
export function readJsonArray(file: string, signal?: AbortSignal): AsyncGenerator<JsonEntry> {
  return entriesOf(file, undefined, signal);
}

/**
 * The entries of one list of a JSON object, `{"images": […], "annotations": […]}`; the rest of the object is passed
 * over, and none come where it has no such list. The file is streamed.
 * @throws InputError when it is not JSON
 */
export function readJsonList(file: string, list: string, signal?: AbortSignal): AsyncGenerator<JsonEntry> {
  return entriesOf(file, list, signal);
}

/**
 * What the objects of a list say, by their ids.
 * @param read id and value of an object; objects of which it says nothing are passed over
 * @throws InputError when the file is not JSON, or has more of them than the memory should hold
 */
export async function indexJsonList<T>(
  file: string,
  list: string,
  read: (value: Record<string, unknown>) => readonly [id: string, value: T] | undefined,
  signal?: AbortSignal,
): Promise<Map<string, T>> {
  const index = new Map<string, T>();
  for await (const { value } of readJsonList(file, list, signal)) {
    const entry = isRecord(value) ? read(value) : undefined;
    if (entry) index.set(...entry);
    if (index.size > MAX_INDEXED) {
      throw new InputError(
        `${path.basename(file)}: more than ${MAX_INDEXED.toLocaleString('en-US')} ${list}; split it.`,
      );
    }
  }
  return index;
}

/** Whether the head of a JSON file names all of these keys. */
export function hasKeys(head: string, keys: readonly string[]): boolean {
  return keys.every((key) => head.includes(`"${key}"`));
}

async function* entriesOf(
  file: string,
  list: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<JsonEntry> {
  const name = path.basename(file);
  const finder = new EntryFinder(list);
  const source = readUtf8(file, { highWaterMark: CHUNK_BYTES, ...(signal && { signal }) });
  let entry = 0;
  // The beginning of an entry whose end has not been read yet.
  let begun: Buffer[] = [];
  let begunBytes = 0;
  try {
    for await (const chunk of source) {
      const bytes: Buffer = chunk;
      const { from, ends } = finder.push(bytes);
      const last = ends.at(-1);
      if (last !== undefined) {
        const run = Buffer.concat([...begun, bytes.subarray(from, last)]);
        const inRun = ends.map((end) => begunBytes + end - from);
        begun = [];
        begunBytes = 0;
        if (finder.state === 'behind' && entry === 0 && ends.length === 1 && run.toString().trim() === '') return;
        for (const value of parseEntries(run, inRun)) {
          entry += 1;
          yield { entry, value };
        }
      }
      if (finder.state === 'behind') return;
      if (finder.state !== 'inside') continue;
      const rest = bytes.subarray(last === undefined ? from : last + 1);
      begun.push(rest);
      begunBytes += rest.length;
      if (begunBytes > MAX_ENTRY_BYTES) {
        const limit = MAX_ENTRY_BYTES / 1024 / 1024;
        throw new InputError(`${name}: entry ${entry + 1} takes more than ${limit} MB; split it.`);
      }
    }
    throw new SyntaxError('it ends early');
  } catch (error) {
    if (signal?.aborted) throw new CancelledError();
    if (!(error instanceof SyntaxError)) throw error;
    const reason = error.message.split('\n')[0]?.slice(0, 200);
    throw new InputError(`${name}: not JSON after entry ${entry} (${reason}); save it again as JSON.`);
  } finally {
    source.destroy();
  }
}

/**
 * Parses entries with the commas between them.
 * @param ends where each entry ends
 * @throws SyntaxError after the entries before the one that is no JSON
 */
function* parseEntries(run: Buffer, ends: readonly number[]): Generator<unknown> {
  const together = parseJson(`[${run.toString()}]`);
  if (Array.isArray(together) && together.length === ends.length) {
    yield* together;
    return;
  }
  let start = 0;
  for (const end of ends) {
    yield JSON.parse(run.toString('utf8', start, end));
    start = end + 1;
  }
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [SQUARE, BRACE, END_SQUARE, END_BRACE] = [0x5b, 0x7b, 0x5d, 0x7d];
/** Space, tab, line breaks, and the bytes of a byte order mark. */
const BLANK = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);

/**
 * Finds where the entries of an array end, by quotes, brackets and commas alone. What lies between them is left to
 * `JSON.parse`, which is an order of magnitude faster than parsing the file token by token.
 */
class EntryFinder {
  readonly #list: Buffer | undefined;
  /** Depth of brackets at which the entries lie. */
  readonly #level: number;
  /** Before the outermost bracket, in the object around the list, inside of the list, or behind it. */
  state: 'before' | 'around' | 'inside' | 'behind' = 'before';
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** The last string of the object around the list as far as it may be the name, and whether it was, before a colon. */
  #string: Buffer = Buffer.alloc(0);
  #named = false;

  /** @param list its name in the object around it; the file is the array when left out */
  constructor(list: string | undefined) {
    this.#list = list === undefined ? undefined : Buffer.from(list);
    this.#level = list === undefined ? 1 : 2;
  }

  /**
   * Takes the next bytes of the file.
   * @returns where in them the entries go on or begin, and where each that ends does so
   * @throws SyntaxError when they are no such JSON
   */
  push(bytes: Buffer): { from: number; ends: number[] } {
    const ends: number[] = [];
    let at = this.state === 'before' ? this.#begin(bytes) : 0;
    let from = at;
    let [depth, inString, escaped] = [this.#depth, this.#inString, this.#escaped];
    for (; at < bytes.length && this.state !== 'behind'; at += 1) {
      if (inString) {
        const start = at;
        if (escaped) at += 1;
        while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
        escaped = at > bytes.length;
        inString = at >= bytes.length;
        if (depth === 1 && this.state === 'around') this.#keep(bytes.subarray(start, at));
        continue;
      }
      const byte = bytes[at];
      if (byte === QUOTE) {
        inString = true;
        if (depth === 1 && this.state === 'around') this.#string = Buffer.alloc(0);
      } else if (byte === COMMA) {
        if (depth === this.#level && this.state === 'inside') ends.push(at);
      } else if (byte === COLON) {
        if (depth === 1) this.#named = this.#list?.equals(this.#string) ?? false;
      } else if (byte === SQUARE || byte === BRACE) {
        if (depth === 1 && this.#named && byte === SQUARE) {
          this.state = 'inside';
          from = at + 1;
          this.#named = false;
        }
        depth += 1;
        if (depth > MAX_DEPTH) throw new SyntaxError(`nested more than ${MAX_DEPTH} deep`);
      } else if (byte === END_SQUARE || byte === END_BRACE) {
        depth -= 1;
        if (this.state === 'inside' && depth < this.#level) {
          ends.push(at);
          this.state = 'behind';
        } else if (depth === 0) this.state = 'behind';
      }
    }
    [this.#depth, this.#inString, this.#escaped] = [depth, inString, escaped];
    return { from, ends };
  }

  /** Goes on to the outermost bracket; what stands behind it is in the object around the list, or in the list. */
  #begin(bytes: Buffer): number {
    const at = bytes.findIndex((byte) => !BLANK.has(byte));
    if (at < 0) return bytes.length;
    if (bytes[at] !== (this.#list ? BRACE : SQUARE)) {
      throw new SyntaxError(this.#list ? 'it holds no object' : 'it holds no array');
    }
    this.#depth = 1;
    this.state = this.#list ? 'around' : 'inside';
    return at + 1;
  }

  /** Keeps the string that is read, unless it is too long for the list's name. */
  #keep(bytes: Buffer): void {
    const most = (this.#list?.length ?? 0) + 1 - this.#string.length;
    this.#string = Buffer.concat([this.#string, bytes.subarray(0, most)]);
  }
}
