import type { Weights } from '../weights.ts';
import {
  type Architecture,
  IMAGENET,
  type ModelConfig,
  type PublishedPreprocessing,
  type RecognisedNetwork,
} from './architecture.ts';
import { assumedSettings, refuseOthers, refuseUntraced } from './configured.ts';
import { classifierIn, IMAGE, outputs } from './convolutional.ts';
import { countOf, publishedName, rename, shapeOf } from './naming.ts';
import { EPSILON, type SwinAnatomy, type SwinStage, tokens } from './swinGraph.ts';
import {
  hiddenActivation,
  type ImageEncoder,
  imageOfSize,
  imageSizeIn,
  meanOfTokens,
  moduleOf,
  numberIn,
  numbersIn,
  setting,
  weightsUnder,
} from './visionTransformer.ts';

/**
 * Transformers of shifted windows: Swin (Liu et al. 2021), and Swin V2 (Liu et al. 2022) with attention by cosines, norms
 * behind the layers and position biases that a small network makes of coordinates.
 *
 * Canonical names are those of microsoft/Swin-Transformer, which timm shares but for the place of `downsample` (here
 * `merge.0` stands between the first and the second stage): `patch_embed.proj`, `layers.0.blocks.0.attn.qkv`, `norm`,
 * `head`.
 */
export const swin: Architecture = { family: 'Swin', recognise };

/**
 * From timm's names, Hugging Face's `swin` (its files' and, since transformers 5, its modules') and `swinv2`, and
 * torchvision's.
 * @param mergesFirst whether a stage begins with its merging of patches (timm from 0.9 on), not ends with it
 */
function canonicalName(name: string, mergesFirst: boolean): string {
  return name
    .replace(/^(swin|swinv2)\.(?=embeddings|encoder|layernorm)/, '')
    .replace(/^(embeddings\.patch_embeddings\.projection|features\.0\.0)\./, 'patch_embed.proj.')
    .replace(/^(embeddings\.norm|features\.0\.2)\./, 'patch_embed.norm.')
    .replace(/^(absolute_pos_embed|embeddings\.position_embeddings)$/, 'pos_embed')
    .replace(/^encoder\.layers\./, 'layers.')
    .replace(/^features\.(\d+)\.(?=\d)/, (_, index) => `layers.${(Number(index) - 1) / 2}.blocks.`)
    .replace(/^features\.(\d+)\./, (_, index) => `merge.${Number(index) / 2 - 1}.`)
    .replace(/^layers\.(\d+)\.downsample\./, (_, stage) => `merge.${Number(stage) - (mergesFirst ? 1 : 0)}.`)
    .replace(/\.attention\.(self\.)?(q|k|v)(uery|ey|alue|_proj)\./, '.attn.$2.')
    .replace(/\.attention\.self\.continuous_position_bias_mlp\./, '.attn.cpb_mlp.')
    .replace(/\.attention\.(self|relative_position_bias)\./, '.attn.')
    .replace(/\.attention\.(output\.dense|o_proj)\./, '.attn.proj.')
    .replace(/\.layernorm_before\./, '.norm1.')
    .replace(/\.layernorm_after\./, '.norm2.')
    .replace(/\.(intermediate\.dense|mlp\.0)\./, '.mlp.fc1.')
    .replace(/\.(output\.dense|mlp\.3)\./, '.mlp.fc2.')
    .replace(/^layernorm\./, 'norm.')
    .replace(/^(classifier|head\.fc)\./, 'head.');
}

/** Every weight that the graph can use, and heads. */
const KNOWN =
  /^(pos_embed|((patch_embed\.(proj|norm)|norm|merge\.\d+\.(norm|reduction))\.(weight|bias))|head\..+|layers\.\d+\.blocks\.\d+\.((norm[12]|attn\.(qkv|[qkv]|proj|cpb_mlp\.[02])|mlp\.fc[12])\.(weight|bias)|attn\.([qv]_bias|logit_scale|relative_position_bias_table|relative_coords_table|relative_position_index)))$/;

/** Buffers that follow from the size of the image, and pretraining's parts. */
const UNUSED = /(\battn_mask$|\bmask_token$|^decoder\.|\.k_bias$)/;

