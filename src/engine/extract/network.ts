import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Float16Array } from '@petamoriken/float16';
import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { PbfWriter } from 'pbf';
import type { Checkpoint } from '../checkpoints/checkpoint.ts';
import { inputTensor } from './inputTensor.ts';
import type { Pixels } from './pixels.ts';

/** What a network gives for some images: one row each, row-major. */
export interface Activations {
  /** `[n, featureDim]` */
  readonly features: Float32Array;
  readonly featureDim: number;
  /** Class scores `[n, logitDim]` as the network puts them out; empty when it has no classifier. */
  readonly logits: Float32Array;
  readonly logitDim: number;
}

/** Values of an input tensor of one run: enough to keep the cores busy, little enough to be cancelled in between. */
const VALUES_PER_RUN = 1_200_000;
const MAX_IMAGES_PER_RUN = 128;

/** A checkpoint loaded into ONNX Runtime, with the input of its classifier head made an output. */
export class Network {
  readonly #session: InferenceSession;
  readonly #checkpoint: Checkpoint;
  /** Images per run. It depends on the input's size alone, so that every machine computes the same sums. */
  readonly imagesPerRun: number;

  private constructor(session: InferenceSession, checkpoint: Checkpoint) {
    this.#session = session;
    this.#checkpoint = checkpoint;
    const { height, width } = checkpoint.preprocessing.crop;
    const fitting = Math.floor(VALUES_PER_RUN / (height * width * checkpoint.input.channels));
    this.imagesPerRun = checkpoint.input.batch ?? Math.max(1, Math.min(MAX_IMAGES_PER_RUN, fitting));
  }

  /** @throws Error from ONNX Runtime when it can't load the file or the provider isn't there */
  static async open(checkpoint: Checkpoint, provider: string): Promise<Network> {
    const file = await readFile(checkpoint.path);
    const model = withOutput(file, checkpoint.featurePoint.tensor);
    const session = await InferenceSession.create(model, {
      executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
      logSeverityLevel: 4,
      // Weights beside the file are looked for in its folder, and nowhere else.
      extra: { session: { model_external_initializers_file_folder_path: path.dirname(checkpoint.path) } },
    });
    return new Network(session, checkpoint);
  }

  /** @param images at most `imagesPerRun` */
  async run(images: readonly Pixels[]): Promise<Activations> {
    const { input, preprocessing, featurePoint } = this.#checkpoint;
    const tensor = inputTensor(images, input.batch ?? images.length, input, preprocessing);
    const wanted = featurePoint.logits ? [featurePoint.tensor, featurePoint.logits] : [featurePoint.tensor];
    const outputs = await this.#session.run({ [input.name]: tensor }, wanted);
    const features = rows(outputs[featurePoint.tensor], images.length, featurePoint.channelAxis);
    const logits = featurePoint.logits
      ? rows(outputs[featurePoint.logits], images.length, 'second')
      : { values: new Float32Array(0), width: 0 };
    return { features: features.values, featureDim: features.width, logits: logits.values, logitDim: logits.width };
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

/**
 * The model with one more output. Protobuf merges a message that appears twice, so a few appended bytes
 * (ModelProto.graph { GraphProto.output { ValueInfoProto.name } }) add it; the runtime infers its type.
 */
function withOutput(model: Uint8Array, tensor: string): Uint8Array {
  const writer = new PbfWriter();
  const writeOutput = (name: string, output: PbfWriter) => output.writeStringField(1, name);
  writer.writeMessage(7, (name: string, graph: PbfWriter) => graph.writeMessage(12, writeOutput, name), tensor);
  return Buffer.concat([model, writer.finish()]);
}

/**
 * Rows of the first `n` samples: `[n, d]` as it is, otherwise the mean over all axes but the first and the channels.
 */
function rows(
  tensor: Tensor | undefined,
  n: number,
  channelAxis: 'second' | 'last',
): { values: Float32Array; width: number } {
  if (!tensor) throw new Error('the network did not compute the output that was asked for');
  const [batch = 0, ...rest] = tensor.dims;
  if (batch < n) throw new Error(`the network gave ${batch} rows for ${n} images`);
  const data = toFloat32(tensor);
  const perSample = rest.reduce((product, size) => product * size, 1);
  const width = (channelAxis === 'second' ? rest[0] : rest.at(-1)) ?? 1;
  if (perSample === 0) throw new Error('the features are empty');
  if (width === perSample) return { values: data.slice(0, n * width), width };

  const places = perSample / width;
  const channelStep = channelAxis === 'second' ? places : 1;
  const placeStep = channelAxis === 'second' ? 1 : width;
  const values = new Float32Array(n * width);
  for (let sample = 0; sample < n; sample += 1) {
    for (let channel = 0; channel < width; channel += 1) {
      let sum = 0;
      let at = sample * perSample + channel * channelStep;
      for (let place = 0; place < places; place += 1, at += placeStep) sum += data[at] ?? 0;
      values[sample * width + channel] = sum / places;
    }
  }
  return { values, width };
}

function toFloat32(tensor: Tensor): Float32Array {
  const { data } = tensor;
  if (data instanceof Float32Array) return data;
  if (data instanceof Uint16Array && tensor.type === 'float16') {
    return Float32Array.from(new Float16Array(data.buffer, data.byteOffset, data.length));
  }
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float32Array.from(data, Number);
  if (Array.isArray(data)) throw new Error(`the features are of type ${tensor.type}`);
  return Float32Array.from(data);
}
