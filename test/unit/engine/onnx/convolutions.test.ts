import { describe, expect, it } from 'vitest';
import { findConvolutions } from '../../../../src/engine/onnx/convolutions.ts';
import { ELEMENT_TYPES, type ElementType } from '../../../../src/engine/onnx/format.ts';
import { elements, type NewNode, type NewTensor } from '../../../../src/engine/onnx/writeModel.ts';

const weight = (name: string, shape: number[], type: ElementType = 'float32'): NewTensor => ({
  name,
  type,
  shape,
  values: new Uint8Array(elements(shape) * (type === 'float32' ? 4 : 2)),
});
const norms = ['scale', 'bias', 'mean', 'variance'];
const node = (op: string, inputs: string[], outputs: string[], attributes: NewNode['attributes'] = {}): NewNode => ({
  op,
  inputs,
  outputs,
  attributes,
});

/** What is found of a convolution whose weights nodes make of what is stored, and of the norm behind it. */
function find(stored: NewTensor, before: NewNode[], norm: Partial<NewNode> = {}) {
  const nodes = [
    ...before,
    node('Conv', ['x', 'weights'], ['convolved']),
    { ...node('BatchNormalization', ['convolved', ...norms], ['y']), ...norm },
  ];
  const initializers = [stored, ...norms.map((name) => weight(name, [8]))];
  const inputs = [{ name: 'x', type: 'float32' as const, shape: ['n', 4, 'h', 'w'] }];
  return findConvolutions({ nodes, initializers, inputs, outputs: ['y'] });
}

describe('findConvolutions', () => {
  it.each<[string, NewTensor, NewNode[]]>([
    ['as they are', weight('weights', [8, 4, 3, 2]), []],
    ['under another name', weight('w', [8, 4, 3, 2]), [node('Identity', ['w'], ['weights'])]],
    [
      'in other orders',
      weight('w', [8, 3, 2, 4]),
      [
        node('Transpose', ['w'], ['turned'], { perm: [3, 0, 1, 2] }),
        node('Transpose', ['turned'], ['weights'], { perm: [1, 0, 2, 3] }),
      ],
    ],
    [
      'in half precision',
      weight('w', [8, 4, 3, 2], 'float16'),
      [node('Cast', ['w'], ['weights'], { to: ELEMENT_TYPES.float32 })],
    ],
  ])('finds weights that are stored %s, and their norm', (_, stored, before) => {
    const [found, ...others] = find(stored, before);
    expect(others).toEqual([]);
    expect(found).toMatchObject({ weight: stored, shape: [8, 4, 3, 2], norm: { scale: { name: 'scale' } } });
  });

  it('leaves alone what is computed in half precision', () => {
    expect(find(weight('weights', [8, 4, 3, 2], 'float16'), [])).toEqual([]);
  });

  it.each<[string, Partial<NewNode>]>([
    ['is trained', { attributes: { training_mode: 1 } }],
    ['gives its means', { outputs: ['y', 'means', 'variances'] }],
    ['has numbers for each place', { attributes: { spatial: 0 } }],
  ])('takes no norm that %s', (_, norm) => {
    expect(find(weight('weights', [8, 4, 3, 2]), [], norm)).toMatchObject([{ norm: undefined }]);
  });
});
