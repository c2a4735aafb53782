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
import type { Graph, Value } from './graph.ts';
import { conv, layerNorm, linear } from './layers.ts';
import { countOf, publishedName, rename, shapeOf } from './naming.ts';
import {
  type HiddenActivation,
  hiddenActivation,
  type ImageEncoder,
  imageOfSize,
  imageSizeIn,
  meanOfTokens,
  moduleOf,
  numberIn,
  numbersIn,
  pixelsAsTokens,
  projections,
  setting,
  split,
  weightsUnder,
} from './visionTransformer.ts';
import { gatherPadded, type MapSize, planMerging, planWindows, sizeOfMap, type WindowPlan } from './windows.ts';

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

/** Every weight that the graph below can use, and heads. */
const KNOWN =
  /^(pos_embed|((patch_embed\.(proj|norm)|norm|merge\.\d+\.(norm|reduction))\.(weight|bias))|head\..+|layers\.\d+\.blocks\.\d+\.((norm[12]|attn\.(qkv|[qkv]|proj|cpb_mlp\.[02])|mlp\.fc[12])\.(weight|bias)|attn\.([qv]_bias|logit_scale|relative_position_bias_table|relative_coords_table|relative_position_index)))$/;

/** Buffers that follow from the size of the image, and pretraining's parts. */
const UNUSED = /(\battn_mask$|^(embeddings\.)?mask_token$|^decoder\.|\.k_bias$)/;

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
const EPSILON = 1e-5;

interface Anatomy {
  readonly weights: Weights;
  readonly version: 1 | 2;
  /** timm rolls a map before it pads it, the others afterwards. */
  readonly rollsFirst: boolean;
  /** What keeps attention within regions: −100, which Hugging Face's Swin V2 adds twice. */
  readonly masked: number;
  readonly stages: readonly Stage[];
  readonly width: number;
  readonly patch: number;
  /** Side of the image that it was trained with. */
  readonly size: number;
  readonly epsilon: number;
  readonly activation: HiddenActivation;
}

interface Stage {
  /** Names in PyTorch of its blocks. */
  readonly blocks: readonly string[];
  readonly heads: number;
  readonly window: number;
  /** Window that V2's coordinates are relative to: that of its pretraining. */
  readonly coordinates: number;
}

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
      const x = encode(graph, graph.input('image', 'float32', ['n', 3, ...shape]), anatomy);
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
  const anatomy = dissect(weightsUnder(weights, prefix), config);
  if (!anatomy) return undefined;
  return {
    input: inputOf(anatomy, config),
    width: anatomy.width,
    tokens: (graph, image) => encode(graph, image, anatomy),
  };
}

