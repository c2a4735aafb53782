import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readWeights } from '../../../../../src/engine/checkpoints/containers/open.ts';
import { P, pickledTensor, type TestTensor, torchFile, zipFile } from '../../../../helpers/containerFiles.ts';
import { FIXTURES } from '../../../../helpers/containerFixtures.ts';
import { temporaryFolder } from '../../../../helpers/temporaryFolder.ts';

async function read(bytes: Buffer, name = 'model.pt') {
  const file = path.join(await temporaryFolder(), name);
  await writeFile(file, bytes);
  return readWeights(file);
}

const values = { name: 'a/data/0', data: Buffer.alloc(24) };
const archive = (pickle: Buffer) => zipFile([{ name: 'a/data.pkl', data: pickle }, values]);

describe('a torch archive', () => {
  it('is read with a comment behind it', async () => {
    const pickle = P.whole(P.dict(P.text('w'), pickledTensor()));
    const bytes = zipFile([{ name: 'a/data.pkl', data: pickle }, values], 'PK\x05\x06 is no end');
    const { tensors, format } = await read(bytes);
    expect(format).toBe('torch');
    expect(tensors.get('w')).toMatchObject({ shape: [2, 3], type: 'float32', bytes: 24 });
  });

  it.each<[string, TestTensor, string]>([
    ['more values than the storage has', { shape: [3, 3] }, 'tensor "w" reaches beyond its storage'],
    ['an offset beyond the storage', { offset: 1 }, 'reaches beyond'],
    ['an offset of 2^60', { offset: 2n ** 60n }, 'no valid shape'],
    ['a negative offset', { offset: -1 }, 'no valid shape'],
    ['a size of 2^60', { shape: [2n ** 60n, 3] }, 'no valid shape'],
    ['sizes whose product overflows', { shape: [2 ** 40, 2 ** 40], strides: [2 ** 40, 1] }, 'would have'],
    ['negative strides', { strides: [-3, 1] }, 'no valid shape'],
    ['gaps', { shape: [2, 2] }, 'view with gaps'],
    ['rows in each other', { strides: [1, 1] }, 'view with gaps'],
    ['more strides than axes', { strides: [3, 1, 1] }, 'no valid shape'],
    ['a storage of 2^60', { elements: 2n ** 60n }, 'what is no storage'],
    ['a storage that claims more than the entry has', { elements: 12, shape: [4, 3] }, 'reaches beyond'],
    ['a storage that is missing', { key: '1' }, 'values of its tensor "w" are missing'],
    ['a storage outside of the folder', { key: '../../x' }, 'are missing'],
  ])('with %s is refused', async (_, tensor, message) => {
    await expect(read(torchFile(tensor))).rejects.toThrow(message);
  });

  const pickle = { name: 'a/data.pkl', data: P.whole(P.dict(P.text('w'), pickledTensor())) };
  const packed = deflateRawSync(Buffer.alloc(64 * 2 ** 20));
  it.each<[string, Parameters<typeof zipFile>[0], string]>([
    ['no pickle', [values], 'torch.save did not write'],
    ['two pickles', [pickle, { ...pickle, name: 'b/data.pkl' }], 'torch.save did not write'],
    ['two entries of a name', [pickle, values, values], 'two entries named "a/data/0"'],
    [
      'entries in each other',
      [
        { ...pickle, data: Buffer.concat([pickle.data, localEntry(values)]) },
        { ...values, header: 36 + 4 + pickle.data.length },
      ],
      'lie in each other',
    ],
    ['headers of other entries', [pickle, { ...values, header: 0 }], '"a/data/0" of its archive is damaged'],
    ['headers beyond the end', [pickle, { ...values, header: 0xfffffff0 }], 'is damaged'],
    ['values beyond the end', [pickle, { ...values, size: 2 ** 31, packedSize: 2 ** 31 }], 'is damaged'],
    [
      'zip64 sizes that are missing',
      [pickle, { ...values, size: 0xffffffff, packedSize: 0xffffffff }],
      'directory of its archive is damaged',
    ],
    ['another name in front of the values', [pickle, { ...values, localName: 'a/data/9' }], 'is damaged'],
    ['compressed values', [pickle, { ...values, method: 8 }], 'compressed after it was saved'],
    ['encrypted values', [pickle, { ...values, flags: 1 }], 'encrypted'],
    [
      'a pickle that unpacks to more',
      [{ ...pickle, data: packed, method: 8, size: 1000 }],
      '"a/data.pkl" of its archive is damaged',
    ],
    ['a pickle that unpacks to 64 MB', [{ ...pickle, data: packed, method: 8, size: 64 * 2 ** 20 }], 'too large'],
    [
      'a pickle that unpacks to less',
      [{ ...pickle, data: deflateRawSync(pickle.data), method: 8, size: 5000 }],
      'is damaged',
    ],
    ['a pickle packed in another way', [{ ...pickle, method: 12 }], "packed in a way that can't be read (12)"],
    ['a pickle that is no deflated data', [{ ...pickle, method: 8 }], 'is damaged'],
    ['a byte order that is long', [pickle, values, { name: 'a/byteorder', data: Buffer.alloc(100) }], 'too large'],
    ['big-endian values', [pickle, values, { name: 'a/byteorder', data: Buffer.from('big') }], 'big-endian'],
    ['a program', [pickle, values, { name: 'a/code/x.py', data: Buffer.alloc(0) }], 'TorchScript'],
  ])('with %s is refused', async (_, entries, message) => {
    await expect(read(zipFile(entries))).rejects.toThrow(message);
  });

  it.each<[string, Buffer, string]>([
    [
      'os.system',
      P.call(P.global('os', 'system'), P.text('id')),
      'its pickle calls "os.system", which is no part of a state dict; nothing was run. Save the state dict alone',
    ],
    ['eval', P.call(P.global('builtins', 'eval'), P.text('1')), 'calls "builtins.eval"'],
    ['getattr', P.call(P.global('builtins', 'getattr'), P.text('1')), 'calls "builtins.getattr"'],
    [
      'unpickling of bytes',
      P.call(P.global('torch.storage', '_load_from_bytes'), P.text('1')),
      '"torch.storage._load_from_bytes"',
    ],
  ])('that calls %s is refused by name', async (_, call, message) => {
    await expect(read(archive(P.whole(P.dict(P.text('w'), call))))).rejects.toThrow(message);
  });

  it.each<[string, Buffer, string]>([
    [
      'a tensor without a storage',
      P.call(P.global('torch._utils', '_rebuild_tensor_v2'), P.int(1)),
      'way that PyTorch does not',
    ],
    [
      'a tensor by another function',
      P.call(
        P.global('torch._tensor', '_rebuild_from_type_v2'),
        P.global('collections', 'OrderedDict'),
        P.int(1),
        P.tuple(),
      ),
      'way that PyTorch does not',
    ],
    [
      'a storage of another type',
      Buffer.concat([
        P.tuple(P.text('storage'), P.global('argparse', 'Namespace'), P.text('0'), P.text('cpu'), P.int(1)),
        Buffer.from('Q'),
      ]),
      'no storage',
    ],
    [
      'a part beyond its storage',
      Buffer.concat([
        P.tuple(
          P.text('storage'),
          P.global('torch', 'FloatStorage'),
          P.text('0'),
          P.text('cpu'),
          P.int(1),
          P.tuple(P.text('1'), P.int(1), P.int(1)),
        ),
        Buffer.from('Q'),
      ]),
      'lies outside of it',
    ],
    ['a storage by number', Buffer.from('K\x01Q'), 'no storage'],
    ['a dict of no pairs', P.call(P.global('collections', 'OrderedDict'), P.tuple(P.int(1))), 'without pairs'],
  ])('with %s is refused', async (_, value, message) => {
    await expect(read(archive(P.whole(P.dict(P.text('w'), value))))).rejects.toThrow(message);
  });

  it.each(['long', 'unicode'])('is read beside a type as protocol 2 names it: %s', async (type) => {
    const options = P.call(P.global('collections', 'defaultdict'), P.global('__builtin__', type));
    const { tensors } = await read(archive(P.whole(P.dict(P.text('w'), pickledTensor(), P.text('args'), options))));
    expect([...tensors.keys()]).toEqual(['w']);
  });

  it('is read under a key of its own, where it is the only state dict', async () => {
    const weights = P.dict(P.text('fc.weight'), pickledTensor());
    const states = P.dict(P.text('cpu'), pickledTensor());
    const run = [P.text('random'), states, P.text('epoch'), P.int(3)];
    const { tensors } = await read(archive(P.whole(P.dict(...run, P.text('my_network'), weights))));
    expect([...tensors.keys()]).toEqual(['fc.weight']);
    const pair = archive(P.whole(P.dict(P.text('G'), weights, P.text('D'), weights)));
    await expect(read(pair)).rejects.toThrow('it holds a dict of "G", "D", no state dict. Save the state dict alone');
    await expect(read(archive(P.whole(P.dict(...run))))).rejects.toThrow('it holds a dict of "random", "epoch"');
  });

  it('is read under a key of its own beside single tensors, and where that is wrapped again', async () => {
    const weights = P.dict(P.text('fc.weight'), pickledTensor());
    const wrapped = P.dict(P.text('state_dict'), weights);
    for (const inner of [weights, wrapped]) {
      const run = P.dict(P.text('best_accuracy'), pickledTensor(), P.text('my_network'), inner);
      const { tensors } = await read(archive(P.whole(run)));
      expect([...tensors.keys()]).toEqual(['fc.weight']);
    }
  });

  it.each(['ema', 'state_dict_ema', 'model_ema', 'ema_state_dict', 'params_ema', 'swa_state_dict'])(
    'is read as its averages under %s, before the plain weights',
    async (key) => {
      const named = (name: string) => P.dict(P.text(`${name}.weight`), pickledTensor());
      for (const plain of ['state_dict', 'model', 'params']) {
        const run = P.dict(P.text(plain), named('plain'), P.text('ema_decay'), P.int(1), P.text(key), named('average'));
        const { tensors } = await read(archive(P.whole(run)));
        expect([...tensors.keys()]).toEqual(['average.weight']);
      }
    },
  );

  it('is read as it is beside averages of something else', async () => {
    const average = P.dict(P.text('decay'), pickledTensor());
    const weights = P.dict(P.text('fc.weight'), pickledTensor());
    const { tensors } = await read(archive(P.whole(P.dict(P.text('ema'), average, P.text('model'), weights))));
    expect([...tensors.keys()]).toEqual(['fc.weight']);
  });

  it('is read as VISSL wraps it, with heads beside', async () => {
    const weights = (name: string) => P.dict(P.text(name), pickledTensor());
    const model = P.dict(P.text('heads'), weights('0.clf.weight'), P.text('trunk'), weights('conv1.weight'));
    const state = P.dict(P.text('base_model'), P.dict(P.text('model'), model), P.text('phase_idx'), P.int(3));
    const { tensors } = await read(archive(P.whole(P.dict(P.text('classy_state_dict'), state))));
    expect([...tensors.keys()]).toEqual(['conv1.weight']);
  });

  it.each([
    ['bytearray', P.call(P.global('builtins', 'bytearray'))],
    ['range', P.call(P.global('__builtin__', 'xrange'), P.int(0), P.int(5), P.int(1))],
    ['Ellipsis', P.global('builtins', 'Ellipsis')],
    ['an array as protocol 5 writes it', P.call(P.global('numpy._core.numeric', '_frombuffer'), P.text('x'))],
  ])('is read beside %s', async (_, option) => {
    const { tensors } = await read(archive(P.whole(P.dict(P.text('w'), pickledTensor(), P.text('args'), option))));
    expect([...tensors.keys()]).toEqual(['w']);
  });

  it('with a view of other signs is refused', async () => {
    const negated = P.dict(P.text('neg'), Buffer.from('\x88', 'latin1'));
    const pickle = P.whole(P.dict(P.text('w'), pickledTensor({ view: negated })));
    await expect(read(archive(pickle))).rejects.toThrow('its tensor "w" is a negated or conjugated view');
  });

  it('with dicts that hold themselves is refused in time', async () => {
    const keys = ['state_dict', 'model', 'teacher', 'student', 'module', 'net', 'network', 'encoder', 'ema'];
    const itself = keys.flatMap((key) => [P.text(key), Buffer.from('h\x00')]);
    const others = Array.from({ length: 50_000 }, (_, i) => Buffer.concat([P.int(i), Buffer.from('N')]));
    const pickle = P.whole(Buffer.from('}q\x00('), ...itself, ...others, Buffer.from('u'));
    await expect(read(archive(pickle))).rejects.toThrow('no state dict');
  });
});

