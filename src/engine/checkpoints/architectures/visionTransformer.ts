import type { ImageInput } from '../checkpoint.ts';
import type { Weights, WeightTensor } from '../weights.ts';
import type { ModelConfig, PublishedPreprocessing } from './architecture.ts';
import { END, type Graph, type Value } from './graph.ts';
import { gelu, linear } from './layers.ts';

// What the vision transformers share.

/** The part of a network that turns an image into a sequence of tokens: captioners and the like build on it. */
export interface ImageEncoder {
  readonly input: ImageInput;
  /** How its images are prepared, where not as Google's vision transformers have it. */
  readonly published?: PublishedPreprocessing;
  /** Width of a token. */
  readonly width: number;
  /** `[n, 3, h, w]` → `[n, tokens, width]`. Names in the graph mean this encoder's weights afterwards. */
  tokens(graph: Graph, image: Value): Value;
}

/** A network's input: color images of one size, or of any. */
export function imageOfSize(height: number | undefined, width: number | undefined): ImageInput {
  return { name: 'image', elementType: 'float32', channelsFirst: true, channels: 3, height, width, batch: undefined };
}

/** The weights under a prefix, without it. */
export function weightsUnder(weights: Weights, prefix: string): Weights {
  const tensors = [...weights.tensors].filter(([name]) => name.startsWith(prefix));
  return { ...weights, tensors: new Map(tensors.map(([name, tensor]) => [name.slice(prefix.length), tensor])) };
}

/** The name in PyTorch of the module that has a weight, which the canonical names may have changed. */
export function moduleOf(original: Weights, tensor: WeightTensor | undefined): string | undefined {
  for (const [name, other] of original.tensors) {
    if (other === tensor) return name.split('.').slice(0, -2).join('.');
  }
  return undefined;
}

/** A value in config.json: Hugging Face's, or among the arguments that timm notes. */
export function setting(config: ModelConfig | undefined, key: string): unknown {
  return config?.get(key) ?? member(config?.get('model_args'), key) ?? member(config?.get('pretrained_cfg'), key);
}

export function numberIn(config: ModelConfig | undefined, ...keys: readonly string[]): number | undefined {
  return keys.map((key) => setting(config, key)).find((value) => typeof value === 'number');
}

/** A list of numbers, or one for all of them. */
export function numbersIn(config: ModelConfig | undefined, ...keys: readonly string[]): readonly number[] | undefined {
  for (const key of keys) {
    const value = setting(config, key);
    if (typeof value === 'number') return [value];
    if (Array.isArray(value) && value.every((item) => typeof item === 'number')) return value;
  }
  return undefined;
}

function member(parent: unknown, key: string): unknown {
  return typeof parent === 'object' && parent !== null
    ? Object.getOwnPropertyDescriptor(parent, key)?.value
    : undefined;
}

/** Height and width of the input, by Hugging Face's `image_size` or timm's `img_size` and `input_size`. */
export function imageSizeIn(config: ModelConfig | undefined): readonly [number, number] | undefined {
  const size = numbersIn(config, 'image_size', 'img_size', 'input_size');
  const [height, width = height] = size?.slice(-2) ?? [];
  return height !== undefined && width !== undefined ? [height, width] : undefined;
}

/** The activation of the feed-forward parts. */
export type HiddenActivation = (graph: Graph, x: Value) => Value;

const ACTIVATIONS = new Map<string, HiddenActivation>([
  ['gelu', (graph, x) => gelu(graph, x)],
  ...['gelu_new', 'gelu_fast', 'gelu_pytorch_tanh', 'gelu_tanh'].map((name): [string, HiddenActivation] => [
    name,
    (graph, x) => gelu(graph, x, 'tanh'),
  ]),
  ['quick_gelu', (graph, x) => gated(graph, x, graph.node('Mul', [x, graph.constant([1.702], [])]))],
  ...['silu', 'swish'].map((name): [string, HiddenActivation] => [name, silu]),
  ['relu', (graph, x) => graph.node('Relu', [x])],
]);

/**
 * @param name as config.json has it: `hidden_act`, or timm's `act_layer`
 * @throws Error when it is one that can't be built
 */
export function hiddenActivation(name: unknown): HiddenActivation {
  const activation = typeof name === 'string' ? ACTIVATIONS.get(name) : undefined;
  if (!activation) throw new Error(`its activation ${JSON.stringify(name)} can't be built`);
  return activation;
}

export function silu(graph: Graph, x: Value): Value {
  return gated(graph, x, x);
}

function gated(graph: Graph, x: Value, gate: Value): Value {
  return graph.node('Mul', [x, graph.node('Sigmoid', [gate])]);
}

/** Equal parts of the last axis. */
export function split(graph: Graph, x: Value, parts: number): Value[] {
  return graph.nodes('Split', [x], parts, { axis: -1, num_outputs: parts });
}

/** Queries, keys and values, of one linear layer `qkv` (which may have biases of two apart) or of `q`, `k` and `v`. */
export function projections(graph: Graph, x: Value, name: string): [query: Value, key: Value, value: Value] {
  if (!graph.has(`${name}.qkv.weight`)) {
    return [linear(graph, x, `${name}.q`), linear(graph, x, `${name}.k`), linear(graph, x, `${name}.v`)];
  }
  const [query = '', key = '', value = ''] = split(graph, linear(graph, x, `${name}.qkv`), 3);
  const plus = (y: Value, bias: string) => (graph.has(bias) ? graph.node('Add', [y, graph.weight(bias)]) : y);
  return [plus(query, `${name}.q_bias`), key, plus(value, `${name}.v_bias`)];
}

/** `[n, c, h, w]` → `[n, h·w, c]` */
export function pixelsAsTokens(graph: Graph, x: Value): Value {
  return graph.node('Transpose', [graph.node('Reshape', [x, graph.integers(0, 0, -1)])], { perm: [0, 2, 1] });
}

/** One value for each image of the batch: `[1, t, d]` → `[n, t, d]`, for the n of `like`. */
export function repeatForBatch(graph: Graph, x: Value, like: Value): Value {
  const batch = graph.node('Shape', [like], { start: 0, end: 1 });
  return graph.node('Expand', [x, graph.node('Concat', [batch, graph.integers(1, 1)], { axis: 0 })]);
}

/** `[n, t, d]` → `[n, t', d]`: the tokens from one on, up to another. */
export function tokensFrom(graph: Graph, x: Value, start: number, end = END): Value {
  return graph.node('Slice', [x, graph.integers(start), graph.integers(end), graph.integers(1)]);
}

/** `[n, t, d]` → `[n, d]`: one token. */
export function token(graph: Graph, x: Value, index: number): Value {
  return graph.node('Gather', [x, graph.integer(index)], { axis: 1 });
}

/** `[n, t, d]` → `[n, d]` */
export function meanOfTokens(graph: Graph, x: Value): Value {
  return graph.node('ReduceMean', [x, graph.integers(1)], { keepdims: 0 });
}

/** `[n, h·w, c]` → `[n, c, h, w]` of the height and width of `like`. */
export function tokensAsPixels(graph: Graph, x: Value, like: Value, channels: number): Value {
  const shape = [
    graph.node('Shape', [like], { start: 0, end: 1 }),
    graph.integers(channels),
    graph.node('Shape', [like], { start: 2 }),
  ];
  const transposed = graph.node('Transpose', [x], { perm: [0, 2, 1] });
  return graph.node('Reshape', [transposed, graph.node('Concat', shape, { axis: 0 })]);
}
