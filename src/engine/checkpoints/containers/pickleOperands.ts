import type { ByteSource } from './byteSource.ts';
import { ARRAY_BYTES, type PickleBudget, SLOT_BYTES, TABLE_ENTRY_BYTES } from './pickleBudget.ts';
import { BYTES, LENGTH_BYTES, LINES, OPCODES } from './pickleOpcodes.ts';
import { UnreadableError } from './unreadable.ts';

// Of this module: a million opcodes are compared with it, and tests look an imported one up each time.
const Op = OPCODES;

const [NEWLINE, ZERO] = [0x0a, 0x30];

/** Numbers of more digits are no counts, times or keys, and slow to convert. */
const MAX_NUMBER_BYTES = 256;
/** Numbers of so many digits are exact. */
const EXACT_DIGITS = 15;
/** Of a place in the memo. */
const MAX_INDEX = 2 ** 32 - 2;
/** Longest dotted name of a class or function. */
const MAX_NAME_BYTES = 512;

/** Reads opcodes and what follows them, front to back; each method throws an UnreadableError for what can't be. */
export class PickleOperands {
  readonly #source: ByteSource;
  readonly #limit: number;
  readonly #budget: PickleBudget;
  readonly #scratch = new DataView(new ArrayBuffer(8));
  #position: number;

  /** @param limit where the pickle ends at the latest */
  constructor(source: ByteSource, start: number, limit: number, budget: PickleBudget) {
    this.#source = source;
    this.#position = start;
    this.#limit = limit;
    this.#budget = budget;
  }

  get position(): number {
    return this.#position;
  }

  byte(): number {
    if (this.#position >= this.#limit) throw new UnreadableError('its pickle ends early');
    const byte = this.#source.byte(this.#position);
    this.#position += 1;
    return byte;
  }

  /** Passes over what follows an opcode. */
  #pass(opcode: number): void {
    for (let lines = LINES[opcode] ?? 0; lines > 0; lines -= 1) this.#passLine();
    const lengthBytes = LENGTH_BYTES[opcode] ?? 0;
    const length = lengthBytes === 0 ? (BYTES[opcode] ?? 0) : this.uint(lengthBytes);
    if (length > 0) this.#skip(length, 0);
  }

  /** The places of the memo that are recalled from here to the end. */
  recalledPlaces(): Set<number> {
    const places = new Set<number>();
    for (let opcode = this.byte(); opcode !== Op.stop; opcode = this.byte()) {
      const place = this.place(opcode);
      if (place === undefined) this.#pass(opcode);
      else {
        this.#budget.charge(TABLE_ENTRY_BYTES);
        places.add(place);
      }
    }
    return places;
  }

  /** The place of the memo that an opcode recalls; undefined for the others. */
  place(opcode: number): number | undefined {
    switch (opcode) {
      case Op.get:
        return this.indexLine();
      case Op.binGet:
        return this.byte();
      case Op.longBinGet:
        return this.uint(4);
      default:
        return undefined;
    }
  }

