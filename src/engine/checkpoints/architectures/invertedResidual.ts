import type { Weights } from '../weights.ts';
import {
  type Architecture,
  INCEPTION,
  type ModelConfig,
  type PublishedPreprocessing,
  type RecognisedNetwork,
} from './architecture.ts';
import { assumedSettings, refuseUntraced } from './configured.ts';
import {
  type Activation,
  activate,
  convNorm,
  IMAGE,
  imageInput,
  outputs,
  renameModules,
  squeezeExcite,
  TIMM,
  TORCHVISION,
} from './convolutional.ts';
import type { Graph, Value } from './graph.ts';
import { type Block, classifierOf, findParts, outputsOf, type Parts, partBeside } from './invertedResidualNames.ts';
import { conv, globalAveragePool, linear } from './layers.ts';
import { numberOf, publishedName, shapeOf, textOf } from './naming.ts';

/**
 * The networks of inverted residuals, which widen, convolve each channel by itself, and narrow again: MobileNetV2
 * (Sandler et al. 2018), MNASNet (Tan et al. 2018), MobileNetV3 (Howard et al. 2019), EfficientNet (Tan & Le 2019) and
 * EfficientNetV2 (Tan & Le 2021), by torchvision, timm and, MobileNetV2 alone, Hugging Face.
 *
 * Strides and activations are not in the weights. They are known from the kinds of blocks that the stages begin with,
 * in which the families differ.
 */
export const invertedResidual: Architecture = { family: 'MobileNet, MNASNet, EfficientNet', recognise };

/** How a family is, apart from its weights. */
interface Family {
  readonly name: string;
  /** The kinds of its stages, see `kindOf`. */
  readonly kinds: RegExp;
  readonly strides: readonly number[];
  readonly activation: Activation;
  /** How many stages have ReLU instead. */
  readonly reluStages?: number;
  /** Stages without a residual connection, whatever their channels. */
  readonly plainStages?: readonly number[];
  readonly excitation: readonly [Activation, 'sigmoid' | 'hardsigmoid'];
  /** Channels of the last block at width 1. */
  readonly width?: number;
}

const strides = [1, 2, 2, 2, 1, 2, 1];
const relu = { strides, activation: 'relu', excitation: ['relu', 'sigmoid'] } as const;
const relu6 = { strides, activation: 'relu6', excitation: ['relu6', 'sigmoid'] } as const;
const silu = { strides, activation: 'silu', excitation: ['silu', 'sigmoid'] } as const;
const large = {
  strides,
  activation: 'hardswish',
  reluStages: 3,
  plainStages: [6],
  excitation: ['relu', 'hardsigmoid'],
} as const;
const small = { ...large, strides: [2, 2, 2, 1, 2, 1], reluStages: 2, plainStages: [5] };

const FAMILIES: readonly Family[] = [
  { name: 'MobileNetV2', kinds: /^[di]3 i3 i3 i3 i3 i3 i3$/, ...relu6, width: 320 },
  { name: 'MNASNet', kinds: /^d3 i3 i5 i5 i3 i5 i3$/, ...relu, plainStages: [0, 6], width: 320 },
  { name: 'SE-MNASNet', kinds: /^d3 i3 i5s i3 i3s i5s i3$/, ...relu, plainStages: [0], width: 320 },
  { name: 'MobileNetV3-Large', kinds: /^d3 i3 i5s i3 i3s i5s( c1)?$/, ...large, width: 160 },
  { name: 'MobileNetV3-Small', kinds: /^d3s i3 i5s i5s i5s( c1)?$/, ...small, width: 96 },
  { name: 'MobileNetV3-Large-Minimal', kinds: /^d3 i3 i3 i3 i3 i3 c1$/, ...relu },
  { name: 'MobileNetV3-Small-Minimal', kinds: /^d3 i3 i3 i3 i3 c1$/, ...relu, strides: small.strides },
  { name: 'EfficientNet', kinds: /^d3s i3s i5s i3s i5s i5s i3s$/, ...silu },
  { name: 'EfficientNet-Lite', kinds: /^d3 i3 i5 i3 i5 i5 i3$/, ...relu6 },
  { name: 'EfficientNetV2', kinds: /^[ce]3 e3 e3 i3s i3s i3s( i3s)?$/, ...silu },
  { name: 'EfficientNetV2', kinds: /^c3 e3 e3 i3s i3s$/, ...silu, strides: [1, 2, 2, 2, 2] },
];

