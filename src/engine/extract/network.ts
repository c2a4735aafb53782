import { Float16Array } from '@petamoriken/float16';
import type { Tensor } from 'onnxruntime-node';
import type { Store } from '../cache/store.ts';
import { type Checkpoint, type FeaturePoint, inputOfSize } from '../checkpoints/checkpoint.ts';
import { loadTokenizer, type TokenBatch, type Tokenizer } from '../tokenize/tokenizer.ts';
import { inputTensor } from './inputTensor.ts';
import type { SampleInputs } from './sampleReader.ts';
import { type LoadedModel, openSession } from './session.ts';
import { tokenTensors } from './tokenTensors.ts';

/** What a network gives for some samples: one row each, row-major. */
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
const MAX_SAMPLES_PER_RUN = 128;
/** Multiplications of one run of a text network, whose cost is the weights times the tokens. */
const PRODUCTS_PER_RUN = 2e10;
/** Tokens that a text is taken to have when its cost is estimated. */
const TYPICAL_TOKENS = 64;

/** A checkpoint loaded into ONNX Runtime, with the input of its classifier head made an output. */
export class Network {
  readonly #loaded: LoadedModel;
  readonly #checkpoint: Checkpoint;
  readonly #tokenizer: Tokenizer | undefined;
  /** Samples per run. It depends on the checkpoint alone, so that every machine computes the same sums. */
  readonly samplesPerRun: number;

  private constructor(loaded: LoadedModel, checkpoint: Checkpoint, tokenizer: Tokenizer | undefined) {
    this.#loaded = loaded;
    this.#checkpoint = checkpoint;
    this.#tokenizer = tokenizer;
    this.samplesPerRun = samplesPerRun(checkpoint);
  }

  /**
   * @param store of the features, where some networks need files while they load
   * @throws InputError when its tokenizer can't be read, a file of weights is too short, or pooling would leave no pixels
   * @throws CancelledError
   * @throws Error from ONNX Runtime when it can't load the file or the provider isn't there
   */
  static async open(
    checkpoint: Checkpoint,
    provider: string,
    store: Store | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Network> {
    const tokenizer = checkpoint.text && (await loadTokenizer(checkpoint.text.tokenizerFolder));
    const { image } = checkpoint;
    const loaded = await openSession(await checkpoint.loadModel(), {
      tensor: checkpoint.featurePoint.tensor,
      provider,
      manyRows: checkpoint.text === undefined,
      image: image?.preprocessing.crop && inputOfSize(image.input, image.preprocessing.crop),
      store,
      signal,
    });
    return new Network(loaded, checkpoint, tokenizer);
  }

  /** @param samples at most `samplesPerRun` */
  async run(samples: readonly SampleInputs[]): Promise<Activations> {
    const { featurePoint } = this.#checkpoint;
    const tokens = this.#tokenize(samples);
    const wanted = featurePoint.logits ? [featurePoint.tensor, featurePoint.logits] : [featurePoint.tensor];
    const feeds = { ...this.#imageFeeds(samples), ...this.#textFeeds(tokens) };
    const outputs = await this.#loaded.session.run(feeds, wanted);
    const features = rows(outputs[featurePoint.tensor], samples.length, featurePoint.channelAxis, tokens);
    const logits = featurePoint.logits
      ? rows(outputs[featurePoint.logits], samples.length, 'second', undefined)
      : { values: new Float32Array(0), width: 0 };
    return { features: features.values, featureDim: features.width, logits: logits.values, logitDim: logits.width };
  }

  async close(): Promise<void> {
    await this.#loaded.close();
  }

  #imageFeeds(samples: readonly SampleInputs[]): Record<string, Tensor> {
    const { image } = this.#checkpoint;
    if (!image) return {};
    const images = samples.map(({ pixels }) => {
      if (!pixels) throw new Error('a sample without image');
      return pixels;
    });
    const { input, preprocessing } = image;
    return { [input.name]: inputTensor(images, input.batch ?? images.length, input, preprocessing) };
  }

  #tokenize(samples: readonly SampleInputs[]): TokenBatch | undefined {
    const { text } = this.#checkpoint;
    if (!text || !this.#tokenizer) return undefined;
    return this.#tokenizer.encode(
      samples.map((sample) => {
        if (!sample.text) throw new Error('a sample without text');
        return sample.text;
      }),
      {
        maxTokens: Math.min(text.maxTokens, this.#tokenizer.maxTokens),
        length: text.length,
        rows: text.batch,
      },
    );
  }

  #textFeeds(tokens: TokenBatch | undefined): Record<string, Tensor> {
    const { text } = this.#checkpoint;
    return text && tokens && this.#tokenizer ? tokenTensors(tokens, text, this.#tokenizer, this.#checkpoint) : {};
  }
}

function samplesPerRun({ image, text, parameters }: Checkpoint): number {
  let samples = MAX_SAMPLES_PER_RUN;
  if (text?.batch !== undefined) return text.batch;
  // Without a mask, padding would count: each text is as long as it is.
  if (text && text.mask === undefined && text.length === undefined) return 1;
  if (image) {
    if (image.input.batch !== undefined) return image.input.batch;
    const { crop } = image.preprocessing;
    // Images that keep sizes of their own don't fit in one tensor.
    if (!crop) return 1;
    samples = Math.floor(VALUES_PER_RUN / (crop.height * crop.width * image.input.channels));
  }
  if (text) samples = Math.min(samples, Math.floor(PRODUCTS_PER_RUN / (parameters * TYPICAL_TOKENS)));
  return Math.max(1, Math.min(MAX_SAMPLES_PER_RUN, samples));
}

/**
 * Rows of the first `n` samples: `[n, d]` as it is, otherwise the mean over all axes but the first and the channels. Of
 * a text, `[n, tokens, d]`, the mean over its tokens without the padding.
 */
function rows(
  tensor: Tensor | undefined,
  n: number,
  axis: FeaturePoint['channelAxis'],
  tokens: TokenBatch | undefined,
): { values: Float32Array; width: number } {
  if (!tensor) throw new Error('the network did not compute the output that was asked for');
  const [batch = 0, ...rest] = tensor.dims;
  if (batch < n) throw new Error(`the network gave ${batch} rows for ${n} samples`);
  const data = toFloat32(tensor);
  const channelAxis = axis === 'auto' ? (rest.length === 3 ? 'second' : 'last') : axis;
  const perSample = rest.reduce((product, size) => product * size, 1);
  const width = (channelAxis === 'second' ? rest[0] : rest.at(-1)) ?? 1;
  if (perSample === 0) throw new Error('the features are empty');
  if (width === perSample) return { values: data.slice(0, n * width), width };

  const places = perSample / width;
  const mask =
    tokens && rest.length === 2 && channelAxis === 'last' && rest[0] === tokens.length ? tokens.mask : undefined;
  const channelStep = channelAxis === 'second' ? places : 1;
  const placeStep = channelAxis === 'second' ? 1 : width;
  const values = new Float32Array(n * width);
  for (let sample = 0; sample < n; sample += 1) {
    const kept = Array.from({ length: places }, (_, place) => place).filter(
      (place) => !mask || mask[sample * places + place] === 1,
    );
    for (let channel = 0; channel < width; channel += 1) {
      const from = sample * perSample + channel * channelStep;
      let sum = 0;
      for (const place of kept) sum += data[from + place * placeStep] ?? 0;
      values[sample * width + channel] = sum / kept.length;
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
