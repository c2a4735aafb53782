import type { Weights } from '../weights.ts';
import {
  type Architecture,
  IMAGENET,
  type ModelConfig,
  type PublishedPreprocessing,
  type RecognisedNetwork,
} from './architecture.ts';
import { assumedSettings, describesNetwork, refuseOthers, refuseUntraced } from './configured.ts';
import {
  type Activation,
  activate,
  averagePool,
  CIFAR,
  classifierIn,
  convNorm,
  IMAGE,
  imageInput,
  maxPool,
  outputs,
  renameModules,
  squeezeExcite,
  TIMM,
  TORCHVISION,
} from './convolutional.ts';
import { END, type Graph, type Value } from './graph.ts';
import { globalAveragePool } from './layers.ts';
import { countOf, publishedName, shapeOf, textOf } from './naming.ts';
import { withStatistics } from './publishedStatistics.ts';

/**
 * Residual networks: "Deep Residual Learning" (He et al. 2015) and, by the shapes of their weights, ResNeXt (Xie et al.
 * 2016), Wide ResNet (Zagoruyko & Komodakis 2016), the deep stem and averaging shortcut of ResNet-D (He et al. 2018),
 * squeeze-and-excitation (Hu et al. 2017), and the CIFAR networks of akamaster/pytorch_resnet_cifar10 and
 * kuangliu/pytorch-cifar.
 *
 * Canonical names are torchvision's, which timm shares: `conv1`, `bn1`, `layer1.0.conv1`, `layer1.0.downsample.0`, `fc`.
 */
export const resnet: Architecture = { family: 'ResNet', recognise };

/** From Hugging Face's `resnet`, with and without its base model's prefix, the CIFAR networks', and children in a row. */
function canonicalName(name: string): string {
  return (
    name
      .replace(/^resnet\.(?=embedder|encoder)/, '')
      .replace(/^embedder\.embedder\.convolution\./, 'conv1.')
      .replace(/^embedder\.embedder\.normalization\./, 'bn1.')
      .replace(/^encoder\.stages\.(\d+)\.layers\./, (_, stage) => `layer${Number(stage) + 1}.`)
      .replace(/\.layer\.(\d)\.convolution\./, (_, index) => `.conv${Number(index) + 1}.`)
      .replace(/\.layer\.(\d)\.normalization\./, (_, index) => `.bn${Number(index) + 1}.`)
      .replace(/\.shortcut\.convolution\./, '.downsample.0.')
      .replace(/\.shortcut\.normalization\./, '.downsample.1.')
      .replace(/\.shortcut\.(?=[01]\.)/, '.downsample.')
      // Numbered by nn.Sequential(*resnet.children()), of which the ReLU and the pooling have no weights.
      .replace(/^0\.(?=weight$)/, 'conv1.')
      .replace(/^1\.(?=\w+$)/, 'bn1.')
      .replace(/^([4-7])\.(?=\d+\.)/, (_, child) => `layer${Number(child) - 3}.`)
      .replace(/^(linear|classifier|head)\./, 'fc.')
  );
}

/** Every weight that the graph below can use, and heads. */
const KNOWN =
  /^(conv1(\.[036])?\.weight|(conv1\.[14]|bn1)\.\w+|maxpool\.0\.weight|maxpool\.1\.\w+|fc\..*|layer\d+\.\d+\.(conv[123]\.weight|bn[123]\.\w+|downsample\.[012]\.\w+|se\.(fc[12]\.\w+|conv\.weight)))$/;