/** Published EfficientNets: blocks, width of the features, size of image. */
const SIZES: readonly (readonly [name: string, blocks: number, width: number, size: number, resize: number])[] = [
  ['EfficientNet-B0', 16, 1280, 224, 256],
  ['EfficientNet-B1', 23, 1280, 240, 256],
  ['EfficientNet-B2', 23, 1408, 288, 288],
  ['EfficientNet-B3', 26, 1536, 300, 320],
  ['EfficientNet-B4', 32, 1792, 380, 384],
  ['EfficientNet-B5', 39, 2048, 456, 456],
  ['EfficientNet-B6', 45, 2304, 528, 528],
  ['EfficientNet-B7', 55, 2560, 600, 600],
  ['EfficientNetV2-S', 40, 1280, 384, 384],
  ['EfficientNetV2-M', 57, 1280, 480, 480],
  ['EfficientNetV2-L', 79, 1280, 480, 480],
  ['EfficientNetV2-B0', 21, 1280, 224, 256],
  ['EfficientNetV2-B1', 27, 1280, 240, 272],
  ['EfficientNetV2-B2', 28, 1408, 260, 292],
  ['EfficientNetV2-B3', 32, 1536, 300, 333],
];

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const weights = renameModules(original, (name) => name.replace(/^mobilenet_v2\./, ''));
  const parts = findParts(weights);
  if (!parts || parts.stages.length < 5) return undefined;
  const kinds = parts.stages.map(({ blocks: [first] }) => (first ? kindOf(weights, first) : '')).join(' ');
  const family = FAMILIES.find((candidate) => candidate.kinds.test(kinds));
  if (!family) throw new Error(`it has inverted residuals in an order that no known network has (${kinds})`);
  const strange = partBeside(weights, parts);
  if (strange !== undefined) {
    throw new Error(`it is of the family ${family.name} with parts that can't be built: "${strange}"`);
  }
  if (/net(v\d)?_blur/.test(publishedName(weights, config))) {
    throw new Error('it is an anti-aliased EfficientNet, which can’t be built');
  }
  refuseUntraced(config, family.name);
  const hiddenActivation = textOf(config, 'hidden_act');
  if (hiddenActivation !== undefined && hiddenActivation !== family.activation) {
    throw new Error(
      `it is of the family ${family.name}, but with the activation "${hiddenActivation}", which can’t be built`,
    );
  }

  const { hidden, head } = parts;
  if (hidden === 'conv_head' && !weights.tensors.has('conv_head.bias')) {
    throw new Error('it is timm’s own MobileNetV3 (mobilenetv3_rw), which can’t be built');
  }
  const blocks = parts.stages.flatMap((stage) => stage.blocks);
  const lastBlock = blocks.at(-1);
  const narrow = lastBlock ? outputsOf(weights, lastBlock) : 0;
  // timm counts MobileNetV3's last convolution as a stage.
  const lastResidual = blocks.findLast(({ steps }) => steps.length > 1);
  const [width = narrow] = shapeOf(weights, `${hidden ?? head?.[0]}.weight`);
  const classifier = classifierOf(weights, parts, width);
  const size = SIZES.find(
    ([name, count, channels]) => name.startsWith(`${family.name}-`) && count === blocks.length && channels === width,
  );
  const architecture = size?.[0] ?? scaledName(family, lastResidual ? outputsOf(weights, lastResidual) : 0);
  const untold = parts.library === 'timm' && isPorted(weights, architecture, config) === undefined;
  return {
    architecture,
    modality: 'image',
    image: { input: IMAGE, published: publishedFor(parts, size) },
    hasLogits: classifier !== undefined,
    featurePoint: hidden
      ? 'hidden layer after pooling, input of the classifier'
      : 'mean of the last layer, input of the classifier',
    assumed: untold
      ? `Its weights don't tell whether they were ported from TensorFlow, which pads images in another way: taken for PyTorch's own. If they are timm's tf_…, put its config.json beside it or name the file so.`
      : assumedSettings(config, parts.library !== 'Hugging Face', 'activation, padding and norms'),
    build: (graph) => {
      graph.use(weights);
      build(graph, parts, family, conventionsOf(weights, parts, family, architecture, config), classifier);
    },
  };
}

/**
 * What a block is: d(epthwise, then pointwise), i(nverted residual), e(dge: an inverted residual whose first convolution
 * is full) or c(onvolution); the size of its kernel; and s where it has squeeze-and-excitation.
 */
function kindOf(weights: Weights, { steps, excitation }: Block): string {
  const shapes = steps.map(([conv]) => shapeOf(weights, `${conv}.weight`));
  const kernel = Math.max(...shapes.map((shape) => shape[2] ?? 1));
  const letter = shapes.length === 3 ? 'i' : shapes.length === 1 ? 'c' : shapes[0]?.[1] === 1 ? 'd' : 'e';
  return `${letter}${kernel}${excitation ? 's' : ''}`;
}

/** `MobileNetV2`, or `MobileNetV2 0.5x` where its width is not the published one. */
function scaledName({ name, width }: Family, channels: number): string {
  return width === undefined || width === channels ? name : `${name} ${Number((channels / width).toFixed(2))}x`;
}

function publishedFor({ library }: Parts, size: (typeof SIZES)[number] | undefined): PublishedPreprocessing {
  if (library === 'Hugging Face') return { ...TORCHVISION, ...INCEPTION };
  if (!size) return library === 'timm' ? TIMM : TORCHVISION;
  const [name, , , pixels, resize] = size;
  return {
    ...(library === 'torchvision' && /V2-[SM]$/.test(name) ? TORCHVISION : TIMM),
    ...(library === 'torchvision' && name === 'EfficientNetV2-L' ? INCEPTION : {}),
    size: pixels,
    resize,
    keepsAspect: true,
  };
}

