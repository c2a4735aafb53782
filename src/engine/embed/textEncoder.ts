import path from 'node:path';
import type { Tensor } from 'onnxruntime-node';
import * as z from 'zod';
import type { Checkpoint, CheckpointText } from '../checkpoints/checkpoint.ts';
import { readConfigFile } from '../checkpoints/configFile.ts';
import { openCheckpoint } from '../checkpoints/discover.ts';
import { CancelledError, InputError } from '../errors.ts';
import { type LoadedModel, openSession } from '../extract/session.ts';
import { tokenTensors } from '../extract/tokenTensors.ts';
import type { FloatMatrix } from '../linalg/matrix.ts';
import { loadTokenizer, type TokenBatch, type Tokenizer, type Tokens } from '../tokenize/tokenizer.ts';
import { encoderFile } from './encoderFiles.ts';

/**
 * How the states of a text's tokens become one vector: their mean over the real tokens, or over all positions of a batch
 * in which every text is filled up to the longest of all. The latter is what the published EMMS code does (it averages
 * the padding, too). CLIP has a text feature of its own, which padding doesn't change.
 */
export type Pooling = 'tokens' | 'padding';

export interface EncodeTextOptions {
  readonly pooling: Pooling;
  readonly signal?: AbortSignal | undefined;
  /** Called after every run with the number of texts that are done. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Multiplications of one run: under a second on two busy cores, so that a person who cancels doesn't wait. */
const PRODUCTS_PER_RUN = 1e10;
const MAX_TEXTS_PER_RUN = 256;
/** Texts that are split into tokens before looking whether the person has cancelled. */
const TEXTS_PER_LOOK = 500;

/** Names of the states `[n, t, d]` in Hugging Face's models, and of CLIP's text feature `[n, d]` in exported ones. */
const STATES = 'last_hidden_state';
const TEXT_FEATURE = 'text_embeds';

/**
 * A network that gives each text a vector: BERT, GPT-2 and their kin the mean of their last hidden states, CLIP its
 * projected text feature (Radford et al. 2021).
 */
export class TextEncoder {
  readonly #loaded: LoadedModel;
  readonly #tokenizer: Tokenizer;
  readonly #input: CheckpointText;
  readonly #checkpoint: Checkpoint;
  readonly #tokensPerRun: number;

  private constructor(loaded: LoadedModel, tokenizer: Tokenizer, checkpoint: Checkpoint, input: CheckpointText) {
    this.#loaded = loaded;
    this.#tokenizer = tokenizer;
    this.#input = input;
    this.#checkpoint = checkpoint;
    this.#tokensPerRun = Math.max(1, Math.floor(PRODUCTS_PER_RUN / Math.max(1, checkpoint.parameters)));
  }

  /**
   * @param folder holds weights (safetensors, PyTorch) or an ONNX export, and a tokenizer
   * @throws InputError saying what is missing or can't be read
   */
  static async open(folder: string): Promise<TextEncoder> {
    const file = encoderFile(folder);
    if (file === undefined) {
      throw new InputError(
        `${folder}: no text encoder here. It needs model.safetensors, pytorch_model.bin or model.onnx.`,
      );
    }
    const tokenizer = await loadTokenizer(folder);
    const checkpoint = await openTextNetwork(folder, file);
    if (!checkpoint.text || checkpoint.image) {
      throw new InputError(
        `${file}: ${checkpoint.architecture} is no text encoder. Name CLIP, BERT, GPT-2 or their kin.`,
      );
    }
    const loaded = await openSession(await checkpoint.loadModel(), {
      tensor: checkpoint.featurePoint.tensor,
      provider: 'cpu',
      manyRows: false,
      store: undefined,
    });
    return new TextEncoder(loaded, tokenizer, checkpoint, checkpoint.text);
  }

  /**
   * One vector per text, `[n, d]`. Texts run in order of their length, so that little is spent on padding, in batches
   * that depend on nothing but the texts and the encoder: the same sums on every machine.
   * @throws CancelledError
   */
  async encode(texts: readonly string[], { pooling, signal, onProgress }: EncodeTextOptions): Promise<FloatMatrix> {
    const tokens = await this.#tokenize(texts, signal);
    const order = [...tokens.keys()].sort((a, b) => lengthOf(tokens[a]) - lengthOf(tokens[b]) || a - b);
    const longest = lengthOf(tokens[order.at(-1) ?? 0]);
    let vectors: Float32Array | undefined;
    let width = 0;
    for (let done = 0; done < order.length; ) {
      if (signal?.aborted) throw new CancelledError();
      const batch = this.#takeBatch(order, done, tokens, pooling === 'padding' ? longest : undefined);
      const pooled = await this.#run(batch.tokens, pooling);
      width = pooled.length / batch.texts.length;
      vectors ??= new Float32Array(texts.length * width);
      for (const [row, text] of batch.texts.entries()) {
        vectors.set(pooled.subarray(row * width, (row + 1) * width), text * width);
      }
      done += batch.texts.length;
      onProgress?.(done, order.length);
    }
    return { rows: texts.length, cols: width, data: vectors ?? new Float32Array(0) };
  }

