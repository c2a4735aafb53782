import type { Weights, WeightTensor } from '../weights.ts';
import type { Architecture, ModelConfig, PublishedPreprocessing, RecognisedNetwork } from './architecture.ts';
import { assumedSettings, refuseUntraced } from './configured.ts';
import {
  activate,
  adaptiveAveragePool,
  CIFAR,
  convNorm,
  IMAGE,
  imageInput,
  maxPool,
  outputs,
  renameModules,
  TIMM,
  TORCHVISION,
} from './convolutional.ts';
import type { Graph, Value } from './graph.ts';
import { conv, linear } from './layers.ts';
import { shapeOf } from './naming.ts';

/**
 * VGG ("Very Deep Convolutional Networks", Simonyan & Zisserman 2014), with and without batch norm, and AlexNet (as in
 * "One weird trick", Krizhevsky 2014): convolutions in a row, and linear layers on what is left of the image.
 * Canonical names are torchvision's: `features.0`, `classifier.6`. Where there is pooling shows in the numbers that are
 * left out between convolutions.
 */
export const vgg: Architecture = { family: 'VGG, AlexNet', recognise };

/** From timm, where the linear layers are convolutions. */
function canonicalName(name: string): string {
  return name
    .replace(/^pre_logits\.fc1\./, 'classifier.0.')
    .replace(/^pre_logits\.fc2\./, 'classifier.3.')
    .replace(/^head\.fc\./, 'classifier.6.');
}

/** Channels of the published networks' convolutions, with M for a pooling behind one: configurations A, B, D, E, AlexNet. */
const PUBLISHED = [
  '64 M 128 M 256 256 M 512 512 M 512 512 M',
  '64 64 M 128 128 M 256 256 M 512 512 M 512 512 M',
  '64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M',
  '64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M',
  '64 M 192 M 384 256 256 M',
];

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const weights = flattened(renameModules(original, canonicalName));
  const convolutions = convolutionsOf(weights);
  const [first] = convolutions;
  const kernels = convolutions.map(({ name }) => shapeOf(weights, `${name}.weight`)[2]);
  const isAlexNet = kernels.join(',') === '11,5,3,3,3';
  const isVgg = kernels.length >= 4 && kernels.every((kernel) => kernel === 3);
  if (first?.name !== 'features.0' || shapeOf(weights, 'features.0.weight')[1] !== 3) return undefined;
  if (!isAlexNet && !isVgg) return undefined;
  if (![...weights.tensors.keys()].every((name) => /^(features\.\d+\.\w+|classifier\..*)$/.test(name)))
    return undefined;
  refuseUntraced(config, 'VGG');

  const head = headOf(weights);
  const [channels = 1] = shapeOf(weights, `${convolutions.at(-1)?.name}.weight`);
  const [, inputs] = shapeOf(weights, `${head.hidden[0] ?? head.classifier}.weight`);
  // Pixels at each side that the linear layers take: as published, or one, as in VGGs for CIFAR.
  const pixels = inputs === undefined ? (isAlexNet ? 6 : 7) : Math.sqrt(inputs / channels);
  if (!Number.isInteger(pixels)) return undefined;
  const hasNorm = first.norm !== undefined;
  const layers = convolutions.map(
    ({ name, pooled }) => `${shapeOf(weights, `${name}.weight`)[0]}${pooled ? ' M' : ''}`,
  );
  // VGG's pooling halves an image; AlexNet's has windows of three.
  const minimum = isAlexNet ? 63 : 2 ** convolutions.filter(({ pooled }) => pooled).length;
  const isCifar = isVgg && pixels === 1 && minimum <= CIFAR.size;
  // There are AlexNets for CIFAR that pad and pool otherwise.
  const isPublished = PUBLISHED.includes(layers.join(' ')) && !(isAlexNet && pixels !== 6);
  return {
    architecture: isAlexNet ? 'AlexNet' : `VGG-${convolutions.length + 3}${hasNorm ? '-BN' : ''}`,
    modality: 'image',
    image: { input: IMAGE, published: publishedFor(original, isCifar, minimum) },
    hasLogits: head.classifier !== undefined,
    featurePoint: head.hidden.length > 0 ? 'last hidden layer, input of the classifier' : 'last pooling',
    assumed: assumedSettings(config, isPublished, 'pooling, padding and activation'),
    build: (graph) => {
      graph.use(weights);
      let x = imageInput(graph);
      for (const convolution of convolutions)
        x = isAlexNet ? alexLayer(graph, x, convolution) : vggLayer(graph, x, convolution);
      x = graph.node('Flatten', [adaptiveAveragePool(graph, x, pixels)], { axis: 1 });
      for (const name of head.hidden) x = activate(graph, linear(graph, x, name), 'relu');
      outputs(graph, x, head.classifier);
    },
  };
}

