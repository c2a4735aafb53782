import { appendFile, open, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Float16Array } from '@petamoriken/float16';
import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Store } from '../../src/engine/cache/store.ts';
import type { Checkpoint } from '../../src/engine/checkpoints/checkpoint.ts';
import { openCheckpoint } from '../../src/engine/checkpoints/discover.ts';
import { openSession } from '../../src/engine/extract/session.ts';
import { GRAPH } from '../../src/engine/onnx/format.ts';
import { type NewModel, type NewNode, writeModel, writeTensor } from '../../src/engine/onnx/writeModel.ts';
import { type Precision, writeLargeWeights } from '../helpers/largeWeights.ts';
import { graphPart } from '../helpers/onnxGraph.ts';
import type { Shapes } from '../helpers/shapes.ts';
import {
  beitShapes,
  bertShapes,
  densenetShapes,
  resnetShapes,
  swinShapes,
  VGG16,
  vggShapes,
  vitShapes,
} from '../helpers/shapes.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';

// Networks of published sizes with random weights: they load where they lie, and give features of the right width.

/** Bytes of this process's memory now, or at most since it was last forgotten. Linux only. */
async function memory(what: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8');
  return 1024 * Number(new RegExp(`${what}:\\s+(\\d+)`).exec(status)?.[1]);
}

/** Peak memory while a network loads, over its weights. */
const MOST_MEMORY = 1.3;

interface Case {
  name: string;
  shapes: Shapes;
  precision?: Precision;
  width: number;
  /** Side of its images, where it is not 224. */
  size?: number;
  /** Whether it is loaded as an ONNX file that holds its weights, and, where these are halves, computes in them. */
  onnx?: boolean;
}

// What a network leaves free hides as much of what the next one takes: those that take more come first.
const CASES: Case[] = [
  { name: 'BERT-base', shapes: bertShapes('bert.', 12, 768, 30522, 512, 2), precision: 'F16', width: 768 },
  // Convolutions, whose weights are laid out anew, and weights that are cast beforehand.
  { name: 'ResNet-18', shapes: resnetShapes([2, 2, 2, 2], {}), width: 512 },
  { name: 'ResNet-18', shapes: resnetShapes([2, 2, 2, 2], {}), precision: 'F16', width: 512, onnx: true },
  { name: 'ResNet-50', shapes: resnetShapes([3, 4, 6, 3], { bottleneck: true }), width: 2048, onnx: true },
  { name: 'ResNet-50', shapes: resnetShapes([3, 4, 6, 3], { bottleneck: true }), precision: 'F16', width: 2048 },
  { name: 'ViT-S/16', shapes: vitShapes(384, 12, 16, 224, 1000), precision: 'F16', width: 384 },
  { name: 'ViT-S/16', shapes: vitShapes(384, 12, 16, 224, 1000), precision: 'F16', width: 384, onnx: true },
  { name: 'DenseNet-201', shapes: densenetShapes([6, 12, 48, 32], 32, 64), width: 1920 },
  { name: 'ResNet-50', shapes: resnetShapes([3, 4, 6, 3], { bottleneck: true }), width: 2048 },
  { name: 'ResNet-152', shapes: resnetShapes([3, 8, 36, 3], { bottleneck: true }), width: 2048 },
  { name: 'VGG-16', shapes: vggShapes(VGG16, false), width: 4096 },
  { name: 'ViT-S/16', shapes: vitShapes(384, 12, 16, 224, 1000), width: 384 },
  { name: 'ViT-S/16', shapes: vitShapes(384, 12, 16, 224, 1000), width: 384, onnx: true },
  { name: 'Swin-B', shapes: swinShapes(128, [2, 2, 18, 2], 7), width: 1024 },
  // Its biases take more memory than its weights, were they looked up beforehand.
  { name: 'BEiT-S/16', shapes: beitShapes(384, 12, 16, 512), width: 384, size: 512 },
  { name: 'BERT-base', shapes: bertShapes('bert.', 12, 768, 30522, 512, 2), width: 768 },
  { name: 'ViT-B/16', shapes: vitShapes(768, 12, 16, 224, 1000), precision: 'F16', width: 768 },
];

