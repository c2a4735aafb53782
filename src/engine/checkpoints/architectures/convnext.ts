import type { Weights, WeightTensor } from '../weights.ts';
import {
  type Architecture,
  IMAGENET,
  type ModelConfig,
  OPENAI_CLIP,
  type PublishedPreprocessing,
  type RecognisedNetwork,
} from './architecture.ts';
import { assumedSettings, refuseOthers, refuseUntraced } from './configured.ts';
import { activate, classifierIn, IMAGE, imageInput, outputs, TIMM, TORCHVISION } from './convolutional.ts';
import type { Graph, Value } from './graph.ts';
import { conv, gelu, globalAveragePool, layerNorm, linear } from './layers.ts';
import { countOf, numberOf, rename, shapeOf, textOf } from './naming.ts';
import { withStatistics } from './publishedStatistics.ts';
import { setting } from './visionTransformer.ts';

/**
 * "A ConvNet for the 2020s" (Liu et al. 2022), and its second version with global response normalisation (Woo et al.
 * 2023). Canonical names are those of the authors' code: `downsample_layers.0.0`, `stages.0.0.dwconv`, `norm`, `head`.
 */
export const convnext: Architecture = { family: 'ConvNeXt', recognise };

/** The layer before the classifier in timm's large networks for CLIP's data. */
const HIDDEN = 'hidden';

function canonicalName(name: string): string {
  return (
    name
      // torchvision: stages and what is before each take turns.
      .replace(/^features\.(\d*[02468])\.(?=[01]\.)/, (_, index) => `downsample_layers.${Number(index) / 2}.`)
      .replace(/^features\.(\d*[13579])\./, (_, index) => `stages.${(Number(index) - 1) / 2}.`)
      .replace(/\.block\.0\./, '.dwconv.')
      .replace(/\.block\.2\./, '.norm.')
      .replace(/\.block\.3\./, '.pwconv1.')
      .replace(/\.block\.5\./, '.pwconv2.')
      .replace(/\.layer_scale(_parameter)?$/, '.gamma')
      .replace(/^classifier\.0\./, 'norm.')
      // Hugging Face.
      .replace(/^convnext(v2)?\./, '')
      .replace(/^embeddings\.patch_embeddings\./, 'downsample_layers.0.0.')
      .replace(/^embeddings\.layernorm\./, 'downsample_layers.0.1.')
      .replace(/^encoder\.stages\.(\d+)\.downsampling_layer\./, 'downsample_layers.$1.')
      .replace(/^encoder\.stages\.(\d+)\.layers\./, 'stages.$1.')
      .replace(/(^|\.)layernorm\./, '$1norm.')
      .replace(/^classifier\./, 'head.')
      // timm.
      .replace(/^stem\./, 'downsample_layers.0.')
      .replace(/^stages\.([1-9]\d*)\.downsample\./, 'downsample_layers.$1.')
      .replace(/^stages\.(\d+)\.blocks\./, 'stages.$1.')
      .replace(/\.conv_dw\./, '.dwconv.')
      .replace(/\.mlp\.fc([12])\./, '.pwconv$1.')
      .replace(/\.mlp\.grn\./, '.grn.')
      .replace(/\.grn\.gamma$/, '.grn.weight')
      .replace(/\.grn\.beta$/, '.grn.bias')
      .replace(/^head\.norm\./, 'norm.')
      .replace(/^head\.pre_logits\.fc\./, `${HIDDEN}.`)
      .replace(/^head\.fc\./, 'head.')
  );
}

const KNOWN =
  /^((downsample_layers\.(\d+\.[01]|0\.2)|hidden)\.(weight|bias)|stages\.\d+\.\d+\.((dwconv|norm|pwconv[12]|grn)\.(weight|bias)|gamma)|norm(_pre)?\.(weight|bias)|head\..*)$/;

/** Without axes of size 1: a scale per channel, a linear layer that was saved as a convolution of one pixel. */
function squeezed(weights: Weights): Weights {
  const tensors = [...weights.tensors].map(([name, tensor]): [string, WeightTensor] =>
    /\.(gamma|pwconv[12]\.weight)$/.test(name)
      ? [name, { ...tensor, shape: tensor.shape.filter((size) => size !== 1) }]
      : [name, tensor],
  );
  return { ...weights, tensors: new Map(tensors) };
}

/** Published sizes: blocks of the stages, channels of the first. */
const SIZES: readonly (readonly [name: string, depths: string, channels: number])[] = [
  ['Atto', '2,2,6,2', 40],
  ['Femto', '2,2,6,2', 48],
  ['Pico', '2,2,6,2', 64],
  ['Nano', '2,2,8,2', 80],
  ['Tiny', '3,3,9,3', 96],
  ['Small', '3,3,27,3', 96],
  ['Base', '3,3,27,3', 128],
  ['Large', '3,3,27,3', 192],
  ['XLarge', '3,3,27,3', 256],
  ['Huge', '3,3,27,3', 352],
  ['XXLarge', '3,4,30,3', 384],
];

