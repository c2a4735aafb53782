/** How many channels a block has. */
export interface Block {
  readonly outputs: number;
  /** One where a convolution has few inputs. */
  readonly inputs: number;
}

/**
 * Puts weights of a convolution, times a number for each output, into blocks of channels: `[outputs / block,
 * inputs / block, places, block of inputs, block of outputs]`, in which the last blocks are filled up with zeros. In blocks
 * of one that is the order of ONNX.
 *
 * @param stored one output behind the other
 * @param strides in what is stored of one output: from an input to the next, from a place of height and width to the next
 * @param scale `[outputs]`
 * @returns how many values of `target` the blocks take
 */
export function intoBlocks(
  stored: Float32Array,
  { inputs, places, strides }: { inputs: number; places: number; strides: { input: number; place: number } },
  scale: Float32Array,
  block: Block,
  target: Float32Array,
): number {
  const row = inputs * places;
  const blockRow = block.inputs * Math.ceil(inputs / block.inputs) * places;
  const count = block.outputs * Math.ceil(scale.length / block.outputs) * blockRow;
  target.fill(0, 0, count);
  // Without entries(): what that makes for each output comes to megabytes in a network of few more.
  for (let output = 0; output < scale.length; output += 1) {
    const factor = scale[output] ?? 0;
    const inBlock = output % block.outputs;
    const start = (output - inBlock) * blockRow + inBlock;
    for (let first = 0; first < inputs; first += block.inputs) {
      const end = Math.min(first + block.inputs, inputs);
      for (let place = 0; place < places; place += 1) {
        let from = output * row + first * strides.input + place * strides.place;
        let to = start + (first * places + place * block.inputs) * block.outputs;
        for (let input = first; input < end; input += 1) {
          target[to] = (stored[from] ?? 0) * factor;
          from += strides.input;
          to += block.outputs;
        }
      }
    }
  }
  return count;
}