/** Published sizes, by the width and the number of blocks of the stages. */
const SIZES = new Map([
  ['96:2,2,6,2', 'T'],
  ['96:2,2,18,2', 'S'],
  ['128:2,2,18,2', 'B'],
  ['192:2,2,18,2', 'L'],
]);
/** torchvision's resizing before its crop, of both versions. */
const TORCHVISION_RESIZE = new Map([
  ['T', [232, 260]],
  ['S', [246, 260]],
  ['B', [238, 272]],
]);

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const anatomy = dissect(original, config);
  if (!anatomy) return undefined;
  const { weights, version, stages, width, patch, size } = anatomy;
  const classifier = classifierIn(weights, 'head', width);
  const blocks = stages.map((stage) => stage.blocks.length).join();
  const [embedded = 0] = shapeOf(weights, 'patch_embed.proj.weight');
  const letter = patch === 4 ? SIZES.get(`${embedded}:${blocks}`) : undefined;
  const input = inputOf(anatomy, config);
  return {
    architecture: `${version === 2 ? 'SwinV2' : 'Swin'}-${letter ?? `${embedded}x(${blocks})`}`,
    modality: 'image',
    image: { input, published: publishedFor(original, version, letter, size) },
    hasLogits: classifier !== undefined,
    featurePoint: 'final norm, mean of the tokens, input of the classifier',
    assumed: assumedSettings(config, letter !== undefined, 'activation and norms'),
    build: (graph) => {
      const shape = [input.height ?? 'height', input.width ?? 'width'];
      const x = tokens(graph, graph.input('image', 'float32', ['n', 3, ...shape]), anatomy);
      outputs(graph, meanOfTokens(graph, x), classifier);
    },
  };
}

/**
 * The encoder of a captioner or the like: tokens of the last stage, after the norm where there is one (Donut's has none).
 * @param prefix of its names: `encoder.` …; under it they are a Swin's or Swin V2's of any library
 * @param config the encoder's own
 */
export function swinEncoder(
  weights: Weights,
  prefix: string,
  config: ModelConfig | undefined,
): ImageEncoder | undefined {
  const own = weightsUnder(weights, prefix);
  const anatomy = dissect(own, config);
  if (!anatomy) return undefined;
  return {
    input: inputOf(anatomy, config),
    published: publishedFor(own, anatomy.version, undefined, anatomy.size),
    width: anatomy.width,
    tokens: (graph, image) => tokens(graph, image, anatomy),
  };
}

