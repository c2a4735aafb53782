import { open } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { InputError, messageOf } from '../errors.ts';

/** A MATLAB array. Elements stand in column order. */
export type MatValue =
  | { readonly kind: 'numbers'; readonly values: Float64Array }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'cells'; readonly cells: readonly MatValue[] }
  | { readonly kind: 'structs'; readonly structs: readonly ReadonlyMap<string, MatValue>[] };

/** Annotations take a few megabytes; this bounds the file and what it unpacks to. */
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_DEPTH = 16;
const HEADER_BYTES = 128;
const HDF5 = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');

/** Types of data elements. */
const Mi = { int32: 5, uint32: 6, matrix: 14, compressed: 15, utf8: 16, utf16: 17, utf32: 18 } as const;
/** Classes of arrays; 6 to 15 are numbers. */
const Mx = { cell: 1, struct: 2, char: 4, double: 6, uint64: 15 } as const;

/** Bytes of a number by its type, and how it is read. */
const NUMBERS: ReadonlyMap<number, { bytes: number; read: (view: DataView, at: number, little: boolean) => number }> =
  new Map([
    [1, { bytes: 1, read: (view, at) => view.getInt8(at) }],
    [2, { bytes: 1, read: (view, at) => view.getUint8(at) }],
    [3, { bytes: 2, read: (view, at, little) => view.getInt16(at, little) }],
    [4, { bytes: 2, read: (view, at, little) => view.getUint16(at, little) }],
    [Mi.int32, { bytes: 4, read: (view, at, little) => view.getInt32(at, little) }],
    [Mi.uint32, { bytes: 4, read: (view, at, little) => view.getUint32(at, little) }],
    [7, { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) }],
    [9, { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) }],
    [12, { bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) }],
    [13, { bytes: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) }],
  ]);

const inflated = promisify(inflate);

/**
 * The variables of a MAT-file of level 5 (https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf), as MATLAB
 * saves by default up to version 7: numbers, text, cells and structs. Sparse arrays and objects are not read.
 * @throws InputError when it is damaged or of another version
 */
export async function readMat(file: string): Promise<Map<string, MatValue>> {
  const name = path.basename(file);
  try {
    const bytes = await contentOf(file);
    const little = bytes.toString('latin1', 126, 128) === 'IM';
    const variables = new Map<string, MatValue>();
    let budget = MAX_BYTES;
    for (const element of new Reader(bytes.subarray(HEADER_BYTES), little, 0).elements()) {
      let { data } = element;
      if (element.type === Mi.compressed) {
        data = await inflated(data, { maxOutputLength: Math.max(1, budget) });
        budget -= data.length;
        const [first] = new Reader(data, little, 0).elements();
        if (first?.type !== Mi.matrix) continue;
        data = first.data;
      } else if (element.type !== Mi.matrix) continue;
      const { label, value } = new Reader(data, little, 0).matrix();
      if (value) variables.set(label, value);
    }
    return variables;
  } catch (error) {
    if (error instanceof InputError) throw error;
    const reason = messageOf(error);
    throw new InputError(`${name}: not a readable MAT-file (${reason}); download it again.`);
  }
}