/** Shortest edge that torchvision resizes to, by size. */
const TORCHVISION_RESIZE = new Map([
  ['Tiny', 236],
  ['Small', 230],
  ['Base', 232],
  ['Large', 232],
]);

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const weights = squeezed(rename(original, canonicalName));
  const depths = depthsOf(weights);
  const [, colors] = shapeOf(weights, 'downsample_layers.0.0.weight');
  const [channels = 0] = shapeOf(weights, 'stages.0.0.dwconv.weight');
  const hasBlock = ['dwconv', 'norm', 'pwconv1', 'pwconv2'].every((part) =>
    weights.tensors.has(`stages.0.0.${part}.weight`),
  );
  if (depths.length === 0 || colors !== 3 || !hasBlock) return undefined;
  const strange = [...weights.tensors.keys()].find((name) => !KNOWN.test(name));
  if (strange !== undefined) throw new Error(`it is a ConvNeXt with parts that can't be built: "${strange}"`);
  if (!weights.tensors.has('stages.0.0.norm.bias') || shapeOf(weights, stemNorm(weights)).length !== 1) {
    throw new Error('it is a ConvNeXt with another stem or norm than published, which can’t be built');
  }
  refuseOthers(config, 'ConvNeXt', /convnext/);
  refuseUntraced(config, 'ConvNeXt', ['act_layer']);
  const size = SIZES.find(([, blocks, width]) => blocks === depths.join(',') && width === channels)?.[0];
  const [channelsOut = 0] = shapeOf(weights, `stages.${depths.length - 1}.0.dwconv.weight`);
  const hidden = weights.tensors.has(`${HIDDEN}.weight`);
  const [width = channelsOut] = shapeOf(weights, `${HIDDEN}.weight`);
  const classifier = classifierIn(weights, 'head', width);
  const version = weights.tensors.has('stages.0.0.grn.weight') ? 'ConvNeXtV2' : 'ConvNeXt';
  const isHuggingFace = [...original.tensors.keys()].some((name) => name.includes('embeddings.patch_embeddings.'));
  const style = styleOf(config, size, isHuggingFace);
  return {
    architecture: size === undefined ? version : `${version}-${size}`,
    modality: 'image',
    image: { input: IMAGE, published: publishedFor(original, config, size, hidden) },
    hasLogits: classifier !== undefined,
    featurePoint: hidden
      ? 'hidden layer after the last stage’s mean, input of the classifier'
      : 'norm of the last stage’s mean, input of the classifier',
    assumed: assumedSettings(config, size !== undefined, 'activation and norms'),
    build: (graph) => {
      graph.use(weights);
      const mean = build(graph, depths, style);
      outputs(graph, hidden ? activated(graph, linear(graph, mean, HIDDEN), style) : mean, classifier);
    },
  };
}

/** The norm is behind one convolution, or behind two that overlap (timm's networks called `_ols`). */
function stemNorm(weights: Weights): string {
  return `downsample_layers.0.${weights.tensors.has('downsample_layers.0.2.weight') ? 2 : 1}.weight`;
}

/** What the weights don't tell. */
interface Style {
  readonly epsilon: number;
  /** Of the norm before the classifier. */
  readonly finalEpsilon: number;
  readonly activation: (typeof ACTIVATIONS)[number];
}

const ACTIVATIONS = ['gelu', 'gelu_tanh', 'silu', 'relu'] as const;

function styleOf(config: ModelConfig | undefined, size: string | undefined, isHuggingFace: boolean): Style {
  const name = textOf(config, 'architecture') ?? '';
  const isTest = name.startsWith('test_convnext');
  const ofTest = name === 'test_convnext3' ? 'silu' : 'gelu_tanh';
  const wanted = setting(config, 'hidden_act') ?? setting(config, 'act_layer') ?? (isTest ? ofTest : 'gelu');
  const activation = ACTIVATIONS.find((known) => known === wanted);
  if (!activation) throw new Error(`it is a ConvNeXt with the activation "${wanted}", which can’t be built`);
  const epsilon = size === 'XXLarge' || isTest ? 1e-5 : 1e-6;
  return {
    epsilon,
    finalEpsilon: isHuggingFace ? (numberOf(config, 'layer_norm_eps') ?? 1e-12) : epsilon,
    activation,
  };
}

function depthsOf(weights: Weights): number[] {
  const stages = countOf(weights, (stage) => `stages.${stage}.0.dwconv.weight`);
  return Array.from({ length: stages }, (_, stage) =>
    countOf(weights, (block) => `stages.${stage}.${block}.dwconv.weight`),
  );
}

