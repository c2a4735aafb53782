// AssemblyScript, compiled to one WebAssembly module: goes over JSON by quotes, brackets and commas alone, 64 bytes at a
// time where none of them is wanted. `../entryFinder.ts` is the only caller. It puts `padding` zeros behind the bytes, which
// are nothing in JSON, so that loops look for the end once per block.

const BLOCK: usize = 64;
const QUOTE: u8 = 0x22;
const BACKSLASH: u8 = 0x5c;
const COMMA: u8 = 0x2c;
const COLON: u8 = 0x3a;
const SQUARE: u8 = 0x5b;
const END_SQUARE: u8 = 0x5d;
const BRACE: u8 = 0x7b;
const END_BRACE: u8 = 0x7d;
/** The bit that makes square brackets curly ones, and nothing else a bracket. */
const CURLY: u8 = 0x20;

/** From here on memory is free. */
export const heapBase: usize = __heap_base;
export const padding: usize = BLOCK;
/** Brackets may be nested so deep. */
export const maxDepth: i32 = 256;

/** The place behind the bytes. */
let end: usize = 0;
/** The next byte. */
export let at: usize = 0;
/** Brackets that are open at the next byte, in the value that is passed over; with more than `maxDepth` it is given up. */
export let depth: i32 = 0;
/** The place behind the entries that were taken. */
export let output: usize = 0;

/**
 * Says where the bytes are.
 * @param brackets that are open at the first one
 * @param room where entries go that are taken
 */
export function begin(first: usize, behind: usize, brackets: i32, room: usize): void {
  at = first;
  end = behind;
  depth = brackets;
  output = room;
}

/** Goes to the comma or bracket behind a value. @returns whether that is here; else it goes on with more bytes */
export function passValue(): bool {
  while (at < end) {
    if (depth > 0) {
      if (!passNested()) return false;
      continue;
    }
    const byte = load<u8>(at);
    if (byte === QUOTE) {
      const close = endOfString(at + 1);
      if (close >= end) return false;
      at = close;
    } else if ((byte | CURLY) === BRACE) depth = 1;
    else if (byte === COMMA || (byte | CURLY) === END_BRACE) return true;
    at += 1;
  }
  return false;
}

/**
 * Goes behind the bracket that closes the outermost one.
 * @returns whether that is here; else it goes as far as strings are whole
 */
function passNested(): bool {
  // All bits are set in a string, and the lowest behind a backslash.
  let inside: u64 = 0;
  let first: u64 = 0;
  let string = at;
  while (at < end) {
    const backslashes = bytesThatAre(BACKSLASH, 0);
    const escaped = (backslashes | first) === 0 ? 0 : escapedBy(backslashes, first);
    first = (backslashes & ~escaped) >> 63;
    const quotes = bytesThatAre(QUOTE, 0) & ~escaped;
    const strings = betweenQuotes(quotes) ^ inside;
    const opening = bytesThatAre(BRACE, CURLY) & ~strings;
    const closing = bytesThatAre(END_BRACE, CURLY) & ~strings;
    const more = <i32>popcnt(opening);
    const fewer = <i32>popcnt(closing);
    if (depth > fewer && depth + more <= maxDepth) depth += more - fewer;
    else if (passBrackets(opening, closing)) return true;
    else if (depth > maxDepth) return false;
    inside = <u64>(<i64>strings >> 63);
    if (quotes !== 0) string = at + 63 - <usize>clz(quotes);
    at += BLOCK;
  }
  at = inside === 0 ? end : string;
  return false;
}

/** Counts the brackets of a block. @returns whether it went behind the last that was open; else it stays, maybe too deep */
function passBrackets(opening: u64, closing: u64): bool {
  for (let rest = opening | closing; rest !== 0; rest &= rest - 1) {
    depth += (opening & rest & -rest) === 0 ? -1 : 1;
    if (depth > maxDepth) return false;
    if (depth === 0) {
      at += <usize>ctz(rest) + 1;
      return true;
    }
  }
  return false;
}

/** Which bytes of the block are this one, once the bits of a mask are set in them. */
function bytesThatAre(byte: u8, mask: u8): u64 {
  return (
    sixteen(at, byte, mask) |
    (sixteen(at + 16, byte, mask) << 16) |
    (sixteen(at + 32, byte, mask) << 32) |
    (sixteen(at + 48, byte, mask) << 48)
  );
}

function sixteen(from: usize, byte: u8, mask: u8): u64 {
  const bytes = v128.or(v128.load(from), i8x16.splat(mask));
  return <u64>i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(byte)));
}