  /** A little-endian number of this many bytes; exact up to 2^53, and what is longer lies beyond any file. */
  uint(bytes: number): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < bytes; i += 1) {
      value += this.byte() * scale;
      scale *= 256;
    }
    return value;
  }

  /** The line of a place in the memo. */
  indexLine(): number {
    const index = this.#digits();
    if (index === undefined || index > MAX_INDEX) throw new UnreadableError('its pickle is damaged');
    return index;
  }

  /** The number that a line of few digits is; goes nowhere where it is none. */
  #digits(): number | undefined {
    const start = this.#position;
    const end = Math.min(this.#limit, start + EXACT_DIGITS);
    let number = 0;
    for (let at = start; at < end; at += 1) {
      const digit = this.#source.byte(at) - ZERO;
      if (digit < 0 || digit > 9) {
        const isNumber = digit === NEWLINE - ZERO && at > start;
        if (isNumber) this.#position = at + 1;
        return isNumber ? number : undefined;
      }
      number = 10 * number + digit;
    }
    return undefined;
  }

  /** The line of a module, a class, a function or a persistent id. */
  nameLine(): string {
    return this.#line(MAX_NAME_BYTES);
  }

  /** The value that an opcode writes out; undefined for those that take values from the stack or the memo. */
  literal(opcode: number): null | boolean | number | bigint | string | Buffer | undefined {
    switch (opcode) {
      case Op.none:
        return null;
      case Op.newTrue:
        return true;
      case Op.newFalse:
        return false;
      case Op.binInt:
        return this.uint(4) | 0;
      case Op.binInt1:
        return this.byte();
      case Op.binInt2:
        return this.uint(2);
      case Op.long1:
        return this.#integer(this.byte());
      case Op.long4:
        return this.#integer(this.uint(4));
      case Op.int:
        return this.#integerLine();
      case Op.long:
        return parseInteger(this.#line(MAX_NUMBER_BYTES).replace(/L$/, ''));
      case Op.binFloat:
        return this.#double();
      case Op.float:
        return parseFloatLine(this.#line(MAX_NUMBER_BYTES));
      case Op.shortBinString:
      case Op.shortBinUnicode:
        return this.#text(this.uint(1));
      case Op.binString:
      case Op.binUnicode:
        return this.#text(this.uint(4));
      case Op.binUnicode8:
        return this.#text(this.uint(8));
      case Op.string:
        return parseStringLine(this.#line());
      case Op.unicode:
        return parseUnicodeLine(this.#line());
      case Op.shortBinBytes:
        return this.#bytes(this.uint(1));
      case Op.binBytes:
        return this.#bytes(this.uint(4));
      case Op.binBytes8:
      case Op.byteArray8:
        return this.#bytes(this.uint(8));
      default:
        return undefined;
    }
  }

  /** A little-endian number in two's complement. */
  #integer(length: number): number | bigint {
    if (length > MAX_NUMBER_BYTES) throw new UnreadableError(`its pickle holds a number of ${length} bytes`);
    if (length === 0) return 0;
    const bytes = this.#bytes(length);
    if (length <= 6) return bytes.readIntLE(0, length);
    const magnitude = BigInt(`0x${bytes.reverse().toString('hex')}`);
    return narrowed(BigInt.asIntN(length * 8, magnitude));
  }

  /** In protocol 0, truth values are numbers of two digits. */
  #integerLine(): number | bigint | boolean {
    const isTruth = this.#position < this.#limit && this.#source.byte(this.#position) === ZERO;
    const number = isTruth ? undefined : this.#digits();
    if (number !== undefined) return number;
    const line = this.#line(MAX_NUMBER_BYTES);
    return line === '00' ? false : line === '01' ? true : parseInteger(line);
  }

  /** Big-endian, unlike everything else. */
  #double(): number {
    for (let i = 0; i < 8; i += 1) this.#scratch.setUint8(i, this.byte());
    return this.#scratch.getFloat64(0);
  }

  #text(length: number): string {
    this.#skip(length, 2 * SLOT_BYTES + 2 * length);
    return this.#source.text(this.#position - length, length, 'utf8');
  }

  #bytes(length: number): Buffer {
    this.#skip(length, ARRAY_BYTES + length);
    return this.#source.bytes(this.#position - length, length);
  }

  /** Passes over bytes, once it is known that they are there and what is made of them is affordable. */
  #skip(length: number, cost: number): void {
    if (length > this.#limit - this.#position) throw new UnreadableError('its pickle ends early');
    this.#budget.charge(cost);
    this.#position += length;
  }

  /** The text up to the end of the line, byte for byte as characters. */
  #line(maximum = Number.POSITIVE_INFINITY): string {
    const start = this.#position;
    const length = this.#passLine(Math.min(maximum, this.#budget.affords(SLOT_BYTES)));
    if (length > maximum) throw new UnreadableError('its pickle holds a line that is too long');
    this.#budget.charge(length * SLOT_BYTES);
    return this.#source.text(start, length, 'latin1');
  }

  /** Passes over a line. @returns its length, `most` and one where it is longer */
  #passLine(most?: number): number {
    const start = this.#position;
    const limit = most === undefined ? this.#limit : Math.min(this.#limit, start + most + 1);
    const end = this.#source.lineEnd(start, limit);
    if (end === this.#limit) throw new UnreadableError('its pickle ends early');
    this.#position = end + 1;
    return end - start;
  }
}

function parseInteger(text: string): number | bigint {
  if (!/^[+-]?\d+$/.test(text)) throw new UnreadableError('its pickle holds a number that is none');
  // All that many digits are exact, and much faster than by way of a bigint.
  if (text.length <= EXACT_DIGITS) return Number(text);
  return narrowed(text.startsWith('+') ? BigInt(text.slice(1)) : BigInt(text));
}

function narrowed(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function parseFloatLine(line: string): number {
  if (/^[+-]?inf$/.test(line)) return line.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^[+-]?nan$/.test(line)) return Number.NaN;
  if (!/^[+-]?[\d.]+(e[+-]?\d+)?$/.test(line)) throw new UnreadableError('its pickle holds a number that is none');
  return Number(line);
}

const ESCAPES = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['v', '\v'],
]);

/** A string of Python 2 as it prints itself, `'it\'s \xe9'`; its bytes are taken as UTF-8. */
function parseStringLine(line: string): string {
  const [, , body] = /^(['"])(.*)\1$/s.exec(line.trim()) ?? [];
  if (body === undefined) throw new UnreadableError('its pickle holds a string without quotes');
  if (/^[\x20-\x5b\x5d-\x7e]*$/.test(body)) return body;
  return bytesOfStringLine(body).toString('utf8');
}

/** The bytes of such a string, without its quotes. */
export function bytesOfStringLine(body: string): Buffer {
  const bytes = body.replace(/\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)/gs, (_, code: string) => {
    if (code.length === 3 && code.startsWith('x')) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 0xff);
    return ESCAPES.get(code) ?? code;
  });
  return Buffer.from(bytes, 'latin1');
}

/** Latin-1 in which `\uXXXX` and `\UXXXXXXXX` stand for other characters. */
export function parseUnicodeLine(line: string): string {
  if (!line.includes('\\')) return line;
  return line.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_, short?: string, long?: string) => {
    const code = Number.parseInt(short ?? long ?? '', 16);
    if (code > 0x10ffff) throw new UnreadableError('its pickle holds a character that does not exist');
    return String.fromCodePoint(code);
  });
}
