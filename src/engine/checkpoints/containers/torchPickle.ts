import type { ByteSource } from '../../files/byteSource.ts';
import { UnreadableError } from '../../files/unreadable.ts';
import { readPickleAt } from '../../pickle/readPickle.ts';
import { type GlobalMeaning, PickleGlobal, PickleObject, type PickleValue } from '../../pickle/values.ts';
import { isCount, type StoredType, storedType } from './storedTensors.ts';

// How torch.save describes tensors: `_rebuild_tensor_v2(storage, offset, size, stride, …)`, where the storage is a
// persistent id ('storage', type, key, location, number of elements) and its values lie elsewhere in the file. Source:
// torch/_utils.py and torch/serialization.py of https://github.com/pytorch/pytorch.

/** A run of elements that tensors are views of. */
export class TorchStorage extends PickleObject {
  readonly key: string;
  readonly type: StoredType;
  /** First element of this storage in the one that lies in the file under the key. */
  readonly start: number;
  readonly elements: number;

  constructor(key: string, type: StoredType, start: number, elements: number) {
    super('torch.Storage');
    this.key = key;
    this.type = type;
    this.start = start;
    this.elements = elements;
  }
}

/** A tensor as its pickle describes it; offset and strides count elements. Not checked yet. */
export class TorchTensor extends PickleObject {
  readonly storage: TorchStorage;
  readonly type: StoredType;
  readonly offset: PickleValue;
  readonly shape: PickleValue;
  readonly strides: PickleValue;

