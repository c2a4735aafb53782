import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NpyArray } from '../../../src/engine/npy.ts';
import { npyClassLabels, npyLabels, npyMatrices, npyMatrix, readNpy, writeNpy } from '../../../src/engine/npy.ts';

const folder = mkdtempSync(join(tmpdir(), 'emms-npy-'));

/** A .npy file as NumPy would write it. */
function npyFile(
  descr: string,
  shape: string,
  body: Uint8Array,
  { fortran = false, version = 1, name = 'x.npy' } = {},
): string {
  const header = `{'descr': ${descr}, 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${shape}, }\n`;
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(header.length);
  else length.writeUInt32LE(header.length);
  const path = join(folder, name);
  writeFileSync(
    path,
    Buffer.concat([
      Buffer.from([0x93]),
      Buffer.from('NUMPY'),
      Buffer.from([version, 0]),
      length,
      Buffer.from(header),
      body,
    ]),
  );
  return path;
}

function bytes(size: number, write: (view: DataView) => void): Uint8Array {
  const view = new DataView(new ArrayBuffer(size));
  write(view);
  return new Uint8Array(view.buffer);
}

test.each<[string, Uint8Array, number[]]>([
  [
    "'<f2'",
    bytes(6, (v) => {
      v.setUint16(0, 0x3c00, true);
      v.setUint16(2, 0xc000, true);
      v.setUint16(4, 0x0001, true);
    }),
    [1, -2, 2 ** -24],
  ],
  ["'>f2'", bytes(2, (v) => v.setUint16(0, 0x7c00)), [Number.POSITIVE_INFINITY]],
  ["'<f4'", bytes(4, (v) => v.setFloat32(0, 1.5, true)), [1.5]],
  ["'>f4'", bytes(4, (v) => v.setFloat32(0, 1.5)), [1.5]],
  ["'<f8'", bytes(8, (v) => v.setFloat64(0, 0.1, true)), [0.1]],
  ["'>f8'", bytes(8, (v) => v.setFloat64(0, 0.1)), [0.1]],
  ["'|b1'", Uint8Array.of(0, 1), [0, 1]],
  ["'|u1'", Uint8Array.of(200), [200]],
  ["'|i1'", Uint8Array.of(200), [-56]],
  ["'<i2'", bytes(2, (v) => v.setInt16(0, -5, true)), [-5]],
  ["'>u2'", bytes(2, (v) => v.setUint16(0, 50_000)), [50_000]],
  ["'<i4'", bytes(4, (v) => v.setInt32(0, -7, true)), [-7]],
  ["'>i4'", bytes(4, (v) => v.setInt32(0, -7)), [-7]],
  ["'<u4'", bytes(4, (v) => v.setUint32(0, 4e9, true)), [4e9]],
  ["'<i8'", bytes(8, (v) => v.setBigInt64(0, -9n, true)), [-9]],
  ["'>u8'", bytes(8, (v) => v.setBigUint64(0, 9n)), [9]],
])('numbers of type %s', async (descr, body, values) => {
  const array = await readNpy(npyFile(descr, `(${values.length},)`, body));
  expect([...array.data]).toEqual(values);
});

