import { quoted, UnreadableError } from '../../files/unreadable.ts';
import { PickleObject, type PickleValue } from '../../pickle/values.ts';
import type { WeightTensor } from '../weights.ts';
import { countOf, isCount, requireElementType, shapeOf } from './storedTensors.ts';
import { SAVE_STATE_DICT, SpecialTensor, TorchTensor } from './torchPickle.ts';

/** Keys of averaged weights, which are taken before plain ones, as timm does. */
const AVERAGED = /(^|_)(ema|swa)(_|$)/i;
/**
 * Keys under which training code puts the state dict of its network, the likelier one to be meant first: the teacher of
 * DINO and the target encoder of I-JEPA, which are the networks that their authors publish, before the student.
 */
const WRAPPERS = [
  'state_dict',
  'model_state_dict',
  'model_state',
  'model',
  'teacher',
  'target_encoder',
  'student',
  'module',
  'net',
  'network',
  'encoder',
  'backbone',
  'trunk',
  'weights',
  'params',
];
/** VISSL's `{'classy_state_dict': {'base_model': {'model': {'trunk': …}}}}` is as deep as published checkpoints wrap. */
const MAX_WRAPPERS = 4;

const SPECIAL_REMEDY = 'Save it as a plain tensor.';

/** Where the values of a storage lie in the file, or nothing when they are missing. */
export type StorageLocator = (key: string) => { readonly offset: number; readonly bytes: number } | undefined;

/**
 * The named tensors of an unpickled checkpoint.
 * @throws UnreadableError when it holds none, or one that can't be used
 */
export function weightsOf(checkpoint: PickleValue, file: string, locate: StorageLocator): Map<string, WeightTensor> {
  const stateDict = findStateDict(checkpoint, MAX_WRAPPERS, new Set());
  if (!stateDict) throw new UnreadableError(`it holds ${described(checkpoint)}, no state dict`, SAVE_STATE_DICT);
  const weights = new Map<string, WeightTensor>();
  for (const [name, value] of stateDict) {
    if (typeof name !== 'string') continue;
    if (value instanceof SpecialTensor) {
      const remedy = value.kind === 'quantised' ? 'Take the network that it was made from.' : SPECIAL_REMEDY;
      throw new UnreadableError(`its tensor ${quoted(name)} is ${value.kind}, which can't be used`, remedy);
    }
    if (value instanceof TorchTensor) weights.set(name, locateTensor(name, value, file, locate));
  }
  return weights;
}

/** The dict of tensors by name that a checkpoint is or wraps. A dict may hold itself: each is searched once. */
function findStateDict(
  value: PickleValue,
  wrappers: number,
  searched: Set<PickleValue>,
): Map<PickleValue, PickleValue> | undefined {
  if (!(value instanceof Map) || searched.has(value)) return undefined;
  searched.add(value);
  const find = (item: PickleValue) => (wrappers > 0 ? findStateDict(item, wrappers - 1, searched) : undefined);
  for (const [key, item] of value) {
    const found = typeof key === 'string' && AVERAGED.test(key) ? find(item) : undefined;
    if (found && isStateDict(found)) return found;
  }
  for (const key of WRAPPERS) {
    const found = find(value.get(key) ?? null);
    if (found) return found;
  }
  if (isStateDict(value)) return value;
  // Under a key of its own, where it is the only one: optimizers keep theirs by number.
  const found = [...value.values()].map(find).filter((item) => item !== undefined && isStateDict(item));
  if (found.length > 0) return found.length === 1 ? found[0] : undefined;
  return [...value].some(([name, item]) => typeof name === 'string' && isTensor(item)) ? value : undefined;
}

/** Tensors by the names of layers, and not the state of a random generator or the like. */
function isStateDict(value: Map<PickleValue, PickleValue>): boolean {
  return [...value].some(([name, item]) => isTensor(item) && isWeight(name));
}

function isWeight(name: PickleValue): boolean {
  return typeof name === 'string' && name.endsWith('.weight');
}

function isTensor(value: PickleValue): boolean {
  return value instanceof TorchTensor || value instanceof SpecialTensor;
}

/** Checks a tensor against its storage and says where its values lie. */
function locateTensor(name: string, tensor: TorchTensor, file: string, locate: StorageLocator): WeightTensor {
  const { storage, offset } = tensor;
  const type = requireElementType(tensor.type, name);
  const shape = shapeOf(tensor.shape, name);
  const strides = shapeOf(tensor.strides, name);
  const count = countOf(shape, name);
  if (strides.length !== shape.length || !isCount(offset)) {
    throw new UnreadableError(`its tensor ${quoted(name)} has no valid shape`);
  }
  const location = locate(storage.key);
  if (!location) throw new UnreadableError(`the values of its tensor ${quoted(name)} are missing`);
  const bytes = count * tensor.type.bytes;
  if (count === 0) return { shape, type, file, offset: location.offset, bytes };

  const storedAxes = storedAxesOf(shape, strides, name);
  const start = storage.start * storage.type.bytes + offset * tensor.type.bytes;
  const storageEnd = (storage.start + storage.elements) * storage.type.bytes;
  if (start + bytes > Math.min(storageEnd, location.bytes)) {
    throw new UnreadableError(`its tensor ${quoted(name)} reaches beyond its storage`);
  }
  return { shape, type, file, offset: location.offset + start, bytes, ...(storedAxes && { storedAxes }) };
}

/**
 * The order in which the axes of a dense tensor lie in its storage, outermost first, or nothing when it is their own.
 * The stride of an axis of size 1 says nothing.
 */
function storedAxesOf(shape: readonly number[], strides: readonly number[], name: string): number[] | undefined {
  const strideOf = (axis: number) => strides[axis] ?? 0;
  const sizeOf = (axis: number) => shape[axis] ?? 0;
  const axes = [...shape.keys()];
  const wide = axes.filter((axis) => sizeOf(axis) > 1);
  const stored = [...wide].sort((a, b) => strideOf(b) - strideOf(a));
  let dense = 1;
  for (const axis of [...stored].reverse()) {
    if (strideOf(axis) !== dense) {
      throw new UnreadableError(
        `its tensor ${quoted(name)} is a view with gaps or repetitions`,
        'Make it contiguous() and save the state dict again.',
      );
    }
    dense *= sizeOf(axis);
  }
  if (stored.every((axis, i) => axis === wide[i])) return undefined;
  return [...axes.filter((axis) => sizeOf(axis) === 1), ...stored];
}

function described(value: PickleValue): string {
  if (value instanceof Map) {
    const keys = [...value.keys()].filter((key) => typeof key === 'string').slice(0, 5);
    return keys.length > 0 ? `a dict of ${keys.map(quoted).join(', ')}` : 'a dict without names';
  }
  if (isTensor(value)) return 'a single tensor';
  if (value instanceof PickleObject) return `an object of ${quoted(value.name)}`;
  if (Array.isArray(value)) return 'a list';
  return 'a plain value';
}
