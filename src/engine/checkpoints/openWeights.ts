import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { InputError, messageOf } from '../errors.ts';
import type { ModelConfig, PublishedPreprocessing, RecognisedNetwork } from './architectures/architecture.ts';
import { detectArchitecture, FAMILIES } from './architectures/detect.ts';
import { Graph } from './architectures/graph.ts';
import { textOf } from './architectures/naming.ts';
import { asPublishedIn } from './architectures/torchvisionFiles.ts';
import type { Checkpoint, OpenOptions, Size } from './checkpoint.ts';
import { candidatesOfNames, normaliserIn } from './containers/namePrefixes.ts';
import { readWeights } from './containers/open.ts';
import { readModelConfig } from './modelConfig.ts';
import { readPreprocessing } from './preprocessing.ts';
import { requireTensor } from './requireTensor.ts';
import { tokenTablesOf } from './tokenTables.ts';
import type { Weights, WeightTensor } from './weights.ts';

/**
 * Bytes of a tensor that tell two checkpoints of one architecture apart, and of how many tensors: training may have changed
 * a few only, those of a head or of one kind in every layer.
 */
const SAMPLED_BYTES = 64;
const SAMPLED_TENSORS = 4096;
/** What is added to the weights of a network's layers while these are frozen, as PEFT and others name it. */
const ADAPTER = /(^|[._])lora_([ab]|up|down|embedding_[ab])(\.|$)/i;
/** Characters of config.json's name of a network in a message. */
const MAX_KIND_LENGTH = 80;

/**
 * Opens a file of named weights (safetensors or PyTorch): recognises the network by them, without reading their values.
 * @throws InputError saying why it can't be ranked
 */
export async function openWeights(file: string, id: string, options: OpenOptions): Promise<Checkpoint> {
  const folder = path.dirname(file);
  const stored = await withRealFiles(await readWeights(file));
  const config = await readModelConfig(folder);
  const { weights, network } = recognise(stored, config, file, options);
  const published = network.image && asPublishedIn(stored.name, network.image.published);
  const preprocessing = network.image && (await readPreprocessing(file, network.image.input, published, config));
  if (published && preprocessing) requireEnoughPixels(file, published, preprocessing.crop);
  const bytes = (await Promise.all(stored.files.map((part) => stat(part)))).reduce((sum, { size }) => sum + size, 0);
  const build = () => {
    const graph = new Graph(weights);
    network.build(graph);
    return graph;
  };
  // Built once now: what lacks a weight can't be ranked either, and loading it would be late to say so.
  const { marks, network: graph } = explained(file, config, build);
  if (options.featurePoint !== undefined) requireTensor(marks, options.featurePoint, file);
  return {
    id,
    name: stored.name,
    path: file,
    format: stored.format,
    architecture: network.architecture,
    modality: network.modality,
    parameters: countParameters(weights),
    bytes,
    image: network.image && preprocessing && { input: network.image.input, preprocessing },
    text: network.text && {
      ...network.text,
      tokenizerFolder: folder,
      tables: tokenTablesOf(
        { nodes: graph.nodes, weights: graph.initializers.map((weight) => [weight.name, weight]) },
        network.text,
      ),
    },
    featurePoint: {
      tensor: options.featurePoint ?? 'features',
      channelAxis: 'auto',
      logits: network.hasLogits ? 'logits' : undefined,
    },
    warnings: [
      ...(preprocessing?.assumed
        ? [
            `Preprocessing is a guess (${preprocessing.description}). If it was another, put its config.json or preprocessor_config.json beside it.`,
          ]
        : []),
      ...(network.assumed === undefined ? [] : [network.assumed]),
    ],
    files: stored.files,
    fingerprint: fingerprint(weights),
    loadModel: async () => build().build(),
  };
}

