import type { TextInput } from '../checkpoint.ts';
import type { Graph, Value } from './graph.ts';
import { gelu } from './layers.ts';

// What the families that read text share.

/** Names of the inputs that Hugging Face's text models share. */
export const ENCODED = { ids: 'input_ids', mask: 'attention_mask', elementType: 'int64' } as const;

/** Added to attention scores where nothing may be attended to; finite, so that a row of nothing else gives no NaN. */
const MASKED = -1e9;

/** ONNX's number of the type, for casts. */
export const INT64 = 7;
const FLOAT32 = 1;

/** A text network's inputs, `[n, t]` each. */
export interface Tokens {
  readonly ids: Value;
  /** 1 for a token, 0 for padding. */
  readonly mask: Value;
  /** 0 for the first text of a pair, 1 for the second. */
  readonly types?: Value;
}

/** The part of a captioner that reads the caption, and looks at the image. */
export interface CaptionDecoder {
  /** For people. */
  readonly architecture: string;
  readonly maxTokens: number;
  /** Its last states, `[n, t, d]`. Names in the graph mean this decoder's weights afterwards. */
  states(graph: Graph, tokens: Tokens, image: Value): Value;
}

/** Makes the inputs that `text` names. */
export function tokenInputs(
  graph: Graph,
  text: Pick<TextInput, 'ids' | 'tokenTypes'> & { readonly mask: string },
): Tokens {
  const input = (name: string) => graph.input(name, 'int64', ['n', 't']);
  const tokens = { ids: input(text.ids), mask: input(text.mask) };
  return text.tokenTypes === undefined ? tokens : { ...tokens, types: input(text.tokenTypes) };
}

/** The rows of an embedding table that are named by integers of any shape. */
export function embed(graph: Graph, name: string, ids: Value): Value {
  return graph.node('Gather', [graph.weight(`${name}.weight`), ids]);
}

/** 0, 1, …, t − 1 for tokens `[n, t]`. */
export function positions(graph: Graph, ids: Value): Value {
  const length = graph.node('Squeeze', [graph.node('Shape', [ids], { start: 1, end: 2 })]);
  return graph.node('Range', [graph.integer(0), length, graph.integer(1)]);
}

/** What to add to attention scores, `[n, 1, 1, t]`, so that no query sees padding. */
export function paddingBias(graph: Graph, mask: Value): Value {
  return bias(graph, visible(graph, mask));
}

/** What to add to attention scores, `[n, 1, t, t]`, so that no token sees padding or a later token. */
export function causalBias(graph: Graph, mask: Value): Value {
  const keys = positions(graph, mask);
  const queries = graph.node('Unsqueeze', [keys, graph.integers(1)]);
  return bias(graph, graph.node('And', [visible(graph, mask), graph.node('LessOrEqual', [keys, queries])]));
}

/** Beyond it all distances are alike. */
const MAX_DISTANCE = 128;

/**
 * What to add to attention scores, `[1, heads, t, t]`, by the distance between two tokens: T5's way (Raffel et al. 2019).
 * @param table `[buckets, heads]`: half of them are for keys before the query, and half of these for a distance each
 * @param ids `[n, t]`, at most `maxTokens` long
 */
export function distanceBias(graph: Graph, table: string, ids: Value, maxTokens: number): Value {
  const [buckets = 0] = graph.shape(table);
  const distances = Array.from({ length: 2 * maxTokens - 1 }, (_, index) => index - maxTokens + 1);
  const bucketsOf = distances.map((distance) => bucketAt(distance, buckets));
  const bucketOf = graph.constant(bucketsOf, [bucketsOf.length], 'int64');
  const keys = positions(graph, ids);
  const distance = graph.node('Sub', [keys, graph.node('Unsqueeze', [keys, graph.integers(1)])]);
  const bucket = graph.node('Gather', [bucketOf, graph.node('Add', [distance, graph.integer(maxTokens - 1)])]);
  const perHead = graph.node('Transpose', [graph.node('Gather', [graph.weight(table), bucket])], { perm: [2, 0, 1] });
  return graph.node('Unsqueeze', [perHead, graph.integers(0)]);
}

/** @param distance of a key behind its query */
function bucketAt(distance: number, buckets: number): number {
  const half = buckets / 2;
  const exact = half / 2;
  const length = Math.abs(distance);
  const side = distance > 0 ? half : 0;
  if (length < exact) return side + length;
  const logarithmic = (Math.log(length / exact) / Math.log(MAX_DISTANCE / exact)) * (half - exact);
  return side + Math.min(half - 1, exact + Math.trunc(logarithmic));
}

function visible(graph: Graph, mask: Value): Value {
  return graph.node('Unsqueeze', [graph.node('Equal', [mask, graph.integer(1)]), graph.integers(1, 2)]);
}

function bias(graph: Graph, allowed: Value): Value {
  return graph.node('Where', [allowed, graph.constant([0], []), graph.constant([MASKED], [])]);
}

/** Equal parts along the last axis. */
export function split(graph: Graph, x: Value, parts: number): Value[] {
  return graph.nodes('Split', [x], parts, { axis: -1, num_outputs: parts });
}

/** Mean of the states `[n, t, d]` of real tokens: `[n, d]`. */
export function meanOfTokens(graph: Graph, states: Value, mask: Value): Value {
  const weights = graph.node('Cast', [graph.node('Unsqueeze', [mask, graph.integers(1)])], { to: FLOAT32 });
  const sum = graph.node('Squeeze', [graph.node('MatMul', [weights, states]), graph.integers(1)]);
  const count = graph.node('ReduceSum', [weights, graph.integers(2)], { keepdims: 0 });
  return graph.node('Div', [sum, graph.node('Max', [count, graph.constant([1], [])])]);
}

/** State of the first token: `[n, t, d]` → `[n, d]`. */
export function firstToken(graph: Graph, states: Value): Value {
  return graph.node('Gather', [states, graph.integer(0)], { axis: 1 });
}

/** State of one token of each text: `[n, t, d]` at `[n]` → `[n, d]`. */
export function tokenAt(graph: Graph, states: Value, index: Value): Value {
  return graph.node('GatherND', [states, graph.node('Unsqueeze', [index, graph.integers(1)])], { batch_dims: 1 });
}

/** Index of the last real token of each text: `[n, t]` → `[n]`. */
export function lastToken(graph: Graph, mask: Value): Value {
  return graph.node('ArgMax', [graph.node('Mul', [mask, positions(graph, mask)])], { axis: 1, keepdims: 0 });
}

/** The activation that Hugging Face calls so. @throws Error when it is none that can be built */
export function activate(graph: Graph, x: Value, name: string): Value {
  switch (name) {
    case 'gelu':
      return gelu(graph, x);
    case 'gelu_new':
    case 'gelu_fast':
    case 'gelu_pytorch_tanh':
      return gelu(graph, x, 'tanh');
    case 'quick_gelu':
      return graph.node('Mul', [x, graph.node('Sigmoid', [graph.node('Mul', [x, graph.constant([1.702], [])])])]);
    case 'relu':
      return graph.node('Relu', [x]);
    case 'silu':
    case 'swish':
      return graph.node('Mul', [x, graph.node('Sigmoid', [x])]);
    case 'tanh':
      return graph.node('Tanh', [x]);
    default:
      throw new Error(`its activation "${name}" can't be built`);
  }
}
