import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import type { RunnableModel } from '../../../../src/engine/checkpoints/checkpoint.ts';
import { openCheckpoint } from '../../../../src/engine/checkpoints/discover.ts';
import { layOutInBlocks } from '../../../../src/engine/extract/blockedLayout.ts';
import { MemoryBytes } from '../../../../src/engine/files/byteSource.ts';
import { readOnnxModel } from '../../../../src/engine/onnx/readModel.ts';
import { weightsOf } from '../../../../src/engine/onnx/replaceWeights.ts';
import { type NewModel, type NewNode, type NewTensor, writeModel } from '../../../../src/engine/onnx/writeModel.ts';
import { writeLargeWeights } from '../../../helpers/largeWeights.ts';
import { waves } from '../../../helpers/networks.ts';
import { generator } from '../../../helpers/random.ts';
import { densenetShapes, resnetShapes, type Shapes } from '../../../helpers/shapes.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

/** What the runtime makes of a network as a whole. */
async function optimisedWhole(model: RunnableModel, folder: string): Promise<string> {
  const optimizedModelFilePath = path.join(folder, 'whole.onnx');
  const session = await InferenceSession.create(model.model(), {
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

it.each(NETWORKS)('%s is fused and changes its layout as the runtime does it to the whole', async (name, shapes) => {
  const folder = await temporaryFolder();
  const file = path.join(folder, 'network.safetensors');
  await writeLargeWeights(file, shapes, 'F32');
  const checkpoint = await openCheckpoint(file, folder, { modalities: ['image'] });
  expect(checkpoint.architecture).toBe(name);
  const model = await checkpoint.loadModel();
  const { network } = model;
  if (!network) throw new Error('no graph');
  const blocked = path.join(folder, 'blocked.onnx');
  await writeFile(blocked, (await layOutInBlocks(network, network.outputs, model.weightsFolder, folder)) ?? '');
  expect(layoutOf(blocked)).toEqual(layoutOf(await optimisedWhole(model, folder)));
});

/** What a network gives as the runtime optimises the whole, and with its weights laid out by us. */
async function runBoth(network: NewModel, image: Tensor): Promise<{ whole: Results; blocked: Results }> {
  const folder = await temporaryFolder();
  const run = async (model: Uint8Array, graphOptimizationLevel: 'all' | 'disabled'): Promise<Results> => {
    const session = await InferenceSession.create(model, {
      logSeverityLevel: 4,
      graphOptimizationLevel,
      extra: { session: { model_external_initializers_file_folder_path: folder, disable_prepacking: '1' } },
    });
    const results = await session.run({ image });
    await session.release();
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, Array.from(data, Number)]));
  };
  const model = await layOutInBlocks(network, network.outputs, folder, folder);
  if (!model) throw new Error('not laid out');
  return { whole: await run(writeModel(network), 'all'), blocked: await run(model, 'disabled') };
}
type Results = Record<string, number[]>;

const { normal, uniform } = generator(1);

interface Layer {
  name: string;
  from: string;
  shape: [outputs: number, inputs: number, height: number, width: number];
  group?: number;
  bias?: boolean;
  norm?: 'random' | 'zero';
}

/** A convolution, with a batch norm behind it where it is to have one: its nodes and weights. */
function layer({ name, from, shape, group = 1, bias, norm }: Layer): { nodes: NewNode[]; initializers: NewTensor[] } {
  const [outputs, inputs, height, width] = shape;
  const tensor = (part: string, of: readonly number[], value: () => number): NewTensor => {
    const values = Float32Array.from({ length: of.reduce((product, size) => product * size, 1) }, value);
    return { name: `${name}.${part}`, type: 'float32', shape: of, values: new Uint8Array(values.buffer) };
  };
  const small = () => normal() / Math.sqrt(inputs * height * width);
  const initializers = [tensor('weight', shape, small), ...(bias ? [tensor('bias', [outputs], normal)] : [])];
  const attributes = { kernel_shape: [height, width], pads: [1, 1, 1, 1].map((pad) => (height > 1 ? pad : 0)), group };
  const taken = [from, ...initializers.map((weight) => weight.name)];
  if (!norm) return { nodes: [{ op: 'Conv', inputs: taken, outputs: [name], attributes }], initializers };
  const positive = () => 0.5 + uniform();
  const norms = [
    tensor('norm.weight', [outputs], norm === 'zero' ? () => 0 : positive),
    tensor('norm.bias', [outputs], normal),
    tensor('norm.mean', [outputs], normal),
    tensor('norm.variance', [outputs], positive),
  ];
  const convolved = `${name}.convolved`;
  return {
    nodes: [
      { op: 'Conv', inputs: taken, outputs: [convolved], attributes },
      {
        op: 'BatchNormalization',
        inputs: [convolved, ...norms.map((weight) => weight.name)],
        outputs: [name],
        attributes: { epsilon: { float: 1e-3 } },
      },
    ],
    initializers: [...initializers, ...norms],
  };
}

function network(layers: readonly Layer[], nodes: NewNode[], outputs: string[]): NewModel {
  const made = layers.map(layer);
  return {
    nodes: [...made.flatMap((one) => one.nodes), ...nodes],
    initializers: made.flatMap((one) => one.initializers),
    inputs: [{ name: 'image', type: 'float32', shape: ['n', 'channels', 'height', 'width'] }],
    outputs,
  };
}

