import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openCheckpoint } from '../../../../src/engine/checkpoints/discover.ts';
import { isConvolutional, layOutInBlocks } from '../../../../src/engine/extract/blockedLayout.ts';
import { LARGEST_BLOCK } from '../../../../src/engine/extract/outline.ts';
import { findConvolutions } from '../../../../src/engine/onnx/convolutions.ts';
import { elements, type NewModel, type NewNode } from '../../../../src/engine/onnx/writeModel.ts';
import { readCase } from '../../../helpers/networks.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

const FIXTURES = path.resolve(import.meta.dirname, '../../../fixtures/networks/cnn');
/** How often the channels of the small networks go into those here. */
const TIMES = LARGEST_BLOCK;

/** The network for images of one size, with many times the channels, and whatever is in a file for weights. */
function widened(network: NewModel, location: string): NewModel {
  const nodes = network.nodes.map((node): NewNode => {
    const { group } = node.attributes ?? {};
    const inputs = network.initializers?.find(({ name }) => name === node.inputs[1])?.shape[1];
    if (node.op !== 'Conv' || typeof group !== 'number' || inputs !== 1) return node;
    return { ...node, attributes: { ...node.attributes, group: group * TIMES } };
  });
  const reshaped = new Set(network.nodes.filter(({ op }) => op === 'Reshape').map(({ inputs }) => inputs[1]));
  const initializers = network.initializers?.map((tensor) => {
    if (tensor.values instanceof Uint8Array) {
      if (!reshaped.has(tensor.name)) return tensor;
      const sizes = new BigInt64Array(tensor.values.slice().buffer).map((size) =>
        size > 1n ? size * BigInt(TIMES) : size,
      );
      return { ...tensor, values: new Uint8Array(sizes.buffer) };
    }
    const shape = tensor.shape.map((size, axis) => {
      const isKernel = axis > 1 && tensor.shape.length === 4;
      const isImage = axis === 1 && tensor.shape.length === 4 && size === 3;
      return isKernel || isImage || size === 1 ? size : size * TIMES;
    });
    const bytes = (tensor.values.bytes / elements(tensor.shape)) * elements(shape);
    return { ...tensor, shape, values: { location, offset: 0, bytes } };
  });
  const inputs = network.inputs.map((input) => ({ ...input, shape: ['n', 3, 224, 224] }));
  return { ...network, nodes, inputs, initializers: initializers ?? [] };
}

// ConvNeXt's weights are matrices, which are not laid out.
it.each(readdirSync(FIXTURES).filter((name) => !name.includes('convnext')))(
  '%s is laid out in blocks',
  async (name) => {
    const source = path.join(FIXTURES, name, (await readCase(path.join(FIXTURES, name))).weights);
    const { network } = await (await openCheckpoint(source, '/', { modalities: ['image'] })).loadModel();
    if (!network) throw new Error('no graph');
    const folder = await temporaryFolder();
    const wide = widened(network, 'weights.bin');
    const most = Math.max(...(wide.initializers ?? []).map(({ values }) => ('bytes' in values ? values.bytes : 0)));
    await writeFile(path.join(folder, 'weights.bin'), Buffer.alloc(most, 1));
    // Most weights of these are matrices: what the runtime copies of the others is little.
    expect(isConvolutional(wide)).toBe(!/vgg|alexnet/.test(name));
    const laidOut = findConvolutions(wide).filter(({ shape: [, inputs] }) => inputs >= 2 * LARGEST_BLOCK);
    expect(laidOut.length).toBeGreaterThan(0);
    expect(await layOutInBlocks(wide, wide.outputs, folder, folder)).toBeDefined();
  },
);