  constructor(storage: TorchStorage, type: StoredType, offset: PickleValue, shape: PickleValue, strides: PickleValue) {
    super('torch.Tensor');
    this.storage = storage;
    this.type = type;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** A tensor that is more than a view of a storage: quantised, sparse or without values. */
export class SpecialTensor extends PickleObject {
  readonly kind: string;

  constructor(kind: string) {
    super('torch.Tensor');
    this.kind = kind;
  }
}

/** The types of storages by their global. The last ones are read over, but no weights. */
const STORAGE_TYPES = new Map<string, StoredType>([
  ['torch.FloatStorage', storedType('float32')],
  ['torch.DoubleStorage', storedType('float64')],
  ['torch.HalfStorage', storedType('float16')],
  ['torch.BFloat16Storage', storedType('bfloat16')],
  ['torch.LongStorage', storedType('int64')],
  ['torch.IntStorage', storedType('int32')],
  ['torch.ShortStorage', storedType('int16')],
  ['torch.CharStorage', storedType('int8')],
  ['torch.ByteStorage', storedType('uint8')],
  ['torch.BoolStorage', storedType('bool')],
  ['torch.UntypedStorage', storedType('uint8')],
  ['torch.storage.UntypedStorage', storedType('uint8')],
  ['torch.storage._UntypedStorage', storedType('uint8')],
  ['torch.ComplexFloatStorage', { name: 'complex64', bytes: 8 }],
  ['torch.ComplexDoubleStorage', { name: 'complex128', bytes: 16 }],
  ['torch.QInt8Storage', { name: 'qint8', bytes: 1 }],
  ['torch.QUInt8Storage', { name: 'quint8', bytes: 1 }],
  ['torch.QInt32Storage', { name: 'qint32', bytes: 4 }],
  ['torch.QUInt4x2Storage', { name: 'quint4x2', bytes: 1 }],
  ['torch.QUInt2x4Storage', { name: 'quint2x4', bytes: 1 }],
]);

/** Element types by their global, named by tensors whose storage has no type, and by configurations. */
const DTYPES = new Map<string, StoredType>(
  [
    storedType('float32'),
    storedType('float64'),
    storedType('float16'),
    storedType('bfloat16'),
    storedType('int64'),
    storedType('int32'),
    storedType('int16'),
    storedType('int8'),
    storedType('uint8'),
    storedType('bool'),
    { name: 'uint16', bytes: 2 },
    { name: 'uint32', bytes: 4 },
    { name: 'uint64', bytes: 8 },
    { name: 'complex32', bytes: 4 },
    { name: 'complex64', bytes: 8 },
    { name: 'complex128', bytes: 16 },
    { name: 'float8_e4m3fn', bytes: 1 },
    { name: 'float8_e5m2', bytes: 1 },
    { name: 'float8_e4m3fnuz', bytes: 1 },
    { name: 'float8_e5m2fnuz', bytes: 1 },
    { name: 'qint8', bytes: 1 },
    { name: 'quint8', bytes: 1 },
    { name: 'qint32', bytes: 4 },
  ].map((type) => [`torch.${type.name}`, type]),
);

/** Functions that make tensors. */
const TENSOR_BUILDERS = new Map<string, GlobalMeaning>([
  ['torch._utils._rebuild_tensor', ([storage, offset, size, stride]) => tensorOf(storage, offset, size, stride)],
  [
    'torch._utils._rebuild_tensor_v2',
    ([storage, offset, size, stride, , , view]) =>
      // {'neg': True} or {'conj': True}: of the values with the other sign.
      view instanceof Map && view.size > 0
        ? new SpecialTensor('a negated or conjugated view')
        : tensorOf(storage, offset, size, stride),
  ],
  [
    'torch._utils._rebuild_tensor_v3',
    ([storage, offset, size, stride, , , type]) => tensorOf(storage, offset, size, stride, type),
  ],
  ['torch._utils._rebuild_parameter', ([tensor = null]) => tensor],
  ['torch._utils._rebuild_parameter_with_state', ([tensor = null]) => tensor],
  ['torch._utils._rebuild_qtensor', () => new SpecialTensor('quantised')],
  ['torch._utils._rebuild_sparse_tensor', () => new SpecialTensor('sparse')],
  ['torch._utils._rebuild_sparse_csr_tensor', () => new SpecialTensor('sparse')],
  ['torch._utils._rebuild_nested_tensor', () => new SpecialTensor('nested')],
  ['torch._utils._rebuild_meta_tensor_no_storage', () => new SpecialTensor('without values')],
]);

/**
 * Classes that published checkpoints hold beside their weights, such as the options of the training. Their objects stay
 * closed: nothing is constructed, and nothing asks for them.
 */
const CLOSED_OBJECTS = [
  'torch.device',
  'torch.Tensor',
  'torch.nn.parameter.Parameter',
  'torch.nn.parameter.Buffer',
  'torch.storage.TypedStorage',
  'torch.storage._TypedStorage',
  'torch.strided',
  'torch.sparse_coo',
  'torch.per_tensor_affine',
  'torch.per_channel_affine',
  'torch.serialization._get_layout',
  'torch.torch_version.TorchVersion',
  'numpy.dtype',
  'numpy.ndarray',
  'numpy.core.multiarray.scalar',
  'numpy.core.multiarray._reconstruct',
  'numpy._core.multiarray.scalar',
  'numpy._core.multiarray._reconstruct',
  'numpy.core.numeric._frombuffer',
  'numpy._core.numeric._frombuffer',
  '_codecs.encode',
  'argparse.Namespace',
  'types.SimpleNamespace',
  'collections.Counter',
  'collections.deque',
  ...[
    'object',
    'set',
    'frozenset',
    'dict',
    'list',
    'tuple',
    'int',
    'float',
    'complex',
    'str',
    'bool',
    'bytes',
    'bytearray',
    'range',
    'slice',
    'Ellipsis',
  ].flatMap((name) => [`builtins.${name}`, `__builtin__.${name}`]),
  // As protocol 2 writes int, str and range of Python 3.
  '__builtin__.long',
  '__builtin__.unicode',
  '__builtin__.xrange',
  ...['datetime', 'date', 'time', 'timedelta', 'timezone'].map((name) => `datetime.${name}`),
  ...['PosixPath', 'WindowsPath', 'PurePosixPath', 'PureWindowsPath', 'Path'].flatMap((name) => [
    `pathlib.${name}`,
    `pathlib._local.${name}`,
  ]),
  // Options of a training in the configuration libraries of timm, Swin, fairseq and PyTorch Lightning.
  'typing.Any',
  'easydict.EasyDict',
  'yacs.config.CfgNode',
  'omegaconf.dictconfig.DictConfig',
  'omegaconf.listconfig.ListConfig',
  'omegaconf.base.ContainerMetadata',
  'omegaconf.base.Metadata',
  'omegaconf.nodes.AnyNode',
  'pytorch_lightning.utilities.parsing.AttributeDict',
  'lightning_fabric.utilities.data.AttributeDict',
  'lightning.fabric.utilities.data.AttributeDict',
  // Keys under which early versions of PyTorch Lightning keep the state of callbacks.
  'pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint',
  'pytorch_lightning.callbacks.early_stopping.EarlyStopping',
];

/** All that the pickle of a checkpoint may name. */
const GLOBALS = new Map<string, GlobalMeaning>([
  ...TENSOR_BUILDERS,
  ['torch._tensor._rebuild_from_type_v2', rebuildFromType],
  ['torch.Size', ([size = []]) => size],
  ['collections.OrderedDict', orderedDict],
  ['collections.defaultdict', () => new Map()],
  ...[...STORAGE_TYPES.keys(), ...DTYPES.keys(), ...CLOSED_OBJECTS].map(closed),
]);

/** What to do about a file of torch.save that holds something else than tensors by their names. */
export const SAVE_STATE_DICT = 'Save the state dict alone: torch.save(model.state_dict(), path).';

/**
 * Reads a pickle of torch.save.
 * @returns its value, where it ends, and the storages by their key, each as it was first named
 */
export function readTorchPickle(
  source: ByteSource,
  start: number,
  limit: number,
): { value: PickleValue; end: number; storages: ReadonlyMap<string, TorchStorage> } {
  const storages = new Map<string, TorchStorage>();
  const persistent = (id: PickleValue) => {
    const storage = storageOf(id);
    if (!storages.has(storage.key)) storages.set(storage.key, storage);
    return storage;
  };
  const options = { globals: GLOBALS, persistent, expected: 'a state dict', remedy: SAVE_STATE_DICT };
  return { ...readPickleAt(source, start, limit, options), storages };
}

/** The storage that ('storage', type, key, location, number of elements, view) stands for; a view is of the old format. */
function storageOf(id: PickleValue): TorchStorage {
  if (!Array.isArray(id)) throw new UnreadableError('its pickle refers to what is no storage');
  const [kind, type, key, , elements, view] = id;
  if (kind === 'module' && type instanceof PickleGlobal) {
    throw new UnreadableError(
      `it is a whole model of the class "${type.name}", not a state dict; nothing was run`,
      SAVE_STATE_DICT,
    );
  }
  const stored = type instanceof PickleGlobal ? STORAGE_TYPES.get(type.name) : undefined;
  if (kind !== 'storage' || !stored || typeof key !== 'string' || !isCount(elements)) {
    throw new UnreadableError('its pickle refers to what is no storage');
  }
  if (view === undefined || view === null) return new TorchStorage(key, stored, 0, elements);
  const [, offset, size] = Array.isArray(view) ? view : [];
  if (!isCount(offset) || !isCount(size) || offset + size > elements) {
    throw new UnreadableError('its pickle refers to a part of a storage that lies outside of it');
  }
  return new TorchStorage(key, stored, offset, size);
}

function tensorOf(
  storage: PickleValue = null,
  offset: PickleValue = null,
  shape: PickleValue = null,
  strides: PickleValue = null,
  dtype?: PickleValue,
): TorchTensor {
  const type = dtype instanceof PickleGlobal ? DTYPES.get(dtype.name) : undefined;
  if (!(storage instanceof TorchStorage) || (dtype !== undefined && !type)) {
    throw new UnreadableError('its pickle builds a tensor in a way that PyTorch does not');
  }
  return new TorchTensor(storage, type ?? storage.type, offset, shape, strides);
}

/** `_rebuild_from_type_v2(function, type, arguments, state)`: a tensor of a subclass or with attributes. */
function rebuildFromType([builder, , args]: readonly PickleValue[]): PickleValue {
  const build = builder instanceof PickleGlobal ? TENSOR_BUILDERS.get(builder.name) : undefined;
  if (!build || !Array.isArray(args)) {
    throw new UnreadableError('its pickle builds a tensor in a way that PyTorch does not');
  }
  return build(args);
}

/** `OrderedDict()`, or with a list of pairs as Python 2 wrote it. */
function orderedDict([pairs]: readonly PickleValue[]): PickleValue {
  const map = new Map<PickleValue, PickleValue>();
  for (const pair of Array.isArray(pairs) ? pairs : []) {
    const [key, value] = Array.isArray(pair) ? pair : [];
    if (key === undefined || value === undefined) throw new UnreadableError('its pickle has a dict without pairs');
    map.set(key, value);
  }
  return map;
}

function closed(name: string): [string, GlobalMeaning] {
  return [name, () => new PickleObject(name)];
}
