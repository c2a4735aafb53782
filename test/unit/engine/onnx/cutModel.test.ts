import { describe, expect, it } from 'vitest';
import { cutModel, weightBytes } from '../../../../src/engine/onnx/cutModel.ts';
import type { NewModel, NewNode, NewTensor } from '../../../../src/engine/onnx/writeModel.ts';

const node = (op: string, inputs: string[], ...outputs: string[]): NewNode => ({ op, inputs, outputs });
const weight = (name: string, bytes: number): NewTensor => ({
  name,
  type: 'float32',
  shape: [bytes / 4],
  values: { location: 'weights', offset: 0, bytes },
});

/** Two blocks with a path around them, a weight that is cast, another that both blocks use, and a value nobody takes. */
const NETWORK: NewModel = {
  nodes: [
    node('Cast', ['half'], 'single'),
    node('Conv', ['image', 'single', ''], 'a'),
    node('Relu', ['a'], 'b'),
    node('Conv', ['b', 'shared'], 'c'),
    node('Add', ['c', 'b'], 'd'),
    node('Identity', ['d'], 'mark'),
    node('Conv', ['d', 'shared', 'bias'], 'e'),
    node('Transpose', ['single'], 'turned'),
    node('Mul', ['e', 'turned'], 'f'),
    node('Conv', ['f', 'unused'], 'nobody'),
  ],
  initializers: [weight('half', 40), weight('shared', 80), weight('bias', 4), weight('unused', 400)],
  inputs: [{ name: 'image', type: 'float32', shape: ['n'] }],
  outputs: ['f'],
};
const isConvolution = ({ op }: NewNode) => op === 'Conv';
const opsOf = (nodes: readonly NewNode[]) => nodes.map(({ op }) => op).join(' ');

describe('cutModel', () => {
  it('gives each piece what it uses: all values alive, weights, and what follows from weights', () => {
    const pieces = cutModel(NETWORK, ['f'], isConvolution, 1);
    expect(
      pieces.map(({ nodes, initializers, inputs, outputs }) => ({
        ops: opsOf(nodes),
        weights: initializers.map(({ name }) => name),
        inputs,
        outputs,
      })),
    ).toEqual([
      { ops: 'Cast Conv Relu', weights: ['half'], inputs: ['image'], outputs: ['b'] },
      { ops: 'Conv Add Identity', weights: ['shared'], inputs: ['b'], outputs: ['d'] },
      { ops: 'Cast Transpose Conv Mul', weights: ['shared', 'bias', 'half'], inputs: ['d'], outputs: ['f'] },
    ]);
  });

  it('cuts where a path goes around, too, with every value that is alive', () => {
    const nodes = [
      node('Conv', ['image', 'half'], 'a'),
      node('Conv', ['a', 'shared'], 'b'),
      node('Conv', ['b', 'shared'], 'c'),
      node('Add', ['c', 'a'], 'f'),
    ];
    const pieces = cutModel({ ...NETWORK, nodes }, ['f'], isConvolution, 1);
    expect(pieces.map(({ inputs, outputs }) => [inputs, outputs])).toEqual([
      [['image'], ['a']],
      [['a'], ['b']],
      [['b', 'a'], ['f']],
    ]);
  });

  it('gives inner values that are wanted', () => {
    const pieces = cutModel(NETWORK, ['mark', 'f'], isConvolution, 1);
    expect(pieces.map(({ outputs }) => outputs)).toEqual([['b'], ['d', 'mark'], ['f']]);
  });

  it('takes as much into a piece as it may have', () => {
    const cuts = (maxBytes: number) =>
      cutModel(NETWORK, ['f'], isConvolution, maxBytes).map(({ nodes }) => nodes.length);
    expect(cuts(119)).toEqual([3, 3, 4]);
    expect(cuts(120)).toEqual([6, 4]);
    expect(cuts(1e6)).toEqual([11 - 1]);
  });
});

describe('weightBytes', () => {
  it('counts each weight once, through a cast', () => {
    expect(weightBytes(NETWORK, NETWORK.nodes)).toBe(40 + 80 + 4 + 400);
    expect(weightBytes(NETWORK, NETWORK.nodes.slice(1, 4))).toBe(40 + 80);
  });
});
