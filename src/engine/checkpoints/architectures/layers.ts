import type { Graph, Value } from './graph.ts';

// The layers of PyTorch, by the names that state dicts give their weights: `<name>.weight`, `<name>.bias`.

type Sides = readonly [top: number, left: number, bottom: number, right: number];

export interface ConvOptions {
  readonly stride?: number;
  /** Number of zeros at each side; `same` as TensorFlow pads, more at the end where the number is odd. */
  readonly padding?: number | readonly [height: number, width: number] | Sides | 'same';
  readonly groups?: number;
  readonly dilation?: number;
}

/**
 * Conv2d: `[n, c, h, w]` → `[n, c', h', w']`; the kernel's size is the weight's.
 * @throws Error when it is one of signals or videos: networks for these share the names of those for images
 */
export function conv(graph: Graph, x: Value, name: string, options: ConvOptions = {}): Value {
  const { stride = 1, padding = 0, groups = 1, dilation = 1 } = options;
  const inputs = [x, graph.weight(`${name}.weight`)];
  const [outputs = 0, , height = 1, width = 1] = graph.shape(`${name}.weight`);
  const axes = graph.shape(`${name}.weight`).length - 2;
  if (axes !== 2) throw new Error(`its convolution "${name}" is over ${axes} axes, not over the 2 of an image`);
  if (graph.has(`${name}.bias`)) inputs.push(graph.weight(`${name}.bias`, [outputs]));
  return graph.node('Conv', inputs, {
    kernel_shape: [height, width],
    strides: [stride, stride],
    ...padAttributes(padding),
    dilations: [dilation, dilation],
    group: groups,
  });
}

function padAttributes(padding: NonNullable<ConvOptions['padding']>): Record<string, string | number[]> {
  if (padding === 'same') return { auto_pad: 'SAME_UPPER' };
  const [top, left, bottom = top, right = left] = typeof padding === 'number' ? [padding, padding] : padding;
  return { pads: [top, left, bottom, right] };
}

/** BatchNorm2d in evaluation mode, with the running statistics. */
export function batchNorm(graph: Graph, x: Value, name: string, epsilon = 1e-5): Value {
  const shape = graph.shape(`${name}.weight`);
  const parts = ['weight', 'bias', 'running_mean', 'running_var'].map((part) => graph.weight(`${name}.${part}`, shape));
  return graph.node('BatchNormalization', [x, ...parts], { epsilon: { float: epsilon } });
}

/** LayerNorm over the last axis. */
export function layerNorm(graph: Graph, x: Value, name: string, epsilon: number): Value {
  const weight = graph.weight(`${name}.weight`);
  const bias = graph.weight(`${name}.bias`, graph.shape(`${name}.weight`));
  return graph.node('LayerNormalization', [x, weight, bias], { axis: -1, epsilon: { float: epsilon } });
}

/**
 * Linear on the last axis: x · weightᵀ + bias, for x of any rank. Gemm takes the weight as it lies in the file; of a
 * transposed weight ONNX Runtime would keep a copy beside it (ViT-B: 502 MB after loading instead of 423).
 */
export function linear(graph: Graph, x: Value, name: string): Value {
  const weight = `${name}.weight`;
  const [outputs = 0, inputs = 0] = graph.shape(weight);
  const rows = graph.node('Reshape', [x, graph.integers(-1, inputs)]);
  const bias = graph.has(`${name}.bias`) ? [graph.weight(`${name}.bias`, [outputs])] : [];
  const product = graph.node('Gemm', [rows, graph.weight(weight), ...bias], { transB: 1 });
  const others = graph.node('Shape', [x], { start: 0, end: -1 });
  return graph.node('Reshape', [product, graph.node('Concat', [others, graph.integers(outputs)], { axis: 0 })]);
}

/** GELU, exact (erf) or by its approximation with tanh (GPT-2's `gelu_new`). */
export function gelu(graph: Graph, x: Value, approximate: 'none' | 'tanh' = 'none'): Value {
  return graph.node('Gelu', [x], { approximate });
}

/**
 * Scaled dot-product attention of several heads: `[n, t, d]` queries on `[n, s, d]` keys and values → `[n, t, d]`.
 * @param bias added to the scores, broadcast to `[n, heads, t, s]`: masks, relative positions
 */
export function attention(
  graph: Graph,
  query: Value,
  key: Value,
  value: Value,
  options: {
    readonly heads: number;
    readonly headDim: number;
    readonly scale?: number;
    readonly bias?: Value | undefined;
  },
): Value {
  const { heads, headDim, scale = headDim ** -0.5, bias } = options;
  if (bias === undefined) {
    // Never holds the scores of all tokens by all tokens at once.
    const attributes = { num_heads: heads, scale: { float: scale } };
    return graph.node('MultiHeadAttention', [query, key, value], attributes, 'com.microsoft');
  }
  const split = (x: Value, perm: number[]) =>
    graph.node('Transpose', [graph.node('Reshape', [x, graph.integers(0, -1, heads, headDim)])], { perm });
  const scores = graph.node('Mul', [
    graph.node('MatMul', [split(query, [0, 2, 1, 3]), split(key, [0, 2, 3, 1])]),
    graph.constant([scale], []),
  ]);
  const weights = graph.node('Softmax', [graph.node('Add', [scores, bias])], { axis: -1 });
  const mixed = graph.node('MatMul', [weights, split(value, [0, 2, 1, 3])]);
  const joined = graph.node('Transpose', [mixed], { perm: [0, 2, 1, 3] });
  return graph.node('Reshape', [joined, graph.integers(0, -1, heads * headDim)]);
}

/** Mean over the spatial axes: `[n, c, h, w]` → `[n, c]`. */
export function globalAveragePool(graph: Graph, x: Value): Value {
  return graph.node('Flatten', [graph.node('GlobalAveragePool', [x])], { axis: 1 });
}
