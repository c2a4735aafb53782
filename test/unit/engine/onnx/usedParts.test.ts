import { expect, it } from 'vitest';
import { usedParts } from '../../../../src/engine/onnx/usedParts.ts';
import type { NewTensor } from '../../../../src/engine/onnx/writeModel.ts';

const weight = (name: string): NewTensor => ({ name, type: 'float32', shape: [], values: new Uint8Array(4) });

it('keeps what the outputs follow from, in its order', () => {
  const add = (from: string, by: string, to: string) => ({ op: 'Add', inputs: [from, by], outputs: [to] });
  const used = usedParts({
    nodes: [add('x', 'a', 'one'), add('one', 'b', 'other'), add('one', 'c', 'y'), add('y', 'd', 'behind')],
    initializers: ['a', 'b', 'c', 'd'].map(weight),
    inputs: [{ name: 'x', type: 'float32', shape: [] }],
    outputs: ['y'],
  });
  expect(used.nodes.map(({ outputs }) => outputs)).toEqual([['one'], ['y']]);
  expect(used.initializers?.map(({ name }) => name)).toEqual(['a', 'c']);
  expect(used.outputs).toEqual(['y']);
});
