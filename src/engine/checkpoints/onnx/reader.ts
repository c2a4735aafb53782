import { stat } from 'node:fs/promises';
import path from 'node:path';
import { InputError } from '../../errors.ts';
import type { Checkpoint, ImageInput } from '../checkpoint.ts';
import { readPreprocessing } from '../preprocessing.ts';
import { architectureOf } from './architecture.ts';
import { findFeaturePoint } from './head.ts';
import { type OnnxModel, type OnnxValue, readOnnxModel } from './model.ts';

const ELEMENT_TYPES = new Map<number, ImageInput['elementType']>([
  [1, 'float32'],
  [2, 'uint8'],
  [10, 'float16'],
]);

/** Image networks take up to about a thousand pixels a side; more would exhaust the memory. */
const MAX_SIDE = 4096;
const MAX_BATCH = 1024;

/**
 * Opens an ONNX checkpoint without loading its weights.
 * @throws InputError saying why it can't be ranked
 */
export async function openOnnx(file: string, id: string): Promise<Checkpoint> {
  const { size } = await stat(file);
  if (size === 0) throw new InputError(`${file}: the file is empty (0 bytes). Export or download it again.`);
  let model: OnnxModel;
  try {
    model = readOnnxModel(file);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new InputError(`${file}: not a whole ONNX file (${detail}). Export or download it again.`);
  }
  const input = imageInput(model, file);
  const featurePoint = findFeaturePoint(model);
  if (!featurePoint) throw new InputError(`${file}: the network has no output. Export it again.`);
  const preprocessing = await readPreprocessing(file, input);
  const warnings: string[] = [];
  if (preprocessing.assumed) {
    warnings.push(
      `Preprocessing is a guess (${preprocessing.description}). Put a preprocessor_config.json beside the file to say it.`,
    );
  }
  if (!featurePoint.logits) {
    warnings.push(
      `No classifier layer was found at the end; the output "${featurePoint.tensor}" is taken as the features.`,
    );
  }
  return {
    id,
    name: path.basename(file, path.extname(file)),
    path: file,
    format: 'onnx',
    architecture: architectureOf(model),
    modality: 'image',
    parameters: countParameters(model),
    bytes: size,
    input,
    preprocessing,
    featurePoint,
    warnings,
  };
}

/** The image that a network takes: its only input of four dimensions with one or three channels. */
function imageInput(model: OnnxModel, file: string): ImageInput {
  const [value, ...others] = model.inputs;
  if (!value) throw new InputError(`${file}: the network takes no input. Only image networks can be ranked on images.`);
  if (others.length > 0) {
    const names = model.inputs.map(({ name }) => name).join(', ');
    throw new InputError(`${file}: the network takes ${model.inputs.length} inputs (${names}), not one image.`);
  }
  const elementType = ELEMENT_TYPES.get(value.elementType);
  const layout = imageLayout(value);
  if (!elementType || !layout) {
    const shape = value.shape.join('×') || 'unknown shape';
    throw new InputError(`${file}: the input "${value.name}" (${shape}) is no image with 1 or 3 channels.`);
  }
  const { height = 1, width = 1, batch = 1 } = layout;
  if (Math.max(height, width) > MAX_SIDE || batch > MAX_BATCH) {
    throw new InputError(
      `${file}: the input "${value.name}" (${value.shape.join('×')}) is larger than any image network's.`,
    );
  }
  return { name: value.name, elementType, ...layout };
}

function countParameters(model: OnnxModel): number {
  const counts = [...model.initializers.values()].map((dims) => dims.reduce((product, size) => product * size, 1));
  // A file may claim any dimensions.
  return Math.min(
    Number.MAX_SAFE_INTEGER,
    counts.reduce((sum, count) => sum + count, 0),
  );
}

function imageLayout({
  shape,
}: OnnxValue): Pick<ImageInput, 'channelsFirst' | 'channels' | 'height' | 'width' | 'batch'> | undefined {
  if (shape.length !== 4) return undefined;
  const [batch, second, third, fourth] = shape;
  const isChannels = (size: number | string | undefined) => size === 1 || size === 3;
  const channelsFirst = isChannels(second) || !isChannels(fourth);
  const channels = channelsFirst ? second : fourth;
  // A dynamic channel dimension is RGB in every exporter we know of.
  if (typeof channels === 'number' && !isChannels(channels)) return undefined;
  return {
    channelsFirst,
    channels: channels === 1 ? 1 : 3,
    height: fixed(channelsFirst ? third : second),
    width: fixed(channelsFirst ? fourth : third),
    batch: fixed(batch),
  };
}

function fixed(size: number | string | undefined): number | undefined {
  return typeof size === 'number' && size > 0 ? size : undefined;
}
