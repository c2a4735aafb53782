import { open, writeFile } from 'node:fs/promises';
import { getFloat16 } from '@petamoriken/float16';
import { InputError } from './errors.ts';
import type { FloatMatrix } from './linalg/matrix.ts';

/**
 * A NumPy array read from a file, always row-major whatever the order in the file.
 *
 * `data` holds the values in the narrowest of three types that loses nothing: float16 and float32 in a Float32Array,
 * booleans and integers of up to 32 bits in an Int32Array, all else in a Float64Array.
 */
export interface NpyArray {
  /** The file that the array came from, for messages. */
  path: string;
  shape: number[];
  /** NumPy's name of the type in the file without its byte order, e.g. `f4`. */
  dtype: string;
  data: Float32Array | Float64Array | Int32Array;
}

/** NumPy itself refuses longer headers by default; a header of numbers is about 120 bytes. */
const MAX_HEADER_BYTES = 10_000;
/** One read call takes less than 2 GiB on Linux. */
const READ_BYTES = 1 << 30;

/** The largest that fits 32 bits. */
const LARGEST_LABEL = 2 ** 31 - 1;
const NUMBER_CLASSES = 'number classes with numpy.unique(array, return_inverse=True)[1]';

const ITEM_BYTES: Record<string, number> = { b1: 1, i1: 1, u1: 1, i2: 2, u2: 2, i4: 4, u4: 4, i8: 8, u8: 8 };
const FLOAT_BYTES: Record<string, number> = { f2: 2, f4: 4, f8: 8 };

/**
 * Reads a `.npy` file (format 1, 2 or 3; bool, integers and floats of either byte order, C or Fortran order).
 *
 * The header is parsed, never evaluated, and the shape must fit the file before anything of its size is allocated.
 *
 * @throws InputError that names the file, when it is not such a file or is cut short.
 */
export async function readNpy(path: string): Promise<NpyArray> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${path}: can't be read (${error.code ?? error.message}); give the path of a .npy file.`);
  });
  try {
    const fileBytes = (await file.stat()).size;
    const prefix = await readBytes(file, path, 0, Math.min(12, fileBytes));
    if (prefix.length < 10 || String.fromCharCode(...prefix.subarray(0, 6)) !== '\x93NUMPY') {
      throw new InputError(`${path}: not a .npy file; write one with numpy.save.`);
    }
    const view = new DataView(prefix.buffer);
    const wide = view.getUint8(6) >= 2;
    if (view.getUint8(6) > 3 || prefix.length < (wide ? 12 : 10)) {
      throw new InputError(`${path}: unknown .npy format version ${view.getUint8(6)}; write it again with numpy.save.`);
    }
    const headerStart = wide ? 12 : 10;
    const headerBytes = wide ? view.getUint32(8, true) : view.getUint16(8, true);
    if (headerBytes > MAX_HEADER_BYTES || headerStart + headerBytes > fileBytes) {
      throw new InputError(`${path}: the .npy header is cut short or damaged; write it again with numpy.save.`);
    }
    const header = parseHeader(
      path,
      Buffer.from(await readBytes(file, path, headerStart, headerBytes)).toString('latin1'),
    );
    const count = header.shape.reduce((product, length) => product * length, 1);
    const dataStart = headerStart + headerBytes;
    if (count * header.itemBytes > fileBytes - dataStart) {
      throw new InputError(
        `${path}: shape (${header.shape.join(', ')}) needs ${count * header.itemBytes} bytes but the file holds ` +
          `${fileBytes - dataStart}; it is cut short, write it again.`,
      );
    }
    const raw = await readBytes(file, path, dataStart, count * header.itemBytes);
    const values = decode(path, raw, header.dtype, header.littleEndian);
    const data = header.fortranOrder ? toRowMajor(values, header.shape) : values;
    return { path, shape: header.shape, dtype: header.dtype, data };
  } finally {
    await file.close();
  }
}

/**
 * Writes a `.npy` file (format 1, little-endian, C order): float32, float64, int32 or int64 after the type of `data`.
 *
 * @throws InputError when the file can't be written.
 */
export async function writeNpy(
  path: string,
  array: { shape: readonly number[]; data: Float32Array | Float64Array | Int32Array | BigInt64Array },
): Promise<void> {
  const { shape, data } = array;
  const kind = data instanceof Float32Array || data instanceof Float64Array ? 'f' : 'i';
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '<${kind}${data.BYTES_PER_ELEMENT}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // NumPy pads the header with spaces so that the data begins at a multiple of 64.
  const header = `${dictionary}${' '.repeat(63 - ((10 + dictionary.length) % 64))}\n`;
  const prefix = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 0xff, header.length >> 8]);
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  await writeFile(path, [prefix, Buffer.from(header, 'latin1'), body]).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${path}: can't be written (${error.code ?? error.message}); choose another place.`);
  });
}

