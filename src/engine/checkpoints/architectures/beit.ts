import type { Weights } from '../weights.ts';
import {
  type Architecture,
  IMAGENET,
  INCEPTION,
  type ModelConfig,
  type PublishedPreprocessing,
  type RecognisedNetwork,
} from './architecture.ts';
import { assumedSettings, refuseOthers, refuseUntraced } from './configured.ts';
import { classifierIn, outputs } from './convolutional.ts';
import type { Graph, Value } from './graph.ts';
import { layerNorm } from './layers.ts';
import { countOf, publishedName, rename, shapeOf, textOf } from './naming.ts';
import {
  hiddenActivation,
  type ImageEncoder,
  imageOfSize,
  imageSizeIn,
  meanOfTokens,
  moduleOf,
  numberIn,
  setting,
  token,
  tokensFrom,
  weightsUnder,
} from './visionTransformer.ts';
import { SIZES } from './vitConventions.ts';
import { encoderOf, tokens, type VitAnatomy } from './vitGraph.ts';
import { vitName } from './vitNames.ts';
import { arithmetic } from './windows.ts';

/**
 * Vision transformers that know where patches are by biases of the attention, one for each offset between two patches:
 * BEiT (Bao et al. 2021), BEiT v2 (Peng et al. 2022) and data2vec's one for images (Baevski et al. 2022).
 *
 * Canonical names are those of microsoft/unilm, which timm shares, but for the scales of layers, here `blocks.0.ls1.gamma`:
 * `cls_token`, `patch_embed.proj`, `blocks.0.attn.relative_position_bias_table`, `rel_pos_bias`, `fc_norm`, `head`.
 */
export const beit: Architecture = { family: 'BEiT', recognise };

/** From timm's names, and Hugging Face's `beit` and `data2vec_vision`. */
function canonicalName(name: string): string {
  return vitName(name)
    .replace(/\.(gamma|lambda)_([12])$/, '.ls$2.gamma')
    .replace(/^pooler\.layernorm\./, 'fc_norm.')
    .replace(/^(encoder\.relative_position_bias|shared_position_bias)\./, 'rel_pos_bias.')
    .replace(/^(blocks\.\d+\.)(attention\.attention\.)?relative_position_bias\./, '$1attn.');
}

const SHARED = 'rel_pos_bias.relative_position_bias_table';
const tableOf = (block: number) => `blocks.${block}.attn.relative_position_bias_table`;

/** Every weight that the graph can use, and heads. */
const KNOWN =
  /^(cls_token|pos_embed|(patch_embed\.proj|norm|fc_norm)\.(weight|bias)|head\..+|(rel_pos_bias|blocks\.\d+\.attn)\.relative_position_bias_table|blocks\.\d+\.((norm[12]|attn\.(qkv|[qkv]|proj)|mlp\.fc[12])\.(weight|bias)|ls[12]\.gamma|attn\.[qv]_bias))$/;

/** Buffers, and parts of pretraining. */
const UNUSED = /((^|\.)relative_position_index|\.k_bias)$|^(embeddings\.)?mask_token$|^(lm_head|cls_pt_layers)\./;

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const anatomy = dissect(original, config);
  if (!anatomy) return undefined;
  const { weights, width, patch, image, blocks } = anatomy;
  const classifier = classifierIn(weights, 'head', width);
  const averaged = averages(original, weights, config);
  const point = averaged ? 'mean of the patches’ tokens' : 'class token';
  const kind = kindOf(original, config);
  const size = SIZES.get(width);
  const letter = size?.depth === blocks.length ? size.letter : undefined;
  return {
    architecture: `${kind ?? 'BEiT'}-${letter ?? `${width}x${blocks.length}`}/${patch}`,
    modality: 'image',
    image: { input: imageOfSize(...image), published: publishedFor(original, kind, image[0]) },
    hasLogits: classifier !== undefined,
    featurePoint: weights.tensors.has('fc_norm.weight') ? `norm of the ${point}` : `final norm, ${point}`,
    assumed: assumedSettings(config, letter !== undefined, 'activation and norms'),
    build: (graph) => {
      const x = tokens(graph, graph.input('image', 'float32', ['n', 3, ...image]), anatomy);
      const pooled = averaged ? meanOfTokens(graph, tokensFrom(graph, x, 1)) : token(graph, x, 0);
      const normed = graph.has('fc_norm.weight') ? layerNorm(graph, pooled, 'fc_norm', anatomy.epsilon) : pooled;
      outputs(graph, normed, classifier);
    },
  };
}

