import type { ByteSource } from '../files/byteSource.ts';
import { UnreadableError } from '../files/unreadable.ts';
import { ARRAY_BYTES, type PickleBudget, SLOT_BYTES } from './budget.ts';
import { Op } from './opcodes.ts';

const [NEWLINE, ZERO, SINGLE, DOUBLE, BACKSLASH] = [0x0a, 0x30, 0x27, 0x22, 0x5c];
/** The first and the last character of ASCII that is printed. */
const [SPACE, TILDE] = [0x20, 0x7e];

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
  /** The bytes at hand, the position of the first of them, and the next one of them. */
  #window: Buffer = Buffer.alloc(0);
  #start: number;
  #at = 0;

  /** @param limit where the pickle ends at the latest */
  constructor(source: ByteSource, start: number, limit: number, budget: PickleBudget) {
    this.#source = source;
    this.#start = start;
    this.#limit = limit;
    this.#budget = budget;
  }

  get position(): number {
    return this.#start + this.#at;
  }

  byte(): number {
    if (this.#at >= this.#window.length) this.#openWindow(this.position);
    const byte = this.#window[this.#at] ?? 0;
    this.#at += 1;
    return byte;
  }

  /** @throws UnreadableError where the pickle may not reach so far */
  #openWindow(position: number): void {
    if (position >= this.#limit) throw new UnreadableError('its pickle ends early');
    this.#window = this.#source.window(position).subarray(0, this.#limit - position);
    this.#start = position;
    this.#at = 0;
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
    const index = this.#digits() ?? parseIndex(this.#line(MAX_NUMBER_BYTES));
    if (index > MAX_INDEX) throw new UnreadableError('its pickle is damaged');
    return index;
  }

  /** The number that a line of few digits is, where all of it is at hand; else goes nowhere. */
  #digits(): number | undefined {
    const window = this.#window;
    const first = this.#at;
    const last = Math.min(window.length, first + EXACT_DIGITS);
    let number = 0;
    let at = first;
    for (; at < last; at += 1) {
      const digit = (window[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) break;
      number = 10 * number + digit;
    }
    if (at === first || window[at] !== NEWLINE) return undefined;
    this.#at = at + 1;
    return number;
  }

  /**
   * Passes over a list of texts as protocol 0 writes it, where all of it is at hand and an opcode follows that takes it.
   * @param recalled places of the memo: what is recalled can't be passed over
   * @returns whether that is what stands here; else it goes nowhere
   */
  passTexts(recalled: Uint8Array, taker: number): boolean {
    const window = this.#window;
    const first = this.#at;
    if (window[first] !== Op.Mark || window[first + 1] !== Op.List) return false;
    this.#at = first + 2;
    let passed = this.#passPlace(recalled);
    while (passed && window[this.#at] === Op.String) {
      this.#at += 1;
      passed = this.#passPlain() && this.#passPlace(recalled) && window[this.#at] === Op.Append;
      this.#at += 1;
    }
    passed &&= window[this.#at] === taker;
    if (!passed) this.#at = first;
    return passed;
  }

  #passPlace(recalled: Uint8Array): boolean {
    if (this.#window[this.#at] !== Op.Put) return false;
    this.#at += 1;
    const place = this.#digits();
    return place !== undefined && recalled[place] === 0;
  }

  /** The line of a module, a class, a function or a persistent id. */
  nameLine(): string {
    return this.#line(MAX_NAME_BYTES);
  }

  /** The value that an opcode writes out, but for `None`; undefined for those that take values from the stack or the memo. */
  literal(opcode: number): boolean | number | bigint | string | Buffer | undefined {
    switch (opcode) {
      case Op.NewTrue:
        return true;
      case Op.NewFalse:
        return false;
      case Op.BinInt:
        return this.uint(4) | 0;
      case Op.BinInt1:
        return this.byte();
      case Op.BinInt2:
        return this.uint(2);
      case Op.Long1:
        return this.#integer(this.byte());
      case Op.Long4:
        return this.#integer(this.uint(4));
      case Op.Int:
        return this.#integerLine();
      case Op.Long:
        return parseInteger(this.#line(MAX_NUMBER_BYTES).replace(/L$/, ''));
      case Op.BinFloat:
        return this.#double();
      case Op.Float:
        return parseFloatLine(this.#line(MAX_NUMBER_BYTES));
      case Op.ShortBinString:
      case Op.ShortBinUnicode:
        return this.#text(this.uint(1));
      case Op.BinString:
      case Op.BinUnicode:
        return this.#text(this.uint(4));
      case Op.BinUnicode8:
        return this.#text(this.uint(8));
      case Op.String:
        return this.#plainString() ?? parseStringLine(this.#line());
      case Op.Unicode:
        return parseUnicodeLine(this.#line());
      case Op.ShortBinBytes:
        return this.#bytes(this.uint(1));
      case Op.BinBytes:
        return this.#bytes(this.uint(4));
      case Op.BinBytes8:
      case Op.ByteArray8:
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
    const number = this.#window[this.#at] === ZERO ? undefined : this.#digits();
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
    return this.#source.text(this.position - length, length, 'utf8');
  }

  #bytes(length: number): Buffer {
    this.#skip(length, ARRAY_BYTES + length);
    return this.#source.bytes(this.position - length, length);
  }

  /** Passes over bytes, once it is known that they are there and what is made of them is affordable. */
  #skip(length: number, cost: number): void {
    if (length > this.#limit - this.position) throw new UnreadableError('its pickle ends early');
    this.#budget.charge(cost);
    this.#at += length;
  }

  /** The string that a line is without escapes, where all of it is at hand; else goes nowhere. */
  #plainString(): string | undefined {
    const first = this.#at + 1;
    if (!this.#passPlain()) return undefined;
    const length = this.#at - 2 - first;
    this.#budget.charge((length + 2) * SLOT_BYTES);
    return this.#source.text(this.#start + first, length, 'latin1');
  }

  /** Passes over the line of such a string. @returns whether one is here; else it goes nowhere */
  #passPlain(): boolean {
    const window = this.#window;
    const first = this.#at + 1;
    const quote = window[this.#at];
    let at = first;
    while (isPlain(window[at])) at += 1;
    if (window[at] !== NEWLINE || at === first || window[at - 1] !== quote) return false;
    if (quote !== SINGLE && quote !== DOUBLE) return false;
    this.#at = at + 1;
    return true;
  }

  /** The text up to the end of the line, byte for byte as characters. */
  #line(maximum = Number.POSITIVE_INFINITY): string {
    const start = this.position;
    const length = this.#passLine();
    if (length > maximum) throw new UnreadableError('its pickle holds a line that is too long');
    this.#budget.charge(length * SLOT_BYTES);
    return this.#source.text(start, length, 'latin1');
  }

  /** Passes over a line. @returns its length */
  #passLine(): number {
    const window = this.#window;
    const { length } = window;
    const first = this.#at;
    let at = first;
    while (at < length && window[at] !== NEWLINE) at += 1;
    if (at >= length) return this.#passLongLine();
    this.#at = at + 1;
    return at - first;
  }

  /** Passes over a line that is not at hand as a whole. @returns its length, or more than a text is affordable of */
  #passLongLine(): number {
    const most = this.#budget.affords(SLOT_BYTES);
    let length = 0;
    while (this.byte() !== NEWLINE && length <= most) length += 1;
    return length;
  }
}

/** Whether a byte of a string stands for itself. */
function isPlain(byte = 0): boolean {
  return byte >= SPACE && byte <= TILDE && byte !== BACKSLASH;
}

function parseIndex(line: string): number {
  if (!/^\d+$/.test(line)) throw new UnreadableError('its pickle is damaged');
  return Number(line);
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
  const text = line.trim();
  const body = text.slice(1, -1);
  const quote = text.charCodeAt(0);
  if (text.length < 2 || (quote !== SINGLE && quote !== DOUBLE) || text.charCodeAt(text.length - 1) !== quote) {
    throw new UnreadableError('its pickle holds a string without quotes');
  }
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
