import { type FileBytes, readUint64 } from '../../files/byteSource.ts';
import { quoted, UnreadableError } from '../../files/unreadable.ts';
import type { WeightTensor } from '../weights.ts';
import { countOf, isCount, requireElementType, type StoredType, shapeOf, storedType } from './storedTensors.ts';

// A .safetensors file:
//
//   u64    length of the header
//   JSON   {"__metadata__": {…}, "<name>": {"dtype": "F32", "shape": […], "data_offsets": [begin, end]}, …}
//   bytes  the values, little-endian and row-major; the offsets count from here and leave no gap
//
// Source: https://github.com/huggingface/safetensors#format and its safetensors/src/tensor.rs.

const LENGTH_BYTES = 8;
/**
 * A header of 1,000 tensors takes 130 KB. The format allows 100 MB; what JSON of that size can hold takes gigabytes, and
 * minutes. This takes at most half a second and 100 MB.
 */
const MAX_HEADER_BYTES = 2 * 1024 * 1024;

const TYPES = new Map<string, StoredType>([
  ['F64', storedType('float64')],
  ['F32', storedType('float32')],
  ['F16', storedType('float16')],
  ['BF16', storedType('bfloat16')],
  ['I64', storedType('int64')],
  ['I32', storedType('int32')],
  ['I16', storedType('int16')],
  ['I8', storedType('int8')],
  ['U8', storedType('uint8')],
  ['BOOL', storedType('bool')],
]);

/** Whether a file starts like a safetensors file: a length, then an object of JSON. */
export function isSafetensors(head: Buffer): boolean {
  return head.length > LENGTH_BYTES && head[LENGTH_BYTES] === 0x7b && readUint64(head) <= MAX_HEADER_BYTES;
}

/** The tensors of a .safetensors file. */
export function readSafetensors(source: FileBytes): Map<string, WeightTensor> {
  if (source.size < LENGTH_BYTES) throw new UnreadableError('the file ends before its header');
  const length = readUint64(source.bytes(0, LENGTH_BYTES));
  if (length > source.size - LENGTH_BYTES) throw new UnreadableError('the file ends before its header');
  if (length > MAX_HEADER_BYTES)
    throw new UnreadableError(`its header of ${length} bytes is larger than any network's`);
  const header = parseObject(source.bytes(LENGTH_BYTES, length).toString('utf8'), 'its header');
  const dataStart = LENGTH_BYTES + length;
  const tensors = new Map<string, WeightTensor>();
  for (const [name, entry] of header) {
    if (name !== '__metadata__') tensors.set(name, tensorOf(name, entry, source.file, dataStart));
  }
  requireNoGaps(tensors, dataStart, source.size);
  return tensors;
}

/** The members of an object in JSON text. A name of it may be any, `__proto__` too. */
export function parseObject(text: string, what: string): Map<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UnreadableError(`${what} is no JSON`);
  }
  const members = membersOf(value);
  if (!members) throw new UnreadableError(`${what} is no object of JSON`);
  return members;
}

/** The own members of an object that came out of JSON. */
export function membersOf(value: unknown): Map<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return new Map(Object.entries(value));
}

function tensorOf(name: string, entry: unknown, file: string, dataStart: number): WeightTensor {
  const members = membersOf(entry);
  const dtype = members?.get('dtype');
  const offsets = members?.get('data_offsets');
  const [begin, end] = Array.isArray(offsets) ? offsets : [];
  if (typeof dtype !== 'string' || !isCount(begin) || !isCount(end) || begin > end) {
    throw new UnreadableError(`its header does not say where the tensor ${quoted(name)} lies`);
  }
  const stored = TYPES.get(dtype) ?? { name: quoted(dtype), bytes: 0 };
  const type = requireElementType(stored, name);
  const shape = shapeOf(members?.get('shape'), name);
  const bytes = countOf(shape, name) * stored.bytes;
  if (bytes !== end - begin) {
    throw new UnreadableError(
      `its tensor ${quoted(name)} takes ${end - begin} bytes, but ${shape.join('×') || 'one'} of ${type} takes ${bytes}`,
    );
  }
  return { shape, type, file, offset: dataStart + begin, bytes };
}

/** The values fill the file from the header to its end: nothing is missing, and no tensor lies in another. */
function requireNoGaps(tensors: ReadonlyMap<string, WeightTensor>, dataStart: number, size: number): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes);
  let end = dataStart;
  for (const [name, { offset, bytes }] of inOrder) {
    if (offset + bytes > size) throw new UnreadableError(`the file ends before its tensor ${quoted(name)}`);
    if (offset !== end) throw new UnreadableError(`its tensor ${quoted(name)} does not follow on the one before it`);
    end = offset + bytes;
  }
  if (end !== size) throw new UnreadableError(`it holds ${size - end} bytes more than its tensors`);
}
