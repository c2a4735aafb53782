import type { Weights } from '../weights.ts';
import { type Architecture, IMAGENET, type ModelConfig, type RecognisedNetwork } from './architecture.ts';
import { assumedSettings, refuseOthers, refuseUntraced } from './configured.ts';
import { classifierIn, IMAGE, outputs } from './convolutional.ts';
import type { Graph, Value } from './graph.ts';
import { attention, conv, gelu, layerNorm, linear } from './layers.ts';
import { countOf, rename, shapeOf } from './naming.ts';
import {
  type HiddenActivation,
  hiddenActivation,
  imageOfSize,
  imageSizeIn,
  meanOfTokens,
  moduleOf,
  numberIn,
  numbersIn,
  pixelsAsTokens,
  repeatForBatch,
  setting,
  split,
  token,
  tokensAsPixels,
} from './visionTransformer.ts';

/**
 * Pyramid vision transformers: PVT (Wang et al. 2021), whose patches have position embeddings and whose last stage a
 * class token, and PVT v2 (Wang et al. 2021), whose patches overlap and whose feed-forward parts have a depth-wise
 * convolution, with its variant of linear attention.
 *
 * Canonical names: `stages.0.embed.proj`, `stages.0.pos_embed`, `stages.0.blocks.0.attn.q`, `stages.0.norm`, `norm`,
 * `head`.
 */
export const pvt: Architecture = { family: 'PVT', recognise };

/** From whai362/PVT's names, which count from 1, timm's `pvt_v2`, and Hugging Face's `pvt` and `pvt_v2`. */
function canonicalName(name: string): string {
  return name
    .replace(/^(pvt|pvt_v2)\.(?=encoder)/, '')
    .replace(/^(patch_embed|pos_embed|block|norm)(\d)\b/, (_, part, stage) => `${part}.${Number(stage) - 1}`)
    .replace(/^patch_embed\.(?!\d)/, 'patch_embed.0.')
    .replace(/^(patch_embed|encoder\.patch_embeddings)\.(\d+)\./, 'stages.$2.embed.')
    .replace(/^encoder\.layers\.(\d+)\./, 'stages.$1.')
    .replace(/^(stages\.\d+)\.(downsample|patch_embedding)\./, '$1.embed.')
    .replace(/^(stages\.\d+\.embed)\.(projection|layer_norm)\./, (_, embed, part) =>
      part === 'projection' ? `${embed}.proj.` : `${embed}.norm.`,
    )
    .replace(
      /^(?:pos_embed\.(\d+)|(?:stages\.(\d+)\.embed\.position_embeddings))$/,
      (_, a, b) => `stages.${a ?? b}.pos_embed`,
    )
    .replace(/^stages\.\d+\.embed\.cls_token$/, 'cls_token')
    .replace(/^(block|encoder\.block)\.(\d+)\.(?=\d)/, 'stages.$2.blocks.')
    .replace(/^norm\.(\d+)\./, 'stages.$1.norm.')
    .replace(/^(stages\.\d+)\.layer_norm\./, '$1.norm.')
    .replace(/\.layer_norm_([12])\./, '.norm$1.')
    .replace(/\.attention\.(self\.)?(q|k|v)(uery|ey|alue)\./, '.attn.$2.')
    .replace(/\.attention\.(self\.)?(sequence|spatial)_reduction\./, '.attn.sr.')
    .replace(/\.attention\.(self\.)?layer_norm\./, '.attn.norm.')
    .replace(/\.attention\.(output\.dense|proj)\./, '.attn.proj.')
    .replace(/\.mlp\.dense([12])\./, '.mlp.fc$1.')
    .replace(/\.mlp\.dwconv\.dwconv\./, '.mlp.dwconv.')
    .replace(/^encoder\.layer_norm\./, 'norm.')
    .replace(/^classifier\./, 'head.');
}

/** Every weight that the graph below can use, and heads. */
const KNOWN =
  /^(cls_token|norm\.(weight|bias)|head\..+|stages\.\d+\.(pos_embed|(embed\.(proj|norm)|norm|blocks\.\d+\.(norm[12]|attn\.(q|k|v|kv|sr|norm|proj)|mlp\.(fc1|dwconv|fc2)))\.(weight|bias)))$/;

