import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { candidatesOfNames, stripPrefix } from '../../../../../src/engine/checkpoints/containers/namePrefixes.ts';
import { readWeights } from '../../../../../src/engine/checkpoints/containers/open.ts';
import type { Weights } from '../../../../../src/engine/checkpoints/weights.ts';
import { InputError } from '../../../../../src/engine/errors.ts';
import { safetensorsFile, torchFile } from '../../../../helpers/containerFiles.ts';
import { temporaryFolder } from '../../../../helpers/temporaryFolder.ts';

describe('what is no file of weights', () => {
  it.each<[string, string, string | Buffer, string]>([
    [
      'a Git LFS pointer',
      'model.pth',
      'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n',
      'Run "git lfs pull".',
    ],
    ['a Git LFS pointer', 'model.safetensors', 'version https://git-lfs.github.com/spec/v1\n', 'Run "git lfs pull".'],
    ['a web page', 'model.pth', '\n<!DOCTYPE html><html>Sign in', 'web page'],
    ['an error of a server', 'model.pt', '<?xml version="1.0"?><Error><Code>AccessDenied', 'web page'],
    ['an empty file', 'model.pt', '', 'empty (0 bytes)'],
    ['an empty archive', 'model.pt', Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)]), 'empty zip'],
    ['a packed file', 'model.pt', Buffer.from([0x1f, 0x8b, 8, 0]), 'gzip'],
    [
      'a tar archive',
      'model.tar',
      Buffer.concat([Buffer.from('sys_info'), Buffer.alloc(249), Buffer.from('ustar')]),
      'tar archive',
    ],
    ['HDF5', 'model.h5', Buffer.from('\x89HDF\r\n', 'latin1'), 'HDF5'],
    ['GGUF', 'model.gguf', 'GGUF\x03', 'GGUF'],
    ['text', 'model.pt', 'hello', 'no file of weights'],
    ['one byte', 'model.pt', '\x80', 'no file of weights'],
    ['a hostile text pickle', 'model.pkl', "cos\nsystem\n(S'id'\ntR.", 'calls "os.system"'],
  ])('%s (%s) is refused', async (_, name, content, message) => {
    const file = path.join(await temporaryFolder(), name);
    await writeFile(file, content);
    const error = await readWeights(file).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).message).toContain(`${file}: `);
    expect((error as InputError).message).toContain(message);
  });

  it('missing files, folders and devices are refused', async () => {
    const folder = await temporaryFolder();
    await expect(readWeights(path.join(folder, 'gone.pt'))).rejects.toThrow("can't be read (ENOENT)");
    await expect(readWeights(folder)).rejects.toThrow('it is no file');
    await expect(readWeights('/dev/zero')).rejects.toThrow('it is no file');
  });
});

describe('what is a file of weights', () => {
  it('shows in its content, not in its name', async () => {
    const folder = await temporaryFolder();
    await writeFile(path.join(folder, 'a.safetensors.bin'), torchFile());
    expect((await readWeights(path.join(folder, 'a.safetensors.bin'))).format).toBe('torch');
    const tensor = safetensorsFile({ w: { dtype: 'U8', shape: [1], data_offsets: [0, 1] } }, Buffer.alloc(1));
    await writeFile(path.join(folder, 'b.pth'), tensor);
    expect((await readWeights(path.join(folder, 'b.pth'))).format).toBe('safetensors');
  });

  it('is read through links, and by a relative path', async () => {
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'blobs'));
    await writeFile(path.join(folder, 'blobs', '0'), torchFile());
    await symlink(path.join(folder, 'blobs', '0'), path.join(folder, 'model.pt'));
    const { files } = await readWeights(path.relative(process.cwd(), path.join(folder, 'model.pt')));
    expect(files).toEqual([path.join(folder, 'model.pt')]);
  });

  it('is never read as a whole', async () => {
    // Sparse: 1 TB that no disk holds.
    const file = path.join(await temporaryFolder(), 'large.safetensors');
    const size = 2 ** 40;
    const header = safetensorsFile({ w: { dtype: 'U8', shape: [size], data_offsets: [0, size] } });
    await writeFile(file, header);
    await truncate(file, header.length + size);
    expect((await readWeights(file)).tensors.get('w')?.bytes).toBe(size);
  });
});