/** A network of weights in half precision that computes in it too: without casts of its weights. */
function inHalfPrecision({ nodes, initializers = [], ...network }: NewModel): NewModel {
  const isCast = ({ op, inputs }: NewNode) => op === 'Cast' && initializers.some(({ name }) => inputs.includes(name));
  const stored = new Map(nodes.filter(isCast).map(({ inputs, outputs }) => [outputs[0], inputs[0]]));
  return {
    ...network,
    nodes: nodes
      .filter((node) => !isCast(node))
      .map((node) => ({ ...node, inputs: node.inputs.map((value) => stored.get(value) ?? value) })),
    inputs: network.inputs.map((input) => ({ ...input, type: 'float16' })),
    initializers: initializers.map((tensor) => {
      if (tensor.type !== 'float32' || !(tensor.values instanceof Uint8Array)) return tensor;
      const halves = new Float16Array(new Float32Array(Uint8Array.from(tensor.values).buffer));
      return { ...tensor, type: 'float16', values: new Uint8Array(halves.buffer) };
    }),
  };
}

/** The checkpoint as an ONNX file. It is written weight by weight: memory that is left free hides what loading takes. */
async function asOnnx(checkpoint: Checkpoint, precision: Precision): Promise<Checkpoint> {
  const { network: whole, weightsFolder } = await checkpoint.loadModel();
  if (!whole) throw new Error('no graph');
  const network = precision === 'F16' ? inHalfPrecision(whole) : whole;
  const file = path.join(weightsFolder, 'network.onnx');
  const source = await open(checkpoint.path);
  try {
    await writeFile(file, writeModel({ ...network, initializers: [] }));
    for (const tensor of network.initializers ?? []) {
      let { values } = tensor;
      if (!(values instanceof Uint8Array)) {
        const { offset, bytes } = values;
        values = (await source.read(new Uint8Array(bytes), 0, bytes, offset)).buffer;
      }
      await appendFile(
        file,
        graphPart(GRAPH.initializer, (writer) => writeTensor({ ...tensor, values }, writer)),
      );
    }
  } finally {
    await source.close();
  }
  return openCheckpoint(file, weightsFolder, { modalities: ['image'] });
}

describe('at full size', () => {
  it.each(CASES)('$name', async ({ name, shapes, precision = 'F32', width, size = 224, onnx }) => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'network.safetensors');
    await writeLargeWeights(file, shapes, precision);
    const weights = await openCheckpoint(file, folder, { modalities: ['image', 'text'] });
    expect(weights.architecture).toBe(name);
    const checkpoint = onnx ? await asOnnx(weights, precision) : weights;

    const linux = process.platform === 'linux';
    if (linux) await writeFile('/proc/self/clear_refs', '5');
    const before = linux ? await memory('VmRSS') : 0;
    const { session, close } = await openSession(await checkpoint.loadModel(), {
      tensor: checkpoint.featurePoint.tensor,
      provider: 'cpu',
      manyRows: !checkpoint.text,
      store: new Store(folder),
    });
    if (linux) expect(((await memory('VmHWM')) - before) / checkpoint.bytes).toBeLessThan(MOST_MEMORY);

    const pixels = new Float32Array(3 * size * size).fill(0.5);
    const sides = [1, 3, size, size];
    const image =
      checkpoint.image?.input.elementType === 'float16'
        ? new Tensor('float16', new Uint16Array(new Float16Array(pixels).buffer), sides)
        : new Tensor('float32', pixels, sides);
    const tokens = new Tensor('int64', BigInt64Array.of(101n, 7592n, 102n, 0n), [1, 4]);
    const mask = new Tensor('int64', BigInt64Array.of(1n, 1n, 1n, 0n), [1, 4]);
    const types = new Tensor('int64', new BigInt64Array(4), [1, 4]);
    const feeds = { image, input_ids: tokens, attention_mask: mask, token_type_ids: types };
    const inputs = Object.entries(feeds).filter(([input]) => session.inputNames.includes(input));
    const { features } = await session.run(Object.fromEntries(inputs), ['features']);
    await close();
    expect(features?.dims).toContain(width);
    expect(features?.data).toBeInstanceOf(Float32Array);
    expect(Float32Array.from(features?.data ?? [], Number).every(Number.isFinite)).toBe(true);
  });
});
