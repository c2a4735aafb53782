import { inflateRawSync } from 'node:zlib';
import { type FileBytes, MemoryBytes, readUint64 } from '../../files/byteSource.ts';
import { quoted, UnreadableError } from '../../files/unreadable.ts';

// The parts of a zip archive that tell where its entries lie. Source: APPNOTE.TXT of PKWARE,
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
//
//   local header      PK 03 04 … name length @26, extra length @28, then name, extra, data
//   central directory PK 01 02 … flags @8, method @10, sizes @20 @24, name, extra, comment lengths @28, local header @42
//   its zip64 end     PK 06 06 … entries @32, size @40, offset @48; found through a locator PK 06 07 … offset @8
//   its end           PK 05 06 … entries @10, size @12, offset @16, comment length @20; the last bytes of the file

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END = 0x06054b50;
const ZIP64_LOCATOR = 0x07064b50;
const ZIP64_END = 0x06064b50;

const LOCAL_HEADER_BYTES = 30;
const CENTRAL_HEADER_BYTES = 46;
const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const ZIP64_END_BYTES = 56;
const MAX_COMMENT_BYTES = 0xffff;
/** A value that lies in the zip64 field instead. */
const MOVED = 0xffffffff;
const ZIP64_FIELD = 0x0001;

/** A directory of 1,000 storages takes 100 KB. */
const MAX_DIRECTORY_BYTES = 4 * 1024 * 1024;

const STORED = 0;
const DEFLATED = 8;

export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  readonly packedSize: number;
  readonly method: number;
  readonly encrypted: boolean;
  readonly header: number;
}

/** The entries of a zip archive by name. None is read. */
export function readZipDirectory(source: FileBytes): Map<string, ZipEntry> {
  const { offset, size, count } = findDirectory(source);
  if (size > MAX_DIRECTORY_BYTES) throw new UnreadableError('its archive holds far more entries than a checkpoint');
  if (offset + size > source.size) throw new UnreadableError('the directory of its archive lies outside of the file');
  const directory = source.bytes(offset, size);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i += 1) {
    if (at + CENTRAL_HEADER_BYTES > size || directory.readUInt32LE(at) !== CENTRAL_HEADER) {
      throw new UnreadableError('the directory of its archive is damaged');
    }
    const nameEnd = at + CENTRAL_HEADER_BYTES + directory.readUInt16LE(at + 28);
    const extraEnd = nameEnd + directory.readUInt16LE(at + 30);
    const end = extraEnd + directory.readUInt16LE(at + 32);
    if (end > size) throw new UnreadableError('the directory of its archive is damaged');
    const name = directory.toString('utf8', at + CENTRAL_HEADER_BYTES, nameEnd);
    if (entries.has(name)) throw new UnreadableError(`its archive has two entries named ${quoted(name)}`);
    const sizes = zip64Sizes(directory.subarray(nameEnd, extraEnd), {
      size: directory.readUInt32LE(at + 24),
      packedSize: directory.readUInt32LE(at + 20),
      header: directory.readUInt32LE(at + 42),
    });
    const encrypted = (directory.readUInt16LE(at + 8) & 1) === 1;
    entries.set(name, { name, ...sizes, method: directory.readUInt16LE(at + 10), encrypted });
    at = end;
  }
  return entries;
}

/** Where the data of an entry starts. The end is checked to lie within the file. */
export function dataStart(source: FileBytes, entry: ZipEntry): number {
  const damaged = () => new UnreadableError(`the entry ${quoted(entry.name)} of its archive is damaged`);
  if (entry.encrypted) throw new UnreadableError('its archive is encrypted', 'Unpack it and save the weights again.');
  if (entry.header + LOCAL_HEADER_BYTES > source.size) throw damaged();
  const header = source.bytes(entry.header, LOCAL_HEADER_BYTES);
  const nameLength = header.readUInt16LE(26);
  const start = entry.header + LOCAL_HEADER_BYTES + nameLength + header.readUInt16LE(28);
  if (header.readUInt32LE() !== LOCAL_HEADER || start + entry.packedSize > source.size) throw damaged();
  const name = source.bytes(entry.header + LOCAL_HEADER_BYTES, nameLength).toString('utf8');
  if (name !== entry.name) throw damaged();
  return start;
}

