import { readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { InputError } from '../errors.ts';

/** A file in a tar archive, and where its bytes lie. */
export interface TarEntry {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

const BLOCK = 512;
const WINDOW_BYTES = 8 * 1024;
/** So few that a cancelled search hears of it in time from a slow disk, too. */
const FILES_IN_A_TURN = 64;
/** Longest name, and longest list of extended attributes, that is read. */
const MAX_ATTRIBUTES = 64 * 1024;

/** A tar archive that stays packed: its headers are read one after the other, its content by offset. */
export class TarFile {
  readonly file: string;
  readonly #handle: FileHandle;
  readonly #size: number;
  readonly #room = Buffer.alloc(WINDOW_BYTES);
  #window = this.#room.subarray(0, 0);
  #windowStart = 0;

  static async open(file: string): Promise<TarFile> {
    const handle = await open(file);
    return new TarFile(file, handle, (await handle.stat()).size);
  }

  private constructor(file: string, handle: FileHandle, size: number) {
    this.file = file;
    this.#handle = handle;
    this.#size = size;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /**
   * The plain files in their order; folders and links are passed over.
   * @throws InputError where a header is damaged or the archive ends within a file
   */
  async *entries(): AsyncGenerator<TarEntry> {
    let longName: string | undefined;
    let longSize: number | undefined;
    let position = 0;
    let files = 0;
    while (position < this.#size) {
      if (++files % FILES_IN_A_TURN === 0) await nextTurn();
      const header = this.read(position, BLOCK);
      if (header.length < BLOCK) throw this.#damaged('it ends within a header');
      if (header[0] === 0 && header.every((byte) => byte === 0)) return;
      if (!hasValidChecksum(header)) throw this.#damaged(`byte ${position} is no header`);
      const type = header.toString('latin1', 156, 157);
      const attributes = type === 'L' || type === 'x' || type === 'g' || type === 'K';
      const size = attributes ? numberAt(header, 124, 12) : (longSize ?? numberAt(header, 124, 12));
      const offset = position + BLOCK;
      if (size > this.#size - offset) throw this.#damaged('it ends within a file');
      position = offset + Math.ceil(size / BLOCK) * BLOCK;
      if (attributes) {
        if (size > MAX_ATTRIBUTES) throw this.#damaged(`a name of ${size} bytes`);
        const content = this.read(offset, size);
        if (type === 'L') longName = textOf(content);
        if (type === 'x') {
          const extended = attributesIn(content);
          longName = extended.get('path') ?? longName;
          const given = extended.get('size');
          if (given !== undefined && /^\d+$/.test(given)) longSize = Number(given);
        }
        continue;
      }
      const name = longName ?? nameIn(header);
      longName = undefined;
      longSize = undefined;
      if (type === '0' || type === '\0' || type === '7') yield { name, offset, size };
    }
    if (position > this.#size) throw this.#damaged('it ends within a file');
  }

  /**
   * Bytes of the archive, fewer at its end, up to the next reading. Headers and small files stand side by side, so more is
   * read at once. An asynchronous reading of so little takes ten times as long as the reading itself.
   */
  read(offset: number, length: number): Buffer {
    const start = offset - this.#windowStart;
    if (start >= 0 && start + length <= this.#window.length) return this.#window.subarray(start, start + length);
    const buffer = length > this.#room.length ? Buffer.alloc(length) : this.#room;
    const bytesRead = readSync(this.#handle.fd, buffer, 0, buffer.length, offset);
    this.#window = buffer.subarray(0, bytesRead);
    this.#windowStart = offset;
    return this.#window.subarray(0, length);
  }

  #damaged(reason: string): InputError {
    return new InputError(`${path.basename(this.file)}: a damaged tar archive (${reason}); download it again.`);
  }
}

/** So many files are looked at to see whether an archive is damaged. */
const LOOKED_AT = 64;

/** What is wrong with the beginning of a tar archive, if anything. */
export async function damageOf(file: string): Promise<string | undefined> {
  const tar = await TarFile.open(file);
  try {
    let files = 0;
    for await (const _ of tar.entries()) if (++files >= LOOKED_AT) break;
    return undefined;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.message;
  } finally {
    await tar.close();
  }
}

function nameIn(header: Buffer): string {
  const name = textOf(header.subarray(0, 100));
  const isUstar = header.toString('latin1', 257, 262) === 'ustar' && header[263] === 0x30;
  const prefix = isUstar ? textOf(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function textOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

/** An octal number, or a large one of which the first bit is set. */
function numberAt(header: Buffer, at: number, length: number): number {
  if ((header[at] ?? 0) & 0x80) return Number(header.readBigUInt64BE(at + length - 8));
  return Number.parseInt(textOf(header.subarray(at, at + length)).trim() || '0', 8) || 0;
}

/** The sum of the header's bytes, those of the sum itself taken for spaces. */
function hasValidChecksum(header: Buffer): boolean {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at += 1) if (at < 148 || at >= 156) sum += header[at] ?? 0;
  return sum === numberAt(header, 148, 8);
}

/** `27 path=images/….jpg\n`: length, name and value. */
function attributesIn(content: Buffer): Map<string, string> {
  const attributes = new Map<string, string>();
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const length = Number.parseInt(content.toString('latin1', at, space < 0 ? at : space), 10);
    if (!(length > 0)) break;
    const [, name, value] = /^([^=]+)=(.*)\n?$/s.exec(content.toString('utf8', space + 1, at + length)) ?? [];
    if (name !== undefined && value !== undefined) attributes.set(name, value.replace(/\n$/, ''));
    at += length;
  }
  return attributes;
}