const image = (channels: number) => new Tensor('float32', waves(2 * channels * 49), [2, channels, 7, 7]);

it.each([
  ['of full blocks', 64, 64],
  ['of blocks that are not full', 20, 36],
  ['that can’t be put into blocks', 33, 35],
  ['of images', 32, 3],
  ['of half a block', 32, 8],
])('computes the same numbers with channels %s', async (_, outputs, inputs) => {
  const layers: Layer[] = [
    { name: 'plain', from: 'image', shape: [outputs, inputs, 1, 1] },
    { name: 'biased', from: 'image', shape: [outputs, inputs, 3, 3], bias: true },
    { name: 'normed', from: 'image', shape: [outputs, inputs, 3, 3], norm: 'random' },
    { name: 'both', from: 'image', shape: [outputs, inputs, 1, 1], bias: true, norm: 'random' },
    { name: 'zero', from: 'image', shape: [outputs, inputs, 3, 3], norm: 'zero' },
  ];
  const { whole, blocked } = await runBoth(
    network(layers, [], ['plain', 'biased', 'normed', 'both', 'zero']),
    image(inputs),
  );
  expect(blocked.normed).toHaveLength(2 * outputs * 49);
  expect(blocked).toEqual(whole);
});

it('computes the same numbers in groups, and where others take a value before its norm', async () => {
  const layers: Layer[] = [
    { name: 'grouped', from: 'image', shape: [64, 48, 3, 3], group: 2, norm: 'random' },
    { name: 'narrow', from: 'image', shape: [96, 8, 3, 3], group: 12, norm: 'random' },
    { name: 'depthwise', from: 'image', shape: [96, 1, 3, 3], group: 96, norm: 'random' },
    { name: 'shared', from: 'image', shape: [32, 96, 1, 1], norm: 'random' },
  ];
  const sum = { op: 'Add', inputs: ['shared', 'shared.convolved'], outputs: ['sum'] };
  const outputs = ['grouped', 'narrow', 'depthwise', 'sum'];
  const { whole, blocked } = await runBoth(network(layers, [sum], outputs), image(96));
  expect(blocked).toEqual(whole);
});

it('maps the weights of all convolutions, those with few inputs too', async () => {
  const layers: Layer[] = [
    { name: 'first', from: 'image', shape: [96, 3, 7, 7], norm: 'random' },
    { name: 'grouped', from: 'first', shape: [96, 8, 3, 3], group: 12, norm: 'random' },
    { name: 'depthwise', from: 'grouped', shape: [96, 1, 3, 3], group: 96, norm: 'random' },
    { name: 'features', from: 'depthwise', shape: [64, 96, 1, 1], norm: 'random' },
  ];
  const folder = await temporaryFolder();
  const model = await layOutInBlocks(network(layers, [], ['features']), ['features'], folder, folder);
  const held = [...weightsOf(new MemoryBytes(model ?? new Uint8Array()))].flatMap(([, values]) => values ?? []);
  expect(held).toHaveLength(layers.length);
  const biases = [96, 96, 96, 64].map((outputs) => Float32Array.BYTES_PER_ELEMENT * outputs);
  expect(held.map(({ start, end }) => end - start).sort()).toEqual(biases.sort());
});

it('multiplies channels by one number each', async () => {
  const square = (name: string, from: string): Layer => ({ name, from, shape: [32, 32, 1, 1] });
  const node = (op: string, inputs: string[], output: string): NewNode => ({ op, inputs, outputs: [output] });
  const [first, squeezed, excited, second, last] = [
    square('first', 'image'),
    square('squeezed', 'means'),
    square('excited', 'squeezed'),
    square('second', 'x'),
    square('features', 'scaled'),
  ].map(layer);
  const parts = [
    first,
    { nodes: [node('Relu', ['first'], 'x'), node('GlobalAveragePool', ['x'], 'means')], initializers: [] },
    squeezed,
    excited,
    { nodes: [node('Sigmoid', ['excited'], 'gate')], initializers: [] },
    second,
    { nodes: [node('Mul', ['second', 'gate'], 'scaled')], initializers: [] },
    last,
  ];
  const { whole, blocked } = await runBoth(
    {
      nodes: parts.flatMap((part) => part?.nodes ?? []),
      initializers: parts.flatMap((part) => part?.initializers ?? []),
      inputs: [{ name: 'image', type: 'float32', shape: ['n', 32, 'height', 'width'] }],
      outputs: ['features'],
    },
    image(32),
  );
  expect(blocked).toEqual(whole);
});

it('leaves a network alone whose weights the runtime multiplies by what follows', async () => {
  const { nodes, initializers } = layer({ name: 'convolved', from: 'image', shape: [32, 32, 1, 1] });
  const factors = new Uint8Array(Float32Array.from({ length: 32 }, normal).buffer);
  const model: NewModel = {
    nodes: [...nodes, { op: 'Mul', inputs: ['convolved', 'factors'], outputs: ['features'] }],
    initializers: [...initializers, { name: 'factors', type: 'float32', shape: [32, 1, 1], values: factors }],
    inputs: [{ name: 'image', type: 'float32', shape: ['n', 32, 'height', 'width'] }],
    outputs: ['features'],
  };
  const folder = await temporaryFolder();
  expect(await layOutInBlocks(model, model.outputs, folder, folder)).toBeUndefined();
});