const ACTIVATIONS: readonly Activation[] = ['relu', 'relu6', 'silu', 'hardswish', 'gelu'];

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const weights = renameModules(original, canonicalName);
  const has = (name: string) => weights.tensors.has(name);
  const stages = stagesOf(weights);
  const stem = shapeOf(weights, has('conv1.weight') ? 'conv1.weight' : 'conv1.0.weight');
  if (stages.length < 2 || stem[1] !== 3 || ![3, 7].includes(stem[2] ?? 0) || !has('bn1.weight')) return undefined;
  if (!['layer1.0.bn1.weight', 'layer1.0.conv2.weight', 'layer1.0.bn2.weight'].every(has)) return undefined;

  const strange = [...weights.tensors.keys()].find((name) => !KNOWN.test(name));
  if (strange !== undefined) throw new Error(`it is a ResNet with parts that can't be built: "${strange}"`);
  if (!has('bn1.running_mean')) throw new Error('it is a ResNet without batch norm, which can’t be built');
  const [antialiased] = /resne(x|s)?t(aa|blur)\w*/.exec(publishedName(original, config)) ?? [];
  if (antialiased) throw new Error(`it is an anti-aliased ResNet (${antialiased}), which can’t be built`);
  refuseOthers(config, 'ResNet', /res|senet/);
  refuseUntraced(config, 'ResNet');
  const hiddenActivation = textOf(config, 'hidden_act') ?? 'relu';
  const activation = ACTIVATIONS.find((name) => name === hiddenActivation);
  if (!activation) throw new Error(`it is a ResNet with the activation "${hiddenActivation}", which can’t be built`);

  const last = `layer${stages.length}.0`;
  const [width = 0] = shapeOf(weights, has(`${last}.conv3.weight`) ? `${last}.conv3.weight` : `${last}.conv2.weight`);
  const classifier = classifierIn(weights, 'fc', width);
  const architecture = nameOf(weights, stages);
  const cifar = has('conv1.weight') && stem[2] === 3;
  return {
    architecture,
    modality: 'image',
    image: {
      input: IMAGE,
      published: publishedFor(original, config, architecture, cifar),
    },
    hasLogits: classifier !== undefined,
    featurePoint: 'mean of the last stage, input of the classifier',
    assumed: assumed(original, config, architecture, cifar),
    build: (graph) => {
      graph.use(weights);
      build(graph, stages, activation, classifier, {
        firstStride: config?.get('downsample_in_first_stage') === true ? 2 : 1,
        strideFirst: config?.get('downsample_in_bottleneck') === true,
      });
    },
  };
}

/** Sizes that timm has with anti-aliasing too, and those that Hugging Face's were published in. */
const ANTIALIASED_TOO = /^(SE-)?(ResNet-(18|50|34-D|50-D|101-D)|ResNeXt-(101|203)-D 32x8d)$/;
const HUGGING_FACE = /^ResNet-(18|26|34|50|101|152)(-D)?$/;

/** What is taken for granted, for people. */
function assumed(
  original: Weights,
  config: ModelConfig | undefined,
  architecture: string,
  cifar: boolean,
): string | undefined {
  if (cifar) return assumedStem(original);
  if (isHuggingFace(original))
    return assumedSettings(config, HUGGING_FACE.test(architecture), 'activation and strides');
  const told = describesNetwork(config) || /res/i.test(publishedName(original, config));
  if (told || !ANTIALIASED_TOO.test(architecture)) return undefined;
  return 'Its weights don’t tell whether it is anti-aliased (timm’s resnetaa and resnetblur): taken for the plain network. If it is, export it to ONNX.';
}

/** Of a stem of 3×3 pixels; the networks for CIFAR that were published have names of their own. */
function assumedStem(original: Weights): string | undefined {
  if ([...original.tensors.keys()].some((name) => /^linear\.|\.shortcut\./.test(name))) return undefined;
  return 'Its weights don’t tell what is behind its first convolution, of 3×3 pixels: taken for a network for CIFAR, which keeps an image’s size there. If it pools or strides, export it to ONNX.';
}

/** Number of blocks in each stage. */
function stagesOf(weights: Weights): number[] {
  const stages = countOf(weights, (stage) => `layer${stage + 1}.0.conv1.weight`);
  return Array.from({ length: stages }, (_, stage) =>
    countOf(weights, (block) => `layer${stage + 1}.${block}.conv1.weight`),
  );
}

