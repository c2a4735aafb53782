import path from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { FileBytes } from '../files/byteSource.ts';
import { type Convolution, findConvolutions } from '../onnx/convolutions.ts';
import type { Field } from '../onnx/protobuf.ts';
import { replaceWeights, weightsOf } from '../onnx/replaceWeights.ts';
import { usedParts } from '../onnx/usedParts.ts';
import { WeightFile } from '../onnx/weightFile.ts';
import { WeightReader } from '../onnx/weightReader.ts';
import { elements, type NewModel, type NewTensor, writeModel } from '../onnx/writeModel.ts';
import { type Block, intoBlocks } from './channelBlocks.ts';
import { chooseStandIns, LARGEST_BLOCK, type StandIn, standInName, standInNumbers, writeOutline } from './outline.ts';

// ONNX Runtime fuses convolutions with their batch norms and puts their weights into blocks of channels. Networks run
// faster for it, by up to twice, but it copies their weights several times. So it is given an outline of the network with
// few weights, and the network's are put where it put those.

/** From this share of the weights on, what the runtime copies for convolutions is more than the rest. */
const CONVOLUTIONS = 1 / 4;
/** The order of ONNX, where the runtime has no blocks. */
const NO_BLOCK: Block = { outputs: 1, inputs: 1 };
/** What blocks may be: of outputs alone where there are few inputs, as of a depthwise convolution. */
const BLOCKS: readonly Block[] = [
  ...[LARGEST_BLOCK, 8, 4].flatMap((outputs) => [outputs, 1].map((inputs) => ({ outputs, inputs }))),
  NO_BLOCK,
];
/** Values that are read at a time. */
const PART = 2 ** 16;

/** Whether copies of the weights of its convolutions are what loading a network takes. */
export function isConvolutional(network: NewModel): boolean {
  const weights = new Set(findConvolutions(network).map(({ weight }) => weight));
  return bytesOf([...weights]) > CONVOLUTIONS * bytesOf(network.initializers ?? []);
}

function bytesOf(tensors: readonly NewTensor[]): number {
  return tensors.reduce((sum, { values }) => sum + (values instanceof Uint8Array ? values.length : values.bytes), 0);
}

/**
 * Has ONNX Runtime optimise a network of convolutions for this machine's CPU, without copies of their weights.
 *
 * @param outputs what is wanted of it
 * @param weightsFolder that its weights lie in
 * @param folder for the new weights
 * @returns ONNX, to be run as it is, whose weights are read in place; undefined where the runtime did something else to
 *   the weights than is known here
 * @throws InputError when a file of weights is too short
 * @throws CancelledError
 * @throws Error from ONNX Runtime
 */
export async function layOutInBlocks(
  network: NewModel,
  outputs: readonly string[],
  weightsFolder: string,
  folder: string,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  const reader = new WeightReader(weightsFolder, signal);
  try {
    const whole = usedParts({ ...network, outputs });
    const standIns = await chooseStandIns(whole, reader);
    // Read where it was written: most of it is what stands in for weights.
    const outline = new FileBytes(await optimise(await writeOutline(whole, standIns, reader, folder), folder));
    try {
      const blocks = await writeBlocks(outline, standIns, reader, folder);
      return blocks && replaceWeights(outline, blocks);
    } finally {
      outline.close();
    }
  } finally {
    reader.close();
  }
}

/** The file of what the runtime makes of it. */
async function optimise(outline: NewModel, folder: string): Promise<string> {
  const file = path.join(folder, 'outline.onnx');
  const session = await InferenceSession.create(writeModel(outline), {
    executionProviders: ['cpu'],
    logSeverityLevel: 4,
    intraOpNumThreads: 1,
    optimizedModelFilePath: file,
    extra: { session: { model_external_initializers_file_folder_path: folder, disable_prepacking: '1' } },
  });
  await session.release();
  return file;
}

