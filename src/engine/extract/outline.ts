import { type Convolution, findConvolutions, foldedNorm } from '../onnx/convolutions.ts';
import { inSinglePrecision } from '../onnx/singlePrecision.ts';
import { usedParts } from '../onnx/usedParts.ts';
import { WeightFile } from '../onnx/weightFile.ts';
import type { WeightReader } from '../onnx/weightReader.ts';
import { elements, type NewModel, type NewTensor } from '../onnx/writeModel.ts';

// What ONNX Runtime does to a convolution depends on the shape of its weights, but not on how many inputs it has once they
// are more than a block of channels. An outline is a network whose convolutions have few inputs, and in place of weights
// numbers that tell where each of them was.

/** The largest block of channels that the runtime has on any processor; the others divide it. */
export const LARGEST_BLOCK = 16;
/** Bits of the first number that stands in for weights: all are finite, and larger than any weight. */
const FIRST_BITS = 0x60000000;
/** Numbers that are written at a time. */
const PART = 2 ** 13;

/** What the outline has in place of a convolution and its batch norm. */
export interface StandIn {
  readonly convolution: Convolution;
  /** `[outputs, few inputs, height, width]`: that of the weights where there are no more. */
  readonly shape: readonly [number, number, number, number];
  /** Bits of the first of its numbers. Each in the outline is another one, in a row. */
  readonly first: number;
  /** `[outputs]` that the batch norm multiplies the weights by. */
  readonly scale: Float32Array;
  /** `[outputs]` in place of the convolution's, where there is a batch norm. */
  readonly bias: Float32Array | undefined;
}

/** What stands in for the convolutions of a network. */
export async function chooseStandIns(whole: NewModel, reader: WeightReader): Promise<StandIn[]> {
  const standIns: StandIn[] = [];
  let first = FIRST_BITS;
  for (const convolution of findConvolutions(whole)) {
    const [outputs, inputs, height, width] = convolution.shape;
    // With the same remainder the runtime decides the same.
    const shape = [outputs, Math.min(inputs, LARGEST_BLOCK + (inputs % LARGEST_BLOCK)), height, width] as const;
    const folded = convolution.norm
      ? await foldedNorm(convolution.norm, reader)
      : { scale: new Float32Array(outputs).fill(1), bias: undefined };
    standIns.push({ convolution, shape, first, ...folded });
    first += elements(shape);
  }
  return standIns;
}

/** The numbers of a stand-in's first outputs. */
export function standInNumbers({ shape: [, ...row], first }: StandIn, outputs: number): Float32Array {
  return numbersFrom(first, new Uint32Array(outputs * elements(row)));
}

function numbersFrom(first: number, bits: Uint32Array): Float32Array {
  for (let index = 0; index < bits.length; index += 1) bits[index] = first + index;
  return new Float32Array(bits.buffer, bits.byteOffset, bits.length);
}

/** All numbers of a stand-in, as many at a time as there is room for in `part`. */
function* numbersOf({ shape, first }: StandIn, part: Uint32Array): Generator<Float32Array> {
  const end = first + elements(shape);
  for (let next = first; next < end; next += part.length) yield numbersFrom(next, part.subarray(0, end - next));
}

/** The network with numbers that stand in for weights, and all other weights in single precision in the folder. */
export async function writeOutline(
  whole: NewModel,
  standIns: readonly StandIn[],
  reader: WeightReader,
  folder: string,
): Promise<NewModel> {
  const nodes = new Map(whole.nodes.map((node) => [node, node]));
  const biases: NewTensor[] = [];
  for (const { convolution, bias } of standIns) {
    const { node, norm } = convolution;
    const [x = '', , ...rest] = node.inputs;
    const inputs = [x, standInName(convolution), ...rest];
    if (norm && bias) {
      const name = `bias of ${node.outputs[0]}`;
      biases.push({ name, type: 'float32', shape: [bias.length], values: new Uint8Array(bias.buffer) });
      nodes.set(node, { ...node, inputs: [...inputs.slice(0, 2), name], outputs: norm.node.outputs });
      nodes.delete(norm.node);
    } else nodes.set(node, { ...node, inputs });
  }
  const file = new WeightFile(folder, 'outline.bin');
  try {
    const initializers = [...(whole.initializers ?? []), ...biases];
    const others = usedParts({ ...whole, nodes: [...nodes.values()], initializers });
    const outline = await inSinglePrecision(others, reader, file);
    const part = new Uint32Array(PART);
    for (const standIn of standIns) {
      const { convolution, shape } = standIn;
      const values = await file.add(numbersOf(standIn, part));
      outline.initializers.push({ name: standInName(convolution), type: 'float32', shape, values });
    }
    return outline;
  } finally {
    file.close();
  }
}

/** The name of its numbers in the outline. */
export function standInName({ node }: Convolution): string {
  return `weights of ${node.outputs[0]}`;
}