function nameOf(weights: Weights, stages: readonly number[]): string {
  const bottleneck = weights.tensors.has('layer1.0.conv3.weight');
  const blocks = stages.reduce((sum, count) => sum + count, 0);
  const depth = blocks * (bottleneck ? 3 : 2) + 2;
  const [width = 1, perGroup = 1] = shapeOf(weights, 'layer1.0.conv2.weight');
  const [out = 1] = shapeOf(weights, 'layer1.0.conv3.weight');
  const attention = weights.tensors.has('layer1.0.se.fc1.weight')
    ? 'SE-'
    : weights.tensors.has('layer1.0.se.conv.weight')
      ? 'ECA-'
      : '';
  const averaging = shapeOf(weights, 'layer2.0.downsample.1.weight').length === 4 ? '-D' : '';
  if (!bottleneck) return `${attention}ResNet-${depth}${averaging}`;
  if (perGroup !== width) return `${attention}ResNeXt-${depth}${averaging} ${width / perGroup}x${perGroup}d`;
  const widening = (4 * width) / out;
  return widening === 1 ? `${attention}ResNet-${depth}${averaging}` : `Wide ${attention}ResNet-${depth}-${widening}`;
}

/** Sizes that timm has with two kinds of statistics. */
const TWO_STATISTICS = /^ResNet-(18-D|34|50-D)$/;

function publishedFor(
  original: Weights,
  config: ModelConfig | undefined,
  architecture: string,
  cifar: boolean,
): PublishedPreprocessing {
  if (!cifar && isHuggingFace(original)) return TIMM;
  if (!cifar) return withStatistics(TORCHVISION, original, config, TWO_STATISTICS.test(architecture));
  // akamaster's networks of three stages have ImageNet's statistics, kuangliu's of four CIFAR's own.
  return original.tensors.has('layer4.0.conv1.weight') ? CIFAR : { ...CIFAR, ...IMAGENET };
}

function isHuggingFace(original: Weights): boolean {
  return [...original.tensors.keys()].some((name) => name.includes('embedder.'));
}

interface Strides {
  /** Of the first stage. */
  readonly firstStride: number;
  /** Whether a bottleneck's stride is in its first convolution (the first version of the paper), not in its second. */
  readonly strideFirst: boolean;
}

function build(
  graph: Graph,
  stages: readonly number[],
  activation: Activation,
  classifier: string | undefined,
  { firstStride, strideFirst }: Strides,
): void {
  let x = stem(graph, imageInput(graph), activation);
  for (const [stage, blocks] of stages.entries()) {
    for (let block = 0; block < blocks; block += 1) {
      const stride = block > 0 ? 1 : stage === 0 ? firstStride : 2;
      x = residualBlock(graph, x, `layer${stage + 1}.${block}`, { stride, strideFirst, activation });
    }
    x = graph.mark(`layer${stage + 1}`, x);
  }
  outputs(graph, globalAveragePool(graph, x), classifier);
}

/** 7×7 by stride 2 and pooling; three 3×3 and pooling (ResNet-C, D); or one 3×3 that keeps a CIFAR image's size. */
function stem(graph: Graph, image: Value, activation: Activation): Value {
  const options = { padding: 1, activation };
  if (graph.has('conv1.0.weight')) {
    let x = convNorm(graph, image, 'conv1.0', 'conv1.1', { ...options, stride: 2 });
    x = convNorm(graph, x, 'conv1.3', 'conv1.4', options);
    x = convNorm(graph, x, 'conv1.6', 'bn1', options);
    // ResNet-RS pools by a convolution.
    if (graph.has('maxpool.0.weight')) return convNorm(graph, x, 'maxpool.0', 'maxpool.1', { ...options, stride: 2 });
    return maxPool(graph, x, 3, { stride: 2, padding: 1 });
  }
  if (graph.shape('conv1.weight')[2] === 3) return convNorm(graph, image, 'conv1', 'bn1', options);
  const x = convNorm(graph, image, 'conv1', 'bn1', { stride: 2, padding: 3, activation });
  return maxPool(graph, x, 3, { stride: 2, padding: 1 });
}

