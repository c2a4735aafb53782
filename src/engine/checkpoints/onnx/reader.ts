import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import path from 'node:path';
import { InputError, messageOf } from '../../errors.ts';
import { ELEMENT_TYPES } from '../../onnx/format.ts';
import { type OnnxModel, type OnnxValue, readOnnxModel } from '../../onnx/readModel.ts';
import { elements } from '../../onnx/writeModel.ts';
import {
  type Checkpoint,
  type CheckpointText,
  type FeaturePoint,
  type ImageInput,
  inputOfSize,
  type OpenOptions,
} from '../checkpoint.ts';
import { readPreprocessing } from '../preprocessing.ts';
import { requireTensor } from '../requireTensor.ts';
import { tokenTablesOf } from '../tokenTables.ts';
import { architectureOf } from './architecture.ts';
import { findFeaturePoint } from './head.ts';
import { type ExternalFile, externalFiles, loadOnnx } from './inPlace.ts';

const IMAGE_TYPES = ['float32', 'float16', 'uint8'] as const;

/** Image networks take up to about a thousand pixels a side; more would exhaust the memory. */
const MAX_SIDE = 4096;
const MAX_BATCH = 1024;

/** How exporters name the inputs of text networks. */
const TEXT_INPUTS = {
  ids: 'input_ids',
  mask: 'attention_mask',
  tokenTypes: 'token_type_ids',
  places: 'position_ids',
} as const;
/** Of an exported network whose embeddings of places are not found; BERT's 512 is the least of those in use. */
const MAX_TOKENS = 512;
/** Of an exported network that takes texts of one length only. */
const MAX_LENGTH = 32_768;
const SAMPLED_BYTES = 4096;

/**
 * Opens an ONNX checkpoint without loading its weights.
 * @throws InputError saying why it can't be ranked
 */
export async function openOnnx(file: string, id: string, options: OpenOptions): Promise<Checkpoint> {
  const { size } = await stat(file);
  if (size === 0) throw new InputError(`${file}: the file is empty (0 bytes). Export or download it again.`);
  let model: OnnxModel;
  try {
    model = readOnnxModel(file);
  } catch (error) {
    const detail = messageOf(error);
    throw new InputError(`${file}: not a whole ONNX file (${detail}). Export or download it again.`);
  }
  const { imageValue, text } = splitInputs(model, file);
  const input = imageValue && imageInput(imageValue, file);
  const featurePoint = options.featurePoint
    ? chosenFeaturePoint(model, options.featurePoint, file)
    : findFeaturePoint(model);
  if (!featurePoint) throw new InputError(`${file}: the network has no output. Export it again.`);
  const preprocessing = input && (await readPreprocessing(file, input));
  const files = [{ path: file, size }, ...(await externalFiles(model, file)).values()];
  const warnings: string[] = [];
  if (preprocessing?.assumed) {
    warnings.push(
      `Preprocessing is a guess (${preprocessing.description}). Put a preprocessor_config.json beside the file to say it.`,
    );
  }
  if (!featurePoint.logits && !options.featurePoint && !text) {
    warnings.push(
      `No classifier layer was found at the end; the output "${featurePoint.tensor}" is taken as the features.`,
    );
  }
  if (text?.length !== undefined && text.mask === undefined) {
    warnings.push(
      `It takes texts of ${text.length} tokens and no attention_mask: what shorter ones are filled up with counts, too. Export it with attention_mask.`,
    );
  }
  return {
    id,
    name: path.basename(file, path.extname(file)),
    path: file,
    format: 'onnx',
    architecture: architectureOf(model),
    modality: input ? (text ? 'image-text' : 'image') : 'text',
    parameters: countParameters(model),
    bytes: files.reduce((sum, part) => sum + part.size, 0),
    image: input && preprocessing && { input, preprocessing },
    text,
    featurePoint,
    warnings,
    files: files.map((part) => part.path),
    fingerprint: await fingerprint(files),
    loadModel: () => loadOnnx(file, input && preprocessing?.crop && inputOfSize(input, preprocessing.crop)),
  };
}

/** The inputs of a network by what they are: one image, one text, or both. */
function splitInputs(
  model: OnnxModel,
  file: string,
): { imageValue: OnnxValue | undefined; text: CheckpointText | undefined } {
  const ids = model.inputs.find(({ name }) => name === TEXT_INPUTS.ids);
  const textNames: string[] = ids ? Object.values(TEXT_INPUTS) : [];
  const [imageValue, ...others] = model.inputs.filter(({ name }) => !textNames.includes(name));
  if (!imageValue && !ids) throw new InputError(`${file}: the network takes no input. Export it again.`);
  if (others.length > 0) {
    const names = model.inputs.map(({ name }) => name).join(', ');
    throw new InputError(
      `${file}: the network takes ${model.inputs.length} inputs (${names}), not one image, one text (${Object.values(TEXT_INPUTS).join(', ')}) or both.`,
    );
  }
  return { imageValue, text: ids && textInput(model, ids, file) };
}

function textInput(model: OnnxModel, ids: OnnxValue, file: string): CheckpointText {
  const named = (name: string) => (model.inputs.some((input) => input.name === name) ? name : undefined);
  const inputs = { ids: ids.name, mask: named(TEXT_INPUTS.mask), tokenTypes: named(TEXT_INPUTS.tokenTypes) };
  const { places, ...tables } = tokenTablesOf({ nodes: model.nodes, weights: model.initializers }, inputs);
  const [batch, length] = ids.shape.map(fixed);
  if ((batch ?? 1) > MAX_BATCH || (length ?? 1) > MAX_LENGTH) {
    throw new InputError(
      `${file}: the input "${ids.name}" (${ids.shape.join('×')}) is larger than any text network's.`,
    );
  }
  return {
    ...inputs,
    places: named(TEXT_INPUTS.places),
    elementType: ids.elementType === ELEMENT_TYPES.int32 ? 'int32' : 'int64',
    maxTokens: Math.min(places ?? MAX_TOKENS, length ?? Number.POSITIVE_INFINITY),
    batch,
    length,
    tokenizerFolder: path.dirname(file),
    tables,
  };
}

/** A tensor of the network that a person named. */
function chosenFeaturePoint(model: OnnxModel, tensor: string, file: string): FeaturePoint {
  const names = model.nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== ''));
  requireTensor(names, tensor, file);
  return { tensor, channelAxis: 'auto', logits: findFeaturePoint(model)?.logits };
}

/** The image that a network takes: an input of four dimensions with one or three channels. */
function imageInput(value: OnnxValue, file: string): ImageInput {
  const elementType = IMAGE_TYPES.find((type) => ELEMENT_TYPES[type] === value.elementType);
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

/** The same for copies of the files; reads their ends and their middles. */
async function fingerprint(files: readonly ExternalFile[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { path: file, size } of files) {
    hash.update(String(size));
    const handle = await open(file);
    try {
      for (const at of [0, Math.floor(size / 2), Math.max(0, size - SAMPLED_BYTES)]) {
        const bytes = new Uint8Array(Math.min(SAMPLED_BYTES, size - at));
        await handle.read(bytes, 0, bytes.length, at);
        hash.update(bytes);
      }
    } finally {
      await handle.close();
    }
  }
  return hash.digest('hex');
}

function countParameters(model: OnnxModel): number {
  const counts = [...model.initializers.values()].map(({ shape }) => elements(shape));
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
