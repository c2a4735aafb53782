import path from 'node:path';
import { CancelledError, InputError } from '../../errors.ts';
import { readUtf8 } from './encoding.ts';
import { isRecord } from './jsonl.ts';

const CHUNK_BYTES = 1024 * 1024;
/** The longest member that is read. */
const MAX_MEMBER_BYTES = 64 * 1024 * 1024;
const MAX_DEPTH = 256;
const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [SQUARE, BRACE, END_SQUARE, END_BRACE] = [0x5b, 0x7b, 0x5d, 0x7d];

/** A member of an object by its name, counted from 1. */
export interface JsonMember {
  readonly entry: number;
  readonly key: string;
  readonly value: unknown;
}

/**
 * The members of a JSON file that holds one object, `{"05451384": {…}, …}`, those together that were read together. The
 * file is streamed, so that it may be larger than the memory.
 * @throws InputError when it is not JSON
 */
export async function* readJsonMembers(file: string, signal?: AbortSignal): AsyncGenerator<JsonMember[]> {
  const source = readUtf8(file, { highWaterMark: CHUNK_BYTES, ...(signal && { signal }) });
  const scan = new MemberScan();
  let rest: Buffer = Buffer.alloc(0);
  let entry = 0;
  try {
    for await (const chunk of source) {
      const bytes = Buffer.concat([rest, chunk]);
      const end = scan.lastEnd(bytes, rest.length);
      const members = end < 0 ? [] : membersIn(bytes.subarray(0, end), entry === 0);
      yield members.map(([key, value], index) => ({ entry: entry + index + 1, key, value }));
      entry += members.length;
      if (scan.done) return;
      rest = end < 0 ? bytes : bytes.subarray(end + 1);
      if (rest.length > MAX_MEMBER_BYTES) {
        const limit = MAX_MEMBER_BYTES / 1024 / 1024;
        throw new InputError(`${path.basename(file)}: member ${entry + 1} takes more than ${limit} MB; split it.`);
      }
    }
    throw new SyntaxError('it ends early');
  } catch (error) {
    if (signal?.aborted) throw new CancelledError();
    if (!(error instanceof SyntaxError)) throw error;
    const reason = error.message.split('\n')[0]?.slice(0, 200);
    throw new InputError(`${path.basename(file)}: not JSON after member ${entry} (${reason}); save it again as JSON.`);
  } finally {
    source.destroy();
  }
}

/** @param isFirst whether the bracket of the object stands before the members */
function membersIn(bytes: Buffer, isFirst: boolean): [key: string, value: unknown][] {
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (isFirst && !text.trimStart().startsWith('{')) throw new SyntaxError('it holds no object');
  const object: unknown = JSON.parse(isFirst ? `${text}}` : `{${text}}`);
  return isRecord(object) ? Object.entries(object) : [];
}

/** Finds where members end, by quotes, brackets and commas alone. */
class MemberScan {
  #depth = 0;
  #inString = false;
  #skipsNext = false;
  /** Whether the object has ended. */
  done = false;

  /**
   * Where the last of the members ends that are whole.
   * @param start of the bytes that were not scanned before
   */
  lastEnd(bytes: Buffer, start: number): number {
    let end = -1;
    for (let at = start; at < bytes.length; at += 1) {
      const byte = bytes[at];
      if (this.#skipsNext) this.#skipsNext = false;
      else if (this.#inString) {
        if (byte === QUOTE) this.#inString = false;
        else if (byte === BACKSLASH) this.#skipsNext = true;
      } else if (byte === QUOTE) this.#inString = true;
      else if (byte === BRACE || byte === SQUARE) {
        this.#depth += 1;
        if (this.#depth > MAX_DEPTH) throw new SyntaxError(`nested more than ${MAX_DEPTH} deep`);
      } else if (byte === END_BRACE || byte === END_SQUARE) {
        this.#depth -= 1;
        if (this.#depth > 0) continue;
        this.done = true;
        return at;
      } else if (byte === COMMA && this.#depth === 1) end = at;
    }
    return end;
  }
}