/** The bytes behind backslashes that are none themselves, `first` before the block counted. */
function escapedBy(backslashes: u64, first: u64): u64 {
  let escaped = first;
  let rest = backslashes & ~first;
  while (rest !== 0) {
    const next = (rest & -rest) << 1;
    escaped |= next;
    rest &= (rest - 1) & ~next;
  }
  return escaped;
}

/** From each first quote to before the second. */
function betweenQuotes(quotes: u64): u64 {
  let bits = quotes;
  for (let shift: u64 = 1; shift < 64; shift <<= 1) bits ^= bits << shift;
  return bits;
}

/** @returns where the quote stands that ends a string, or a place behind the bytes */
export function endOfString(from: usize): usize {
  let place = from;
  while (place < end) {
    const bytes = v128.load(place);
    const quotes = i8x16.eq(bytes, i8x16.splat(QUOTE));
    const found = i8x16.bitmask(v128.or(quotes, i8x16.eq(bytes, i8x16.splat(BACKSLASH))));
    if (found === 0) place += 16;
    else {
      place += <usize>ctz(found);
      if (load<u8>(place) === QUOTE) return place;
      place += 2;
    }
  }
  return place;
}

/**
 * Takes entries, writes each with a comma behind it, and goes behind the last one that is whole, and the comma or bracket
 * there.
 *
 * @param areMembers whether entries are members of an object, which are written as pairs of name and value
 * @param names members of values that are objects, those that are written: each a byte with its length and its bytes, behind
 * the last one a zero; without, all are
 * @returns how many were taken
 */
export function takeEntries(areMembers: bool, names: usize): i32 {
  let count = 0;
  let isLast = false;
  while (!isLast) {
    const start = at;
    const place = output;
    if (areMembers) takeName();
    const value = at;
    const placeOfValue = output;
    if (names === 0 || !takeMembers(names)) {
      at = value;
      depth = 0;
      output = placeOfValue;
      if (!passValue()) {
        at = start;
        output = place;
        if (depth <= maxDepth) depth = 0;
        break;
      }
      write(value, at);
    }
    if (areMembers) {
      store<u8>(output, END_SQUARE);
      output += 1;
    }
    isLast = load<u8>(at) !== COMMA;
    store<u8>(output, COMMA);
    output += 1;
    at += 1;
    count += 1;
  }
  return count;
}

/** Begins a pair, and goes from a name to its value; without a name the pair is none in JSON either, `[,…]`. */
function takeName(): void {
  const start = at;
  store<u8>(output, SQUARE);
  output += 1;
  if (nextByte() === QUOTE) {
    const name = at;
    at = min(endOfString(name + 1) + 1, end);
    const behind = at;
    if (nextByte() === COLON) {
      write(name, behind);
      at += 1;
    } else at = start;
  }
  store<u8>(output, COMMA);
  output += 1;
}

/** Takes what is wanted of an object. @returns whether one is here with all of it; else no more is known than that */
function takeMembers(names: usize): bool {
  if (nextByte() !== BRACE) return false;
  const start = output;
  store<u8>(output, BRACE);
  output += 1;
  do {
    at += 1;
    if (nextByte() !== QUOTE) return false;
    const name = at;
    const close = endOfString(name + 1);
    if (close >= end) return false;
    at = close + 1;
    if (!passValue()) return false;
    if (isAmong(names, name + 1, close)) write(name, at + 1);
  } while (load<u8>(at) === COMMA);
  if (load<u8>(at) !== END_BRACE) return false;
  // In place of the comma behind the last one.
  if (output - start > 1) output -= 1;
  store<u8>(output, END_BRACE);
  output += 1;
  at += 1;
  const behind = nextByte();
  return behind === COMMA || (behind | CURLY) === END_BRACE;
}

function isAmong(names: usize, from: usize, to: usize): bool {
  let name = names;
  for (let length = <usize>load<u8>(name); length > 0; length = <usize>load<u8>(name)) {
    if (length === to - from && memory.compare(name + 1, from, length) === 0) return true;
    name += 1 + length;
  }
  return false;
}

/** There is room behind the places for some bytes more. */
function write(from: usize, to: usize): void {
  const length = to - from;
  for (let i: usize = 0; i < length; i += 16) v128.store(output + i, v128.load(from + i));
  output += length;
}

/** Goes to the next byte that is not blank; the bytes of a byte order mark are. */
function nextByte(): u8 {
  let byte = load<u8>(at);
  while (
    byte === 0x20 ||
    byte === 0x0a ||
    byte === 0x0d ||
    byte === 0x09 ||
    byte === 0xef ||
    byte === 0xbb ||
    byte === 0xbf
  ) {
    at += 1;
    byte = load<u8>(at);
  }
  return byte;
}
