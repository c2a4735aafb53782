import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { UnreadableError } from './unreadable.ts';

/** Latin-1 makes a character of each byte. */
export type TextEncoding = 'utf8' | 'latin1';

const WINDOW_BYTES = 64 * 1024;

/** Bytes that are read where they are asked for. Asking past the end is an UnreadableError. */
export interface ByteSource {
  readonly size: number;
  byte(position: number): number;
  /** Some bytes from a position on, at least one; they are there until bytes are asked for the next time. */
  window(position: number): Buffer;
  /** A copy of a range; the caller bounds its length. */
  bytes(position: number, length: number): Buffer;
  /** A range as text; the caller bounds its length. */
  text(position: number, length: number, encoding: TextEncoding): string;
}

/** A file: single bytes are read through a small window, ranges as they are, and nothing else of it. */
export class FileBytes implements ByteSource {
  readonly file: string;
  readonly size: number;
  readonly #descriptor: number;
  readonly #window = Buffer.alloc(WINDOW_BYTES);
  #windowStart = 0;
  #windowLength = 0;

  constructor(file: string) {
    this.file = file;
    this.#descriptor = openSync(file, 'r');
    this.size = fstatSync(this.#descriptor).size;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  byte(position: number): number {
    this.#openWindow(position);
    return this.#window[position - this.#windowStart] ?? 0;
  }

  window(position: number): Buffer {
    this.#openWindow(position);
    return this.#window.subarray(position - this.#windowStart, this.#windowLength);
  }

  #openWindow(position: number): void {
    if (position >= this.#windowStart && position < this.#windowStart + this.#windowLength) return;
    requireRange(position, 1, this.size);
    this.#windowStart = position;
    this.#windowLength = readSync(this.#descriptor, this.#window, 0, WINDOW_BYTES, position);
    if (this.#windowLength === 0) throw new UnreadableError('the file ends early');
  }

  bytes(position: number, length: number): Buffer {
    requireRange(position, length, this.size);
    const start = position - this.#windowStart;
    if (start >= 0 && start + length <= this.#windowLength) {
      return Buffer.from(this.#window.subarray(start, start + length));
    }
    const bytes = Buffer.alloc(length);
    if (readSync(this.#descriptor, bytes, 0, length, position) < length) {
      throw new UnreadableError('the file ends early');
    }
    return bytes;
  }

  text(position: number, length: number, encoding: TextEncoding): string {
    const start = position - this.#windowStart;
    if (start >= 0 && start + length <= this.#windowLength)
      return this.#window.toString(encoding, start, start + length);
    return this.bytes(position, length).toString(encoding);
  }
}

/** Bytes in memory, such as an unpacked entry of an archive. */
export class MemoryBytes implements ByteSource {
  readonly size: number;
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.size = bytes.byteLength;
  }

  byte(position: number): number {
    const byte = this.#bytes[position];
    if (byte === undefined) throw new UnreadableError('the file ends early');
    return byte;
  }

  window(position: number): Buffer {
    requireRange(position, 1, this.size);
    return this.#bytes.subarray(position);
  }

  bytes(position: number, length: number): Buffer {
    requireRange(position, length, this.size);
    return Buffer.from(this.#bytes.subarray(position, position + length));
  }

  text(position: number, length: number, encoding: TextEncoding): string {
    requireRange(position, length, this.size);
    return this.#bytes.toString(encoding, position, position + length);
  }
}

/** An unsigned 64-bit number. Exact up to 2^53; what is larger lies outside of any file. */
export function readUint64(bytes: Buffer, at = 0): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}

function requireRange(position: number, length: number, size: number): void {
  if (position < 0 || length < 0 || position + length > size) throw new UnreadableError('the file ends early');
}
