import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { cutModel, weightBytes } from '../onnx/cutModel.ts';
import { mergeModels } from '../onnx/mergeModels.ts';
import { type NewInput, type NewModel, type NewNode, writeModel } from '../onnx/writeModel.ts';

// ONNX Runtime fuses convolutions with their batch norms and puts their weights into blocks of channels. Networks run
// faster for it, by up to twice, but it takes three times their memory when done to all of one at once.

/** From this share of the weights on, what the runtime copies for convolutions is more than the rest. */
const CONVOLUTIONS = 1 / 4;
/** Of the weights, in a piece: of few pieces each takes much memory, many take long. */
const PIECE = 1 / 16;

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
  const pieces = cutModel(network, outputs, isImageConvolution, PIECE * weightBytes(network, network.nodes));
  const known = new Map(network.inputs.map((input) => [input.name, input]));
  // Beforehand: what is allocated between the runtime's copies would keep the heap from shrinking when these are freed.
  const models = pieces.map((piece) =>
    writeModel({ ...piece, inputs: piece.inputs.map((name) => known.get(name) ?? channels(name)) }),
  );
  const fileOf = (index: number) => path.join(folder, `${index}.onnx`);
  for (const [index, model] of models.entries()) {
    const session = await InferenceSession.create(model, {
      executionProviders: ['cpu'],
      logSeverityLevel: 4,
      intraOpNumThreads: 1,
      optimizedModelFilePath: fileOf(index),
      extra: {
        session: {
          model_external_initializers_file_folder_path: weightsFolder,
          disable_prepacking: '1',
          optimized_model_external_initializers_file_name: `${index}.bin`,
        },
      },
    });
    await session.release();
  }
  return mergeModels(await Promise.all(models.map((_, index) => readFile(fileOf(index)))), {
    inputs: network.inputs,
    outputs,
    between: pieces.flatMap((piece) => piece.inputs),
  });
}

/** A convolution over height and width: the values that are alive before one are all images of channels. */
function isImageConvolution({ op, attributes }: NewNode): boolean {
  const kernel = attributes?.kernel_shape;
  return op === 'Conv' && Array.isArray(kernel) && kernel.length === 2;
}

/** A value between two pieces: channels of images. */
function channels(name: string): NewInput {
  const shape = ['n', ...['channels', 'height', 'width'].map((axis) => `${name}.${axis}`)];
  return { name, type: 'float32', shape };
}