describe('truncated and changed files', () => {
  it.each(['views.pt', 'views-legacy.pth', 'zip64.pt', 'packed-pickle.pt'])(
    '%s cut anywhere is refused',
    async (name) => {
      const whole = readFileSync(path.join(FIXTURES, name));
      const file = path.join(await temporaryFolder(), name);
      // Every length near the ends, where the headers are, and others in steps.
      for (let length = 0; length < whole.length; length += length < 200 || length > whole.length - 150 ? 1 : 13) {
        await writeFile(file, whole.subarray(0, length));
        await expect(readWeights(file)).rejects.toThrow(`${file}: `);
      }
    },
  );

  it('a file of the old format with more elements than it holds is refused', async () => {
    const file = path.join(FIXTURES, 'protocol-5-legacy.pth');
    const bytes = Buffer.from(readFileSync(file));
    const ends = [...(await readWeights(file)).tensors.values()].sort((a, b) => a.offset - b.offset);
    const last = ends.at(-1);
    const count = (last?.offset ?? 0) - 8;
    const elements = bytes.readBigInt64LE(count);
    for (const wrong of [elements + 1n, 2n ** 60n, -1n]) {
      bytes.writeBigInt64LE(wrong, count);
      await expect(read(bytes)).rejects.toThrow('ends before all its values');
    }
    bytes.writeBigInt64LE(elements - 1n, count);
    await expect(read(bytes)).rejects.toThrow('reaches beyond its storage');
  });
});

function localEntry({ name, data }: { name: string; data: Buffer }): Buffer {
  return zipFile([{ name, data }]).subarray(0, 30 + name.length + data.length);
}