/** Published sizes of each version, by the number of blocks in each stage. */
const SIZES_V1 = new Map([
  ['2,2,2,2', 'Tiny'],
  ['3,4,6,3', 'Small'],
  ['3,4,18,3', 'Medium'],
  ['3,8,27,3', 'Large'],
]);
const SIZES_V2 = new Map([
  ['2,2,2,2', 'B1'],
  ['3,4,6,3', 'B2'],
  ['3,4,18,3', 'B3'],
  ['3,8,27,3', 'B4'],
  ['3,6,40,3', 'B5'],
]);
/** Side of what linear attention pools its keys to. */
const POOLED = 7;

interface Anatomy {
  readonly weights: Weights;
  /** Names in PyTorch of the blocks of each stage. */
  readonly stages: readonly (readonly string[])[];
  readonly heads: readonly number[];
  /** Of the norms of the blocks, and of those behind convolutions. */
  readonly epsilon: number;
  readonly convEpsilon: number;
  /** Whether keys are of a pooled map (PVT v2 Li): known by reductions that reduce nothing. */
  readonly pooled: boolean;
  readonly activation: HiddenActivation;
}

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const weights = rename(original, canonicalName);
  const has = (name: string) => weights.tensors.has(name);
  const telltale = ['stages.0.embed.proj.weight', 'stages.0.embed.norm.weight', 'stages.0.blocks.0.attn.q.weight'];
  const version = has('stages.0.blocks.0.mlp.dwconv.weight') ? 2 : 1;
  if (!telltale.every(has) || shapeOf(weights, 'stages.0.embed.proj.weight')[1] !== 3) return undefined;
  if (!has('stages.0.blocks.0.attn.kv.weight') && !has('stages.0.blocks.0.attn.k.weight')) return undefined;
  if (version === 1 && !(has('stages.0.pos_embed') && has('cls_token'))) return undefined;
  const strange = [...weights.tensors.keys()].find((name) => !KNOWN.test(name));
  if (strange !== undefined) throw new Error(`it is a PVT with parts that can't be built: "${strange}"`);
  refuseOthers(config, 'PVT', /^pvt/);
  refuseUntraced(config, 'PVT');

  const anatomy = dissect(weights, original, config);
  const widths = anatomy.stages.map((_, stage) => widthOf(weights, stage));
  const width = widths.at(-1) ?? 0;
  const classifier = classifierIn(weights, 'head', width);
  const input = version === 1 ? imageOfSize(...sizeOf(weights, config)) : IMAGE;
  const size = input.height ?? 224;
  const architecture = nameOf(version, anatomy, widths);
  return {
    architecture,
    modality: 'image',
    image: { input, published: { size, resize: Math.floor((size * 256) / 224), kernel: 'cubic', ...IMAGENET } },
    hasLogits: classifier !== undefined,
    featurePoint:
      version === 1 ? 'final norm, class token' : 'mean of the last stage’s tokens, input of the classifier',
    assumed: assumedSettings(config, !architecture.includes('('), 'attention heads, strides and activation'),
    build: (graph) => {
      graph.use(weights);
      const shape = [input.height ?? 'height', input.width ?? 'width'];
      const x = encode(graph, graph.input('image', 'float32', ['n', 3, ...shape]), anatomy);
      outputs(graph, version === 1 ? token(graph, x, 0) : meanOfTokens(graph, x), classifier);
    },
  };
}

function dissect(weights: Weights, original: Weights, config: ModelConfig | undefined): Anatomy {
  const count = countOf(weights, (stage) => `stages.${stage}.embed.proj.weight`);
  const stages = Array.from({ length: count }, (_, stage) => {
    const norm = (block: number) => `stages.${stage}.blocks.${block}.norm1.weight`;
    const blocks = Array.from({ length: countOf(weights, norm) }, (_, block) => norm(block));
    return blocks.map((name) => moduleOf(original, weights.tensors.get(name)) ?? name);
  });
  const widths = stages.map((_, stage) => widthOf(weights, stage));
  // The first stage has one head in all published sizes, and those of the others are as wide.
  const configured = numbersIn(config, 'num_attention_heads', 'num_heads');
  const heads = widths.map((width, stage) => configured?.[stage] ?? configured?.[0] ?? width / (widths[0] ?? 1));
  const odd = heads.findIndex((number, stage) => !Number.isInteger(number) || (widths[stage] ?? 0) % number !== 0);
  if (odd >= 0) throw new Error('it is a PVT whose config.json must tell its number of attention heads');
  const strides = numbersIn(config, 'strides');
  if (
    strides?.some((stride, stage) => stride !== strideOf(shapeOf(weights, `stages.${stage}.embed.proj.weight`)[2] ?? 1))
  )
    throw new Error(`it is a PVT, but with strides: ${JSON.stringify(strides)}, which can’t be built`);
  const huggingFace = [...original.tensors.keys()].some((name) => name.includes('.layer_norm'));
  const epsilon = numberIn(config, 'layer_norm_eps') ?? 1e-6;
  return {
    weights,
    stages,
    heads,
    epsilon,
    convEpsilon: huggingFace ? epsilon : 1e-5,
    pooled: shapeOf(weights, 'stages.0.blocks.0.attn.sr.weight')[2] === 1,
    activation: hiddenActivation(setting(config, 'hidden_act') ?? 'gelu'),
  };
}