async function contentOf(file: string): Promise<Buffer> {
  const name = path.basename(file);
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if (size > MAX_BYTES) throw new Error(`larger than any annotations: ${size} bytes`);
    const bytes = Buffer.alloc(size);
    const { bytesRead } = await handle.read(bytes, 0, size, 0);
    if (bytesRead < size || size < HEADER_BYTES) throw new Error('it ends early');
    const isHdf5 = [0, 512].some((at) => bytes.subarray(at, at + HDF5.length).equals(HDF5));
    if (isHdf5 || bytes.toString('latin1', 0, 10) === 'MATLAB 7.3') {
      throw new InputError(
        `${name}: a MAT-file of version 7.3 (HDF5), which is not read here; save it again with save(…, '-v7').`,
      );
    }
    const marker = bytes.toString('latin1', 126, 128);
    const version = marker === 'IM' ? bytes.readUInt16LE(124) : bytes.readUInt16BE(124);
    if ((marker !== 'IM' && marker !== 'MI') || version !== 0x0100) {
      throw new InputError(`${name}: not a MAT-file of version 5 to 7; save it again with save(…, '-v7').`);
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

/** Reads data elements one after the other out of bytes that may be damaged. */
class Reader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #little: boolean;
  readonly #depth: number;
  #position = 0;

  constructor(bytes: Buffer, little: boolean, depth: number) {
    if (depth > MAX_DEPTH) throw new Error('arrays within arrays without end');
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = little;
    this.#depth = depth;
  }

  *elements(): Generator<{ type: number; data: Buffer }> {
    while (this.#position + 8 <= this.#bytes.length) yield this.#next();
  }

  /** The array whose parts these bytes are; without a value when it is of a kind that isn't read. */
  matrix(): { label: string; value: MatValue | undefined } {
    // An empty cell may be written as an array without any parts.
    if (this.#bytes.length === 0) return { label: '', value: { kind: 'numbers', values: new Float64Array() } };
    const arrayClass = (this.#integers(Mi.uint32)[0] ?? 0) & 0xff;
    const count = this.#integers(Mi.int32).reduce((product, size) => product * Math.max(0, size), 1);
    const label = this.#next().data.toString('latin1');
    if (arrayClass === Mx.cell) return { label, value: { kind: 'cells', cells: this.#arrays(count) } };
    if (arrayClass === Mx.struct) return { label, value: { kind: 'structs', structs: this.#structs(count) } };
    if (arrayClass === Mx.char) return { label, value: { kind: 'text', text: this.#text() } };
    if (arrayClass < Mx.double || arrayClass > Mx.uint64) return { label, value: undefined };
    return { label, value: { kind: 'numbers', values: this.#numbers(this.#next()) } };
  }

  #next(): { type: number; data: Buffer } {
    if (this.#position + 8 > this.#bytes.length) throw new Error('it ends early');
    const tag = this.#view.getUint32(this.#position, this.#little);
    // Up to four bytes of data are packed into the tag.
    const small = tag >>> 16;
    const type = small > 0 ? tag & 0xffff : tag;
    const length = small > 0 ? small : this.#view.getUint32(this.#position + 4, this.#little);
    const start = this.#position + (small > 0 ? 4 : 8);
    if (small > 4 || length > this.#bytes.length - start) throw new Error('it ends early');
    // Elements start at multiples of eight bytes, but for compressed ones.
    const padded = small > 0 ? 4 : type === Mi.compressed ? length : Math.ceil(length / 8) * 8;
    this.#position = start + padded;
    return { type, data: this.#bytes.subarray(start, start + length) };
  }

  #arrays(count: number): MatValue[] {
    if (count > this.#bytes.length / 8) throw new Error('it claims more elements than it has');
    return Array.from({ length: count }, () => {
      const { type, data } = this.#next();
      if (type !== Mi.matrix) throw new Error('an element that should be an array is none');
      const { value } = new Reader(data, this.#little, this.#depth + 1).matrix();
      return value ?? { kind: 'numbers', values: new Float64Array() };
    });
  }

  #structs(count: number): ReadonlyMap<string, MatValue>[] {
    const [length = 0] = this.#integers(Mi.int32);
    const text = this.#next().data.toString('latin1');
    const names: string[] = [];
    for (let at = 0; length > 0 && at < text.length; at += length) {
      names.push(text.slice(at, at + length).replace(/\0.*$/s, ''));
    }
    if (names.length === 0) return [];
    const values = this.#arrays(count * names.length);
    return Array.from({ length: count }, (_, index) => {
      const own = values.slice(index * names.length, (index + 1) * names.length);
      return new Map(own.map((value, field): [string, MatValue] => [names[field] ?? '', value]));
    });
  }

  #text(): string {
    const { type, data } = this.#next();
    if (type === Mi.utf8) return data.toString('utf8');
    const codes = this.#numbers({ type: type === Mi.utf16 ? 4 : type === Mi.utf32 ? Mi.uint32 : type, data });
    let text = '';
    for (const code of codes) text += String.fromCodePoint(Math.min(code, 0x10ffff));
    return text;
  }

  #integers(type: number): Float64Array {
    const element = this.#next();
    if (element.type !== type) throw new Error('its arrays have no proper header');
    return this.#numbers(element);
  }

  #numbers({ type, data }: { type: number; data: Buffer }): Float64Array {
    const number = NUMBERS.get(type);
    if (!number) throw new Error(`numbers of the unknown type ${type}`);
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const { bytes, read } = number;
    return Float64Array.from({ length: Math.floor(data.length / bytes) }, (_, index) =>
      read(view, index * bytes, this.#little),
    );
  }
}

/** The number in a field of a struct. */
export function numberIn(struct: ReadonlyMap<string, MatValue>, field: string): number | undefined {
  const value = struct.get(field);
  return value?.kind === 'numbers' ? value.values[0] : undefined;
}

/** The text in a field of a struct. */
export function textIn(struct: ReadonlyMap<string, MatValue>, field: string): string | undefined {
  const value = struct.get(field);
  return value?.kind === 'text' ? value.text : undefined;
}