/** A 2-dimensional array of any number type as a matrix of floats; float arrays are not copied. */
export function npyMatrix(array: NpyArray): FloatMatrix {
  const [rows, cols] = array.shape;
  if (array.shape.length !== 2 || rows === undefined || cols === undefined) {
    throw new InputError(
      `${array.path}: shape (${array.shape.join(', ')}) is not a matrix; give a 2-dimensional array.`,
    );
  }
  return { rows, cols, data: floats(array.data) };
}

/** A `[K, rows, cols]` array as K matrices; a matrix counts as K = 1. */
export function npyMatrices(array: NpyArray): FloatMatrix[] {
  if (array.shape.length === 2) {
    return [npyMatrix(array)];
  }
  const [count, rows, cols] = array.shape;
  if (array.shape.length !== 3 || count === undefined || rows === undefined || cols === undefined) {
    throw new InputError(
      `${array.path}: shape (${array.shape.join(', ')}) is not a stack of matrices [K, rows, columns].`,
    );
  }
  const data = floats(array.data);
  const size = rows * cols;
  return Array.from({ length: count }, (_, k) => ({ rows, cols, data: data.subarray(k * size, (k + 1) * size) }));
}

/**
 * Class labels `[n]` from an array `[n]` or `[n, 1]` of whole numbers from 0, of any type.
 * @throws InputError naming the file, and the first label that is none
 */
export function npyClassLabels(array: NpyArray): Int32Array {
  if (array.shape.filter((length) => length !== 1).length > 1) {
    throw new InputError(
      `${array.path}: shape (${array.shape.join(', ')}) is not a list of labels; give one per sample.`,
    );
  }
  const wrong = array.data.findIndex((value) => !Number.isInteger(value) || value < 0 || value > LARGEST_LABEL);
  if (wrong >= 0) {
    throw new InputError(
      `${array.path}: label ${wrong} is ${array.data[wrong]}; labels are whole numbers from 0 to ${LARGEST_LABEL}; ${NUMBER_CLASSES}.`,
    );
  }
  return Int32Array.from(array.data);
}

/** What a file of labels holds: exactly one of these. */
export interface NpyLabels {
  /** `[n]` class indices. */
  labels?: Int32Array;
  /** `[n, C]`, 1 for every class of a sample, else 0. */
  multiLabels?: FloatMatrix;
  /** `[n, t]` */
  targets?: FloatMatrix;
}

/**
 * Tells by type, shape and values what labels are:
 *
 * - one column of whole numbers from 0, of any type: class labels (counts that were meant as targets: standardise them);
 * - several columns of nothing but 0 and 1, of any type: several labels per sample;
 * - floats otherwise: regression targets.
 *
 * @throws InputError for all else
 */
export function npyLabels(array: NpyArray): NpyLabels {
  const columns = array.shape.length > 2 ? Number.NaN : (array.shape[1] ?? 1);
  const isFloat = array.dtype.startsWith('f');
  if (columns === 1) {
    if (!isFloat || array.data.every((value) => Number.isInteger(value) && value >= 0))
      return { labels: npyClassLabels(array) };
    return { targets: npyMatrix({ ...array, shape: [array.data.length, 1] }) };
  }
  if (!(columns > 1)) {
    throw new InputError(
      `${array.path}: shape (${array.shape.join(', ')}) is not labels; give [n] classes, [n, C] of 0 and 1, or [n, t] targets.`,
    );
  }
  if (array.data.every((value) => value === 0 || value === 1)) return { multiLabels: npyMatrix(array) };
  if (isFloat) return { targets: npyMatrix(array) };
  throw new InputError(
    `${array.path}: an integer matrix of more than 0 and 1; for several labels per sample give 0 and 1, for regression ` +
      "targets convert with array.astype('float32').",
  );
}

function floats(data: NpyArray['data']): Float32Array | Float64Array {
  return data instanceof Int32Array ? Float64Array.from(data) : data;
}

interface Header {
  dtype: string;
  itemBytes: number;
  littleEndian: boolean;
  fortranOrder: boolean;
  shape: number[];
}

