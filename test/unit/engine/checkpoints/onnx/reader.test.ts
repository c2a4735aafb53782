import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { architectureOf } from '../../../../../src/engine/checkpoints/onnx/architecture.ts';
import { findFeaturePoint } from '../../../../../src/engine/checkpoints/onnx/head.ts';
import { openOnnx } from '../../../../../src/engine/checkpoints/onnx/reader.ts';
import { type OnnxModel, readOnnxModel } from '../../../../../src/engine/onnx/readModel.ts';
import { classifier, onnxFile, type TestGraph, type TestNode } from '../../../../helpers/onnxGraph.ts';
import { temporaryFolder } from '../../../../helpers/temporaryFolder.ts';

async function model(graph: TestGraph): Promise<OnnxModel> {
  const file = path.join(await temporaryFolder(), 'model.onnx');
  await writeFile(file, onnxFile(graph));
  return readOnnxModel(file);
}

/** The classifier with other layers after its pooling. */
function endingIn(nodes: readonly TestNode[], outputs: readonly string[], weights = {}): TestGraph {
  return {
    nodes: [...classifier.nodes.slice(0, 3), ...nodes],
    weights: { ...classifier.weights, ...weights },
    outputs,
  };
}

/** A field of a protobuf message, with a length before its content. */
function field(number: number, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 127; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([number * 8 + 2, ...length, rest]), bytes]);
}

function repeated(bytes: Buffer, times: number): Buffer {
  return Buffer.alloc(bytes.length * times, bytes);
}

function graphOf(content: Buffer): Buffer {
  return field(7, content);
}

