import type { ByteSource } from '../files/byteSource.ts';

/** Names and metadata are short; a longer string is a sign of a damaged or hostile file. */
const MAX_STRING_BYTES = 1024 * 1024;
/** Of all strings together, for those of a network are kept. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024;
/** Networks have thousands of nodes and weights, and some ten fields each: many more is a damaged or hostile file. */
const MAX_FIELDS = 2_000_000;

interface Range {
  readonly start: number;
  readonly end: number;
}

/** A field of a protobuf message: where its payload lies in the file, or its number. */
export interface Field extends Range {
  readonly number: number;
  /** Wire type: 0 varint, 1 64-bit, 2 length-delimited, 5 32-bit. */
  readonly wire: number;
  /** Value of a varint as a signed number of 64 bits, 0 otherwise. Exact up to 2^53. */
  readonly value: number;
}

/**
 * Reads protobuf messages where they lie, so that payloads nobody asks for (the weights of a network) are never read,
 * however large they are.
 */
export class ProtobufReader {
  readonly #bytes: ByteSource;
  #textBytes = 0;
  #fields = 0;
  /** Behind the varint that was read last. */
  #next = 0;

  constructor(bytes: ByteSource) {
    this.#bytes = bytes;
  }

  /** The fields of the message in this range, in file order. Throws when the bytes are no protobuf message. */
  *fields({ start, end }: Range = { start: 0, end: this.#bytes.size }): Generator<Field> {
    let position = start;
    while (position < end) {
      this.#fields += 1;
      if (this.#fields > MAX_FIELDS) throw new Error('it has more fields than any network');
      const tag = this.#varint(position, end);
      position = this.#next;
      const number = Math.floor(tag / 8);
      const wire = tag % 8;
      if (number === 0) throw new Error('a field has the number 0');
      let value = 0;
      let length = 0;
      if (wire === 0) {
        value = this.#varint(position, end);
        length = this.#next - position;
      } else if (wire === 1) length = 8;
      else if (wire === 5) length = 4;
      else if (wire === 2) {
        length = this.#varint(position, end);
        position = this.#next;
      } else throw new Error(`wire type ${wire} does not exist`);
      if (length < 0 || position + length > end) throw new Error('the file ends in the middle of a field');
      yield { number, wire, value, start: position, end: position + length };
      position += length;
    }
  }

  string({ start, end }: Field): string {
    const length = end - start;
    this.#textBytes += length;
    if (length > MAX_STRING_BYTES) throw new Error(`a name of ${length} bytes`);
    if (this.#textBytes > MAX_TEXT_BYTES) throw new Error(`names of more than ${MAX_TEXT_BYTES} bytes`);
    return this.#bytes.text(start, length, 'utf8');
  }

  /** A copy of what is in a field; the caller bounds its length. */
  bytes({ start, end }: Range): Uint8Array {
    return this.#bytes.bytes(start, end - start);
  }

  /** Value of a 32-bit field. */
  float({ start }: Field): number {
    return this.#bytes.bytes(start, Float32Array.BYTES_PER_ELEMENT).readFloatLE();
  }

  /** Values of a repeated varint field, packed or not. */
  *varints(field: Field): Generator<number> {
    if (field.wire === 0) yield field.value;
    else {
      for (let position = field.start; position < field.end; ) {
        const value = this.#varint(position, field.end);
        position = this.#next;
        yield value;
      }
    }
  }

  /** The varints of a packed field as signed numbers of 64 bits. */
  *integers({ start, end }: Range): Generator<bigint> {
    let bits = 0n;
    let shift = 0n;
    for (let position = start; position < end; position += 1) {
      const byte = this.#bytes.byte(position);
      bits |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte < 0x80) {
        yield BigInt.asIntN(64, bits);
        bits = 0n;
        shift = 0n;
      } else if (shift === 70n) throw new Error('a number of more than 64 bits');
    }
    if (shift > 0n) throw new Error('the file ends in the middle of a number');
  }

  #varint(start: number, end: number): number {
    let value = 0;
    let scale = 1;
    for (let position = start; position < end && position < start + 10; position += 1) {
      const byte = this.#bytes.byte(position);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.#next = position + 1;
        // Negative numbers have ten bytes.
        if (this.#next - start > 8)
          for (const signed of this.integers({ start, end: this.#next })) return Number(signed);
        return value;
      }
      scale *= 128;
    }
    throw new Error('the file ends in the middle of a number');
  }
}