function dissect(original: Weights, config: ModelConfig | undefined): Anatomy | undefined {
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
  refuseOthers(config, 'Swin', /^(swin(v2)?(_.*)?|donut-swin)$/);
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
  const stages = windows.map((inFile, stage): Stage => {
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
function inputOf({ weights, patch }: Anatomy, config: ModelConfig | undefined) {
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

function encode(graph: Graph, image: Value, anatomy: Anatomy): Value {
  const { weights, stages, patch, version, epsilon, rollsFirst, masked } = anatomy;
  graph.use(weights);
  const map = conv(graph, image, 'patch_embed.proj', { stride: patch });
  let size = sizeOfMap(graph, map);
  let x = pixelsAsTokens(graph, map);
  if (graph.has('patch_embed.norm.weight')) x = layerNorm(graph, x, 'patch_embed.norm', EPSILON);
  if (graph.has('pos_embed')) x = graph.node('Add', [x, graph.weight('pos_embed')]);
  for (const [index, stage] of stages.entries()) {
    const plans = [false, true].map((shifted) =>
      planWindows(graph, size, { window: stage.window, shifted, rollsFirst, masked }),
    );
    const pairs = placesOfPairs(graph, stage.window);
    for (const [number, name] of stage.blocks.entries()) {
      const plan = plans[number % 2];
      if (plan)
        x = graph.mark(name, block(graph, x, { ...plan, pairs }, `layers.${index}.blocks.${number}`, stage, anatomy));
    }
    if (index < stages.length - 1) [x, size] = merge(graph, x, size, `merge.${index}`, version);
  }
  return graph.has('norm.weight') ? layerNorm(graph, x, 'norm', epsilon) : x;
}

interface BlockPlan extends WindowPlan {
  /** `[area, area]`: for each two pixels of a window the place of their offset in the table of biases. */
  readonly pairs: Value;
}

/** Four neighbouring tokens become one of twice the width. */
function merge(graph: Graph, x: Value, from: MapSize, name: string, version: 1 | 2): [Value, MapSize] {
  const { order, size } = planMerging(graph, from);
  const [, inputs = 0] = graph.shape(`${name}.reduction.weight`);
  const joined = graph.node('Reshape', [gatherPadded(graph, x, order), graph.integers(0, -1, inputs)]);
  const merged =
    version === 2
      ? layerNorm(graph, linear(graph, joined, `${name}.reduction`), `${name}.norm`, EPSILON)
      : linear(graph, layerNorm(graph, joined, `${name}.norm`, EPSILON), `${name}.reduction`);
  return [merged, size];
}

function block(graph: Graph, x: Value, plan: BlockPlan, name: string, stage: Stage, anatomy: Anatomy): Value {
  const { version, epsilon, activation } = anatomy;
  /** A layer with its norm: before it in Swin, behind it in V2. */
  const normed = (y: Value, norm: string, layer: (z: Value) => Value) =>
    version === 2 ? layerNorm(graph, layer(y), norm, epsilon) : layer(layerNorm(graph, y, norm, epsilon));
  const attend = (y: Value) => windowAttention(graph, y, plan, `${name}.attn`, stage, version);
  const feed = (y: Value) => linear(graph, activation(graph, linear(graph, y, `${name}.mlp.fc1`)), `${name}.mlp.fc2`);
  const attended = graph.node('Add', [x, normed(x, `${name}.norm1`, attend)]);
  return graph.node('Add', [attended, normed(attended, `${name}.norm2`, feed)]);
}

function windowAttention(
  graph: Graph,
  x: Value,
  plan: BlockPlan,
  name: string,
  { window, heads, coordinates }: Stage,
  version: 1 | 2,
): Value {
  const [width = 0] = graph.shape(`${name}.proj.weight`);
  const [query, key, value] = biased(graph, gatherPadded(graph, x, plan.order), name, version);
  /** `[n, windows · area, d]` → `[n, windows, heads, area, d / heads]` */
  const apart = (y: Value) => {
    const sides = graph.integers(0, -1, window ** 2, heads, width / heads);
    return graph.node('Transpose', [graph.node('Reshape', [y, sides])], { perm: [0, 1, 3, 2, 4] });
  };
  const turned = (y: Value) => graph.node('Transpose', [y], { perm: [0, 1, 2, 4, 3] });
  const scale =
    version === 2 ? temperature(graph, `${name}.logit_scale`) : graph.constant([(width / heads) ** -0.5], []);
  const direction = (y: Value) => (version === 2 ? unitLength(graph, y) : y);
  const scaled = graph.node('Mul', [direction(apart(query)), scale]);
  const scores = graph.node('MatMul', [scaled, turned(direction(apart(key)))]);
  const biases =
    version === 2
      ? biasesByCoordinates(graph, name, window, coordinates)
      : graph.weight(`${name}.relative_position_bias_table`);
  const ofPairs = graph.node('Gather', [biases, plan.pairs], { axis: 0 });
  const relative = graph.node('Transpose', [ofPairs], { perm: [2, 0, 1] });
  const bias = plan.mask === undefined ? relative : graph.node('Add', [relative, plan.mask]);
  const weights = graph.node('Softmax', [graph.node('Add', [scores, bias])], { axis: -1 });
  const mixed = graph.node('Transpose', [graph.node('MatMul', [weights, apart(value)])], { perm: [0, 1, 3, 2, 4] });
  const joined = graph.node('Reshape', [mixed, graph.integers(0, -1, width)]);
  return linear(graph, graph.node('Gather', [joined, plan.back], { axis: 1 }), `${name}.proj`);
}

/** Queries, keys and values. V2's keys have no bias; timm names the others apart, torchvision has a bias to leave out. */
function biased(graph: Graph, x: Value, name: string, version: 1 | 2): readonly [Value, Value, Value] {
  const [query, key, value] = projections(graph, x, name);
  if (version === 1) return [query, key, value];
  if (graph.has(`${name}.qkv.bias`)) {
    const [, keyBias = ''] = split(graph, graph.weight(`${name}.qkv.bias`), 3);
    return [query, graph.node('Sub', [key, keyBias]), value];
  }
  const plus = (y: Value, bias: string) => (graph.has(bias) ? graph.node('Add', [y, graph.weight(bias)]) : y);
  return [plus(query, `${name}.q_bias`), key, plus(value, `${name}.v_bias`)];
}

/** At most 100. */
function temperature(graph: Graph, logScale: string): Value {
  return graph.node('Exp', [graph.node('Min', [graph.weight(logScale), graph.constant([Math.log(100)], [])])]);
}

function unitLength(graph: Graph, x: Value): Value {
  const length = graph.node('ReduceL2', [x, graph.integers(-1)], { keepdims: 1 });
  return graph.node('Div', [x, graph.node('Max', [length, graph.constant([1e-12], [])])]);
}

/** `[(2·window − 1)², heads]`, by a small network on the logarithms of the distances. */
function biasesByCoordinates(graph: Graph, name: string, window: number, coordinates: number): Value {
  const offsets = Array.from({ length: 2 * window - 1 }, (_, index) => index - window + 1);
  const logarithm = (offset: number) => {
    const distance = (8 * offset) / Math.max(1, coordinates - 1);
    return (Math.sign(distance) * Math.log2(Math.abs(distance) + 1)) / Math.log2(8);
  };
  const table = graph.has(`${name}.relative_coords_table`)
    ? graph.node('Reshape', [graph.weight(`${name}.relative_coords_table`), graph.integers(-1, 2)])
    : graph.constant(
        offsets.flatMap((y) => offsets.flatMap((x) => [logarithm(y), logarithm(x)])),
        [offsets.length ** 2, 2],
      );
  const hidden = graph.node('Relu', [linear(graph, table, `${name}.cpb_mlp.0`)]);
  const biases = graph.node('Sigmoid', [linear(graph, hidden, `${name}.cpb_mlp.2`)]);
  return graph.node('Mul', [biases, graph.constant([16], [])]);
}

function placesOfPairs(graph: Graph, window: number): Value {
  const side = 2 * window - 1;
  const pixels = Array.from(
    { length: window ** 2 },
    (_, index) => [Math.floor(index / window), index % window] as const,
  );
  const places = pixels.flatMap(([y, x]) =>
    pixels.map(([otherY, otherX]) => BigInt((y - otherY + window - 1) * side + (x - otherX + window - 1))),
  );
  return graph.constant(places, [window ** 2, window ** 2]);
}