/** Whether the bytes of the entry lie in the archive as they are. */
export function isStored(entry: ZipEntry): boolean {
  return entry.method === STORED && entry.size === entry.packedSize;
}

/** The unpacked bytes of a small entry. */
export function unpack(source: FileBytes, entry: ZipEntry, maximum: number): MemoryBytes {
  const tooLarge = () => new UnreadableError(`the entry ${quoted(entry.name)} of its archive is too large`);
  const start = dataStart(source, entry);
  if (entry.packedSize > maximum || entry.size > maximum) throw tooLarge();
  const packed = source.bytes(start, entry.packedSize);
  if (isStored(entry)) return new MemoryBytes(packed);
  if (entry.method !== DEFLATED) {
    throw new UnreadableError(
      `the entry ${quoted(entry.name)} of its archive is packed in a way that can't be read (${entry.method})`,
      'Load it in PyTorch and save it again with torch.save.',
    );
  }
  let bytes: Buffer;
  try {
    bytes = inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.size) });
  } catch {
    throw new UnreadableError(`the entry ${quoted(entry.name)} of its archive is damaged`);
  }
  if (bytes.length !== entry.size)
    throw new UnreadableError(`the entry ${quoted(entry.name)} of its archive is damaged`);
  return new MemoryBytes(bytes);
}

/** Finds the central directory from the end of the file. */
function findDirectory(source: FileBytes): { offset: number; size: number; count: number } {
  const tailStart = Math.max(0, source.size - END_BYTES - MAX_COMMENT_BYTES);
  const tail = source.bytes(tailStart, source.size - tailStart);
  let at = tail.length - END_BYTES;
  // The end is the last record whose comment reaches exactly to the end of the file.
  while (at >= 0 && !(tail.readUInt32LE(at) === END && at + END_BYTES + tail.readUInt16LE(at + 20) === tail.length)) {
    at -= 1;
  }
  if (at < 0) throw new UnreadableError('its archive ends early');
  const count = tail.readUInt16LE(at + 10);
  const size = tail.readUInt32LE(at + 12);
  const offset = tail.readUInt32LE(at + 16);
  if (count !== 0xffff && size !== MOVED && offset !== MOVED) return { offset, size, count };

  const locator = at - LOCATOR_BYTES;
  if (locator < 0 || tail.readUInt32LE(locator) !== ZIP64_LOCATOR) throw new UnreadableError('its archive is damaged');
  const zip64 = readUint64(tail, locator + 8);
  if (zip64 + ZIP64_END_BYTES > source.size) throw new UnreadableError('its archive is damaged');
  const record = source.bytes(zip64, ZIP64_END_BYTES);
  if (record.readUInt32LE() !== ZIP64_END) throw new UnreadableError('its archive is damaged');
  return { count: readUint64(record, 32), size: readUint64(record, 40), offset: readUint64(record, 48) };
}

/** The sizes of an entry, those taken from its zip64 field that don't fit in 32 bits: in this order, if moved. */
function zip64Sizes<Sizes extends { size: number; packedSize: number; header: number }>(
  extra: Buffer,
  sizes: Sizes,
): Sizes {
  const moved = (['size', 'packedSize', 'header'] as const).filter((key) => sizes[key] === MOVED);
  if (moved.length === 0) return sizes;
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== ZIP64_FIELD) continue;
    if (extra.readUInt16LE(at + 2) < moved.length * 8 || at + 4 + moved.length * 8 > extra.length) break;
    const found = moved.map((key, i) => [key, readUint64(extra, at + 4 + 8 * i)] as const);
    return { ...sizes, ...Object.fromEntries(found) };
  }
  throw new UnreadableError('the directory of its archive is damaged');
}
