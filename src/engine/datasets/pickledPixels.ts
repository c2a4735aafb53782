import type { ByteSource, TextEncoding } from '../files/byteSource.ts';
import { bytesOfStringLine, parseUnicodeLine } from '../pickle/operands.ts';
import type { Written } from './images.ts';

/** A range of bytes. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/**
 * How a pickle writes out a string of bytes that doesn't stand in it as it is: by a text of the same characters, as Python
 * 3 does in the protocols before 3, or in protocol 0 by a line, of such a text or of the string as Python 2 prints it.
 */
type Writing = 'text' | 'text line' | 'string line';

/** A string of bytes in a pickle, in parts. */
export interface PickledBytes {
  part(index: number): { readonly offset: number; readonly written?: Written };
}

const [BACKSLASH, LOWER_U, UPPER_U, LOWER_X] = [0x5c, 0x75, 0x55, 0x78];
const [TEXT_LINE, STRING_LINE] = [0x56, 0x53];
/** Characters up to U+00FF take two bytes of UTF-8 with these first. */
const [FIRST_OF_TWO, LAST_OF_TWO] = [0xc2, 0xc3];

/**
 * Divides a string that lies in a pickle into parts of the same number of bytes.
 * @returns nothing where it isn't as many parts
 */
export function dividedBytes(
  source: ByteSource,
  { offset, length }: Range,
  parts: number,
  partBytes: number,
): PickledBytes | undefined {
  if (length === parts * partBytes) return { part: (index) => ({ offset: offset + index * partBytes }) };
  if (length < parts * partBytes) return undefined;
  const opcode = source.byte(offset - 1);
  const writing = opcode === TEXT_LINE ? 'text line' : opcode === STRING_LINE ? 'string line' : 'text';
  // The quotes around a string are none of its bytes.
  const quote = writing === 'string line' ? 1 : 0;
  const end = offset + length - quote;
  const starts = new Float64Array(parts + 1);
  let at = offset + quote;
  for (let part = 0; part < parts; part += 1) {
    starts[part] = at;
    for (let byte = 0; byte < partBytes && at < end; byte += 1) at += widthAt(source, at, writing);
  }
  starts[parts] = at;
  if (at !== end) return undefined;
  return {
    part(index) {
      const [start = 0, next = 0] = starts.subarray(index, index + 2);
      const decode = (bytes: Uint8Array) => decoded(Buffer.from(bytes), writing);
      return { offset: start, written: { length: next - start, decode } };
    },
  };
}

/** How much of the file the byte takes that is written at a position. */
function widthAt(source: ByteSource, at: number, writing: Writing): number {
  const first = source.byte(at);
  if (writing === 'text') return first === FIRST_OF_TWO || first === LAST_OF_TWO ? 2 : 1;
  if (first !== BACKSLASH) return 1;
  const next = source.byte(at + 1);
  if (writing === 'string line') return next === LOWER_X ? 4 : 2;
  return next === LOWER_U ? 6 : next === UPPER_U ? 10 : 1;
}

function decoded(bytes: Buffer, writing: Writing): Uint8Array {
  if (writing === 'string line') return Uint8Array.from(bytesOfStringLine(bytes.toString('latin1')));
  const text = writing === 'text' ? bytes.toString('utf8') : parseUnicodeLine(bytes.toString('latin1'));
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

/** The bytes of a pickle, but for long strings: of those only the place is noted. */
export class WithoutLongStrings implements ByteSource {
  readonly size: number;
  readonly skipped: Range[] = [];
  readonly #bytes: ByteSource;
  readonly #longest: number;

  /** @param longest bytes of a string that is read */
  constructor(bytes: ByteSource, longest: number) {
    this.size = bytes.size;
    this.#bytes = bytes;
    this.#longest = longest;
  }

  byte(position: number): number {
    return this.#bytes.byte(position);
  }

  window(position: number): Buffer {
    return this.#bytes.window(position);
  }

  bytes(position: number, length: number): Buffer {
    return this.#passOver(position, length) ? Buffer.alloc(0) : this.#bytes.bytes(position, length);
  }

  text(position: number, length: number, encoding: TextEncoding): string {
    if (!this.#passOver(position, length)) return this.#bytes.text(position, length, encoding);
    // A line of protocol 0 is a string within quotes, even where nothing is left in it.
    return encoding === 'latin1' ? "''" : '';
  }

  #passOver(offset: number, length: number): boolean {
    const isLong = length > this.#longest;
    if (isLong) this.skipped.push({ offset, length });
    return isLong;
  }
}
