import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { MemoryBytes } from '../../../../src/engine/files/byteSource.ts';
import { replaceWeights, weightsOf } from '../../../../src/engine/onnx/replaceWeights.ts';
import { type NewTensor, writeModel } from '../../../../src/engine/onnx/writeModel.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

const bytes = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const weight = (name: string, values: NewTensor['values']): NewTensor => ({
  name,
  type: 'float32',
  shape: [2],
  values,
});

it('finds the weights of a model, and replaces them by others of a file beside it', async () => {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, 'weights.bin'), bytes(10, 20, 0.5, 0.25));
  const elsewhere = (offset: number) => ({ location: 'weights.bin', offset, bytes: 8 });
  const model = writeModel({
    nodes: [
      { op: 'Mul', inputs: ['x', 'kept'], outputs: ['a'] },
      { op: 'Add', inputs: ['a', 'replaced'], outputs: ['b'] },
      { op: 'Mul', inputs: ['b', 'elsewhere'], outputs: ['y'] },
    ],
    initializers: [weight('kept', bytes(3, 5)), weight('replaced', bytes(1, 2)), weight('elsewhere', elsewhere(8))],
    inputs: [{ name: 'x', type: 'float32', shape: [2] }],
    outputs: ['y'],
  });
  const last = (file: Uint8Array) =>
    [...weightsOf(new MemoryBytes(file))].map(([name, values]) => [
      name,
      values && Buffer.from(file).readFloatLE(values.start + 4),
    ]);
  expect(last(model)).toEqual([
    ['kept', 5],
    ['replaced', 2],
    ['elsewhere', undefined],
  ]);
  const replaced = replaceWeights(new MemoryBytes(model), [weight('replaced', elsewhere(0))]);
  expect(last(replaced)).toEqual([
    ['kept', 5],
    ['replaced', undefined],
    ['elsewhere', undefined],
  ]);
  const session = await InferenceSession.create(replaced, {
    logSeverityLevel: 4,
    extra: { session: { model_external_initializers_file_folder_path: folder } },
  });
  const { y } = await session.run({ x: new Tensor('float32', [1, 1], [2]) });
  await session.release();
  expect(y?.data).toEqual(Float32Array.of((3 + 10) * 0.5, (5 + 20) * 0.25));
});