function dissect(original: Weights, config: ModelConfig | undefined): SwinAnatomy | undefined {
  const mergesFirst = ![...original.tensors.keys()].some((name) => name.includes('layers.0.downsample.'));
  const weights = rename(original, (name) => (UNUSED.test(name) ? undefined : canonicalName(name, mergesFirst)));
  const has = (name: string) => weights.tensors.has(name);
  const first = 'layers.0.blocks.0.attn';
  const version = has(`${first}.logit_scale`) && has(`${first}.cpb_mlp.0.weight`) ? 2 : 1;
  const [embedded, channels, patch = 0] = shapeOf(weights, 'patch_embed.proj.weight');
  if (channels !== 3 || shapeOf(weights, 'layers.0.blocks.0.norm1.weight')[0] !== embedded) return undefined;
  if (version === 1 && !has(`${first}.relative_position_bias_table`)) return undefined;
  const strange = [...weights.tensors.keys()].find((name) => !KNOWN.test(name));
  if (strange !== undefined) throw new Error(`it is a Swin with parts that can't be built: "${strange}"`);
  refuseOthers(config, 'Swin', /^(swin(v2)?(_.*)?|donut-swin|maskformer-swin)$/);
  refuseUntraced(config, 'Swin', ['act_layer']);

  const norm = (stage: number, block: number) => `layers.${stage}.blocks.${block}.norm1.weight`;
  const count = countOf(weights, (stage) => norm(stage, 0));
  const windows = Array.from({ length: count }, (_, stage) => windowInFile(weights, stage));
  const [size = sizeBy(windows, patch), across = size] = imageSizeIn(config) ?? [];
  if (size !== across && isHuggingFace(original)) {
    throw new Error(`it is a Swin for images of ${size}×${across} pixels, whose windows can’t be built`);
  }
  const named = /window(\d+)(?:to(\d+)_(\d+))?/.exec(publishedName(original, config));
  const [, pretraining, finetuned, pretrainingSize] = named?.map(Number) ?? [];
  const configured = numbersIn(config, 'window_size')?.[0] ?? (finetuned || pretraining || undefined);
  if (configured === undefined && windows.includes(undefined)) {
    throw new Error(`it is a Swin V2 whose weights don't tell its windows: put its config.json beside it`);
  }
  const pretrained = numbersIn(config, 'pretrained_window_sizes');
  const stages = windows.map((inFile, stage): SwinStage => {
    const attn = `layers.${stage}.blocks.0.attn`;
    const window = inFile ?? Math.min(configured ?? size, Math.floor(size / patch / 2 ** stage));
    const renowned = finetuned ? Math.min(pretraining ?? 0, (pretrainingSize ?? 0) / patch / 2 ** stage) : 0;
    return {
      blocks: Array.from({ length: countOf(weights, (block) => norm(stage, block)) }, (_, block) => {
        return moduleOf(original, weights.tensors.get(norm(stage, block))) ?? norm(stage, block);
      }),
      heads:
        shapeOf(weights, `${attn}.logit_scale`)[0] ?? shapeOf(weights, `${attn}.relative_position_bias_table`)[1] ?? 1,
      window,
      coordinates: pretrained?.[stage] || renowned || window,
    };
  });
  return {
    weights,
    version,
    rollsFirst: original.tensors.has('patch_embed.proj.weight'),
    masked: version === 2 && isHuggingFace(original) ? -200 : -100,
    stages,
    width: shapeOf(weights, norm(count - 1, 0))[0] ?? 0,
    patch,
    size,
    epsilon: numberIn(config, 'layer_norm_eps') ?? EPSILON,
    activation: hiddenActivation(setting(config, 'hidden_act') ?? setting(config, 'act_layer') ?? 'gelu'),
  };
}

/** Side of a stage's windows by the shapes of its biases; Swin V2's weights may not tell. */
function windowInFile(weights: Weights, stage: number): number | undefined {
  const attn = `layers.${stage}.blocks.0.attn`;
  const [biases] = shapeOf(weights, `${attn}.relative_position_bias_table`);
  if (biases !== undefined) {
    const window = (Math.sqrt(biases) + 1) / 2;
    if (Number.isInteger(window)) return window;
    throw new Error('it is a Swin whose windows are no squares, which can’t be built');
  }
  const [, coordinates] = shapeOf(weights, `${attn}.relative_coords_table`);
  return coordinates === undefined ? undefined : (coordinates + 1) / 2;
}

/** A window that is smaller than the first stage's covers its stage's map; otherwise the last one's does, as published. */
function sizeBy(windows: readonly (number | undefined)[], patch: number): number {
  const [first, ...others] = windows;
  if (first === undefined) return 256;
  const smaller = others.findIndex((window) => window !== undefined && window < first) + 1;
  const stage = smaller === 0 ? windows.length - 1 : smaller;
  return (windows[stage] ?? first) * patch * 2 ** stage;
}

/** Images of any size, unless their pixels' positions are embedded. */
function inputOf({ weights, patch }: SwinAnatomy, config: ModelConfig | undefined) {
  const [, positions] = shapeOf(weights, 'pos_embed');
  if (positions === undefined) return IMAGE;
  const [height, width] = imageSizeIn(config) ?? [Math.sqrt(positions) * patch, Math.sqrt(positions) * patch];
  return imageOfSize(height, width);
}

function publishedFor(
  original: Weights,
  version: 1 | 2,
  letter: string | undefined,
  size: number,
): PublishedPreprocessing {
  const common = { size, kernel: 'cubic', ...IMAGENET } as const;
  const torchvision = original.tensors.has('features.0.0.weight');
  const resize = torchvision ? TORCHVISION_RESIZE.get(letter ?? '')?.[version - 1] : undefined;
  if (resize !== undefined && resize > size) return { ...common, resize };
  if (isHuggingFace(original)) return { ...common, resize: size };
  return { ...common, resize: size >= 384 ? size : Math.floor(size / 0.9) };
}

function isHuggingFace(original: Weights): boolean {
  return [...original.tensors.keys()].some((name) => name.includes('embeddings.patch_embeddings.'));
}