interface BlockOptions {
  readonly stride: number;
  readonly strideFirst: boolean;
  /** After the sum; Hugging Face's option leaves the ReLUs within the block. */
  readonly activation: Activation;
}

function residualBlock(graph: Graph, x: Value, name: string, options: BlockOptions): Value {
  const { stride, strideFirst, activation } = options;
  const part = (y: Value, index: number, by: number, last: boolean) => {
    const [, inputs = 1, kernel = 1] = graph.shape(`${name}.conv${index}.weight`);
    return convNorm(graph, y, `${name}.conv${index}`, `${name}.bn${index}`, {
      stride: by,
      padding: (kernel - 1) / 2,
      groups: index === 1 ? 1 : (graph.shape(`${name}.conv${index - 1}.weight`)[0] ?? 1) / inputs,
      activation: last ? 'none' : 'relu',
    });
  };
  const bottleneck = graph.has(`${name}.conv3.weight`);
  const first = strideFirst || !bottleneck;
  let y = part(x, 1, first ? stride : 1, false);
  y = part(y, 2, first ? 1 : stride, !bottleneck);
  if (bottleneck) y = part(y, 3, 1, true);
  if (graph.has(`${name}.se.fc1.weight`)) {
    y = squeezeExcite(graph, y, `${name}.se.fc1`, `${name}.se.fc2`, 'relu', 'sigmoid');
  } else if (graph.has(`${name}.se.conv.weight`)) {
    y = efficientChannelAttention(graph, y, `${name}.se.conv.weight`);
  }
  const inChannels = graph.shape(`${name}.conv1.weight`)[1] ?? 0;
  const outChannels = graph.shape(`${name}.conv${bottleneck ? 3 : 2}.weight`)[0] ?? 0;
  return activate(
    graph,
    graph.node('Add', [y, shortcut(graph, x, name, stride, outChannels - inChannels)]),
    activation,
  );
}

/** What is added to a block's result: its input, brought to the same size. */
function shortcut(graph: Graph, x: Value, name: string, stride: number, moreChannels: number): Value {
  const convolution = `${name}.downsample.0`;
  if (graph.has(`${convolution}.weight`)) {
    const padding = ((graph.shape(`${convolution}.weight`)[2] ?? 1) - 1) / 2;
    return convNorm(graph, x, convolution, `${name}.downsample.1`, { stride, padding, activation: 'none' });
  }
  if (graph.has(`${name}.downsample.1.weight`)) {
    const averaged = stride === 1 ? x : averagePool(graph, x, stride, { ceil: true });
    return convNorm(graph, averaged, `${name}.downsample.1`, `${name}.downsample.2`, { activation: 'none' });
  }
  // The paper's option A: every other pixel, and zeros for the channels that are new.
  const both = (value: number) => graph.integers(value, value);
  const subsampled =
    stride === 1 ? x : graph.node('Slice', [x, both(0), both(END), graph.integers(2, 3), both(stride)]);
  if (moreChannels === 0) return subsampled;
  const before = Math.floor(moreChannels / 2);
  return graph.node('Pad', [subsampled, graph.integers(0, before, 0, 0, 0, moreChannels - before, 0, 0)]);
}

/** ECA-Net (Wang et al. 2019): a convolution along the channels' means. */
function efficientChannelAttention(graph: Graph, x: Value, weight: string): Value {
  const means = graph.node('Reshape', [graph.node('GlobalAveragePool', [x]), graph.integers(0, 1, -1)]);
  const padding = ((graph.shape(weight)[2] ?? 1) - 1) / 2;
  const mixed = graph.node('Conv', [means, graph.weight(weight)], { pads: [padding, padding] });
  return graph.node('Mul', [x, graph.node('Sigmoid', [graph.node('Reshape', [mixed, graph.integers(0, -1, 1, 1)])])]);
}
