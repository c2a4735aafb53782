import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import type { RunnableModel } from '../../../../src/engine/checkpoints/checkpoint.ts';
import { openCheckpoint } from '../../../../src/engine/checkpoints/discover.ts';
import { layOutInBlocks } from '../../../../src/engine/extract/blockedLayout.ts';
import { readOnnxModel } from '../../../../src/engine/onnx/readModel.ts';
import { type NewModel, type NewNode, type NewTensor, writeModel } from '../../../../src/engine/onnx/writeModel.ts';
import { writeLargeWeights } from '../../../helpers/largeWeights.ts';
import { waves } from '../../../helpers/networks.ts';
import { generator } from '../../../helpers/random.ts';
import { densenetShapes, resnetShapes, type Shapes } from '../../../helpers/shapes.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

/** What the runtime makes of a network as a whole. */
async function optimisedWhole(model: RunnableModel, folder: string): Promise<string> {
  const optimizedModelFilePath = path.join(folder, 'whole.onnx');
  const session = await InferenceSession.create(model.model, {
    logSeverityLevel: 4,
    optimizedModelFilePath,
    extra: {
      session: {
        model_external_initializers_file_folder_path: model.weightsFolder,
        optimized_model_external_initializers_file_name: 'whole.bin',
      },
    },
  });
  await session.release();
  return optimizedModelFilePath;
}

/** How many convolutions an ONNX file has, and changes of layout. */
function layoutOf(file: string): Record<string, number> {
  const { nodes } = readOnnxModel(file);
  const count = (wanted: string) => nodes.filter(({ op }) => op === wanted).length;
  return {
    convolutions: count('Conv'),
    norms: count('BatchNormalization'),
    in: count('ReorderInput'),
    out: count('ReorderOutput'),
  };
}

const NETWORKS: [string, Shapes][] = [
  ['ResNet-18', resnetShapes([2, 2, 2, 2], {})],
  ['DenseNet-21', densenetShapes([2, 2, 2, 2], 32, 64)],
];

it.each(NETWORKS)(
  '%s in pieces is fused and changes its layout as it does as a whole',
  async (architecture, shapes) => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'network.safetensors');
    await writeLargeWeights(file, shapes, 'F32');
    const checkpoint = await openCheckpoint(file, folder, { modalities: ['image'] });
    expect(checkpoint.architecture).toBe(architecture);
    const model = await checkpoint.loadModel();
    if (!model.inPlace) throw new Error('no graph');
    const { network } = model.inPlace;
    const merged = path.join(folder, 'merged.onnx');
    await writeFile(merged, await layOutInBlocks(network, network.outputs, model.weightsFolder, folder));
    expect(layoutOf(merged)).toEqual(layoutOf(await optimisedWhole(model, folder)));
  },
);

const CHANNELS = 32;

function weight(seed: number): NewTensor {
  const { normal } = generator(seed);
  const values = Float32Array.from({ length: CHANNELS * CHANNELS }, () => normal() / 4);
  const name = `weight ${seed}`;
  return { name, type: 'float32', shape: [CHANNELS, CHANNELS, 1, 1], values: new Uint8Array(values.buffer) };
}

it('multiplies channels by one number each, though it is cut between them', async () => {
  const conv = (from: string, seed: number, to: string): NewNode => ({
    op: 'Conv',
    inputs: [from, `weight ${seed}`],
    outputs: [to],
    attributes: { kernel_shape: [1, 1] },
  });
  const node = (op: string, inputs: string[], output: string): NewNode => ({ op, inputs, outputs: [output] });
  const network: NewModel = {
    nodes: [
      conv('image', 1, 'a'),
      node('Relu', ['a'], 'x'),
      node('GlobalAveragePool', ['x'], 'means'),
      conv('means', 2, 'squeezed'),
      conv('squeezed', 3, 'excited'),
      node('Sigmoid', ['excited'], 'gate'),
      conv('x', 4, 'y'),
      node('Mul', ['y', 'gate'], 'scaled'),
      conv('scaled', 5, 'features'),
    ],
    initializers: [1, 2, 3, 4, 5].map(weight),
    inputs: [{ name: 'image', type: 'float32', shape: ['n', CHANNELS, 'height', 'width'] }],
    outputs: ['features'],
  };
  const folder = await temporaryFolder();
  const model = await layOutInBlocks(network, network.outputs, folder, folder);
  const image = new Tensor('float32', waves(2 * CHANNELS * 25), [2, CHANNELS, 5, 5]);
  const results: number[][] = [];
  for (const [bytes, graphOptimizationLevel] of [[writeModel(network), 'all'] as const, [model, 'disabled'] as const]) {
    const session = await InferenceSession.create(bytes, {
      logSeverityLevel: 4,
      graphOptimizationLevel,
      extra: { session: { model_external_initializers_file_folder_path: folder } },
    });
    const { features } = await session.run({ image });
    results.push(Array.from(features?.data ?? [], Number));
    await session.release();
  }
  const [whole = [], pieces = []] = results;
  expect(whole).toHaveLength(2 * CHANNELS * 25);
  expect(Math.max(...whole.map((value, index) => Math.abs(value - (pieces[index] ?? Number.NaN))))).toBeLessThan(1e-5);
});