test('Fortran order becomes row-major', async () => {
  const body = new Uint8Array(Float64Array.of(0, 3, 1, 4, 2, 5).buffer);
  const array = await readNpy(npyFile("'<f8'", '(2, 3)', body, { fortran: true, version: 2 }));
  expect([...array.data]).toEqual([0, 1, 2, 3, 4, 5]);
  const cube = new Uint8Array(Float64Array.of(0, 4, 2, 6, 1, 5, 3, 7).buffer);
  const three = await readNpy(npyFile("'<f8'", '(2, 2, 2)', cube, { fortran: true, version: 3 }));
  expect([...three.data]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('what is written is read back', async () => {
  const path = join(folder, 'round.npy');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
      fc.constantFrom('Float32Array', 'Float64Array', 'Int32Array', 'BigInt64Array'),
      async (shape, type) => {
        const size = shape.reduce((product, length) => product * length, 1);
        const numbers = Array.from({ length: size }, (_, i) => i * i - 3);
        const data = {
          Float32Array: () => Float32Array.from(numbers),
          Float64Array: () => Float64Array.from(numbers),
          Int32Array: () => Int32Array.from(numbers),
          BigInt64Array: () => BigInt64Array.from(numbers.map(BigInt)),
        }[type];
        if (data === undefined) throw new Error(type);
        await writeNpy(path, { shape, data: data() });
        const array = await readNpy(path);
        expect(array.shape).toEqual(shape);
        expect([...array.data]).toEqual(numbers);
      },
    ),
    { numRuns: 40 },
  );
});

test.each<[string, () => string, string]>([
  ['an absent file', () => join(folder, 'absent.npy'), 'absent.npy: can’t'.replace('’', "'")],
  ['an empty file', () => write(new Uint8Array()), 'not a .npy file'],
  ['text', () => write(Buffer.from('features of my model, comma separated')), 'not a .npy file'],
  ['a version of the future', () => npyFile("'<f4'", '(1,)', new Uint8Array(4), { version: 9 }), 'format version 9'],
  [
    'a header beyond the file',
    () => write(Buffer.from('\x93NUMPY\x01\x00\xff\x20{}', 'latin1')),
    'cut short or damaged',
  ],
  [
    'missing data',
    () => npyFile("'<f4'", '(1000, 1000)', new Uint8Array(40)),
    'needs 4000000 bytes but the file holds 40',
  ],
  ['a gigantic shape', () => npyFile("'<f4'", '(4294967296, 4294967296)', new Uint8Array(4)), 'cut short'],
  ['objects', () => npyFile("'|O'", '(1,)', new Uint8Array(8)), 'type |O are not supported'],
  [
    'texts',
    () => npyFile("'<U2'", '(1,)', new Uint8Array(8)),
    'type <U2 are not supported; number classes with numpy.unique',
  ],
  ['records', () => npyFile("[('a', '<f4')]", '(1,)', new Uint8Array(4)), 'not a plain array'],
  ['code', () => npyFile("__import__('os')", '(1,)', new Uint8Array(4)), 'not a plain array'],
  ['a negative length', () => npyFile("'<f4'", '(-1,)', new Uint8Array(4)), 'not a plain array'],
  [
    'a whole number beyond doubles',
    () => npyFile("'<i8'", '(1,)', new Uint8Array(8).fill(0x7f)),
    'too large to be exact',
  ],
])('%s is refused with the name of the file', async (_, make, reason) => {
  const path = make();
  const error = await readNpy(path).catch((caught: unknown) => caught);
  expect(error).toHaveProperty('name', 'InputError');
  expect(String(error)).toContain(path);
  expect(String(error)).toContain(reason);
});

test('arrays become matrices and labels, or say why not', () => {
  const array = { path: 'x.npy', dtype: 'f4', shape: [2, 1, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  expect(npyMatrices(array).map((matrix) => [...matrix.data])).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  expect(() => npyMatrix(array)).toThrow('x.npy: shape (2, 1, 3) is not a matrix');
  expect(() => npyClassLabels(array)).toThrow('x.npy: shape (2, 1, 3) is not a list of labels');
  expect([...npyClassLabels({ ...array, shape: [6, 1] })]).toEqual([1, 2, 3, 4, 5, 6]);
  expect(() => npyClassLabels({ ...array, shape: [2], data: Float32Array.of(1, 0.5) })).toThrow('label 1 is 0.5');
});

describe('what a file of labels holds', () => {
  const array = (dtype: string, shape: number[], values: number[]): NpyArray => ({
    path: 'y.npy',
    shape,
    dtype,
    data: dtype.startsWith('f') ? Float64Array.from(values) : Int32Array.from(values),
  });

  test('integers are classes', () => {
    expect(npyLabels(array('i8', [3], [0, 2, 1]))).toEqual({ labels: Int32Array.of(0, 2, 1) });
    expect(npyLabels(array('u1', [3, 1], [0, 2, 1]))).toEqual({ labels: Int32Array.of(0, 2, 1) });
    expect(npyLabels(array('b1', [2], [0, 1]))).toEqual({ labels: Int32Array.of(0, 1) });
    expect(npyLabels(array('f8', [2], [0, 3]))).toEqual({ labels: Int32Array.of(0, 3) });
    expect(() => npyLabels(array('i4', [2], [0, -1]))).toThrow('y.npy: label 1 is -1');
    expect(() => npyLabels(array('f8', [2], [0, 3e9]))).toThrow(
      'y.npy: label 1 is 3000000000; labels are whole numbers from 0 to 2147483647; number classes with numpy.unique',
    );
  });

  test('0 and 1 in a matrix are several labels per sample', () => {
    for (const dtype of ['b1', 'i4', 'f4']) {
      expect(npyLabels(array(dtype, [2, 2], [0, 1, 1, 1])).multiLabels).toMatchObject({ rows: 2, cols: 2 });
    }
  });

  test('other floats are regression targets', () => {
    expect(npyLabels(array('f8', [2], [0.5, 3])).targets).toMatchObject({ rows: 2, cols: 1 });
    expect(npyLabels(array('f4', [2, 1], [-1, 3])).targets).toMatchObject({ rows: 2, cols: 1 });
    expect(npyLabels(array('f2', [2, 2], [10, 20, 30, 40])).targets).toMatchObject({ rows: 2, cols: 2 });
  });

  test('what is unclear is refused', () => {
    expect(() => npyLabels(array('i4', [2, 2], [0, 1, 2, 1]))).toThrow('an integer matrix of more than 0 and 1');
    expect(() => npyLabels(array('i4', [1, 2, 2], [0, 1, 2, 1]))).toThrow('is not labels');
    expect(() => npyLabels(array('i4', [2, 0], []))).toThrow('is not labels');
  });
});

function write(content: Uint8Array): string {
  const path = join(folder, 'bad.npy');
  writeFileSync(path, content);
  return path;
}
