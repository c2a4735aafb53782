import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readWeights } from '../../../../../src/engine/checkpoints/containers/open.ts';
import { safetensorsFile, torchFile } from '../../../../helpers/containerFiles.ts';
import { temporaryFolder } from '../../../../helpers/temporaryFolder.ts';

async function read(bytes: Buffer | string, name = 'model.safetensors') {
  const file = path.join(await temporaryFolder(), name);
  await writeFile(file, bytes);
  return readWeights(file);
}

const entry = (dtype: unknown, shape: unknown, ...offsets: unknown[]) => ({ dtype, shape, data_offsets: offsets });

describe('safetensors', () => {
  it('gives names such as __proto__ like any other, in the order of the file', async () => {
    const header =
      '{"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}';
    const { tensors, format } = await read(safetensorsFile(header, Buffer.alloc(3)));
    expect(format).toBe('safetensors');
    expect([...tensors.keys()]).toEqual(['b', '__proto__']);
    expect(tensors.get('__proto__')).toMatchObject({ offset: 8 + header.length + 2, bytes: 1, type: 'uint8' });
  });

  it('reads scalars, tensors of nothing, and header and offsets in any order', async () => {
    const header = { z: entry('F32', [0, 5], 4, 4), a: entry('F32', [], 0, 4), __metadata__: { format: 'pt' } };
    const { tensors } = await read(safetensorsFile(header, Buffer.alloc(4)));
    expect([...tensors].map(([name, { bytes }]) => [name, bytes])).toEqual([
      ['z', 0],
      ['a', 4],
    ]);
  });

  it.each<[string, unknown, number, string]>([
    ['offsets beyond the end', { w: entry('F32', [2], 0, 8) }, 4, 'the file ends before its tensor "w"'],
    ['tensors in each other', { v: entry('U8', [4], 0, 4), w: entry('U8', [4], 2, 6) }, 6, 'does not follow'],
    ['the same bytes twice', { v: entry('U8', [4], 0, 4), w: entry('U8', [4], 0, 4) }, 4, 'does not follow'],
    ['gaps', { w: entry('U8', [4], 2, 6) }, 6, 'does not follow'],
    ['bytes after the tensors', { w: entry('U8', [4], 0, 4) }, 6, 'holds 2 bytes more'],
    ['fewer bytes than the shape takes', { w: entry('F32', [2], 0, 4) }, 4, 'takes 4 bytes, but 2 of float32 takes 8'],
    ['sizes of 2^60', `{"w":{"dtype":"U8","shape":[1152921504606846976],"data_offsets":[0,4]}}`, 4, 'no valid shape'],
    [
      'offsets of 2^60',
      `{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,1152921504606846976]}}`,
      4,
      'where the tensor',
    ],
    ['products that overflow', { w: entry('U8', Array(8).fill(2 ** 30), 0, 4) }, 4, 'would have'],
    ['offsets in reverse', { w: entry('U8', [4], 4, 0) }, 4, 'does not say where'],
    ['negative sizes', { w: entry('U8', [-4], 0, 4) }, 4, 'no valid shape'],
    ['sizes that are no whole number', { w: entry('U8', [0.5, 8], 0, 4) }, 4, 'no valid shape'],
    ['sizes that are text', { w: entry('U8', ['4'], 0, 4) }, 4, 'no valid shape'],
    ['shapes that are none', { w: entry('U8', { length: 4 }, 0, 4) }, 4, 'no valid shape'],
    ['thousands of axes', { w: entry('U8', Array(5000).fill(1), 0, 1) }, 1, 'no valid shape'],
    ['entries that are none', { w: [1] }, 0, 'does not say where'],
    ['types that weights are not of', { w: entry('F8_E4M3', [4], 0, 4) }, 4, 'tensor "w" is of the type "F8_E4M3"'],
    ['types named like members of objects', { w: entry('constructor', [4], 0, 4) }, 4, 'of the type "constructor"'],
    ['no tensors', { __metadata__: {} }, 0, 'holds no tensor'],
    ['headers that are a list', '[]', 0, 'no object of JSON'],
    ['headers that are cut', '{"w":', 0, 'no JSON'],
    ['headers nested without end', `{"a":${'['.repeat(1_000_000)}`, 0, 'no JSON'],
  ])('refuses %s', async (_, header, bytes, message) => {
    await expect(read(safetensorsFile(header, Buffer.alloc(bytes)))).rejects.toThrow(message);
  });

  it('refuses headers that are longer than the file or any header', async () => {
    const long = Buffer.alloc(3 * 2 ** 20, 0x20);
    long.writeBigUInt64LE(BigInt(long.length - 8));
    await expect(read(long)).rejects.toThrow('larger than any');
    const cut = safetensorsFile({ w: entry('U8', [4], 0, 4) });
    for (const length of [2n ** 63n, 2n ** 60n, BigInt(cut.length)]) {
      cut.writeBigUInt64LE(length);
      await expect(read(cut)).rejects.toThrow('the file ends before its header');
    }
  });

  it('refuses a header of many objects in time', async () => {
    await expect(read(safetensorsFile(`{"a":[${'{},'.repeat(680_000)}{}]}`))).rejects.toThrow('does not say where');
  });

  it('refuses every truncation', async () => {
    const whole = safetensorsFile({ v: entry('F32', [2], 0, 8), w: entry('U8', [3], 8, 11) }, Buffer.alloc(11));
    const folder = await temporaryFolder();
    for (let length = 0; length < whole.length; length += 1) {
      const file = path.join(folder, 'model.safetensors');
      await writeFile(file, whole.subarray(0, length));
      await expect(readWeights(file)).rejects.toThrow(`${file}: `);
    }
  });
});