/** What the libraries disagree about. */
interface Conventions {
  readonly epsilon: number;
  /** TensorFlow pads more at the end. */
  readonly samePadding: boolean;
  readonly plainStages: readonly number[];
}

function conventionsOf(
  weights: Weights,
  { library, stages }: Parts,
  { name, plainStages = [] }: Family,
  architecture: string,
  config: ModelConfig | undefined,
): Conventions {
  if (library === 'Hugging Face') {
    const epsilon = numberOf(config, 'layer_norm_eps') ?? 1e-3;
    return { epsilon, samePadding: config?.get('tf_padding') !== false, plainStages: [0] };
  }
  if (library === 'torchvision') {
    const blocks = stages.reduce((sum, stage) => sum + stage.blocks.length, 0);
    const larger = name.startsWith('EfficientNet') && [39, 40, 45, 55, 57, 79].includes(blocks);
    return { epsilon: larger || name.startsWith('MobileNetV3') ? 1e-3 : 1e-5, samePadding: false, plainStages };
  }
  const ported = isPorted(weights, architecture, config) ?? false;
  return { epsilon: ported ? 1e-3 : 1e-5, samePadding: ported, plainStages };
}

/** timm's networks that are there as ports from TensorFlow alone, and those that are there as both. */
const PORTS_ALONE = /^EfficientNetV2-B|-Minimal$/;
const PORTED_TOO = /^(EfficientNet|MobileNetV3)/;

/**
 * Whether weights under timm's names come from TensorFlow: by their published name.
 * @param architecture with its size where that is a published one
 * @returns undefined when nothing tells
 */
function isPorted(weights: Weights, architecture: string, config: ModelConfig | undefined): boolean | undefined {
  const published = publishedName(weights, config);
  // The pruned ones were ports before.
  if (/(^|\W)tf_|efficientnet_b\d_pruned/.test(published)) return true;
  if (PORTS_ALONE.test(architecture)) return true;
  return PORTED_TOO.test(architecture) && !/efficientnet|mobilenetv3|tinynet/.test(published) ? undefined : false;
}

function build(
  graph: Graph,
  { stem, stages, head, hidden }: Parts,
  family: Family,
  conventions: Conventions,
  classifier: string | undefined,
): void {
  const { activation, reluStages = 0 } = family;
  const { epsilon, samePadding, plainStages } = conventions;
  const padding = samePadding ? 'same' : 1;
  let x = convNorm(graph, imageInput(graph), ...stem, { stride: 2, padding, activation, epsilon });
  for (const [index, { name, blocks }] of stages.entries()) {
    for (const [position, block] of blocks.entries()) {
      x = blockOf(graph, x, block, {
        stride: position === 0 ? (family.strides[index] ?? 1) : 1,
        activation: index < reluStages ? 'relu' : activation,
        excitation: family.excitation,
        residual: !plainStages.includes(index),
        epsilon,
        samePadding,
      });
    }
    x = graph.mark(name, x);
  }
  if (head) x = convNorm(graph, x, ...head, { activation, epsilon });
  let features = globalAveragePool(graph, x);
  if (hidden) features = activate(graph, hiddenLayer(graph, features, hidden), activation);
  outputs(graph, features, classifier);
}

function hiddenLayer(graph: Graph, features: Value, name: string): Value {
  if (graph.shape(`${name}.weight`).length === 2) return linear(graph, features, name);
  const pixel = graph.node('Unsqueeze', [features, graph.integers(2, 3)]);
  return graph.node('Flatten', [conv(graph, pixel, name)], { axis: 1 });
}

interface BlockOptions {
  readonly stride: number;
  readonly activation: Activation;
  readonly excitation: Family['excitation'];
  readonly residual: boolean;
  readonly epsilon: number;
  readonly samePadding: boolean;
}

function blockOf(graph: Graph, input: Value, { steps, excitation }: Block, options: BlockOptions): Value {
  const { activation, epsilon } = options;
  const [, inputs = 0] = graph.shape(`${steps[0]?.[0]}.weight`);
  // A block strides once, in its first convolution over more than a pixel.
  const strided = steps.findIndex(([name]) => (graph.shape(`${name}.weight`)[2] ?? 1) > 1);
  let x = input;
  let channels = 0;
  for (const [index, [name, norm]] of steps.entries()) {
    const last = index === steps.length - 1;
    if (last && excitation) x = squeezeExcite(graph, x, ...excitation, ...options.excitation);
    const [to = 1, perGroup = 1, kernel = 1] = graph.shape(`${name}.weight`);
    x = convNorm(graph, x, name, norm, {
      stride: index === strided ? options.stride : 1,
      padding: options.samePadding ? 'same' : (kernel - 1) / 2,
      groups: perGroup === 1 && kernel > 1 ? to : 1,
      activation: last && index > 0 ? 'none' : activation,
      epsilon,
    });
    channels = to;
  }
  const from = steps.length === 2 && inputs === 1 ? (graph.shape(`${steps[0]?.[0]}.weight`)[0] ?? 0) : inputs;
  const residual = options.residual && options.stride === 1 && from === channels;
  return residual ? graph.node('Add', [x, input]) : x;
}
