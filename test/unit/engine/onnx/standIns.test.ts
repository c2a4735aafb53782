import { describe, expect, it } from 'vitest';
import type { NodeParts } from '../../../../src/engine/onnx/modelParts.ts';
import { joinStandIns } from '../../../../src/engine/onnx/standIns.ts';

const node = (op: string, inputs: string[], ...outputs: string[]): NodeParts => ({
  op,
  inputs,
  outputs,
  rest: new Uint8Array(),
});
const shown = (nodes: readonly NodeParts[]) =>
  nodes.map(({ op, inputs, outputs }) => `${op} ${inputs.join(' ')} → ${outputs.join(' ')}`);
const STAND_INS = new Map([['1:v', 'v']]);

/** The second piece, with its stand-in and what it is used for in either layout. */
const IN_BLOCKS = [
  node('Conv', ['1:v.source', '1:v.weight'], '1:blocks'),
  node('ReorderOutput', ['1:blocks'], '1:v'),
  node('Conv', ['1:blocks', '1:w'], '1:a'),
  node('Pad', ['1:v'], '1:b'),
];
const IN_ROWS = [node('Conv', ['1:v.source', '1:v.weight'], '1:v'), node('Conv', ['1:v', '1:w'], 'y')];

describe('joinStandIns', () => {
  it('uses a value in the layout that it is made in', () => {
    const maker = [node('Conv', ['x', '0:w'], '0:blocks'), node('ReorderOutput', ['0:blocks'], 'v')];
    expect(shown(joinStandIns([...maker, ...IN_BLOCKS], STAND_INS))).toEqual([
      'Conv x 0:w → 0:blocks',
      'ReorderOutput 0:blocks → v',
      'Conv 0:blocks 1:w → 1:a',
      'Pad v → 1:b',
    ]);
    expect(shown(joinStandIns([...maker, ...IN_ROWS], STAND_INS)).slice(2)).toEqual(['Conv v 1:w → y']);
  });

  it('puts a value into blocks that is made in rows', () => {
    const maker = node('Pad', ['x'], 'v');
    expect(shown(joinStandIns([maker, ...IN_BLOCKS], STAND_INS))).toEqual([
      'Pad x → v',
      'ReorderInput v → 1:blocks',
      'Conv 1:blocks 1:w → 1:a',
      'Pad v → 1:b',
    ]);
    expect(shown(joinStandIns([maker, ...IN_ROWS], STAND_INS))).toEqual(['Pad x → v', 'Conv v 1:w → y']);
  });
});