/** Puts the weights where the runtime put what stands in for them. */
async function writeBlocks(
  outline: FileBytes,
  standIns: readonly StandIn[],
  reader: WeightReader,
  folder: string,
): Promise<NewTensor[] | undefined> {
  const missing = new Set(standIns);
  const byFirst = new Map(standIns.map((standIn) => [standIn.first, standIn]));
  const byName = new Map(standIns.map((standIn) => [standInName(standIn.convolution), standIn]));
  let target = new Float32Array(0);
  const file = new WeightFile(folder, 'blocks.bin');
  const written: NewTensor[] = [];
  try {
    for (const [name, held] of weightsOf(outline)) {
      // What the runtime leaves as it is stays where it was.
      const standIn = held ? byFirst.get(firstOf(outline, held)) : byName.get(name);
      if (!standIn) continue;
      const block = held ? BLOCKS.find((size) => isInBlocks(outline, held, standIn, size)) : NO_BLOCK;
      if (!block) break;
      const shape = blockedShape(standIn.convolution.shape, block);
      const size = partSize(standIn.convolution, block);
      if (target.length < size) target = new Float32Array(size);
      const values = await file.add(blocksOf(standIn, reader, block, target));
      written.push({ name, type: 'float32', shape, values });
      missing.delete(standIn);
    }
  } finally {
    file.close();
  }
  return missing.size === 0 ? written : undefined;
}

/** Bits of the first of some numbers, 0 where there is none. */
function firstOf(outline: FileBytes, { start, end }: Field): number {
  return end - start < 4 ? 0 : outline.bytes(start, 4).readUInt32LE();
}

/** Whether these are the numbers of a stand-in in blocks. The first block of outputs tells. */
function isInBlocks(outline: FileBytes, { start, end }: Field, standIn: StandIn, block: Block): boolean {
  const [outputs, inputs, height, width] = standIn.shape;
  if (end - start !== Float32Array.BYTES_PER_ELEMENT * elements(blockedShape(standIn.shape, block))) return false;
  const places = height * width;
  const scale = new Float32Array(Math.min(block.outputs, outputs)).fill(1);
  const blocks = new Float32Array(elements(blockedShape([scale.length, inputs, height, width], block)));
  const layout = { inputs, places, strides: { input: places, place: 1 } };
  intoBlocks(standInNumbers(standIn, scale.length), layout, scale, block, blocks);
  return Buffer.from(blocks.buffer).equals(outline.bytes(start, blocks.byteLength));
}

/** The weights of a convolution in blocks, some outputs at a time, in `target`. */
async function* blocksOf(
  { convolution, scale }: StandIn,
  reader: WeightReader,
  block: Block,
  target: Float32Array,
): AsyncGenerator<Float32Array> {
  const { weight, shape, strides } = convolution;
  const [outputs, inputs, height, width] = shape;
  const places = height * width;
  const rows = rowsOfPart(convolution);
  for (let from = 0; from < outputs; from += rows) {
    const scales = scale.subarray(from, from + rows);
    const stored = await reader.floats(weight, from * inputs * places, scales.length * inputs * places);
    yield target.subarray(0, intoBlocks(stored, { inputs, places, strides }, scales, block, target));
  }
}

/** How many outputs' weights are laid out at a time: of full blocks, whatever their size. */
function rowsOfPart({ shape: [, ...row] }: Convolution): number {
  return LARGEST_BLOCK * Math.max(1, Math.floor(PART / (LARGEST_BLOCK * elements(row))));
}

/** The values that a part has at most. */
function partSize(convolution: Convolution, block: Block): number {
  const [outputs, ...row] = convolution.shape;
  return elements(blockedShape([Math.min(outputs, rowsOfPart(convolution)), ...row], block));
}

function blockedShape([outputs, inputs, height, width]: Convolution['shape'], block: Block): number[] {
  const whole = (channels: number, size: number) => size * Math.ceil(channels / size);
  return [whole(outputs, block.outputs), whole(inputs, block.inputs), height, width];
}
