import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const WINDOW_BYTES = 64 * 1024;
/** Names and metadata are short; a longer string is a sign of a damaged or hostile file. */
const MAX_STRING_BYTES = 1024 * 1024;

/** A field of a protobuf message: where its payload lies in the file, or its number. */
export interface Field {
  readonly number: number;
  /** Wire type: 0 varint, 1 64-bit, 2 length-delimited, 5 32-bit. */
  readonly wire: number;
  /** Value of a varint, 0 otherwise. Exact up to 2^53. */
  readonly value: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Reads protobuf messages out of a file through a small window, so that payloads nobody asks for (the weights of a
 * network) are never read, however large they are.
 */
export class ProtobufFile {
  readonly size: number;
  readonly #descriptor: number;
  readonly #window = Buffer.alloc(WINDOW_BYTES);
  #windowStart = 0;
  #windowLength = 0;

  constructor(file: string) {
    this.#descriptor = openSync(file, 'r');
    this.size = fstatSync(this.#descriptor).size;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** The fields of the message in this range, in file order. Throws when the bytes are no protobuf message. */
  *fields(start = 0, end = this.size): Generator<Field> {
    let position = start;
    while (position < end) {
      const tag = this.#varint(position, end);
      position = tag.next;
      const number = Math.floor(tag.value / 8);
      const wire = tag.value % 8;
      if (number === 0) throw new Error('a field has the number 0');
      let value = 0;
      let length = 0;
      if (wire === 0) {
        const varint = this.#varint(position, end);
        value = varint.value;
        length = varint.next - position;
      } else if (wire === 1) length = 8;
      else if (wire === 5) length = 4;
      else if (wire === 2) {
        const prefix = this.#varint(position, end);
        position = prefix.next;
        length = prefix.value;
      } else throw new Error(`wire type ${wire} does not exist`);
      if (position + length > end) throw new Error('the file ends in the middle of a field');
      yield { number, wire, value, start: position, end: position + length };
      position += length;
    }
  }

  string(field: Field): string {
    const length = field.end - field.start;
    if (length > MAX_STRING_BYTES) throw new Error(`a name of ${length} bytes`);
    const bytes = Buffer.alloc(length);
    readSync(this.#descriptor, bytes, 0, length, field.start);
    return bytes.toString('utf8');
  }

  /** Values of a repeated varint field, packed or not. */
  *varints(field: Field): Generator<number> {
    if (field.wire === 0) yield field.value;
    else {
      for (let position = field.start; position < field.end; ) {
        const varint = this.#varint(position, field.end);
        yield varint.value;
        position = varint.next;
      }
    }
  }

  #varint(start: number, end: number): { value: number; next: number } {
    let value = 0;
    let scale = 1;
    for (let position = start; position < end && position < start + 10; position += 1) {
      const byte = this.#byte(position);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return { value, next: position + 1 };
      scale *= 128;
    }
    throw new Error('the file ends in the middle of a number');
  }

  #byte(position: number): number {
    if (position < this.#windowStart || position >= this.#windowStart + this.#windowLength) {
      this.#windowStart = position;
      this.#windowLength = readSync(this.#descriptor, this.#window, 0, WINDOW_BYTES, position);
      if (this.#windowLength === 0) throw new Error('the file ends early');
    }
    return this.#window[position - this.#windowStart] ?? 0;
  }
}