/** @param minimum of pixels at each side of an image */
function publishedFor(original: Weights, isCifar: boolean, minimum: number): PublishedPreprocessing {
  const way = isCifar ? CIFAR : original.tensors.has('pre_logits.fc1.weight') ? TIMM : TORCHVISION;
  return { ...way, minimum };
}

/** Convolutions that stand for linear layers, as the matrices that they are. */
function flattened(weights: Weights): Weights {
  const tensors = [...weights.tensors].map(([name, tensor]): [string, WeightTensor] => {
    const [outputs = 1, ...inputs] = tensor.shape;
    const matrix = [outputs, inputs.reduce((product, size) => product * size, 1)];
    return name.startsWith('classifier.') && tensor.shape.length === 4
      ? [name, { ...tensor, shape: matrix }]
      : [name, tensor];
  });
  return { ...weights, tensors: new Map(tensors) };
}

interface Convolution {
  readonly name: string;
  readonly norm: string | undefined;
  readonly pooled: boolean;
}

/** The convolutions in `features`, each followed by its norm, an activation and often pooling, counted one by one. */
function convolutionsOf(weights: Weights): Convolution[] {
  const indices = [...weights.tensors].flatMap(([name, { shape }]) => {
    const index = /^features\.(\d+)\.weight$/.exec(name)?.[1];
    return index !== undefined && shape.length === 4 ? [Number(index)] : [];
  });
  indices.sort((a, b) => a - b);
  return indices.map((index, position) => {
    const norm = weights.tensors.has(`features.${index + 1}.running_mean`) ? `features.${index + 1}` : undefined;
    const next = indices[position + 1] ?? Number.POSITIVE_INFINITY;
    return { name: `features.${index}`, norm, pooled: next > index + (norm === undefined ? 2 : 3) };
  });
}

function vggLayer(graph: Graph, x: Value, { name, norm, pooled }: Convolution): Value {
  const y =
    norm === undefined
      ? activate(graph, conv(graph, x, name, { padding: 1 }), 'relu')
      : convNorm(graph, x, name, norm, { padding: 1 });
  return pooled ? graph.mark(name, maxPool(graph, y, 2)) : y;
}

function alexLayer(graph: Graph, x: Value, { name, pooled }: Convolution): Value {
  const kernel = graph.shape(`${name}.weight`)[2] ?? 1;
  const options = kernel === 11 ? { stride: 4, padding: 2 } : { padding: (kernel - 1) / 2 };
  const y = activate(graph, conv(graph, x, name, options), 'relu');
  return pooled ? graph.mark(name, maxPool(graph, y, 3, { stride: 2 })) : y;
}

/**
 * The linear layers of `classifier`. The last is the classifier, unless it is missing and the hidden ones are there: two
 * that end as wide as they begin.
 */
function headOf(weights: Weights): { readonly hidden: readonly string[]; readonly classifier: string | undefined } {
  const names = [...weights.tensors].flatMap(([name, { shape }]) =>
    name.startsWith('classifier.') && name.endsWith('.weight') && shape.length === 2 ? [name.slice(0, -7)] : [],
  );
  names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const [outputs, inputs] = shapeOf(weights, `${names.at(-1)}.weight`);
  const headless = names.length === 2 && outputs === inputs;
  return headless ? { hidden: names, classifier: undefined } : { hidden: names.slice(0, -1), classifier: names.at(-1) };
}