/**
 * The encoder of a captioner.
 * @param prefix of its names: `encoder.` …; under it they are a BEiT's of any library
 * @param config the encoder's own
 */
export function beitEncoder(
  weights: Weights,
  prefix: string,
  config: ModelConfig | undefined,
): ImageEncoder | undefined {
  const anatomy = dissect(weightsUnder(weights, prefix), config);
  return anatomy && encoderOf(anatomy);
}

function dissect(original: Weights, config: ModelConfig | undefined): VitAnatomy | undefined {
  const renamed = rename(original, (name) => {
    const canonical = canonicalName(name);
    return UNUSED.test(canonical) ? undefined : canonical;
  });
  const has = (name: string) => renamed.tensors.has(name);
  const [width = 0, channels, patch = 0, ...others] = shapeOf(renamed, 'patch_embed.proj.weight');
  const [offsets, heads = 1] = shapeOf(renamed, has(SHARED) ? SHARED : tableOf(0));
  // Swin's windows have biases too, but no class token.
  if (offsets === undefined || channels !== 3 || others.length !== 1 || !has('cls_token')) return undefined;
  if (shapeOf(renamed, 'blocks.0.norm1.weight')[0] !== width) return undefined;
  const strange = [...renamed.tensors.keys()].find((name) => !KNOWN.test(name));
  if (strange !== undefined) throw new Error(`it is a BEiT with parts that can't be built: "${strange}"`);
  refuseOthers(config, 'BEiT', /^(beit(v2)?(_.*)?|data2vec-vision)$/);
  refuseUntraced(config, 'BEiT', ['global_pool']);

  // Offsets by two axes, and those from, to and of the class token.
  const side = (Math.sqrt(offsets - 3) + 1) / 2;
  if (!Number.isInteger(side) || side < 1)
    throw new Error('it is a BEiT for images that are no squares, which can’t be built');
  const square = [side * patch, side * patch] as const;
  const configured = imageSizeIn(config) ?? square;
  const fits = configured.every((pixels) => Math.floor(pixels / patch) === side);
  // Hugging Face refuses such a pair of files; timm's note is of the pretraining, whose biases it has fitted since.
  if (!fits && config?.has('model_type')) {
    throw new Error(
      `its config.json says images of ${configured.join('×')} pixels, which its biases of ${side}×${side} patches are not for: mend its config.json`,
    );
  }
  const depth = countOf(renamed, (block) => `blocks.${block}.norm1.weight`);
  return {
    weights: renamed,
    width,
    patch,
    grid: [side, side],
    image: fits ? configured : square,
    leading: ['cls_token'],
    leadingTokens: 1,
    positionedTokens: 1,
    blocks: Array.from(
      { length: depth },
      (_, block) => moduleOf(original, renamed.tensors.get(`blocks.${block}.norm1.weight`)) ?? `blocks.${block}`,
    ),
    heads,
    assumed: undefined,
    epsilon: numberIn(config, 'layer_norm_eps') ?? (isHuggingFace(original) ? 1e-12 : 1e-6),
    activation: hiddenActivation(setting(config, 'hidden_act') ?? 'gelu'),
    scoreBias: (graph, image) => positionBiases(graph, image, side),
  };
}

