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
 * The entries of a JSON file that holds one array, those together that were read together. The file is streamed, so that it may be larger than the memory.
 * @throws InputError when it is not JSON
 */
export function readJsonArray(file: string, signal?: AbortSignal): AsyncGenerator<JsonEntry[]> {
  return entriesOf(file, new EntryFinder(), signal);
}

/**
 * The entries of one list of a JSON object, those together that were read together, `{"images": […], "annotations": […]}`; the rest of the object is passed
 * over, and none come where it has no such list. The file is streamed.
 * @param members of the entries that are objects, these alone are read: annotations may hold much that nobody asks for
 * @throws InputError when it is not JSON, as far as it is read
 */
export function readJsonList(
  file: string,
  list: string,
  members: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<JsonEntry[]> {
  return entriesOf(file, new EntryFinder(list, members), signal);
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
  for await (const entries of readJsonList(file, list, members, signal)) {
    for (const { value } of entries) {
      const entry = isRecord(value) ? read(value) : undefined;
      if (entry) index.set(...entry);
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
      const { taken, ends, done } = finder.push(bytes.subarray(0, length));
      const isOnly = done && entry === 0 && ends.length === 1;
      if (isOnly && bytes.toString('utf8', 0, ends[0]).trim() === '') return;
      const { values, damage } = parsed(bytes, ends);
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
 * The values of entries with commas between them.
 * @param ends where each entry ends
 * @returns the values before the one that is no JSON, and what is wrong with that
 */
function parsed(run: Buffer, ends: readonly number[]): { values: unknown[]; damage?: unknown } {
  const together = parseJson(`[${run.toString('utf8', 0, ends.at(-1) ?? 0)}]`);
  if (Array.isArray(together) && together.length === ends.length) return { values: together };
  const values: unknown[] = [];
  let start = 0;
  try {
    for (const end of ends) {
      values.push(JSON.parse(run.toString('utf8', start, end)));
      start = end + 1;
    }
  } catch (damage) {
    return { values, damage };
  }
  return { values };
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [SQUARE, BRACE, END_SQUARE, END_BRACE] = [0x5b, 0x7b, 0x5d, 0x7d];
/** Space, tab, line breaks, and the bytes of a byte order mark. */
const BLANK = new Uint8Array(256);
for (const byte of [0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]) BLANK[byte] = 1;

/** A range of bytes. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** What a byte outside of strings is for the structure. */
const [NONE, STRING, OPENING, CLOSING, BETWEEN] = [0, 1, 2, 3, 4];
const ROLES = new Uint8Array(256).fill(NONE);
ROLES[QUOTE] = STRING;
ROLES[SQUARE] = ROLES[BRACE] = OPENING;
ROLES[END_SQUARE] = ROLES[END_BRACE] = CLOSING;
ROLES[COMMA] = BETWEEN;

/**
 * Finds where the entries of an array end, by quotes, brackets and commas alone. What lies between them is left to
 * `JSON.parse`, which is an order of magnitude faster than parsing the file token by token.
 */
class EntryFinder {
  readonly #list: Buffer | undefined;
  readonly #members: readonly Buffer[] | undefined;
  /** Before the outermost bracket, between members of the object around the list, in one, in the list, or behind it. */
  #state: 'before' | 'around' | 'beside' | 'inside' | 'behind' = 'before';
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Brackets that are open in the value that is passed over. */
  #depth = 0;

  /**
   * @param list its name in the object around it; the file is the array when left out
   * @param members of entries that are objects, those that are wanted; all when left out. A name with escapes is none.
   */
  constructor(list?: string, members?: readonly string[]) {
    this.#list = list === undefined ? undefined : Buffer.from(list);
    this.#members = members?.map((name) => Buffer.from(name));
  }

  /**
   * Takes bytes of the file, and moves what is wanted of the entries among them to the front.
   * @param bytes those that were not taken the last time, and more
   * @returns how many were taken, where each of the entries ends that were moved, with commas between them, and whether the
   * list ends among them
   * @throws SyntaxError when they are no such JSON
   */
  push(bytes: Buffer): { taken: number; ends: number[]; done: boolean } {
    [this.#bytes, this.#at] = [bytes, 0];
    while (this.#state !== 'inside' && this.#state !== 'behind') if (!this.#approach()) break;
    const ends: number[] = [];
    let moved = 0;
    while (this.#state === 'inside') {
      const start = this.#at;
      const members = this.#wantedMembers();
      if (!this.#passValue()) {
        [this.#at, this.#depth] = [start, 0];
        break;
      }
      if (bytes[this.#at] !== COMMA) this.#state = 'behind';
      moved = members ? moveMembers(bytes, members, moved) : move(bytes, { from: start, to: this.#at }, moved);
      ends.push(moved);
      bytes[moved++] = COMMA;
      this.#at += 1;
    }
    return { taken: this.#at, ends, done: this.#state === 'behind' };
  }

  /** Goes on towards the list. @returns whether the bytes that are here are enough for that */
  #approach(): boolean {
    if (this.#state === 'beside') {
      if (!this.#passValue()) return false;
      this.#state = 'around';
    }
    const byte = this.#next();
    if (byte === undefined) return false;
    if (this.#state === 'before') {
      if (byte !== (this.#list ? BRACE : SQUARE)) {
        throw new SyntaxError(this.#list ? 'it holds no object' : 'it holds no array');
      }
      this.#state = this.#list ? 'around' : 'inside';
      this.#at += 1;
    } else if (byte === COMMA) this.#at += 1;
    else if (ROLES[byte] === CLOSING) this.#state = 'behind';
    else if (byte === QUOTE) return this.#enterMember();
    else this.#state = 'beside';
    return true;
  }

  /** Goes from the name of a member to its value, and into it where it is the list. */
  #enterMember(): boolean {
    const start = this.#at;
    const end = endOfString(this.#bytes, start + 1);
    if (end < 0) return false;
    this.#at = end + 1;
    const isNamed = this.#next() === COLON && this.#list?.equals(this.#bytes.subarray(start + 1, end));
    if (isNamed) this.#at += 1;
    const byte = this.#next();
    if (byte === undefined) {
      this.#at = start;
      return false;
    }
    const isList = isNamed && byte === SQUARE;
    if (isList) this.#at += 1;
    this.#state = isList ? 'inside' : 'beside';
    return true;
  }

  /**
   * Goes behind the object that begins here.
   * @returns its members that are wanted, each with the comma or bracket behind it; nothing, and goes nowhere, where all are
   * wanted, or this is no object with an end
   */
  #wantedMembers(): Range[] | undefined {
    const start = this.#at;
    const wanted = this.#members && this.#next() === BRACE ? this.#membersAmong(this.#members) : undefined;
    if (!wanted) [this.#at, this.#depth] = [start, 0];
    return wanted;
  }

  #membersAmong(names: readonly Buffer[]): Range[] | undefined {
    const bytes = this.#bytes;
    const wanted: Range[] = [];
    do {
      this.#at += 1;
      if (this.#next() !== QUOTE) return undefined;
      const from = this.#at;
      const end = endOfString(bytes, from + 1);
      if (end < 0) return undefined;
      this.#at = end + 1;
      if (!this.#passValue()) return undefined;
      if (isAmong(names, bytes, from + 1, end)) wanted.push({ from, to: this.#at + 1 });
    } while (bytes[this.#at] === COMMA);
    if (bytes[this.#at] !== END_BRACE) return undefined;
    this.#at += 1;
    const behind = this.#next();
    return behind === COMMA || behind === END_SQUARE ? wanted : undefined;
  }

  /** Goes to the comma or bracket behind a value. @returns whether that is here; else it goes on with the next bytes */
  #passValue(): boolean {
    const bytes = this.#bytes;
    let [at, depth] = [this.#at, this.#depth];
    let found = false;
    for (; at < bytes.length; at += 1) {
      const role = ROLES[bytes[at] ?? 0];
      if (role === NONE) continue;
      if (role === STRING) {
        const end = endOfString(bytes, at + 1);
        if (end < 0) break;
        at = end;
      } else if (role === OPENING) {
        depth += 1;
        if (depth > MAX_DEPTH) throw new SyntaxError(`nested more than ${MAX_DEPTH} deep`);
      } else if (depth === 0) {
        found = true;
        break;
      } else if (role === CLOSING) depth -= 1;
    }
    [this.#at, this.#depth] = [at, depth];
    return found;
  }

  /** Goes to the next byte that is not blank. */
  #next(): number | undefined {
    let byte = this.#bytes[this.#at];
    while (byte !== undefined && BLANK[byte] === 1) {
      this.#at += 1;
      byte = this.#bytes[this.#at];
    }
    return byte;
  }
}

/** @returns where the quote stands that ends a string, or −1 */
function endOfString(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at += 1;
  }
  return -1;
}

function isAmong(names: readonly Buffer[], bytes: Buffer, from: number, to: number): boolean {
  for (const name of names) {
    if (name.length !== to - from) continue;
    let same = 0;
    while (same < name.length && name[same] === bytes[from + same]) same += 1;
    if (same === name.length) return true;
  }
  return false;
}

/** Moves a range of bytes to a place before it. @returns where it ends then */
function move(bytes: Buffer, { from, to }: Range, place: number): number {
  bytes.copyWithin(place, from, to);
  return place + to - from;
}

/** Moves members, each with a comma behind it, to a place before them, as an object. */
function moveMembers(bytes: Buffer, members: readonly Range[], place: number): number {
  bytes[place] = BRACE;
  const end = members.reduce((next, member) => move(bytes, member, next), place + 1);
  const bracket = members.length === 0 ? end : end - 1;
  bytes[bracket] = END_BRACE;
  return bracket + 1;
}