function widthOf(weights: Weights, stage: number): number {
  return shapeOf(weights, `stages.${stage}.embed.proj.weight`)[0] ?? 0;
}

/** Height and width of the image that the first stage has positions for. */
function sizeOf(weights: Weights, config: ModelConfig | undefined): readonly [number, number] {
  const [, positions = 0] = shapeOf(weights, 'stages.0.pos_embed');
  const [, , patch = 1] = shapeOf(weights, 'stages.0.embed.proj.weight');
  const size = imageSizeIn(config);
  if (size && Math.floor(size[0] / patch) * Math.floor(size[1] / patch) === positions) return size;
  if (size && config?.has('model_type')) {
    throw new Error(
      `its config.json says images of ${size.join('×')} pixels, which its ${positions} position embeddings are not for: mend its config.json`,
    );
  }
  const side = Math.sqrt(positions);
  if (!Number.isInteger(side))
    throw new Error(`it is a PVT whose ${positions} position embeddings fit no square image`);
  return [side * patch, side * patch];
}

function nameOf(version: number, { stages, pooled }: Anatomy, widths: readonly number[]): string {
  const blocks = stages.map((names) => names.length).join();
  const published = widths.join() === '64,128,320,512';
  if (version === 1) return `PVT-${(published && SIZES_V1.get(blocks)) || `(${widths.join()})x(${blocks})`}`;
  const smallest = widths.join() === '32,64,160,256' && blocks === '2,2,2,2' ? 'B0' : undefined;
  return `PVTv2-${smallest ?? ((published && SIZES_V2.get(blocks)) || `(${widths.join()})x(${blocks})`)}${pooled ? '-Li' : ''}`;
}

/** Tokens of the last stage, after its norm. */
function encode(graph: Graph, image: Value, anatomy: Anatomy): Value {
  const { stages, epsilon, convEpsilon } = anatomy;
  let pixels = image;
  let x = image;
  for (const [stage, blocks] of stages.entries()) {
    const at = `stages.${stage}`;
    const last = stage === stages.length - 1;
    const embedded = patches(graph, pixels, at);
    x = layerNorm(graph, pixelsAsTokens(graph, embedded), `${at}.embed.norm`, convEpsilon);
    if (graph.has(`${at}.pos_embed`)) {
      if (last) x = graph.node('Concat', [repeatForBatch(graph, graph.weight('cls_token'), image), x], { axis: 1 });
      x = graph.node('Add', [x, graph.weight(`${at}.pos_embed`)]);
    }
    for (const [index, name] of blocks.entries()) {
      const heads = anatomy.heads[stage] ?? 1;
      x = graph.mark(name, block(graph, x, embedded, `${at}.blocks.${index}`, heads, anatomy));
    }
    if (graph.has(`${at}.norm.weight`)) x = layerNorm(graph, x, `${at}.norm`, epsilon);
    if (!last) pixels = tokensAsPixels(graph, x, embedded, widthOf(anatomy.weights, stage));
  }
  return graph.has('norm.weight') ? layerNorm(graph, x, 'norm', epsilon) : x;
}

/** Kernels of odd size overlap: 7 by a stride of 4, 3 by one of 2. Even ones don't. */
function strideOf(kernel: number): number {
  return kernel % 2 === 1 ? (kernel + 1) / 2 : kernel;
}

function patches(graph: Graph, pixels: Value, at: string): Value {
  const [, , kernel = 1] = graph.shape(`${at}.embed.proj.weight`);
  const padding = kernel % 2 === 1 ? (kernel - 1) / 2 : 0;
  return conv(graph, pixels, `${at}.embed.proj`, { stride: strideOf(kernel), padding });
}