/** Of each block its own biases, those that all blocks share, or both. */
function positionBiases(graph: Graph, image: Value, side: number): (block: number) => Value {
  const pairs = placesOfPairs(graph, image, side);
  const lookUp = (table: string) =>
    graph.node('Transpose', [graph.node('Gather', [graph.weight(table), pairs], { axis: 0 })], { perm: [2, 0, 1] });
  const shared = graph.has(SHARED) ? lookUp(SHARED) : undefined;
  return (block) => {
    if (shared === undefined) return lookUp(tableOf(block));
    return graph.has(tableOf(block)) ? graph.node('Add', [lookUp(tableOf(block)), shared]) : shared;
  };
}

/**
 * `[tokens, tokens]`: for each two tokens the place of their offset in the table of biases. It hangs on the number of
 * images, if by nothing: the runtime would look all blocks' biases up beforehand and keep them, more than the weights are.
 */
function placesOfPairs(graph: Graph, image: Value, side: number): Value {
  const { int, add, sub, mul, div, mod, range, column, row } = arithmetic(graph);
  const [area, span] = [side ** 2, 2 * side - 1];
  const images = graph.node('Shape', [image], { start: 0, end: 1 });
  const patches = add(range(int(area)), mul(images, int(0)));
  const [ofRow, ofColumn] = [div(patches, int(side)), mod(patches, int(side))];
  const offset = (place: Value) => add(sub(column(place), row(place)), int(side - 1));
  const pairs = add(mul(offset(ofRow), int(span)), offset(ofColumn));
  const filled = (value: number, ...shape: number[]) => graph.node('Expand', [int(value), graph.integers(...shape)]);
  const [fromClass, toClass, ofClass] = [
    filled(span ** 2, 1, area),
    filled(span ** 2 + 1, area, 1),
    filled(span ** 2 + 2, 1, 1),
  ];
  const first = graph.node('Concat', [ofClass, fromClass], { axis: 1 });
  return graph.node('Concat', [first, graph.node('Concat', [toClass, pairs], { axis: 1 })], { axis: 0 });
}

/**
 * Whether the classifier takes the mean of the patches' tokens: where it was fine-tuned so it has a norm of its own. What
 * was pretrained alone is taken as it is fine-tuned.
 */
function averages(original: Weights, weights: Weights, config: ModelConfig | undefined): boolean {
  const configured = setting(config, 'use_mean_pooling');
  if (typeof configured === 'boolean') return configured;
  const pool = setting(config, 'global_pool');
  if (pool === 'avg' || pool === 'token') return pool === 'avg';
  return weights.tensors.has('fc_norm.weight') || original.tensors.has('lm_head.weight');
}

/** What only names tell. */
function kindOf(original: Weights, config: ModelConfig | undefined): 'BEiT' | 'BEiT v2' | 'Data2Vec' | undefined {
  const published = publishedName(original, config);
  if (/data2vec/.test(`${textOf(config, 'model_type')} ${published} ${[...original.tensors.keys()][0]}`))
    return 'Data2Vec';
  if (/beit-?v2/i.test(published)) return 'BEiT v2';
  return isHuggingFace(original) || /beit/i.test(published) ? 'BEiT' : undefined;
}

function isHuggingFace(original: Weights): boolean {
  return [...original.tensors.keys()].some((name) => name.includes('embeddings.'));
}

function publishedFor(original: Weights, kind: ReturnType<typeof kindOf>, size: number): PublishedPreprocessing {
  if (isHuggingFace(original)) return { size, resize: size, kernel: 'linear', ...INCEPTION };
  const statistics = kind === 'BEiT v2' ? IMAGENET : INCEPTION;
  // unilm's own files are torch's, and it crops 224 pixels of 256; timm's are safetensors, and it crops 90 %.
  const resize = size >= 384 ? size : original.format === 'torch' ? Math.round(size / 0.875) : Math.floor(size / 0.9);
  return { size, resize, keepsAspect: true, kernel: 'cubic', ...statistics, guessed: kind === undefined };
}