/** The header is a Python dictionary of three entries: a string, a boolean and a tuple of whole numbers. */
function parseHeader(path: string, text: string): Header {
  const entry = /\s*['"](descr|fortran_order|shape)['"]\s*:\s*(?:['"]([^'"]*)['"]|(True|False)|\(([\d\sL,]*)\))\s*,?/y;
  const entries = new Map<string, RegExpExecArray>();
  const body = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1] ?? '';
  for (let match = entry.exec(body); match; match = entry.exec(body)) {
    entries.set(match[1] ?? '', match);
  }
  const descr = entries.get('descr')?.[2];
  const order = entries.get('fortran_order')?.[3];
  const tuple = entries.get('shape')?.[4];
  if (descr === undefined || order === undefined || tuple === undefined) {
    throw new InputError(
      `${path}: not a plain array of numbers; write it with numpy.save from a float or integer array.`,
    );
  }
  const [byteOrder, dtype] = [descr.slice(0, 1), descr.slice(1)];
  const itemBytes = ITEM_BYTES[dtype] ?? FLOAT_BYTES[dtype];
  if (itemBytes === undefined || !'<>|='.includes(byteOrder)) {
    const remedy = /^[US]/.test(dtype) ? NUMBER_CLASSES : "convert with array.astype('float32')";
    throw new InputError(`${path}: values of type ${descr} are not supported; ${remedy}.`);
  }
  const shape = tuple
    .split(',')
    .map((part) => part.replace('L', '').trim())
    .filter((part) => part !== '')
    .map(Number);
  if (shape.length > 32 || !shape.every(Number.isSafeInteger)) {
    throw new InputError(`${path}: the shape in the .npy header is damaged; write it again with numpy.save.`);
  }
  return { dtype, itemBytes, littleEndian: byteOrder !== '>', fortranOrder: order === 'True', shape };
}

/** `raw` owns its buffer from offset 0, so typed arrays can lie on it without a copy. */
function decode(path: string, raw: Uint8Array<ArrayBuffer>, dtype: string, littleEndian: boolean): NpyArray['data'] {
  const view = new DataView(raw.buffer);
  const count = raw.length / (ITEM_BYTES[dtype] ?? FLOAT_BYTES[dtype] ?? 1);
  if (littleEndian && dtype === 'f4') return new Float32Array(raw.buffer);
  if (littleEndian && dtype === 'f8') return new Float64Array(raw.buffer);
  if (littleEndian && dtype === 'i4') return new Int32Array(raw.buffer);
  switch (dtype) {
    case 'f2':
      return Float32Array.from({ length: count }, (_, i) => getFloat16(view, 2 * i, littleEndian));
    case 'f4':
      return Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, littleEndian));
    case 'f8':
      return Float64Array.from({ length: count }, (_, i) => view.getFloat64(8 * i, littleEndian));
    case 'b1':
    case 'u1':
      return Int32Array.from(raw);
    case 'i1':
      return Int32Array.from(new Int8Array(raw.buffer));
    case 'i2':
      return Int32Array.from({ length: count }, (_, i) => view.getInt16(2 * i, littleEndian));
    case 'u2':
      return Int32Array.from({ length: count }, (_, i) => view.getUint16(2 * i, littleEndian));
    case 'i4':
      return Int32Array.from({ length: count }, (_, i) => view.getInt32(4 * i, littleEndian));
    case 'u4':
      return Float64Array.from({ length: count }, (_, i) => view.getUint32(4 * i, littleEndian));
    case 'i8':
      return Float64Array.from({ length: count }, (_, i) => exact(path, view.getBigInt64(8 * i, littleEndian)));
    default:
      return Float64Array.from({ length: count }, (_, i) => exact(path, view.getBigUint64(8 * i, littleEndian)));
  }
}

function exact(path: string, value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw new InputError(`${path}: holds ${value}, too large to be exact; convert with array.astype('float64').`);
  }
  return number;
}

function toRowMajor<T extends NpyArray['data']>(data: T, shape: readonly number[]): T {
  const result = data.slice() as T;
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, length) => product * length, 1));
  const index = shape.map(() => 0);
  let source = 0;
  for (let target = 0; target < data.length; target++) {
    result[target] = data[source] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const length = shape[axis] ?? 0;
      const stride = strides[axis] ?? 0;
      const next = (index[axis] ?? 0) + 1;
      if (next < length) {
        index[axis] = next;
        source += stride;
        break;
      }
      index[axis] = 0;
      source -= stride * (length - 1);
    }
  }
  return result;
}

async function readBytes(
  file: Awaited<ReturnType<typeof open>>,
  path: string,
  start: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, Math.min(READ_BYTES, length - done), start + done);
    if (bytesRead === 0) {
      throw new InputError(`${path}: ends before its data; it is cut short, write it again.`);
    }
    done += bytesRead;
  }
  return bytes;
}
