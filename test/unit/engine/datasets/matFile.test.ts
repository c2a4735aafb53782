import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMat } from '../../../../src/engine/datasets/matFile.ts';
import { InputError } from '../../../../src/engine/errors.ts';
import { folderWith, miniature } from '../../../helpers/miniatures.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

/** A data element, in either byte order. */
function element(type: number, data: Buffer, big = false): Buffer {
  const tag = Buffer.alloc(8);
  for (const [index, value] of [type, data.length].entries()) {
    if (big) tag.writeUInt32BE(value, index * 4);
    else tag.writeUInt32LE(value, index * 4);
  }
  const padding = type === 15 ? 0 : (8 - (data.length % 8)) % 8;
  return Buffer.concat([tag, data, Buffer.alloc(padding)]);
}

function int32(values: readonly number[], big = false): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) {
    if (big) bytes.writeInt32BE(value, index * 4);
    else bytes.writeInt32LE(value, index * 4);
  }
  return bytes;
}

function matrix(
  arrayClass: number,
  dims: readonly number[],
  name: string,
  parts: readonly Buffer[],
  big = false,
): Buffer {
  const header = [
    element(6, int32([arrayClass, 0], big), big),
    element(5, int32(dims, big), big),
    element(1, Buffer.from(name), big),
  ];
  return element(14, Buffer.concat([...header, ...parts]), big);
}

function matFile(elements: readonly Buffer[], big = false): Buffer {
  const header = Buffer.alloc(128, ' ');
  header.write('MATLAB 5.0 MAT-file');
  header.write(big ? '\x01\x00MI' : '\x00\x01IM', 124, 'latin1');
  return Buffer.concat([header, ...elements]);
}

async function read(content: Buffer): ReturnType<typeof readMat> {
  return readMat(path.join(await folderWith({ 'a.mat': content }), 'a.mat'));
}

describe('readMat', () => {
  it('reads what scipy wrote: compressed structs, cells, text and numbers', async () => {
    const meta = await readMat(miniature('stanford_cars/devkit/cars_meta.mat'));
    expect(meta.get('class_names')).toEqual({
      kind: 'cells',
      cells: ['AM General Hummer SUV 2000', 'Acura RL Sedan 2012', 'Ram C/V Cargo Van Minivan 2012'].map((text) => ({
        kind: 'text',
        text,
      })),
    });
    const annotations = (await readMat(miniature('stanford_cars/devkit/cars_train_annos.mat'))).get('annotations');
    if (annotations?.kind !== 'structs') throw new Error('no structs');
    expect(annotations.structs).toHaveLength(6);
    expect([...(annotations.structs[4] ?? [])].slice(-2)).toEqual([
      ['class', { kind: 'numbers', values: Float64Array.of(2) }],
      ['fname', { kind: 'text', text: '00005.jpg' }],
    ]);
  });

  it.each([false, true])('reads either byte order, big endian: %s', async (big) => {
    const numbers = matrix(6, [1, 3], 'x', [element(5, int32([1, -2, 3], big), big)], big);
    expect((await read(matFile([numbers], big))).get('x')).toEqual({
      kind: 'numbers',
      values: Float64Array.of(1, -2, 3),
    });
  });

  it('passes over kinds that it does not read', async () => {
    const sparse = matrix(5, [1, 1], 's', []);
    const numbers = matrix(12, [1, 1], 'n', [element(5, int32([7]))]);
    expect([...(await read(matFile([sparse, numbers]))).keys()]).toEqual(['n']);
  });

  const hdf5 = Buffer.concat([Buffer.alloc(512), Buffer.from('\x89HDF\r\n\x1a\n', 'latin1')]);
  hdf5.write('MATLAB 7.3 MAT-file');
  const endless = Array.from({ length: 40 }).reduce<Buffer>(
    (inner) => matrix(1, [1, 1], '', [inner]),
    matrix(6, [0, 0], '', [element(9, Buffer.alloc(0))]),
  );
  it.each([
    [
      'version 7.3',
      hdf5,
      "a.mat: a MAT-file of version 7.3 (HDF5), which is not read here; save it again with save(…, '-v7').",
    ],
    [
      'another format',
      Buffer.alloc(200),
      "a.mat: not a MAT-file of version 5 to 7; save it again with save(…, '-v7').",
    ],
    ['an empty file', Buffer.alloc(0), 'a.mat: not a readable MAT-file (it ends early); download it again.'],
    [
      'a claim of a billion cells',
      matFile([matrix(1, [1_000_000_000, 1], 'c', [])]),
      'a.mat: not a readable MAT-file (it claims more elements than it has); download it again.',
    ],
    [
      'cells within cells without end',
      matFile([endless]),
      'a.mat: not a readable MAT-file (arrays within arrays without end); download it again.',
    ],
    [
      'a bomb',
      matFile([element(15, deflateSync(Buffer.alloc(80 * 1024 * 1024)))]),
      'a.mat: not a readable MAT-file (Cannot create a Buffer larger than 67108864 bytes); download it again.',
    ],
  ])('refuses %s', async (_, content, message) => {
    await expect(read(content)).rejects.toThrow(new InputError(message));
  });

  it('never fails but with an InputError, however a file is damaged', async () => {
    const good = await readFile(miniature('stanford_cars/devkit/cars_train_annos.mat'));
    const plain = matFile([
      matrix(1, [1, 2], 'c', [
        matrix(6, [1, 1], '', [element(5, int32([7]))]),
        matrix(4, [1, 2], '', [element(4, Buffer.from('a\0b\0'))]),
      ]),
    ]);
    const file = path.join(await temporaryFolder(), 'a.mat');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(good, plain),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.nat(),
        async (content, changes, cut) => {
          const damaged = Buffer.from(content);
          for (const [at, byte] of changes) damaged[128 + (at % (content.length - 128))] = byte;
          await writeFile(file, damaged.subarray(0, 128 + (cut % (content.length - 127))));
          await readMat(file).catch((error: unknown) => expect(error).toBeInstanceOf(InputError));
        },
      ),
      { numRuns: 300 },
    );
  });
});