describe('reading an ONNX file', () => {
  it('gives nodes, weights, inputs and metadata', async () => {
    const read = await model({ ...classifier, metadata: { architecture: 'tiny' } });
    expect(read.nodes.map(({ op }) => op)).toEqual(['Conv', 'Relu', 'GlobalAveragePool', 'Flatten', 'Gemm']);
    const shapes = [...read.initializers].map(([name, { shape }]) => [name, shape]);
    expect(Object.fromEntries(shapes)).toEqual(classifier.weights);
    expect(read.inputs).toEqual([{ name: 'x', elementType: 1, shape: ['N', 3, 8, 8] }]);
    expect(read.metadata.get('architecture')).toBe('tiny');
  });

  it.each([
    ['nodes', () => graphOf(repeated(field(1, ''), 200_001)), 'more parts'],
    ['fields', () => graphOf(field(1, repeated(field(1, ''), 2_000_001))), 'more fields'],
    ['fields outside of the graph', () => repeated(field(9, ''), 2_000_001), 'more fields'],
    ['names', () => graphOf(repeated(field(1, field(1, Buffer.alloc(1_000_000))), 70)), 'names of more than'],
  ])('refuses more %s than any network has, before they fill the memory', async (_, bytes, message) => {
    const file = path.join(await temporaryFolder(), 'model.onnx');
    await writeFile(file, bytes());
    expect(() => readOnnxModel(file)).toThrow(message);
  });

  it('reads a list of many numbers that are written one by one', async () => {
    const attribute = field(5, Buffer.concat([field(1, 'ints'), repeated(Buffer.from([8 * 8, 7]), 300_000)]));
    const file = path.join(await temporaryFolder(), 'model.onnx');
    await writeFile(file, graphOf(field(1, Buffer.concat([field(4, 'Op'), attribute]))));
    expect(readOnnxModel(file).nodes[0]?.attributes?.ints).toHaveLength(300_000);
  });

  it('refuses every truncation with an error, and never hangs', async () => {
    const folder = await temporaryFolder();
    const whole = onnxFile(classifier);
    for (let length = 0; length < whole.length; length += 7) {
      const file = path.join(folder, `${length}.onnx`);
      await writeFile(file, whole.subarray(0, length));
      // A cut between two messages leaves a shorter but whole model: then it opens, or its parts are missed.
      await openOnnx(file, 'id', { modalities: ['image'] }).catch((error: Error) =>
        expect(error.message).toContain(file),
      );
    }
  });

  it('survives any bytes', async () => {
    const file = path.join(await temporaryFolder(), 'any.onnx');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
        await writeFile(file, bytes);
        await expect(openOnnx(file, 'id', { modalities: ['image'] })).rejects.toThrow(file);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the feature point', () => {
  it('is the input of the last linear layer', async () => {
    expect(findFeaturePoint(await model(classifier))).toEqual({ tensor: 'flat', channelAxis: 'last', logits: 'y' });
  });

  it('is found through a bias, a reshape and a softmax', async () => {
    const graph = endingIn(
      [
        { op: 'Flatten', inputs: ['pool'], output: 'flat' },
        { op: 'MatMul', inputs: ['flat', 'head.w'], output: 'product' },
        { op: 'Add', inputs: ['head.b', 'product'], output: 'sum' },
        { op: 'Reshape', inputs: ['sum', 'shape'], output: 'shaped' },
        { op: 'Softmax', inputs: ['shaped'], output: 'y' },
      ],
      ['y'],
      { shape: [2] },
    );
    expect(findFeaturePoint(await model(graph))?.tensor).toBe('flat');
  });

  it('is the input of a convolutional head that ends in a softmax', async () => {
    const graph = endingIn(
      [
        { op: 'Conv', inputs: ['relu', 'head'], output: 'scores' },
        { op: 'Relu', inputs: ['scores'], output: 'positive' },
        { op: 'GlobalAveragePool', inputs: ['positive'], output: 'pooled' },
        { op: 'Softmax', inputs: ['pooled'], output: 'y' },
      ],
      ['y'],
      { head: [4, 6, 1, 1] },
    );
    expect(findFeaturePoint(await model(graph))).toEqual({ tensor: 'relu', channelAxis: 'second', logits: 'y' });
  });

  it('is found where the head’s weight is dequantised first', async () => {
    const graph = endingIn(
      [
        { op: 'Flatten', inputs: ['pool'], output: 'flat' },
        { op: 'DequantizeLinear', inputs: ['head.q', 'head.scale'], output: 'head' },
        { op: 'MatMul', inputs: ['flat', 'head'], output: 'y' },
      ],
      ['y'],
      { 'head.q': [6, 4], 'head.scale': [1] },
    );
    expect(findFeaturePoint(await model(graph))?.tensor).toBe('flat');
  });

  it('is the output itself where the network was cut off before its head', async () => {
    const graph = endingIn([{ op: 'Flatten', inputs: ['pool'], output: 'features' }], ['features']);
    expect(findFeaturePoint(await model(graph))).toEqual({
      tensor: 'features',
      channelAxis: 'last',
      logits: undefined,
    });
  });

  it('is reached in a graph that runs in circles', async () => {
    const nodes = [
      { op: 'Identity', inputs: ['b'], output: 'a' },
      { op: 'Identity', inputs: ['a'], output: 'b' },
    ];
    expect(findFeaturePoint(await model({ nodes, weights: {}, outputs: ['a'] }))?.tensor).toBe('a');
  });
});

describe('the architecture', () => {
  it('is what the file says', async () => {
    expect(architectureOf(await model({ ...classifier, metadata: { architecture: 'resnet14' } }))).toBe('resnet14');
  });

  it('is told from the layers otherwise', async () => {
    expect(architectureOf(await model(classifier))).toBe('plain CNN');
    const depthwise = classifier.nodes.map((node) => (node.op === 'Conv' ? { ...node, group: 3 } : node));
    expect(architectureOf(await model({ ...classifier, nodes: depthwise }))).toBe('depthwise-separable CNN');
    expect(architectureOf(await model({ ...classifier, nodes: classifier.nodes.slice(3) }))).toBe(
      'multi-layer perceptron',
    );
    const shortcuts = [1, 2].map((n) => ({ op: 'Add', inputs: ['conv', 'relu'], output: `sum${n}` }));
    expect(architectureOf(await model({ ...classifier, nodes: [...classifier.nodes, ...shortcuts] }))).toBe(
      'residual CNN',
    );
  });
});

describe('opening an ONNX checkpoint', () => {
  async function open(bytes: Uint8Array) {
    const file = path.join(await temporaryFolder(), 'model.onnx');
    await writeFile(file, bytes);
    return openOnnx(file, 'model.onnx', { modalities: ['image'] });
  }

  it('reads what can be known without weights', async () => {
    const bytes = onnxFile(classifier);
    expect(await open(bytes)).toMatchObject({
      name: 'model',
      format: 'onnx',
      modality: 'image',
      parameters: 18 + 24 + 4,
      bytes: bytes.length,
      image: {
        input: {
          name: 'x',
          elementType: 'float32',
          channelsFirst: true,
          channels: 3,
          height: 8,
          width: 8,
          batch: undefined,
        },
      },
    });
  });

  it('takes images whose channels come last', async () => {
    const checkpoint = await open(onnxFile({ ...classifier, input: { name: 'x', type: 2, shape: [1, 'H', 'W', 3] } }));
    expect(checkpoint.image).toMatchObject({
      input: { channelsFirst: false, elementType: 'uint8', height: undefined, batch: 1 },
      preprocessing: { crop: { height: 224, width: 224 } },
    });
  });

  it('counts no more parameters than a number holds, whatever a file claims', async () => {
    const weights = { ...classifier.weights, 'head.w': [2 ** 40, 2 ** 40] };
    expect((await open(onnxFile({ ...classifier, weights }))).parameters).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('warns when the preprocessing is a guess', async () => {
    const { warnings } = await open(onnxFile(classifier));
    expect(warnings.join()).toContain('preprocessor_config.json');
  });

  it.each([
    ['an empty file', new Uint8Array(0), 'empty'],
    ['a text', Buffer.from('hello world, this is no network'), 'not a whole ONNX file'],
    ['token ids', onnxFile({ ...classifier, input: { name: 'ids', type: 7, shape: ['N', 'T'] } }), 'is no image'],
    [
      'a million pixels a side',
      onnxFile({ ...classifier, input: { name: 'x', type: 1, shape: [1, 3, 1_000_000, 1_000_000] } }),
      'larger than any',
    ],
    ['five channels', onnxFile({ ...classifier, input: { name: 'x', type: 1, shape: ['N', 5, 8, 8] } }), 'is no image'],
  ])('says why %s can’t be ranked', async (_, bytes, reason) => {
    await expect(open(bytes)).rejects.toThrow(reason);
  });
});
