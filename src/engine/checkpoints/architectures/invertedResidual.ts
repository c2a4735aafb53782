import type { Weights } from '../weights.ts';
import {
  type Architecture,
  IMAGENET,
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
import { type Conventions, conventionsOf, isPorted, refuseOtherSettings } from './invertedResidualConventions.ts';
import { FAMILIES, type Family, HUGGING_FACE_SIDES, SIZES } from './invertedResidualFamilies.ts';
import { type Block, classifierOf, findParts, outputsOf, type Parts, partBeside } from './invertedResidualNames.ts';
import { conv, globalAveragePool, linear } from './layers.ts';
import { publishedName, shapeOf } from './naming.ts';
import { withStatistics } from './publishedStatistics.ts';

/**
 * The networks of inverted residuals, which widen, convolve each channel by itself, and narrow again: MobileNetV2
 * (Sandler et al. 2018), MNASNet (Tan et al. 2018), MobileNetV3 (Howard et al. 2019), EfficientNet (Tan & Le 2019) and
 * EfficientNetV2 (Tan & Le 2021); and MobileNetV1 (Howard et al. 2017), which does not widen. By torchvision, timm and
 * Hugging Face.
 */
export const invertedResidual: Architecture = { family: 'MobileNet, MNASNet, EfficientNet', recognise };

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const weights = renameModules(original, (name) => name.replace(/^(mobilenet_v[12]|efficientnet)\./, ''));
  const parts = findParts(weights);
  if (!parts || parts.stages.length < 5) return undefined;
  const kinds = parts.stages.map(({ blocks: [first] }) => (first ? kindOf(weights, first) : '')).join(' ');
  const family = FAMILIES.find((candidate) => candidate.kinds.test(kinds));
  if (!family) {
    throw new Error(
      `it has inverted residuals, as MobileNet and EfficientNet have, but in an order that no known network has (${kinds})`,
    );
  }
  const strange = partBeside(weights, parts);
  if (strange !== undefined) {
    throw new Error(`it is of the family ${family.name} with parts that can't be built: "${strange}"`);
  }
  if ([...weights.tensors.keys()].some((name) => name.startsWith('segmentation_head.'))) {
    throw new Error(`it is a ${family.name} that segments images, whose dilation can’t be built`);
  }
  if (/net(v\d)?_blur/.test(publishedName(weights, config))) {
    throw new Error('it is an anti-aliased EfficientNet, which can’t be built');
  }
  refuseUntraced(config, family.name);
  refuseOtherSettings(config, parts, family);

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
    image: { input: IMAGE, published: publishedFor(weights, config, parts, family, architecture, size) },
    hasLogits: classifier !== undefined,
    featurePoint: hidden
      ? 'hidden layer after pooling, input of the classifier'
      : 'mean of the last layer, input of the classifier',
    assumed: untold
      ? `Its weights don't tell whether they were ported from TensorFlow, which pads images in another way: taken for PyTorch's own. If they are timm's tf_…, put its config.json beside it or name the file so.`
      : assumedSettings(
          config,
          parts.library !== 'Hugging Face' || HUGGING_FACE_SIDES.has(architecture),
          'activation, padding and norms',
        ),
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

/** Of timm's networks, those that were published with two kinds of statistics. */
const TWO_STATISTICS = /^(EfficientNet|MobileNetV3)(?!V2-B[012])/;

function publishedFor(
  weights: Weights,
  config: ModelConfig | undefined,
  { library }: Parts,
  family: Family,
  architecture: string,
  size: (typeof SIZES)[number] | undefined,
): PublishedPreprocessing {
  if (library === 'Hugging Face' && family.name === 'EfficientNet') {
    const side = HUGGING_FACE_SIDES.get(architecture) ?? TIMM.size;
    return { size: side, resize: side, kernel: 'nearest', ...IMAGENET };
  }
  if (library === 'Hugging Face') return { ...TORCHVISION, ...INCEPTION };
  const [name, , , pixels, resize] = size ?? [];
  const sized =
    pixels !== undefined && resize !== undefined ? ({ size: pixels, resize, keepsAspect: true } as const) : {};
  if (library === 'torchvision') {
    const kernel = size && !/V2-[SM]$/.test(size[0]) ? 'cubic' : 'linear';
    return { ...TORCHVISION, kernel, ...(name === 'EfficientNetV2-L' ? INCEPTION : {}), ...sized };
  }
  const usual = family.name === 'MobileNetV1' ? INCEPTION : IMAGENET;
  return withStatistics({ ...TIMM, ...usual, ...sized }, weights, config, TWO_STATISTICS.test(architecture));
}

function build(
  graph: Graph,
  { stem, stages, head, hidden }: Parts,
  family: Family,
  conventions: Conventions,
  classifier: string | undefined,
): void {
  const { activation, reluStages = 0, activatesLast = false } = family;
  const { epsilon, plainStages, plainStarts } = conventions;
  const padding = conventions.padding({ kernel: 3, stride: 2, block: undefined });
  let x = convNorm(graph, imageInput(graph), ...stem, { stride: 2, padding, activation, epsilon });
  let number = 0;
  for (const [index, { name, blocks }] of stages.entries()) {
    for (const [position, block] of blocks.entries()) {
      x = blockOf(graph, x, block, {
        number,
        stride: position === 0 ? (family.strides[index] ?? 1) : 1,
        activation: index < reluStages ? 'relu' : activation,
        activatesLast,
        excitation: family.excitation,
        residual: !plainStages.includes(index) && !(plainStarts && position === 0),
        conventions,
      });
      number += 1;
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
  /** Of all blocks, from 0. */
  readonly number: number;
  readonly stride: number;
  readonly activation: Activation;
  readonly activatesLast: boolean;
  readonly excitation: Family['excitation'];
  readonly residual: boolean;
  readonly conventions: Conventions;
}

function blockOf(graph: Graph, input: Value, { steps, excitation }: Block, options: BlockOptions): Value {
  const { activation, conventions } = options;
  const [, inputs = 0] = graph.shape(`${steps[0]?.[0]}.weight`);
  // A block strides once, in its first convolution over more than a pixel.
  const strided = steps.findIndex(([name]) => (graph.shape(`${name}.weight`)[2] ?? 1) > 1);
  let x = input;
  let channels = 0;
  for (const [index, [name, norm]] of steps.entries()) {
    const last = index === steps.length - 1;
    if (last && excitation) x = squeezeExcite(graph, x, ...excitation, ...options.excitation);
    const [to = 1, perGroup = 1, kernel = 1] = graph.shape(`${name}.weight`);
    const stride = index === strided ? options.stride : 1;
    x = convNorm(graph, x, name, norm, {
      stride,
      padding: conventions.padding({ kernel, stride, block: options.number }),
      groups: perGroup === 1 && kernel > 1 ? to : 1,
      activation: last && index > 0 && !options.activatesLast ? 'none' : activation,
      epsilon: conventions.epsilon,
    });
    channels = to;
  }
  const from = steps.length === 2 && inputs === 1 ? (graph.shape(`${steps[0]?.[0]}.weight`)[0] ?? 0) : inputs;
  const residual = options.residual && options.stride === 1 && from === channels;
  return residual ? graph.node('Add', [x, input]) : x;
}