describe('an index of shards', () => {
  const shard = safetensorsFile({ w: entry('U8', [4], 0, 4) }, Buffer.alloc(4));

  async function readIndex(weightMap: unknown, files: Record<string, Buffer> = { 's.safetensors': shard }) {
    const folder = path.join(await temporaryFolder(), 'inner');
    await mkdir(folder);
    for (const [name, bytes] of Object.entries(files)) await writeFile(path.join(folder, name), bytes);
    const file = path.join(folder, 'model.safetensors.index.json');
    await writeFile(file, typeof weightMap === 'string' ? weightMap : JSON.stringify({ weight_map: weightMap }));
    return readWeights(file);
  }

  it('gives the tensors that it names, out of files of either kind', async () => {
    const { tensors, files } = await readIndex({ w: 's.safetensors' });
    expect(tensors.get('w')).toMatchObject({ shape: [4], type: 'uint8' });
    expect(files.map((file) => path.basename(file))).toEqual(['s.safetensors']);
    expect((await readIndex({ w: 's.bin' }, { 's.bin': torchFile() })).format).toBe('torch');
  });

  it.each(['../s.safetensors', '/etc/passwd', '..', '.', '', 'a/b', 'a\\b', 'C:x', 'a\0b', '../../../../../etc/hosts'])(
    'refuses the name %j of a file elsewhere',
    async (name) => {
      await expect(readIndex({ w: name })).rejects.toThrow('does not lie beside it');
    },
  );

  it.each<[string, unknown, string]>([
    [
      'missing files by name',
      { w: 'gone.safetensors' },
      'its file "gone.safetensors" is missing. Put it beside the index.',
    ],
    ['missing tensors by name', { v: 's.safetensors' }, '"s.safetensors" does not hold the tensor "v"'],
    ['names that are no text', { v: 7 }, 'names no file for the tensor "v"'],
    [
      'itself as a shard',
      { w: 'model.safetensors.index.json' },
      'its file "model.safetensors.index.json": it is no file of weights',
    ],
    ['an empty map', {}, 'no index of weights'],
    ['other JSON', '{"architectures": ["ResNet"]}', 'no index of weights'],
    ['cut JSON', '{"weight_map": {', 'no JSON'],
    ['hundreds of files', Object.fromEntries(Array.from({ length: 300 }, (_, i) => [i, `${i}`])), '300 files'],
  ])('refuses %s', async (_, weightMap, message) => {
    await expect(readIndex(weightMap)).rejects.toThrow(message);
  });

  it('says which shard is damaged', async () => {
    const files = { 's.safetensors': shard.subarray(0, shard.length - 1) };
    await expect(readIndex({ w: 's.safetensors' }, files)).rejects.toThrow('its file "s.safetensors": the file ends');
  });
});
