import { type FileBytes, readUint64 } from '../../files/byteSource.ts';
import { quoted, UnreadableError } from '../../files/unreadable.ts';
import { readPickleAt } from '../../pickle/readPickle.ts';
import type { PickleValue } from '../../pickle/values.ts';
import type { WeightTensor } from '../weights.ts';
import { weightsOf } from './stateDict.ts';
import { readTorchPickle, type TorchStorage } from './torchPickle.ts';

// What torch.save wrote before PyTorch 1.6, one after the other:
//
//   pickle of the magic number 0x1950a86a20f9469cfc6c
//   pickle of the protocol version, 1001
//   pickle of {'protocol_version': 1001, 'little_endian': True, 'type_sizes': {…}}
//   pickle of what was saved
//   pickle of the list of the storages' keys
//   for each key: the number of elements as int64, then the elements
//
// Source: _legacy_save and _legacy_load in torch/serialization.py of https://github.com/pytorch/pytorch.

const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;
const COUNT_BYTES = 8;

/** The first three pickles are a number, a number and a small dict; more is none of this format. */
const PREAMBLE = { expected: 'the beginning of a checkpoint', memoryBytes: 64 * 1024 };

/** Whether the first pickle of a file is the one that torch.save wrote before PyTorch 1.6. */
export function isTorchLegacy(source: FileBytes): boolean {
  try {
    return readPickleAt(source, 0, source.size, PREAMBLE).value === MAGIC_NUMBER;
  } catch (error) {
    if (error instanceof UnreadableError) return false;
    throw error;
  }
}

/** The tensors of a file that torch.save wrote before PyTorch 1.6. */
export function readTorchLegacy(source: FileBytes): Map<string, WeightTensor> {
  const magic = readPickleAt(source, 0, source.size, PREAMBLE);
  const version = readPickleAt(source, magic.end, source.size, PREAMBLE);
  if (version.value !== PROTOCOL_VERSION)
    throw new UnreadableError(`it is of an unknown version of torch.save's format`);
  const system = readPickleAt(source, version.end, source.size, PREAMBLE);
  if (!(system.value instanceof Map) || system.value.get('little_endian') !== true) {
    throw new UnreadableError(
      'it was saved on a big-endian machine',
      'Load it in PyTorch on this machine and save it.',
    );
  }
  const state = readTorchPickle(source, system.end, source.size);
  const keys = readPickleAt(source, state.end, source.size, { expected: 'the list of storages' });
  const locations = locateStorages(source, keys.value, keys.end, state.storages);
  return weightsOf(state.value, source.file, (key) => locations.get(key));
}

/** Where each storage lies. The type of its elements is known from the pickle only. */
function locateStorages(
  source: FileBytes,
  keys: PickleValue,
  start: number,
  storages: ReadonlyMap<string, TorchStorage>,
): Map<string, { offset: number; bytes: number }> {
  if (!Array.isArray(keys)) throw new UnreadableError('it has no list of storages');
  const locations = new Map<string, { offset: number; bytes: number }>();
  let position = start;
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (typeof key !== 'string' || !storage)
      throw new UnreadableError('its list of storages names one that is unknown');
    if (locations.has(key)) throw new UnreadableError(`its list of storages names ${quoted(key)} twice`);
    const offset = position + COUNT_BYTES;
    if (offset > source.size) throw new UnreadableError('the file ends before all its values');
    const bytes = readUint64(source.bytes(position, COUNT_BYTES)) * storage.type.bytes;
    if (bytes > source.size - offset) throw new UnreadableError('the file ends before all its values');
    locations.set(key, { offset, bytes });
    position = offset + bytes;
  }
  return locations;
}
