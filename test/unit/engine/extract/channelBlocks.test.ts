import { expect, it } from 'vitest';
import { type Block, intoBlocks } from '../../../../src/engine/extract/channelBlocks.ts';

const OUTPUTS = 3;
const INPUTS = 5;
const PLACES = 2;

/** Tells output, input and place. */
const value = (output: number, input: number, place: number) => 100 * (output + 1) + 10 * input + place;

/** What is at each place of the blocks, zero where there are no such channels. */
function expected(block: Block, scale: Float32Array): number[] {
  const values: number[] = [];
  for (let outputs = 0; outputs < OUTPUTS; outputs += block.outputs)
    for (let inputs = 0; inputs < INPUTS; inputs += block.inputs)
      for (let place = 0; place < PLACES; place += 1)
        for (let input = inputs; input < inputs + block.inputs; input += 1)
          for (let output = outputs; output < outputs + block.outputs; output += 1)
            values.push(
              output < OUTPUTS && input < INPUTS ? value(output, input, place) * (scale[output] ?? Number.NaN) : 0,
            );
  return values;
}

const scale = Float32Array.of(1, -2, 0.5);
const BLOCKS = [
  [1, 1],
  [2, 2],
  [4, 4],
  [8, 8],
  [4, 1],
] as const;
const ORDERS: [string, { input: number; place: number }][] = [
  ['channels first', { input: PLACES, place: 1 }],
  ['channels last', { input: 1, place: INPUTS }],
];

it.each(ORDERS)('puts weights that are stored with %s into blocks', (_, strides) => {
  const row = INPUTS * PLACES;
  const stored = new Float32Array(OUTPUTS * row);
  for (let output = 0; output < OUTPUTS; output += 1)
    for (let input = 0; input < INPUTS; input += 1)
      for (let place = 0; place < PLACES; place += 1)
        stored[output * row + input * strides.input + place * strides.place] = value(output, input, place);
  for (const [outputs, inputs] of BLOCKS) {
    const block = { outputs, inputs };
    const target = new Float32Array(200).fill(7);
    const count = intoBlocks(stored, { inputs: INPUTS, places: PLACES, strides }, scale, block, target);
    expect(Array.from(target.subarray(0, count))).toEqual(expected(block, scale));
    expect(target[count]).toBe(7);
  }
});