describe('candidates of names', () => {
  const weights = (...names: string[]): Weights => ({
    format: 'torch',
    name: 'w',
    files: ['/w.pt'],
    tensors: new Map(
      names.map((name, i) => [name, { shape: [], type: 'float32', file: '/w.pt', offset: 4 * i, bytes: 4 }]),
    ),
  });
  const candidates = (...names: string[]) =>
    candidatesOfNames(weights(...names)).map(({ tensors }) => [...tensors.keys()]);

  it.each<[string, string[], string[][]]>([
    ['no wrapper', ['conv1.weight', 'encoder.layer.0.weight'], [['conv1.weight', 'encoder.layer.0.weight']]],
    ['parallel training', ['module.a', 'module.b'], [['a', 'b']]],
    ['wrappers in each other', ['module._orig_mod.a'], [['a']]],
    [
      'wrapped parts of a network',
      ['encoder.module.a', 'encoder.b._fsdp_wrapped_module._checkpoint_wrapped_module.c'],
      [
        ['encoder.a', 'encoder.b.c'],
        ['a', 'b.c'],
      ],
    ],
    [
      'a head beside the network',
      ['backbone.a', 'head.mlp.0.weight', 'queue'],
      [['backbone.a', 'head.mlp.0.weight'], ['a']],
    ],
    [
      'MoCo',
      ['module.base_encoder.a', 'module.momentum_encoder.a', 'module.predictor.b'],
      [['base_encoder.a', 'momentum_encoder.a'], ['a']],
    ],
    ['SwAV', ['module.a', 'module.b', 'module.projection_head.0.weight', 'module.prototypes.weight'], [['a', 'b']]],
    [
      'BYOL',
      ['online_encoder.net.a', 'online_encoder.projector.b', 'online_predictor.c', 'target_encoder.net.a'],
      [
        ['online_encoder.net.a', 'online_encoder.projector.b', 'target_encoder.net.a'],
        ['net.a'],
        ['net.a'],
        ['a'],
        ['a'],
      ],
    ],
    [
      'solo-learn and lightly',
      ['backbone.a', 'momentum_backbone.a', 'projection_head_momentum.b', 'momentum_projector.c', 'classifier.d'],
      [['backbone.a', 'momentum_backbone.a', 'classifier.d'], ['a']],
    ],
    ['counters of a profiler', ['module.total_ops', 'module.a.total_params', 'module.a.b'], [['a.b'], ['b']]],
    ['a teacher before its student', ['student.a', 'teacher.b'], [['student.a', 'teacher.b'], ['b'], ['a']]],
    [
      'an attribute of any name',
      ['module.my_cnn.0.a', 'module.my_cnn.0.b', 'module.loss_fn.weight'],
      [
        ['my_cnn.0.a', 'my_cnn.0.b'],
        ['0.a', '0.b'],
        ['a', 'b'],
      ],
    ],
    [
      'an attribute called like a head',
      ['classifier.model.a', 'classifier.model.b'],
      [
        ['classifier.model.a', 'classifier.model.b'],
        ['model.a', 'model.b'],
        ['a', 'b'],
      ],
    ],
    ['auxiliary heads', ['conv1.a', 'conv2.aux_fc', 'fc_aux.a', 'aux_head.0.a'], [['conv1.a', 'conv2.aux_fc']]],
    [
      'fastai, and of a head of any name',
      ['0.0.weight', '0.1.weight', '0.4.weight', '1.2.weight', '1.4.weight'],
      [
        ['0.0.weight', '0.1.weight', '0.4.weight', '1.2.weight', '1.4.weight'],
        ['0.weight', '1.weight', '4.weight'],
      ],
    ],
    [
      'what normalises images itself',
      ['model.a', 'model.b', 'normalizer.mean'],
      [['model.a', 'model.b', 'normalizer.mean']],
    ],
    [
      'what embeds states of a game',
      ['encoder.a', 'encoder.b', 'embed_state.weight'],
      [['encoder.a', 'encoder.b', 'embed_state.weight']],
    ],
    ['two attributes', ['image.a', 'words.b', 'fc.c'], [['image.a', 'words.b', 'fc.c']]],
    ['a name that is only the prefix', ['module.'], [['module.']]],
    ['names such as __proto__', ['module.__proto__'], [['__proto__']]],
  ])('of %s', (_, names, expected) => {
    expect(candidates(...names)).toEqual(expected);
  });

  it('keep where the values lie', () => {
    const [unwrapped] = candidatesOfNames(weights('queue', 'module.a'));
    expect(unwrapped?.tensors.get('a')?.offset).toBe(4);
  });

  it('are none of a network that segments images, as nothing tells its dilation', () => {
    const shaped = (shape: number[]) => {
      const named = weights('model.backbone.conv1.weight', 'model.classifier.0.weight');
      const tensors = [...named.tensors].map(([name, tensor]) => [name, { ...tensor, shape }] as const);
      return { ...named, tensors: new Map(tensors) };
    };
    expect(() => candidatesOfNames(shaped([21, 8, 3, 3]))).toThrow('it is a network that segments images');
    expect(candidatesOfNames(shaped([21, 8])).length).toBeGreaterThan(1);
  });

  it('strip nothing when another part stands beside that is no head', () => {
    const stripped = (...shapes: number[][]) =>
      stripPrefix(
        new Map([...shapes.entries()].map(([i, shape]) => [i < 30 ? `image.${i}` : `part.${i}`, { shape }])),
        'image.',
      );
    const network = Array.from({ length: 30 }, () => [8, 8, 3, 3]);
    expect(stripped(...network, [8, 8], [8])?.get('image.0')).toBe('0');
    expect(stripped(...network, [8, 8, 3, 3])).toBeUndefined();
    expect(stripped(...network, ...Array.from({ length: 25 }, () => [8, 8]))).toBeUndefined();
    expect(stripPrefix(new Map([['head.a', { shape: [8] }]]), 'encoder.')).toBeUndefined();
  });
});
