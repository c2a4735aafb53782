import { Op } from './opcodes.ts';

const ZERO = 0x30;

/** Places that a byte tells. */
const SHORT_PLACES = 256;

/**
 * Which places of the memo, of as many as a pickle has bytes, it may recall: the first ones, which are few, and those that
 * stand behind an opcode for that, or behind a byte of a text that looks like one. So what the other opcodes are need not be
 * told twice.
 */
export function recalledPlaces(bytes: Uint8Array): Uint8Array {
  const places = new Uint8Array(bytes.length).fill(1, 0, SHORT_PLACES);
  // Much faster than byte by byte, where the bytes that look like opcodes are mostly letters.
  for (let at = bytes.indexOf(Op.Get); at >= 0; at = bytes.indexOf(Op.Get, at + 1)) {
    places[placeInDigits(bytes, at + 1)] = 1;
  }
  for (let at = bytes.indexOf(Op.LongBinGet); at >= 0; at = bytes.indexOf(Op.LongBinGet, at + 1)) {
    const [first, second] = [bytes[at + 1] ?? 0, bytes[at + 2] ?? 0];
    const [third, fourth] = [bytes[at + 3] ?? 0, bytes[at + 4] ?? 0];
    places[first + 2 ** 8 * second + 2 ** 16 * third + 2 ** 24 * fourth] = 1;
  }
  return places;
}

/** The number that starts at a byte, 0 where none does. */
function placeInDigits(bytes: Uint8Array, start: number): number {
  let place = 0;
  let at = start;
  for (let digit = digitAt(bytes, at); digit >= 0 && digit <= 9; digit = digitAt(bytes, at)) {
    place = 10 * place + digit;
    at += 1;
  }
  return place;
}

function digitAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) - ZERO;
}
