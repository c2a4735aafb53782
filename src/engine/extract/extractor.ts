import * as z from 'zod';
import { cacheKey, type Store } from '../cache/store.ts';
import type { Checkpoint } from '../checkpoints/checkpoint.ts';
import type { Sample } from '../datasets/dataset.ts';
import { CancelledError, firstLineOf, InputError } from '../errors.ts';
import { contentHash } from '../files/contentHash.ts';
import type { FloatMatrix } from '../linalg/matrix.ts';
import { Attempt } from './attempt.ts';
import { deserializeBlock, type FeatureBlock, serializeBlock } from './featureBlock.ts';
import { type Activations, Network } from './network.ts';
import type { ProviderChoice } from './providers.ts';
import { runtimeMessage } from './runtimeMessage.ts';
import { type SampleInputs, SampleReader } from './sampleReader.ts';

/** Samples per block. Small enough that a killed engine loses seconds, large enough to be few files. */
const BLOCK_SAMPLES = 128;

/** Changes whenever the same inputs would give other features, so that old cache entries are not taken for new. */
const FEATURES_VERSION = 8;

/** Largest ‖GPU − CPU‖ / ‖CPU‖ over the first batch's features: TF32 and half precision stay below it. */
const MAX_DISAGREEMENT = 1e-2;

/** Features of a dataset's samples, as one checkpoint sees them. */
export interface Extraction {
  /** Identifies the features by the contents they come from, for what is derived from them and cached. */
  readonly key: string;
  readonly features: FloatMatrix;
  /** Class scores of the checkpoint's own classifier; no columns when it has none. */
  readonly logits: FloatMatrix;
  /** Index of each row's sample. */
  readonly samples: readonly number[];
  /** Samples that could not be read, and why. */
  readonly failures: ReadonlyMap<number, string>;
  readonly provider: string;
  readonly providerReason: string;
  /** Inference time over all rows, in this run or the earlier one that computed them. */
  readonly seconds: number;
  readonly samplesExtracted: number;
  readonly samplesFromCache: number;
}

export interface ExtractorOptions {
  readonly samples: readonly Sample[];
  /** Hash of each sample's contents. */
  readonly sampleHashes: readonly string[];
  readonly provider: ProviderChoice;
  readonly store: Store | undefined;
  readonly signal: AbortSignal | undefined;
  /** Called after every run of a network. */
  readonly onSamples: (count: number, cached: boolean) => void;
}

const deviceSchema = z.object({ provider: z.string(), reason: z.string() });
type Device = z.infer<typeof deviceSchema>;

/** Runs a dataset's samples through checkpoints, block by block, and keeps every finished block. */
export class Extractor {
  readonly #options: ExtractorOptions;
  readonly #reader: SampleReader;
  readonly #blocks: { readonly indices: readonly number[]; readonly hash: string }[] = [];

  constructor(options: ExtractorOptions) {
    this.#options = options;
    this.#reader = new SampleReader(options.samples);
    for (let start = 0; start < options.samples.length; start += BLOCK_SAMPLES) {
      const hashes = options.sampleHashes.slice(start, start + BLOCK_SAMPLES);
      const indices = hashes.map((_, offset) => start + offset);
      this.#blocks.push({ indices, hash: cacheKey(...hashes) });
    }
  }

