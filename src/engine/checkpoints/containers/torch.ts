import type { FileBytes } from '../../files/byteSource.ts';
import { UnreadableError } from '../../files/unreadable.ts';
import type { WeightTensor } from '../weights.ts';
import { weightsOf } from './stateDict.ts';
import { readTorchPickle, type TorchStorage } from './torchPickle.ts';
import { dataStart, isStored, readZipDirectory, unpack, type ZipEntry } from './zip.ts';

// The zip archive of torch.save since PyTorch 1.6, below one folder of any name:
//
//   data.pkl      the pickle of what was saved
//   data/<key>    the bytes of each storage, stored uncompressed at a multiple of 64 bytes
//   byteorder     "little" or "big", since 2.1
//   version, .data/serialization_id, …
//
// An archive of torch.jit.save has constants.pkl and code/ beside them. Source: torch/serialization.py and
// caffe2/serialize/inline_container.h of https://github.com/pytorch/pytorch.

/** A pickle of 1,000 tensors takes 200 KB. */
const MAX_PICKLE_BYTES = 16 * 1024 * 1024;
const MAX_BYTEORDER_BYTES = 16;

const SAVE_AGAIN = 'Load it in PyTorch and save it again with torch.save.';

/** The tensors of a zip archive of torch.save. */
export function readTorchZip(source: FileBytes): Map<string, WeightTensor> {
  const entries = readZipDirectory(source);
  const pickles = [...entries.values()].filter(({ name }) => /^[^/]+\/data\.pkl$/.test(name));
  const [pickle] = pickles;
  if (!pickle || pickles.length > 1) {
    throw new UnreadableError(
      'it is a zip archive that torch.save did not write',
      'Unpack it if the weights lie in it.',
    );
  }
  const folder = pickle.name.slice(0, -'data.pkl'.length);
  if (entries.has(`${folder}constants.pkl`) || [...entries.keys()].some((name) => name.startsWith(`${folder}code/`))) {
    throw new UnreadableError(
      'it is a TorchScript archive, a program with its weights',
      'Save its state dict: torch.save(torch.jit.load(path).state_dict(), other).',
    );
  }
  requireLittleEndian(source, entries.get(`${folder}byteorder`));

  const { value, storages } = isStored(pickle) ? readStoredPickle(source, pickle) : readUnpackedPickle(source, pickle);
  const locations = locateStorages(source, entries, folder, storages, pickle);
  return weightsOf(value, source.file, (key) => locations.get(key));
}

function readStoredPickle(source: FileBytes, entry: ZipEntry) {
  const start = dataStart(source, entry);
  return readTorchPickle(source, start, start + entry.size);
}

function readUnpackedPickle(source: FileBytes, entry: ZipEntry) {
  const bytes = unpack(source, entry, MAX_PICKLE_BYTES);
  return readTorchPickle(bytes, 0, bytes.size);
}

function requireLittleEndian(source: FileBytes, byteorder: ZipEntry | undefined): void {
  if (!byteorder) return;
  const bytes = unpack(source, byteorder, MAX_BYTEORDER_BYTES);
  const order = bytes.bytes(0, bytes.size).toString('latin1').trim();
  if (order !== 'little') {
    throw new UnreadableError(
      'it was saved on a big-endian machine',
      'Load it in PyTorch on this machine and save it.',
    );
  }
}

/** Where each storage lies; those of a damaged archive may be missing or lie in each other. */
function locateStorages(
  source: FileBytes,
  entries: ReadonlyMap<string, ZipEntry>,
  folder: string,
  storages: ReadonlyMap<string, TorchStorage>,
  pickle: ZipEntry,
): Map<string, { offset: number; bytes: number }> {
  const locations = new Map<string, { offset: number; bytes: number }>();
  for (const key of storages.keys()) {
    const entry = entries.get(`${folder}data/${key}`);
    if (!entry) continue;
    if (!isStored(entry)) throw new UnreadableError('its archive was compressed after it was saved', SAVE_AGAIN);
    locations.set(key, { offset: dataStart(source, entry), bytes: entry.size });
  }
  const inOrder = [...locations.values(), { offset: dataStart(source, pickle), bytes: pickle.packedSize }]
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => a.offset - b.offset);
  for (const [i, { offset, bytes }] of inOrder.entries()) {
    const next = inOrder[i + 1];
    if (next && offset + bytes > next.offset) throw new UnreadableError('entries of its archive lie in each other');
  }
  return locations;
}