/** timm's large networks with a hidden layer and its XXLarge were published on CLIP's data alone, its Base so too. */
function publishedFor(
  original: Weights,
  config: ModelConfig | undefined,
  size: string | undefined,
  hidden: boolean,
): PublishedPreprocessing {
  if (original.tensors.has('features.0.0.weight'))
    return { ...TORCHVISION, resize: TORCHVISION_RESIZE.get(size ?? '') ?? TORCHVISION.resize };
  if (!original.tensors.has('stem.0.weight')) return TIMM;
  const usual = (size === 'Large' && hidden) || size === 'XXLarge' ? OPENAI_CLIP : IMAGENET;
  return withStatistics({ ...TIMM, ...usual }, original, config, size === 'Base');
}

function build(graph: Graph, depths: readonly number[], style: Style): Value {
  const { epsilon, finalEpsilon } = style;
  let x = imageInput(graph);
  for (const [stage, blocks] of depths.entries()) {
    const before = `downsample_layers.${stage}`;
    if (stage === 0) {
      x = stem(graph, x, before, epsilon);
    } else if (graph.has(`${before}.1.weight`)) {
      x = patches(graph, channelNorm(graph, x, `${before}.0`, epsilon), `${before}.1`);
    }
    for (let block = 0; block < blocks; block += 1) x = blockOf(graph, x, `stages.${stage}.${block}`, style);
    x = graph.mark(`stages.${stage}`, x);
  }
  if (graph.has('norm_pre.weight')) return globalAveragePool(graph, channelNorm(graph, x, 'norm_pre', epsilon));
  const mean = globalAveragePool(graph, x);
  return graph.has('norm.weight') ? layerNorm(graph, mean, 'norm', finalEpsilon) : mean;
}

function stem(graph: Graph, image: Value, name: string, epsilon: number): Value {
  if (!graph.has(`${name}.2.weight`))
    return channelNorm(graph, patches(graph, image, `${name}.0`), `${name}.1`, epsilon);
  const overlapping = { stride: 2, padding: 1 };
  const x = conv(graph, conv(graph, image, `${name}.0`, overlapping), `${name}.1`, overlapping);
  return channelNorm(graph, x, `${name}.2`, epsilon);
}

/** A convolution whose kernels lie side by side. */
function patches(graph: Graph, x: Value, name: string): Value {
  return conv(graph, x, name, { stride: graph.shape(`${name}.weight`)[2] ?? 1 });
}

/** LayerNorm over the channels of `[n, c, h, w]`. */
function channelNorm(graph: Graph, x: Value, name: string, epsilon: number): Value {
  return channelsFirst(graph, layerNorm(graph, channelsLast(graph, x), name, epsilon));
}

function channelsLast(graph: Graph, x: Value): Value {
  return graph.node('Transpose', [x], { perm: [0, 2, 3, 1] });
}

function channelsFirst(graph: Graph, x: Value): Value {
  return graph.node('Transpose', [x], { perm: [0, 3, 1, 2] });
}

function activated(graph: Graph, x: Value, { activation }: Style): Value {
  return activation === 'gelu_tanh' ? gelu(graph, x, 'tanh') : activate(graph, x, activation);
}

function blockOf(graph: Graph, x: Value, name: string, style: Style): Value {
  const [channels = 1, , kernel = 1] = graph.shape(`${name}.dwconv.weight`);
  const mixed = conv(graph, x, `${name}.dwconv`, { padding: (kernel - 1) / 2, groups: channels });
  const normalised = layerNorm(graph, channelsLast(graph, mixed), `${name}.norm`, style.epsilon);
  const wide = linear(graph, normalised, `${name}.pwconv1`);
  let y = activated(graph, wide, style);
  if (graph.has(`${name}.grn.weight`)) y = globalResponseNorm(graph, y, `${name}.grn`);
  y = linear(graph, y, `${name}.pwconv2`);
  if (graph.has(`${name}.gamma`)) y = graph.node('Mul', [y, graph.weight(`${name}.gamma`)]);
  return graph.node('Add', [x, channelsFirst(graph, y)]);
}

/** Channels compete: each is scaled by its norm over the image, relative to the mean of all channels' norms. */
function globalResponseNorm(graph: Graph, x: Value, name: string): Value {
  const norms = graph.node('ReduceL2', [x, graph.integers(1, 2)], { keepdims: 1 });
  const mean = graph.node('ReduceMean', [norms, graph.integers(-1)], { keepdims: 1 });
  const relative = graph.node('Div', [norms, graph.node('Add', [mean, graph.constant([1e-6], [])])]);
  const scaled = graph.node('Mul', [graph.node('Mul', [x, relative]), graph.weight(`${name}.weight`)]);
  return graph.node('Add', [graph.node('Add', [scaled, graph.weight(`${name}.bias`)]), x]);
}
