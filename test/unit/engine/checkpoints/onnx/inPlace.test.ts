import { mkdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { PbfWriter } from 'pbf';
import { describe, expect, it } from 'vitest';
import type { RunnableModel } from '../../../../../src/engine/checkpoints/checkpoint.ts';
import { loadOnnx } from '../../../../../src/engine/checkpoints/onnx/inPlace.ts';
import { openOnnx } from '../../../../../src/engine/checkpoints/onnx/reader.ts';
import { ATTRIBUTE, ELEMENT_TYPES, GRAPH, MODEL, TENSOR } from '../../../../../src/engine/onnx/format.ts';
import {
  type NewModel,
  type NewNode,
  type NewTensor,
  writeModel,
  writeTensor,
} from '../../../../../src/engine/onnx/writeModel.ts';
import { waves } from '../../../../helpers/networks.ts';
import { graphPart, message } from '../../../../helpers/onnxGraph.ts';
import { temporaryFolder } from '../../../../helpers/temporaryFolder.ts';

const WIDTH = 512;

const floats = (values: Iterable<number>) => new Uint8Array(Float32Array.from(values).buffer);
const integers = (...values: bigint[]) => new Uint8Array(BigInt64Array.from(values).buffer);

const LARGE = waves(WIDTH * WIDTH).map((value) => value / WIDTH);
const BIAS = waves(WIDTH);
/** How exporters write that a slice goes on to the end. */
const END = 2n ** 63n - 1n;
const weights: Record<string, NewTensor> = {
  large: { name: 'large', type: 'float32', shape: [WIDTH, WIDTH], values: floats(LARGE) },
  bias: { name: 'bias', type: 'float32', shape: [WIDTH], values: floats(BIAS) },
  shape: { name: 'shape', type: 'int64', shape: [2], values: integers(0n, -1n) },
  start: { name: 'start', type: 'int64', shape: [1], values: integers(1n) },
  end: { name: 'end', type: 'int64', shape: [1], values: integers(END) },
  axis: { name: 'axis', type: 'int64', shape: [1], values: integers(-1n) },
};
const node = (op: string, inputs: string[], output: string, attributes: NewNode['attributes'] = {}): NewNode => ({
  op,
  inputs,
  outputs: [output],
  attributes,
});
const nodes = [
  node('MatMul', ['x', 'large'], 'product'),
  node('Add', ['product', 'bias'], 'sum'),
  node('Softmax', ['sum'], 'probabilities', { axis: -1 }),
  node('Reshape', ['probabilities', 'shape'], 'flat'),
  node('Slice', ['flat', 'start', 'end', 'axis'], 'y'),
];
const network: NewModel = {
  nodes,
  initializers: Object.values(weights),
  // Two dimensions without names need not be equal.
  inputs: [{ name: 'x', type: 'float32', shape: ['?', '?', WIDTH] }],
  outputs: ['y'],
};
const withoutWeights = writeModel({ ...network, initializers: [] });

async function saved(...parts: Uint8Array[]): Promise<string> {
  const file = path.join(await temporaryFolder(), 'model.onnx');
  await writeFile(file, Buffer.concat(parts));
  return file;
}

async function asItIs(file: string): Promise<RunnableModel> {
  const bytes = await readFile(file);
  return { model: () => bytes, weightsFolder: path.dirname(file) };
}

async function run({ model, weightsFolder }: RunnableModel): Promise<Float32Array> {
  const session = await InferenceSession.create(model(), {
    logSeverityLevel: 4,
    extra: { session: { model_external_initializers_file_folder_path: weightsFolder } },
  });
  const { y } = await session.run({ x: new Tensor('float32', waves(2 * 3 * WIDTH), [2, 3, WIDTH]) });
  await session.release();
  if (!(y?.data instanceof Float32Array)) throw new Error('no result');
  return y.data;
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.of(...bytes, Number(rest));
}

/** A weight whose values are written as numbers of their type, not as bytes. */
function typed({ name, type, shape, values }: NewTensor): (tensor: PbfWriter) => void {
  if (!(values instanceof Uint8Array)) throw new Error('no values');
  const isFloat = type === 'float32';
  const numbers = isFloat ? values : Buffer.concat(Array.from(new BigInt64Array(values.slice().buffer), varint));
  return (tensor) => {
    tensor.writePackedVarint(TENSOR.dims, [...shape]);
    tensor.writeVarintField(TENSOR.type, ELEMENT_TYPES[type]);
    tensor.writeStringField(TENSOR.name, name);
    tensor.writeBytesField(isFloat ? TENSOR.floats : TENSOR.int64s, numbers);
  };
}

/** A node that holds a weight. */
function constant(tensor: NewTensor): NewNode {
  const encoded = message((attribute) => {
    attribute.writeStringField(ATTRIBUTE.name, 'value');
    attribute.writeMessage(ATTRIBUTE.tensor, writeTensor, tensor);
    attribute.writeVarintField(ATTRIBUTE.type, 4);
  });
  return node('Constant', [], tensor.name, { value: { encoded } });
}

const all = Object.values(weights);
const beside = (name: string, location: string): NewTensor => ({
  name,
  type: 'float32',
  shape: [WIDTH, WIDTH],
  values: { location, offset: 3, bytes: 4 * WIDTH * WIDTH },
});
const weightsBeside = (location: string) =>
  writeModel({
    ...network,
    initializers: all.map((tensor) => (tensor.name === 'large' ? beside('large', location) : tensor)),
  });
const dataBeside = Buffer.concat([Buffer.from('odd'), floats(LARGE)]);

describe('an ONNX file in place', () => {
  const kinds: [string, () => Uint8Array[]][] = [
    ['bytes', () => [writeModel(network)]],
    ['numbers', () => [withoutWeights, ...all.map((tensor) => graphPart(GRAPH.initializer, typed(tensor)))]],
    ['constants', () => [writeModel({ ...network, nodes: [...all.map(constant), ...nodes], initializers: [] })]],
  ];
  it.each(kinds)('computes the same with its large weights where they are: %s', async (_, parts) => {
    const file = await saved(...parts());
    const loaded = await loadOnnx(file);
    const bytes = await readFile(file);
    const large = loaded.network?.initializers?.filter(({ values }) => !(values instanceof Uint8Array));
    const offset = bytes.indexOf(floats(LARGE));
    expect(large).toMatchObject([
      { name: 'large', values: { location: 'model.onnx', offset, bytes: 4 * WIDTH * WIDTH } },
    ]);
    expect(loaded.model().length).toBeLessThan(4096);
    expect(await run(loaded)).toEqual(await run(await asItIs(file)));
  });

  it('takes weights from the file beside it that the model names, and counts that file', async () => {
    const file = await saved(weightsBeside('parts/model.data'));
    const data = path.join(path.dirname(file), 'parts', 'model.data');
    await mkdir(path.dirname(data));
    await writeFile(data, dataBeside);
    const loaded = await loadOnnx(file);
    expect(loaded.network?.initializers).toContainEqual(beside('large', 'parts/model.data'));
    expect(await run(loaded)).toEqual(await run(await loadOnnx(await saved(writeModel(network)))));
  });

  it('follows the links of Hugging Face’s cache', async () => {
    const folder = await realpath(await temporaryFolder());
    const snapshot = path.join(folder, 'snapshots', 'main');
    await mkdir(snapshot, { recursive: true });
    await mkdir(path.join(folder, 'blobs'));
    for (const [name, blob, bytes] of [
      ['model.onnx', 'a', weightsBeside('model.onnx_data')],
      ['model.onnx_data', 'b', dataBeside],
    ] as const) {
      await writeFile(path.join(folder, 'blobs', blob), bytes);
      await symlink(path.join('..', '..', 'blobs', blob), path.join(snapshot, name));
    }
    const loaded = await loadOnnx(path.join(snapshot, 'model.onnx'));
    expect(loaded.weightsFolder).toBe(path.join(folder, 'blobs'));
    expect(loaded.network?.initializers).toContainEqual(beside('large', 'b'));
    expect(await run(loaded)).toEqual(await run(await loadOnnx(await saved(writeModel(network)))));
  });

  it('keeps attributes that are not read, and versions of operators', async () => {
    // Up to version 9, slices have attributes.
    const ends = message((attribute) => {
      attribute.writeStringField(ATTRIBUTE.name, 'ends');
      attribute.writeBytesField(ATTRIBUTE.ints, varint(END));
      attribute.writeVarintField(ATTRIBUTE.type, 7);
    });
    const slice = node('Slice', ['product'], 'y', { starts: [-5], ends: { encoded: ends }, axes: [2] });
    const old = { ...network, nodes: [...nodes.slice(0, 1), slice], opsets: new Map([['', 9]]) };
    const file = await saved(writeModel(old));
    const loaded = await loadOnnx(file);
    expect(loaded.network?.opsets).toEqual(old.opsets);
    const values = await run(loaded);
    expect(values).toHaveLength(2 * 3 * 5);
    expect(values).toEqual(await run(await asItIs(file)));
  });

  const encoded = (field: number) =>
    message((attribute) => {
      attribute.writeStringField(ATTRIBUTE.name, 'body');
      attribute.writeBytesField(field, new Uint8Array(0));
    });
  const odd: [string, () => Uint8Array[]][] = [
    [
      'few weights',
      () => [
        writeModel({
          ...network,
          nodes: [node('Mul', ['x', 'bias'], 'y')],
          initializers: all.filter(({ name }) => name === 'bias'),
        }),
      ],
    ],
    [
      'weights of 8 bits',
      () => [
        writeModel({
          ...network,
          initializers: [...all, { name: 'q', type: 'int8', shape: [1], values: Uint8Array.of(1) }],
        }),
      ],
    ],
    ['operators of old', () => [writeModel({ ...network, opsets: new Map([['', 6]]) })]],
    [
      'operators of others',
      () => [writeModel({ ...network, nodes: nodes.map((one) => ({ ...one, domain: 'org.example' })) })],
    ],
    ['nodes in no order', () => [writeModel({ ...network, nodes: nodes.toReversed() })]],
    [
      'graphs inside of nodes',
      () => [
        writeModel({
          ...network,
          nodes: [...nodes, node('If', ['y'], 'z', { body: { encoded: encoded(ATTRIBUTE.graph) } })],
        }),
      ],
    ],
    ['an input of any rank', () => [writeModel({ ...network, inputs: [{ name: 'x', type: 'float32', shape: [] }] })]],
    [
      'functions',
      () => [writeModel(network), message((model) => model.writeBytesField(MODEL.functions, new Uint8Array(0)))],
    ],
    ['sparse weights', () => [writeModel(network), graphPart(GRAPH.sparse, () => undefined)]],
    [
      'weights of fewer values than their shape has',
      () => [
        writeModel({
          ...network,
          initializers: all.map((tensor) => (tensor.name === 'bias' ? { ...tensor, values: floats([1]) } : tensor)),
        }),
      ],
    ],
    ['weights in a file that is not there', () => [weightsBeside('model.data')]],
    ['weights anywhere', () => [weightsBeside('/etc/passwd')]],
  ];
  it.each(odd)('gives a model as it is that has %s', async (_, parts) => {
    const file = await saved(...parts());
    const { model, network: read, weightsFolder } = await loadOnnx(file);
    expect(read).toBeUndefined();
    expect(weightsFolder).toBe(path.dirname(file));
    expect(Buffer.from(model()).equals(await readFile(file))).toBe(true);
  });

  it('reads no weights out of its folder, by a link or not, nor more than a file has', async () => {
    const outside = path.join(await temporaryFolder(), 'model.data');
    await writeFile(outside, dataBeside);
    const linked = await saved(weightsBeside('model.data'));
    await symlink(outside, path.join(path.dirname(linked), 'model.data'));
    expect((await loadOnnx(linked)).network).toBeUndefined();
    // Temporary folders lie side by side.
    const above = await saved(weightsBeside(path.posix.join('..', path.basename(path.dirname(outside)), 'model.data')));
    expect((await loadOnnx(above)).network).toBeUndefined();
    const short = await saved(weightsBeside('model.data'));
    await writeFile(path.join(path.dirname(short), 'model.data'), dataBeside.subarray(0, -1));
    expect((await loadOnnx(short)).network).toBeUndefined();
  });
});

describe('an ONNX file whose weights lie beside it', () => {
  it('is known by these', async () => {
    const image: NewModel = {
      nodes: [node('MatMul', ['x', 'large'], 'y')],
      initializers: [beside('large', 'model.data')],
      inputs: [{ name: 'x', type: 'float32', shape: ['n', 3, WIDTH, WIDTH] }],
      outputs: ['y'],
    };
    const opened = await Promise.all(
      [0, 0, 1].map(async (last) => {
        const file = await saved(writeModel(image));
        const data = path.join(path.dirname(file), 'model.data');
        await writeFile(data, Buffer.concat([dataBeside, Uint8Array.of(last)]));
        const checkpoint = await openOnnx(file, 'id', { modalities: ['image'] });
        expect(checkpoint.files).toEqual([file, await realpath(data)]);
        return checkpoint;
      }),
    );
    const [one, copy, other] = opened;
    expect(one?.bytes).toBe(writeModel(image).length + dataBeside.length + 1);
    expect(copy?.fingerprint).toBe(one?.fingerprint);
    expect(other?.fingerprint).not.toBe(one?.fingerprint);
  });
});
