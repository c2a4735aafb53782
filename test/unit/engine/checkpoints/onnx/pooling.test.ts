import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openCheckpoint } from '../../../../../src/engine/checkpoints/discover.ts';
import { Network } from '../../../../../src/engine/extract/network.ts';
import { type NewNode, type NewTensor, writeModel } from '../../../../../src/engine/onnx/writeModel.ts';
import { temporaryFolder } from '../../../../helpers/temporaryFolder.ts';

const node = (op: string, inputs: string[], output: string, attributes: NewNode['attributes'] = {}): NewNode => ({
  op,
  inputs,
  outputs: [output],
  attributes,
});
const weight = (name: string, ...shape: number[]): NewTensor => {
  const count = shape.reduce((product, size) => product * size, 1);
  return { name, type: 'float32', shape, values: new Uint8Array(4 * count) };
};
const sizes = (name: string, ...values: number[]): NewTensor => ({
  name,
  type: 'int64',
  shape: [values.length],
  values: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
});
const WINDOW = { kernel_shape: [3, 3], strides: [2, 2] };

/** Loads a network with nodes that make `x` of its images and pool `p` of that, for square images of some pixels a side. */
async function load(nodes: NewNode[], initializers: NewTensor[], pixels: number, shape: (number | string)[]) {
  const folder = await temporaryFolder();
  const file = path.join(folder, 'model.onnx');
  const all = [...nodes, node('Relu', ['p'], 'y')];
  const inputs = [{ name: 'images', type: 'float32' as const, shape }];
  await writeFile(file, writeModel({ nodes: all, initializers, inputs, outputs: ['y'] }));
  const size = { height: pixels, width: pixels };
  const config = { image_processor_type: 'ViTImageProcessor', do_resize: true, size, do_normalize: false };
  await writeFile(path.join(folder, 'preprocessor_config.json'), JSON.stringify(config));
  const network = await Network.open(
    await openCheckpoint(file, folder, { modalities: ['image'] }),
    'cpu',
    undefined,
    undefined,
  );
  await network.close();
}

const convolution = [node('Conv', ['images', 'w'], 'x', { kernel_shape: [5, 5] })];
const weights = [weight('w', 64, 3, 5, 5)];

test.each(['MaxPool', 'AveragePool'])(
  'images that pooling leaves nothing of are refused, as the runtime would end the process: %s',
  async (op) => {
    const nodes = [...convolution, node(op, ['x'], 'p', WINDOW)];
    const shape = ['n', 3, 'height', 'width'];
    await expect(load(nodes, weights, 5, shape)).rejects.toThrow(
      'model.onnx: its pooling leaves nothing of images as small as these (n×3×5×5). Mend the file beside it',
    );
    await load(nodes, weights, 6, shape);
  },
);

test('images are refused where the second pooling leaves nothing, with channels last, or by sizes that a file fixes', async () => {
  const twice = [...convolution, node('MaxPool', ['x'], 'q', WINDOW), node('MaxPool', ['q'], 'p', WINDOW)];
  const last = [
    node('Transpose', ['images'], 'first', { perm: [0, 3, 1, 2] }),
    ...twice.map((next) => ({ ...next, inputs: next.inputs.map((name) => (name === 'images' ? 'first' : name)) })),
  ];
  await expect(load(last, weights, 7, ['n', 'height', 'width', 3])).rejects.toThrow('(n×7×7×3)');
  await expect(load(twice, weights, 224, [1, 3, 8, 8])).rejects.toThrow('or export it for larger ones');
  await load(twice, weights, 224, [1, 3, 9, 9]);
});

test('networks whose shapes can’t be told are left to the runtime', async () => {
  const nodes = [
    node('Shape', ['images'], 'shape'),
    node('NonZero', ['shape'], 'places'),
    node('ReduceSum', ['places', 'axis'], 'count', { keepdims: 0 }),
    node('Concat', ['count', 'side', 'side', 'side'], 'target', { axis: 0 }),
    node('Reshape', ['images', 'target'], 'x'),
    node('MaxPool', ['x'], 'p', WINDOW),
  ];
  await load(nodes, [sizes('axis', 1), sizes('side', 1)], 1, ['n', 3, 'height', 'width']);
});
