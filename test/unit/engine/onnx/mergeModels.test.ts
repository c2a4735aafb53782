import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { mergeModels } from '../../../../src/engine/onnx/mergeModels.ts';
import { type NewModel, type NewTensor, writeModel } from '../../../../src/engine/onnx/writeModel.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

const numbers = (name: string, ...values: number[]): NewTensor => ({
  name,
  type: 'float32',
  shape: [values.length],
  values: new Uint8Array(Float32Array.from(values).buffer),
});
const value = (name: string) => ({ name, type: 'float32', shape: ['n'] }) as const;

async function run(model: Uint8Array, x: number[]): Promise<Record<string, number[]>> {
  const session = await InferenceSession.create(model, { logSeverityLevel: 4, graphOptimizationLevel: 'disabled' });
  const results = await session.run({ x: new Tensor('float32', Float32Array.from(x), [x.length]) });
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, [...(data as Float32Array)]]));
}

describe('mergeModels', () => {
  it('computes one after the other, though they use the same names for other things', async () => {
    const first: NewModel = {
      nodes: [
        { op: 'Mul', inputs: ['x', 'weight'], outputs: ['inner'] },
        { op: 'Clip', inputs: ['inner', '', 'limit'], outputs: ['between'] },
      ],
      initializers: [numbers('weight', 2), { ...numbers('limit', 5), shape: [] }],
      inputs: [value('x')],
      outputs: ['between'],
    };
    const second: NewModel = {
      nodes: [
        { op: 'Add', inputs: ['between', 'weight'], outputs: ['inner'] },
        { op: 'Add', inputs: ['inner', 'x'], outputs: ['y'] },
      ],
      initializers: [numbers('weight', 100)],
      inputs: [value('between'), value('x')],
      outputs: ['y'],
    };
    const merged = mergeModels(
      [first, second].map((model) => ({ model: writeModel(model), standIns: [] })),
      {
        inputs: [value('x')],
        outputs: ['between', 'y'],
        between: ['between', 'x'],
      },
    );
    expect(await run(merged, [1, 2, 4])).toEqual({ between: [2, 4, 5], y: [103, 106, 109] });
  });

  it('keeps operators that ONNX doesn’t have, and nodes of the same names', async () => {
    const models = [];
    const folder = await temporaryFolder();
    for (const [index, [from, to]] of [['x', 'between'] as const, ['between', 'y'] as const].entries()) {
      const model = writeModel({
        nodes: [
          { op: 'Conv', inputs: [from, 'weight'], outputs: ['inner'] },
          { op: 'Relu', inputs: ['inner'], outputs: [to] },
        ],
        initializers: [
          { ...numbers('weight', ...Array.from({ length: 256 }, (_, i) => i / 256)), shape: [16, 16, 1, 1] },
        ],
        inputs: [{ name: from, type: 'float32', shape: ['n', 16, 'height', 'width'] }],
        outputs: [to],
      });
      // The layout of blocks is of operators in a domain of the runtime's own, and names its nodes.
      const optimizedModelFilePath = path.join(folder, `${index}.onnx`);
      await (await InferenceSession.create(model, { logSeverityLevel: 4, optimizedModelFilePath })).release();
      models.push({ model: await readFile(optimizedModelFilePath), standIns: [] });
    }
    const merged = mergeModels(models, {
      inputs: [{ name: 'x', type: 'float32', shape: ['n', 16, 'height', 'width'] }],
      outputs: ['y'],
      between: ['between'],
    });
    const session = await InferenceSession.create(merged, { logSeverityLevel: 4, graphOptimizationLevel: 'disabled' });
    const { y } = await session.run({ x: new Tensor('float32', new Float32Array(16).fill(1), [1, 16, 1, 1]) });
    await session.release();
    // Row i of the weight sums to i + 7.5 / 16; the second layer weighs these sums.
    const sums = Array.from({ length: 16 }, (_, i) => i + 7.5 / 16);
    const expected = sums.map((_, i) => sums.reduce((sum, value, j) => sum + (value * (16 * i + j)) / 256, 0));
    expect(y?.data).toHaveLength(16);
    for (const [i, value] of expected.entries()) expect(y?.data[i]).toBeCloseTo(value, 3);
  });
});