/** The network, and its weights under the names that it is recognised by. */
function recognise(
  stored: Weights,
  config: ModelConfig | undefined,
  file: string,
  { modalities }: OpenOptions,
): { weights: Weights; network: RecognisedNetwork } {
  if ([...stored.tensors.keys()].some((name) => ADAPTER.test(name))) {
    throw new InputError(
      `${file}: it holds an adapter (LoRA) that is not merged into its network. Save both as one: model.merge_and_unload().save_pretrained(folder).`,
    );
  }
  const found = explained(file, config, () => {
    for (const weights of candidatesOfNames(stored)) {
      const network = detectArchitecture(weights, config);
      if (!network) continue;
      const ways = [network, ...(network.as ?? [])];
      const fitting = modalities.flatMap((modality) => ways.filter((way) => way.modality === modality));
      return { weights, network: fitting[0] ?? network };
    }
    return undefined;
  });
  if (found) return found;
  const names = [...stored.tensors.keys()].slice(0, 3).map((name) => JSON.stringify(name.slice(0, 80)));
  const kind = kindIn(config);
  const which = kind === undefined ? '' : ` Its config.json calls it ${JSON.stringify(kind)}.`;
  throw new InputError(
    `${file}: no known family of networks has these ${stored.tensors.size} weights (${names.join(', ')}, …).${which}${otherImages(stored)}${otherRange(stored)} Export it to ONNX to rank it. Known: ${FAMILIES.join(', ')}.`,
  );
}

/**
 * What `make` returns.
 * @throws InputError for any error of a family's, naming the file and the remedy
 */
function explained<Result>(file: string, config: ModelConfig | undefined, make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    const reason = messageOf(error);
    const kind = kindIn(config);
    const which = kind === undefined || reason.includes(kind) ? '' : ` (${JSON.stringify(kind)} in its config.json)`;
    const remedy = reason.endsWith('beside it') ? 'Or export it to ONNX.' : 'Export it to ONNX to rank it.';
    throw new InputError(`${file}: ${reason}${which}. ${remedy}`);
  }
}

/** What may be why: every network for images begins with a convolution of their three colors. */
function otherImages({ tensors }: Weights): string {
  const inputs = [...tensors.values()].filter(({ shape }) => shape.length === 4).map(({ shape }) => shape[1]);
  return inputs.length === 0 || inputs.includes(3) ? '' : ' None of its convolutions takes the 3 channels of an image.';
}

/** What may be why: without knowing which images it was given, a network within another is not taken out of it. */
function otherRange(weights: Weights): string {
  const name = normaliserIn(weights);
  return name === undefined
    ? ''
    : ` It normalises images itself (${JSON.stringify(name.slice(0, 80))}): save the network inside alone.`;
}

/** What config.json calls the network, if anything. */
function kindIn(config: ModelConfig | undefined): string | undefined {
  return (textOf(config, 'model_type') ?? textOf(config, 'architecture'))?.slice(0, MAX_KIND_LENGTH);
}

/** ONNX Runtime follows no links out of the folder of the weights; so they are followed here. */
async function withRealFiles(weights: Weights): Promise<Weights> {
  const real = new Map<string, string>();
  for (const file of weights.files) real.set(file, await realpath(file));
  const tensors = [...weights.tensors].map(([name, tensor]): [string, WeightTensor] => [
    name,
    { ...tensor, file: real.get(tensor.file) ?? tensor.file },
  ]);
  return { ...weights, tensors: new Map(tensors), files: [...real.values()] };
}

/** The runtime divides by the pixels that pooling leaves, and takes the process with it where there are none. */
function requireEnoughPixels(file: string, { minimum = 1 }: PublishedPreprocessing, crop: Size | undefined): void {
  const side = crop ? Math.min(crop.height, crop.width) : minimum;
  if (side >= minimum) return;
  throw new InputError(
    `${file}: images of ${side} pixels at a side, where it takes no fewer than ${minimum}. Mend the file beside it that says so.`,
  );
}

function countParameters({ tensors }: Weights): number {
  const counts = [...tensors.values()].map(({ shape }) => shape.reduce((product, size) => product * size, 1));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The same for the same values under the same names, in whatever container they are; reads the first ones of each tensor. */
function fingerprint({ tensors }: Weights): string {
  const hash = createHash('sha256');
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  const step = Math.ceil(sorted.length / SAMPLED_TENSORS);
  const opened = new Map<string, number>();
  try {
    for (const [index, [name, { shape, type, file, offset, bytes }]] of sorted.entries()) {
      hash.update(JSON.stringify([name, shape, type]));
      if (index % step !== 0) continue;
      const descriptor = opened.get(file) ?? openSync(file, 'r');
      opened.set(file, descriptor);
      const sample = new Uint8Array(Math.min(SAMPLED_BYTES, bytes));
      readSync(descriptor, sample, 0, sample.length, offset);
      hash.update(sample);
    }
  } finally {
    for (const descriptor of opened.values()) closeSync(descriptor);
  }
  return hash.digest('hex');
}
