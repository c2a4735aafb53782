import type { ImageInput } from '../checkpoint.ts';
import type { Weights } from '../weights.ts';
import type { PublishedPreprocessing } from './architecture.ts';
import { IMAGENET } from './architecture.ts';
import type { Graph, Value } from './graph.ts';
import { batchNorm, type ConvOptions, conv, linear } from './layers.ts';
import { rename, shapeOf } from './naming.ts';

// What the convolutional families share.

/** The input of every convolutional network: color images of any size. */
export const IMAGE: ImageInput = {
  name: 'image',
  elementType: 'float32',
  channelsFirst: true,
  channels: 3,
  height: undefined,
  width: undefined,
  batch: undefined,
};

export function imageInput(graph: Graph): Value {
  return graph.input(IMAGE.name, 'float32', ['n', 3, 'height', 'width']);
}

/** torchvision's evaluation of most networks, since AlexNet: 224 pixels out of 256, bilinear. */
export const TORCHVISION: PublishedPreprocessing = { size: 224, resize: 256, kernel: 'linear', ...IMAGENET };
/** The same of timm and Hugging Face: bicubic. */
export const TIMM: PublishedPreprocessing = { ...TORCHVISION, kernel: 'cubic' };

/** Of the networks for CIFAR: whole images, with the statistics that most of their code has. */
export const CIFAR: PublishedPreprocessing = {
  size: 32,
  resize: 32,
  kernel: 'linear',
  mean: [0.4914, 0.4822, 0.4465],
  std: [0.2023, 0.1994, 0.201],
};

/** The weights under a family's canonical names, without the counters of training steps. */
export function renameModules(weights: Weights, canonicalName: (name: string) => string): Weights {
  return rename(weights, (name) => (name.endsWith('num_batches_tracked') ? undefined : canonicalName(name)));
}

/**
 * The name of the only linear layer within a head, wherever fine-tuning put it: `fc`, or `fc.1` behind a dropout.
 * Undefined when there is none, or when it is a network of its own.
 */
export function classifierIn(weights: Weights, head: string, width: number): string | undefined {
  const names = [...weights.tensors].flatMap(([name, { shape }]) =>
    shape.length === 2 && name.startsWith(`${head}.`) && name.endsWith('.weight') ? [name] : [],
  );
  const [name = ''] = names;
  return names.length === 1 && shapeOf(weights, name)[1] === width ? name.slice(0, -'.weight'.length) : undefined;
}

/** Makes the outputs of a network: its features `[n, d]` and, where there is a classifier, its logits. */
export function outputs(graph: Graph, features: Value, classifier: string | undefined): void {
  graph.output('features', features);
  if (classifier !== undefined) graph.output('logits', linear(graph, features, classifier));
}

export type Activation = 'none' | 'relu' | 'relu6' | 'silu' | 'hardswish' | 'gelu';

export function activate(graph: Graph, x: Value, activation: Activation): Value {
  switch (activation) {
    case 'none':
      return x;
    case 'relu':
      return graph.node('Relu', [x]);
    case 'relu6':
      return graph.node('Clip', [x, graph.constant([0], []), graph.constant([6], [])]);
    case 'silu':
      return graph.node('Mul', [x, graph.node('Sigmoid', [x])]);
    case 'hardswish':
      return graph.node('Mul', [x, hardSigmoid(graph, x)]);
    case 'gelu':
      return graph.node('Gelu', [x]);
  }
}

function hardSigmoid(graph: Graph, x: Value): Value {
  return graph.node('HardSigmoid', [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
}

export interface ConvNormOptions extends ConvOptions {
  readonly activation?: Activation;
  readonly epsilon?: number;
}

/** Convolution, batch norm and activation: ReLU unless said. */
export function convNorm(graph: Graph, x: Value, convName: string, normName: string, options: ConvNormOptions): Value {
  const { activation = 'relu', epsilon } = options;
  return activate(graph, batchNorm(graph, conv(graph, x, convName, options), normName, epsilon), activation);
}

export interface PoolOptions {
  readonly stride?: number;
  readonly padding?: number;
  /** Whether a last window that is not full counts. */
  readonly ceil?: boolean;
}

export function maxPool(graph: Graph, x: Value, size: number, options: PoolOptions = {}): Value {
  return graph.node('MaxPool', [x], poolAttributes(size, options));
}

/** @param padding counts as zeros (PyTorch's default) only where `countPadding` */
export function averagePool(graph: Graph, x: Value, size: number, options: PoolOptions & { countPadding?: boolean }) {
  return graph.node('AveragePool', [x], {
    ...poolAttributes(size, options),
    count_include_pad: options.countPadding ? 1 : 0,
  });
}

function poolAttributes(size: number, { stride = size, padding = 0, ceil = false }: PoolOptions) {
  return {
    kernel_shape: [size, size],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    ceil_mode: ceil ? 1 : 0,
  };
}

/**
 * Mean over size × size windows that share an image of any size evenly (PyTorch's AdaptiveAvgPool2d): window i of n over
 * s pixels is from ⌊i·s/n⌋ to ⌈(i + 1)·s/n⌉. ONNX has no such operator: a matrix of the windows for each axis does it.
 */
export function adaptiveAveragePool(graph: Graph, x: Value, size: number): Value {
  const windows = (axis: number) => {
    const length = graph.node('Squeeze', [graph.node('Shape', [x], { start: axis, end: axis + 1 })]);
    const pixel = graph.node('Range', [graph.integer(0), length, graph.integer(1)]);
    const indices = Array.from({ length: size }, (_, index) => index);
    const index = graph.constant(indices, [size, 1], 'int64');
    const count = graph.integer(size);
    const first = graph.node('Div', [graph.node('Mul', [index, length]), count]);
    const next = graph.constant(
      indices.map((value) => value + 1),
      [size, 1],
      'int64',
    );
    const rounding = graph.integer(size - 1);
    const end = graph.node('Div', [graph.node('Add', [graph.node('Mul', [next, length]), rounding]), count]);
    const within = graph.node('And', [graph.node('GreaterOrEqual', [pixel, first]), graph.node('Less', [pixel, end])]);
    const float = (value: Value) => graph.node('Cast', [value], { to: 1 });
    return graph.node('Div', [float(within), float(graph.node('Sub', [end, first]))]);
  };
  const columns = graph.node('Transpose', [windows(3)], { perm: [1, 0] });
  return graph.node('MatMul', [windows(2), graph.node('MatMul', [x, columns])]);
}

/** Squeeze and excitation: each channel scaled by what two layers make of all channels' means. */
export function squeezeExcite(
  graph: Graph,
  x: Value,
  squeeze: string,
  excite: string,
  activation: Activation,
  gate: 'sigmoid' | 'hardsigmoid',
): Value {
  const squeezed = activate(graph, conv(graph, graph.node('GlobalAveragePool', [x]), squeeze), activation);
  const excited = conv(graph, squeezed, excite);
  return graph.node('Mul', [x, gate === 'sigmoid' ? graph.node('Sigmoid', [excited]) : hardSigmoid(graph, excited)]);
}
