import { InferenceSession } from 'onnxruntime-node';
import { ScratchFolder } from '../cache/scratch.ts';
import type { Store } from '../cache/store.ts';
import type { RunnableModel } from '../checkpoints/checkpoint.ts';
import { CancelledError, InputError } from '../errors.ts';
import { castAfterLookups, computeInSingle, computesInHalf } from '../onnx/halfPrecision.ts';
import { castHalvesBytes, inSinglePrecision, singlePrecisionBytes } from '../onnx/singlePrecision.ts';
import { WeightFile } from '../onnx/weightFile.ts';
import { WeightReader } from '../onnx/weightReader.ts';
import { type NewInput, type NewModel, withOutput, writeModel } from '../onnx/writeModel.ts';
import { isConvolutional, layOutInBlocks } from './blockedLayout.ts';

/** From this many bytes on, weights in half precision stay so: the memory counts more than a cast in every run. */
const LARGE_HALF_PRECISION = 56 * 2 ** 20;

export interface SessionOptions {
  /** Made an output, besides those that the model has. */
  readonly tensor: string;
  /** Besides the CPU. */
  readonly provider: string;
  /**
   * Whether a run has a thousand rows and more, as images have: beside that it costs little to pack the weights in every
   * run, but up to half of the rest where a run has few, as texts have.
   */
  readonly manyRows: boolean;
  /** What the network is given, where its sizes are known: the runtime then uses memory again sooner. */
  readonly image?: NewInput | undefined;
  /** Networks whose weights are written anew have files beside its entries for a while. */
  readonly store: Store | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A model in ONNX Runtime. */
export interface LoadedModel {
  readonly session: InferenceSession;
  close(): Promise<void>;
}

/**
 * Loads a model into ONNX Runtime. On the CPU it computes in single precision, as the runtime does there anyway with values
 * that it casts before and after each operator. Where its weights can't be written anew, it is loaded as a whole, which
 * takes more memory.
 *
 * @throws InputError when a file of weights is too short
 * @throws CancelledError while weights are written
 * @throws Error from ONNX Runtime when it can't load the model or the provider isn't there
 */
export async function openSession(model: RunnableModel, options: SessionOptions): Promise<LoadedModel> {
  const { network } = model;
  if (network && options.provider === 'cpu' && computesInHalf(network)) {
    const opened = await unlessRefused(async () => {
      const single = computeInSingle(network);
      return openInPlace({ ...model, model: () => writeModel(single), network: single }, options);
    });
    if (opened) return opened;
  }
  return openInPlace(model, options);
}

/** Nothing where the runtime refuses what it is given. */
async function unlessRefused<Opened>(open: () => Promise<Opened>): Promise<Opened | undefined> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof InputError || error instanceof CancelledError) throw error;
    return undefined;
  }
}

async function openInPlace(model: RunnableModel, options: SessionOptions): Promise<LoadedModel> {
  const rewritten = await openRewritten(model, options);
  if (rewritten) return rewritten;
  const session = await openWhole(model, options);
  return { session, close: () => session.release() };
}

async function openWhole(
  { model, weightsFolder, network }: RunnableModel,
  options: SessionOptions,
): Promise<InferenceSession> {
  const { tensor, provider, manyRows } = options;
  const onCpu = provider === 'cpu';
  const keepHalf = onCpu && network !== undefined && castHalvesBytes(network) >= LARGE_HALF_PRECISION;
  const given = keepHalf
    ? writeModel(castAfterLookups({ ...network, outputs: outputsOf(network, options) }))
    : withOutput(model(), tensor);
  return InferenceSession.create(given, {
    executionProviders: onCpu ? ['cpu'] : [provider, 'cpu'],
    logSeverityLevel: 4,
    // Folding constants would turn them all into single precision at once; so would the layouts of the highest level.
    ...(keepHalf && { graphOptimizationLevel: 'extended' }),
    extra: {
      session: {
        // Weights outside the model are looked for in this folder, and nowhere else.
        model_external_initializers_file_folder_path: weightsFolder,
        // Prepacking copies every matrix while loading, up to twice the weights. Quantised layers need it.
        ...(network && manyRows && { disable_prepacking: '1' }),
      },
      ...(keepHalf && { optimization: { disable_specified_optimizers: 'ConstantFolding' } }),
    },
  });
}

/** Nothing where it isn't known what the runtime makes of the weights. */
async function openConvolutional(
  network: NewModel,
  weightsFolder: string,
  folder: string,
  options: SessionOptions,
): Promise<InferenceSession | undefined> {
  const { image, signal } = options;
  const inputs = network.inputs.map((input) => (input.name === image?.name ? image : input));
  const outputs = outputsOf(network, options);
  const blocked = await layOutInBlocks({ ...network, inputs }, outputs, weightsFolder, folder, signal);
  return (
    blocked &&
    InferenceSession.create(blocked, {
      executionProviders: ['cpu'],
      logSeverityLevel: 4,
      graphOptimizationLevel: 'disabled',
      extra: { session: { model_external_initializers_file_folder_path: folder, disable_prepacking: '1' } },
    })
  );
}

function outputsOf(network: NewModel, { tensor }: SessionOptions): string[] {
  return [...new Set([...network.outputs, tensor])];
}

/** The runtime would cast all weights at once, and copy them several times. */
async function openCast(
  network: NewModel,
  weightsFolder: string,
  folder: string,
  options: SessionOptions,
): Promise<InferenceSession> {
  const reader = new WeightReader(weightsFolder, options.signal);
  const file = new WeightFile(folder, 'single.bin');
  let single: NewModel;
  try {
    single = await inSinglePrecision({ ...network, outputs: outputsOf(network, options) }, reader, file);
  } finally {
    file.close();
    reader.close();
  }
  const model = () => writeModel({ ...single, outputs: network.outputs });
  return openWhole({ model, weightsFolder: folder, network: single }, options);
}

/**
 * Loads a network whose weights are written into files first, which last as long as it. Nothing where they needn't be, or
 * can't: there may be no room, or the runtime may refuse what is written.
 */
async function openRewritten(
  { network, weightsFolder }: RunnableModel,
  options: SessionOptions,
): Promise<LoadedModel | undefined> {
  const open = network && options.provider === 'cpu' ? rewriting(network) : undefined;
  if (!network || !open) return undefined;
  const scratch = await ScratchFolder.create(options.store, singlePrecisionBytes(network)).catch(() => undefined);
  if (!scratch) return undefined;
  let session: InferenceSession | undefined;
  try {
    session = await unlessRefused(() => open(network, weightsFolder, scratch.path, options));
  } finally {
    // The weights are mapped by now, and stay so without a name. Windows keeps names of what is mapped.
    if (!session || process.platform !== 'win32') await scratch.remove();
  }
  if (!session) return undefined;
  const opened = session;
  return {
    session: opened,
    close: async () => {
      await opened.release();
      await scratch.remove();
    },
  };
}

/** How the weights of a network are written anew, if at all. */
function rewriting(network: NewModel): typeof openConvolutional | undefined {
  if (isConvolutional(network)) return openConvolutional;
  const halves = castHalvesBytes(network);
  return halves > 0 && halves < LARGE_HALF_PRECISION ? openCast : undefined;
}
