import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Float16Array } from '@petamoriken/float16';
import { describe, expect, it, onTestFinished } from 'vitest';
import { InputError } from '../../../../src/engine/errors.ts';
import type { ElementType } from '../../../../src/engine/onnx/format.ts';
import { WeightFile } from '../../../../src/engine/onnx/weightFile.ts';
import { WeightReader } from '../../../../src/engine/onnx/weightReader.ts';
import type { NewTensor } from '../../../../src/engine/onnx/writeModel.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

/** Exact in every precision, but for the last in bfloat16. */
const NUMBERS = [0, -0, 1, -2.5, 2 ** -14, 2 ** -24, Number.POSITIVE_INFINITY, 65504];

/** The upper half of the bits of single precision. */
const bfloat16 = Uint16Array.from(new Uint32Array(Float32Array.from(NUMBERS).buffer), (bits) => bits >>> 16);
const STORED: [ElementType, ArrayBuffer, number[]][] = [
  ['float64', Float64Array.from(NUMBERS).buffer, NUMBERS],
  ['float32', Float32Array.from(NUMBERS).buffer, NUMBERS],
  ['float16', new Float16Array(NUMBERS).buffer, NUMBERS],
  ['bfloat16', bfloat16.buffer, [...NUMBERS.slice(0, -1), 65280]],
];

/** A reader of a folder, and weights in a file there. */
async function reading(): Promise<{
  folder: string;
  reader: WeightReader;
  inFile: (type: ElementType, values: ArrayBuffer) => Promise<NewTensor>;
}> {
  const folder = await temporaryFolder();
  const reader = new WeightReader(folder);
  onTestFinished(() => reader.close());
  const inFile = async (type: ElementType, values: ArrayBuffer): Promise<NewTensor> => {
    await writeFile(path.join(folder, 'old.bin'), Buffer.concat([Buffer.from('odd'), Buffer.from(values)]));
    const place = { location: 'old.bin', offset: 3, bytes: values.byteLength };
    return { name: type, type, shape: [8], values: place };
  };
  return { folder, reader, inFile };
}

describe('WeightReader', () => {
  it.each(STORED)('gives %s in single precision, of a file and of memory', async (type, values, expected) => {
    const { reader, inFile } = await reading();
    const held: NewTensor = { name: type, type, shape: [8], values: new Uint8Array(values) };
    const width = values.byteLength / 8;
    for (const tensor of [await inFile(type, values), held]) {
      expect(Array.from(await reader.floats(tensor, 0, 8))).toEqual(expected);
      expect(Array.from(await reader.floats(tensor, 5, 3))).toEqual(expected.slice(5));
      const bytes = await reader.bytes(tensor, 2, 3);
      expect(Buffer.from(bytes).equals(Buffer.from(values, 2 * width, 3 * width))).toBe(true);
    }
  });

  it('names a file that is too short', async () => {
    const { folder, reader, inFile } = await reading();
    const result = reader.floats(await inFile('float32', new Float32Array(7).buffer), 0, 8);
    await expect(result).rejects.toThrow(InputError);
    await expect(result).rejects.toThrow(path.join(folder, 'old.bin'));
  });

  it('reads what a WeightFile was given', async () => {
    const { folder, reader } = await reading();
    const file = new WeightFile(folder, 'new.bin');
    async function* parts(...values: number[]) {
      for (const value of values) yield Float32Array.of(value, value + 1);
    }
    const places = [await file.add(parts(1)), await file.add(parts(10, 20))];
    file.close();
    const [first, second] = places.map(
      (values, index): NewTensor => ({ name: '', type: 'float32', shape: [2 * (index + 1)], values }),
    );
    if (!first || !second) throw new Error('no weights');
    expect(Array.from(await reader.floats(first, 0, 2))).toEqual([1, 2]);
    expect(Array.from(await reader.floats(second, 0, 4))).toEqual([10, 11, 20, 21]);
  });
});