  async close(): Promise<void> {
    await this.#loaded.close();
  }

  async #tokenize(texts: readonly string[], signal: AbortSignal | undefined): Promise<Tokens[]> {
    const maxTokens = Math.min(this.#input.maxTokens, this.#tokenizer.maxTokens);
    const tokens: Tokens[] = [];
    for (const [index, text] of texts.entries()) {
      if (index % TEXTS_PER_LOOK === 0) {
        // Lets a cancellation in.
        await new Promise((resolve) => setImmediate(resolve));
        if (signal?.aborted) throw new CancelledError();
      }
      tokens.push(this.#tokenizer.tokenize([text], maxTokens));
    }
    return tokens;
  }

  /** The next texts in `order`, as many as a run may have: the first of them at least. */
  #takeBatch(
    order: readonly number[],
    from: number,
    tokens: readonly Tokens[],
    fixedLength: number | undefined,
  ): { texts: readonly number[]; tokens: TokenBatch } {
    const texts: number[] = [];
    for (const text of order.slice(from, from + MAX_TEXTS_PER_RUN)) {
      const length = fixedLength ?? lengthOf(tokens[text]);
      if (texts.length > 0 && length * (texts.length + 1) > this.#tokensPerRun) break;
      texts.push(text);
    }
    const chosen = texts.flatMap((text) => tokens[text] ?? []);
    return { texts, tokens: this.#tokenizer.batch(chosen, fixedLength) };
  }

  async #run(tokens: TokenBatch, pooling: Pooling): Promise<Float32Array> {
    const { tensor } = this.#checkpoint.featurePoint;
    const feeds = tokenTensors(tokens, this.#input, this.#tokenizer, this.#checkpoint);
    const outputs = await this.#loaded.session.run(feeds, [tensor]);
    const output = outputs[tensor];
    if (!output) throw new Error('the network did not compute the output that was asked for');
    return output.dims.length === 3 ? meanState(output, tokens, pooling) : floats(output);
  }
}

function lengthOf(tokens: Tokens | undefined): number {
  return tokens?.ids.length ?? 0;
}

/** Mean of the states `[n, t, d]` of each text: `[n, d]`. */
function meanState(states: Tensor, { rows, length, mask }: TokenBatch, pooling: Pooling): Float32Array {
  const values = floats(states);
  const width = values.length / (rows * length);
  const means = new Float32Array(rows * width);
  const sums = new Float64Array(width);
  for (let row = 0; row < rows; row++) {
    sums.fill(0);
    let count = 0;
    for (let place = row * length; place < (row + 1) * length; place++) {
      if (pooling === 'tokens' && mask[place] === 0) continue;
      for (let j = 0; j < width; j++) sums[j] = (sums[j] ?? 0) + (values[place * width + j] ?? 0);
      count += 1;
    }
    for (let j = 0; j < width; j++) means[row * width + j] = (sums[j] ?? 0) / count;
  }
  return means;
}

function floats(tensor: Tensor): Float32Array {
  const { data, type } = tensor;
  if (!(data instanceof Float32Array)) throw new Error(`its output is of type ${type}, not float32`);
  return data;
}

/** Opens the network so that it gives token states where it can, and CLIP's text feature of CLIP. */
async function openTextNetwork(folder: string, file: string): Promise<Checkpoint> {
  const options = { modalities: ['text'] as const };
  const wanted = (await isClip(folder)) ? TEXT_FEATURE : STATES;
  // A network without this output has its own: exported ones, and CLIP built from its weights.
  const chosen = await openCheckpoint(file, folder, { ...options, featurePoint: wanted }).catch(() => undefined);
  return chosen ?? openCheckpoint(file, folder, options);
}

const clipConfig = z.looseObject({ model_type: z.string().startsWith('clip') });

async function isClip(folder: string): Promise<boolean> {
  return clipConfig.safeParse(await readConfigFile(path.join(folder, 'config.json'))).success;
}