  /**
   * @throws InputError when the checkpoint can't be loaded or run, or gives features that are no numbers
   * @throws CancelledError
   */
  async extract(checkpoint: Checkpoint): Promise<Extraction> {
    const weights = await this.#identify(checkpoint);
    const { store } = this.#options;
    const attempt = new Attempt(store?.section('attempt'), weights);
    const lazy = new LazyNetworks(checkpoint, attempt, store, this.#options.signal);
    try {
      const device = await this.#chooseDevice(checkpoint, weights, lazy);
      const key = cacheKey('features', weights, device.provider);
      const blocks: FeatureBlock[] = [];
      let samplesExtracted = 0;
      for (const block of this.#blocks) {
        this.#checkCancelled();
        const blockKey = cacheKey(key, block.hash);
        const cached = await this.#read(blockKey);
        if (cached) this.#options.onSamples(block.indices.length, true);
        else samplesExtracted += block.indices.length;
        const done = cached ?? (await this.#compute(checkpoint, block.indices, await lazy.network(device.provider)));
        if (!cached) {
          await store?.put(blockKey, serializeBlock(done));
          await attempt.advance();
        }
        blocks.push(done);
      }
      return {
        ...this.#assemble(blocks, checkpoint),
        key: cacheKey(key, ...this.#blocks.map(({ hash }) => hash)),
        provider: device.provider,
        providerReason: device.reason,
        samplesExtracted,
        samplesFromCache: this.#options.samples.length - samplesExtracted,
      };
    } catch (error) {
      if (error instanceof InputError || error instanceof CancelledError) throw error;
      this.#checkCancelled();
      throw new InputError(`${checkpoint.path}: ${runtimeMessage(error)}`);
    } finally {
      await lazy.close();
      await attempt.end();
    }
  }

  /** What its features follow from, beside the samples and the provider: its weights, and how it is used. */
  async #identify(checkpoint: Checkpoint): Promise<string> {
    const hashes: string[] = [];
    for (const file of checkpoint.files) hashes.push(await contentHash(file, this.#options.signal));
    const { image, text, featurePoint, modality } = checkpoint;
    return cacheKey(JSON.stringify([FEATURES_VERSION, hashes, modality, image, text, featurePoint]));
  }

  /** The GPU where its features of the first batch agree with the CPU's; the answer is kept with the features. */
  async #chooseDevice(checkpoint: Checkpoint, weights: string, lazy: LazyNetworks): Promise<Device> {
    const { provider, reason, asked } = this.#options.provider;
    const first = this.#blocks[0];
    if (asked || provider === 'cpu' || !first) return { provider, reason };
    const key = cacheKey('device', weights, provider, first.hash);
    const kept = await this.#options.store?.get(key);
    if (kept) return deviceSchema.parse(JSON.parse(kept.toString('utf8')));
    const device = await this.#compareDevices(checkpoint, provider, first.indices, lazy);
    await this.#options.store?.put(key, Buffer.from(JSON.stringify(device)));
    return device;
  }

  async #compareDevices(
    checkpoint: Checkpoint,
    provider: string,
    block: readonly number[],
    lazy: LazyNetworks,
  ): Promise<Device> {
    const cpu = await lazy.network('cpu');
    const loaded = await this.#reader.load(block.slice(0, cpu.samplesPerRun), checkpoint);
    const samples = loaded.filter((sample): sample is SampleInputs => !(sample instanceof Error));
    if (samples.length === 0) return { provider: 'cpu', reason: 'no sample of the first batch could be read' };
    const expected = await cpu.run(samples);
    let actual: Activations;
    try {
      const gpu = await lazy.network(provider);
      actual = await gpu.run(samples);
    } catch (error) {
      return {
        provider: 'cpu',
        reason: `${provider} can't run it: ${runtimeMessage(error)}`,
      };
    }
    const difference = relativeDifference(actual.features, expected.features);
    const shown = difference.toExponential(1);
    return difference <= MAX_DISAGREEMENT
      ? { provider, reason: `${provider} agrees with the CPU on the first batch (relative difference ${shown})` }
      : {
          provider: 'cpu',
          reason: `${provider} disagrees with the CPU on the first batch (relative difference ${shown})`,
        };
  }

  async #read(key: string): Promise<FeatureBlock | undefined> {
    const bytes = await this.#options.store?.get(key);
    return bytes ? deserializeBlock(bytes) : undefined;
  }

  async #compute(checkpoint: Checkpoint, indices: readonly number[], network: Network): Promise<FeatureBlock> {
    const batches: (readonly number[])[] = [];
    for (let start = 0; start < indices.length; start += network.samplesPerRun) {
      batches.push(indices.slice(start, start + network.samplesPerRun));
    }
    const load = (batch: readonly number[] | undefined) => this.#reader.load(batch ?? [], checkpoint);
    const results: Activations[] = [];
    const rows: number[] = [];
    const failures: { index: number; reason: string }[] = [];
    let seconds = 0;
    let loading = load(batches[0]);
    for (const [number, batch] of batches.entries()) {
      this.#checkCancelled();
      const loaded = await loading;
      // The next samples are read while the network runs on these.
      loading = load(batches[number + 1]);
      const good: SampleInputs[] = [];
      for (const [position, sample] of loaded.entries()) {
        const index = (batch[position] ?? 0) - (indices[0] ?? 0);
        if (sample instanceof Error) failures.push({ index, reason: firstLineOf(sample) });
        else {
          good.push(sample);
          rows.push(index);
        }
      }
      if (good.length > 0) {
        const began = performance.now();
        results.push(await network.run(good));
        seconds += (performance.now() - began) / 1000;
      }
      this.#options.onSamples(batch.length, false);
    }
    return {
      features: concatenate(results.map(({ features }) => features)),
      logits: concatenate(results.map(({ logits }) => logits)),
      featureDim: results[0]?.featureDim ?? 0,
      logitDim: results[0]?.logitDim ?? 0,
      rows,
      failures,
      seconds,
    };
  }

