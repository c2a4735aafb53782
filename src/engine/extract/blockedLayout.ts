import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { cutModel, type Piece, weightBytes } from '../onnx/cutModel.ts';
import { mergeModels } from '../onnx/mergeModels.ts';
import { withStandIns } from '../onnx/standIns.ts';
import { type NewInput, type NewModel, type NewNode, writeModel } from '../onnx/writeModel.ts';

// ONNX Runtime fuses convolutions with their batch norms and puts their weights into blocks of channels. Networks run
// faster for it, by up to twice, but it takes three times their memory when done to all of one at once.

/** From this share of the weights on, what the runtime copies for convolutions is more than the rest. */
const CONVOLUTIONS = 1 / 4;
/** Of the weights, in a piece: of few pieces each takes much memory, many take long. */
const PIECE = 1 / 16;
/** Values that come from outside are put into blocks only where their channels are a multiple of this. */
const CHANNELS_IN_BLOCKS = 4;

/** Whether a network is one of convolutions and batch norms, so that copies of their weights are what loading it takes. */
export function isConvolutional(network: NewModel): boolean {
  const convolutions = network.nodes.filter(({ op }) => op === 'Conv');
  return (
    network.nodes.some(({ op }) => op === 'BatchNormalization') &&
    weightBytes(network, convolutions) > CONVOLUTIONS * weightBytes(network, network.nodes)
  );
}

/** How much there is to write of a network in single precision, but for what blocks that are not full have in addition. */
export function blockedBytes({ initializers = [] }: NewModel): number {
  return initializers.reduce((sum, { shape }) => sum + 4 * shape.reduce((product, size) => product * size, 1), 0);
}

/**
 * Has ONNX Runtime optimise a network of convolutions for this machine's CPU piece by piece, so that copies are there of
 * one piece at a time.
 *
 * @param outputs what is wanted of it
 * @param weightsFolder that its weights lie in
 * @param folder for the new weights
 * @returns ONNX, to be run as it is; its weights are read in place
 * @throws Error from ONNX Runtime
 */
export async function layOutInBlocks(
  network: NewModel,
  outputs: readonly string[],
  weightsFolder: string,
  folder: string,
): Promise<Uint8Array> {
  const pieces = cutModel(network, outputs, takesImages, PIECE * weightBytes(network, network.nodes));
  // Beforehand: what is allocated between the runtime's copies would keep the heap from shrinking when these are freed.
  const channelsOf = channelCounter(network);
  const parts = pieces.map((piece, index) => ({
    ...preparePiece(piece, network.inputs, channelsOf),
    file: path.join(folder, `${index}.onnx`),
    weights: `${index}.bin`,
  }));
  for (const { model, file, weights } of parts) {
    const session = await InferenceSession.create(model, {
      executionProviders: ['cpu'],
      logSeverityLevel: 4,
      intraOpNumThreads: 1,
      optimizedModelFilePath: file,
      extra: {
        session: {
          model_external_initializers_file_folder_path: weightsFolder,
          disable_prepacking: '1',
          optimized_model_external_initializers_file_name: weights,
        },
      },
    });
    await session.release();
  }
  const optimised = parts.map(async ({ standIns, file }) => ({ model: await readFile(file), standIns }));
  return mergeModels(await Promise.all(optimised), {
    inputs: network.inputs,
    outputs,
    between: pieces.flatMap((piece) => piece.inputs),
  });
}

/** Before a convolution over height and width, or a mean over them, all values that are alive are images of channels. */
function takesImages({ op, attributes }: NewNode): boolean {
  const kernel = attributes?.kernel_shape;
  return op === 'GlobalAveragePool' || (op === 'Conv' && Array.isArray(kernel) && kernel.length === 2);
}

/** A piece as a model of its own, in which something stands for the values of others wherever the runtime can use it. */
function preparePiece(
  piece: Piece,
  known: readonly NewInput[],
  channelsOf: (value: string) => number,
): { model: Uint8Array; standIns: readonly string[] } {
  const inputs = piece.inputs.map((value) => known.find(({ name }) => name === value) ?? imagesOf(value));
  const channels = new Map(
    inputs
      .filter((input) => !known.includes(input))
      .map(({ name }) => [name, channelsOf(name)] as const)
      .filter(([, count]) => count % CHANNELS_IN_BLOCKS === 0),
  );
  return { model: writeModel(withStandIns({ ...piece, inputs }, channels)), standIns: [...channels.keys()] };
}

function imagesOf(name: string): NewInput {
  return { name, type: 'float32', shape: ['n', ...['channels', 'height', 'width'].map((axis) => `${name}.${axis}`)] };
}

/** Operators whose result has the channels of their first input. */
const KEEP_CHANNELS = new Set(
  'Add AveragePool Cast Clip GlobalAveragePool HardSigmoid Identity MaxPool Mul Relu Sigmoid'.split(' '),
);

/** How many channels values of a network have; NaN where that would take more than a look at it. */
function channelCounter({ nodes, initializers = [] }: NewModel): (value: string) => number {
  const first = new Map(initializers.map(({ name, shape }) => [name, shape[0] ?? Number.NaN]));
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const count = (value: string): number => {
    const { op, inputs } = makers.get(value) ?? { op: '', inputs: [] };
    if (op === 'Conv' || op === 'BatchNormalization') return first.get(inputs[1] ?? '') ?? Number.NaN;
    if (op === 'Concat') return inputs.reduce((sum, input) => sum + count(input), 0);
    return KEEP_CHANNELS.has(op) ? count(inputs[0] ?? '') : Number.NaN;
  };
  return count;
}