/** @param map a map of pixels as large as the tokens' one */
function block(graph: Graph, x: Value, map: Value, name: string, heads: number, anatomy: Anatomy): Value {
  const { epsilon, pooled, activation } = anatomy;
  const attended = reducedAttention(
    graph,
    layerNorm(graph, x, `${name}.norm1`, epsilon),
    map,
    `${name}.attn`,
    heads,
    anatomy,
  );
  const y = graph.node('Add', [x, attended]);
  let hidden = linear(graph, layerNorm(graph, y, `${name}.norm2`, epsilon), `${name}.mlp.fc1`);
  if (graph.has(`${name}.mlp.dwconv.weight`)) {
    if (pooled) hidden = graph.node('Relu', [hidden]);
    const [channels = 1] = graph.shape(`${name}.mlp.dwconv.weight`);
    const pixels = tokensAsPixels(graph, hidden, map, channels);
    hidden = pixelsAsTokens(graph, conv(graph, pixels, `${name}.mlp.dwconv`, { padding: 1, groups: channels }));
  }
  return graph.node('Add', [y, linear(graph, activation(graph, hidden), `${name}.mlp.fc2`)]);
}

/** Attention whose keys and values are of fewer tokens: of a map that a convolution by strides, or pooling, reduced. */
function reducedAttention(graph: Graph, x: Value, map: Value, name: string, heads: number, anatomy: Anatomy): Value {
  let reduced = x;
  if (graph.has(`${name}.sr.weight`)) {
    const [channels = 1, , ratio = 1] = graph.shape(`${name}.sr.weight`);
    const pixels = tokensAsPixels(graph, x, map, channels);
    const fewer = anatomy.pooled ? poolTo(graph, pixels, POOLED) : pixels;
    const tokens = pixelsAsTokens(graph, conv(graph, fewer, `${name}.sr`, { stride: ratio }));
    reduced = layerNorm(graph, tokens, `${name}.norm`, anatomy.convEpsilon);
    if (anatomy.pooled) reduced = gelu(graph, reduced);
  }
  const [key = '', value = ''] = graph.has(`${name}.kv.weight`)
    ? split(graph, linear(graph, reduced, `${name}.kv`), 2)
    : [linear(graph, reduced, `${name}.k`), linear(graph, reduced, `${name}.v`)];
  const query = linear(graph, x, `${name}.q`);
  const headDim = (graph.shape(`${name}.q.weight`)[0] ?? 0) / heads;
  return linear(graph, attention(graph, query, key, value, { heads, headDim }), `${name}.proj`);
}

/** AdaptiveAvgPool2d: `[n, c, h, w]` → `[n, c, bins, bins]`, as two products with matrices of means. */
function poolTo(graph: Graph, x: Value, bins: number): Value {
  const rows = graph.node('MatMul', [binMeans(graph, x, 2, bins), x]);
  const columns = graph.node('Transpose', [binMeans(graph, x, 3, bins)], { perm: [1, 0] });
  return graph.node('MatMul', [rows, columns]);
}

/** `[bins, size]`: row i has the mean of the pixels from ⌊i·size/bins⌋ on up to ⌈(i+1)·size/bins⌉. */
function binMeans(graph: Graph, x: Value, axis: number, bins: number): Value {
  const scalar = graph.node('Squeeze', [graph.node('Shape', [x], { start: axis, end: axis + 1 })]);
  const bounds = (from: number) =>
    graph.node('Mul', [
      graph.constant(
        Array.from({ length: bins }, (_, i) => i + from),
        [bins, 1],
      ),
      graph.node('Div', [graph.node('Cast', [scalar], { to: 1 }), graph.constant([bins], [])]),
    ]);
  const pixels = graph.node('Cast', [graph.node('Range', [graph.integer(0), scalar, graph.integer(1)])], { to: 1 });
  const inside = graph.node('And', [
    graph.node('GreaterOrEqual', [pixels, graph.node('Floor', [bounds(0)])]),
    graph.node('Less', [pixels, graph.node('Ceil', [bounds(1)])]),
  ]);
  const ones = graph.node('Cast', [inside], { to: 1 });
  return graph.node('Div', [ones, graph.node('ReduceSum', [ones, graph.integers(1)])]);
}