  #assemble(
    blocks: readonly FeatureBlock[],
    checkpoint: Checkpoint,
  ): Pick<Extraction, 'features' | 'logits' | 'samples' | 'failures' | 'seconds'> {
    const samples: number[] = [];
    const failures = new Map<number, string>();
    for (const [number, block] of blocks.entries()) {
      const start = number * BLOCK_SAMPLES;
      for (const row of block.rows) samples.push(start + row);
      for (const { index, reason } of block.failures) failures.set(start + index, reason);
    }
    const filled = blocks.filter(({ rows }) => rows.length > 0);
    const cols = filled[0]?.featureDim ?? 0;
    const features = { rows: samples.length, cols, data: concatenate(filled.map((block) => block.features)) };
    const bad = features.data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      const index = samples[Math.floor(bad / cols)] ?? 0;
      throw new InputError(
        `${checkpoint.path}: feature ${bad % cols} of sample ${index}, ${this.#options.samples[index]?.id}, is ${features.data[bad]}. The weights or the preprocessing are broken.`,
      );
    }
    return {
      features,
      logits: {
        rows: samples.length,
        cols: filled[0]?.logitDim ?? 0,
        data: concatenate(filled.map((block) => block.logits)),
      },
      samples,
      failures,
      seconds: blocks.reduce((sum, block) => sum + block.seconds, 0),
    };
  }

  #checkCancelled(): void {
    if (this.#options.signal?.aborted) throw new CancelledError();
  }
}

/** Loads a checkpoint only when something has to be computed, once per provider. */
class LazyNetworks {
  readonly #checkpoint: Checkpoint;
  readonly #attempt: Attempt;
  readonly #store: Store | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #networks = new Map<string, Promise<Network>>();

  constructor(checkpoint: Checkpoint, attempt: Attempt, store: Store | undefined, signal: AbortSignal | undefined) {
    this.#checkpoint = checkpoint;
    this.#attempt = attempt;
    this.#store = store;
    this.#signal = signal;
  }

  async network(provider: string): Promise<Network> {
    await this.#attempt.begin(this.#checkpoint.path);
    const network = this.#networks.get(provider) ?? Network.open(this.#checkpoint, provider, this.#store, this.#signal);
    this.#networks.set(provider, network);
    return network;
  }

  async close(): Promise<void> {
    for (const opened of await Promise.allSettled(this.#networks.values())) {
      if (opened.status === 'fulfilled') await opened.value.close();
    }
  }
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function relativeDifference(actual: Float32Array, expected: Float32Array): number {
  let difference = 0;
  let norm = 0;
  for (const [index, value] of expected.entries()) {
    difference += (value - (actual[index] ?? 0)) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(difference / Math.max(norm, Number.MIN_VALUE));
}
