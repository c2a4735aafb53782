import type { Weights } from '../weights.ts';
import type { Graph, Value } from './graph.ts';
import { conv, layerNorm, linear } from './layers.ts';
import { type HiddenActivation, pixelsAsTokens, projections, split } from './visionTransformer.ts';
import { gatherPadded, type MapSize, planMerging, planWindows, sizeOfMap, type WindowPlan } from './windows.ts';

// The graph of a Swin or Swin V2, over weights of its canonical names (see swin.ts).

/** Of every norm that config.json says nothing of. */
export const EPSILON = 1e-5;

export interface SwinAnatomy {
  readonly weights: Weights;
  readonly version: 1 | 2;
  /** timm rolls a map before it pads it, the others afterwards. */
  readonly rollsFirst: boolean;
  /** What keeps attention within regions: −100, which Hugging Face's Swin V2 adds twice. */
  readonly masked: number;
  readonly stages: readonly SwinStage[];
  readonly width: number;
  readonly patch: number;
  /** Side of the image that it was trained with. */
  readonly size: number;
  readonly epsilon: number;
  readonly activation: HiddenActivation;
}

export interface SwinStage {
  /** Names in PyTorch of its blocks. */
  readonly blocks: readonly string[];
  readonly heads: number;
  readonly window: number;
  /** Window that V2's coordinates are relative to: that of its pretraining. */
  readonly coordinates: number;
}

/** `[n, 3, h, w]` → `[n, tokens, width]`: the last stage's, after the final norm where there is one. */
export function tokens(graph: Graph, image: Value, anatomy: SwinAnatomy): Value {
  const { weights, stages, patch, version, epsilon, rollsFirst, masked } = anatomy;
  graph.use(weights);
  const map = conv(graph, image, 'patch_embed.proj', { stride: patch });
  let size = sizeOfMap(graph, map);
  let x = pixelsAsTokens(graph, map);
  if (graph.has('patch_embed.norm.weight')) x = layerNorm(graph, x, 'patch_embed.norm', EPSILON);
  if (graph.has('pos_embed')) x = graph.node('Add', [x, graph.weight('pos_embed')]);
  for (const [index, stage] of stages.entries()) {
    const plans = [false, true].map((shifted) =>
      planWindows(graph, size, { window: stage.window, shifted, rollsFirst, masked }),
    );
    const pairs = placesOfPairs(graph, stage.window);
    for (const [number, name] of stage.blocks.entries()) {
      const plan = plans[number % 2];
      if (plan)
        x = graph.mark(name, block(graph, x, { ...plan, pairs }, `layers.${index}.blocks.${number}`, stage, anatomy));
    }
    if (index < stages.length - 1) [x, size] = merge(graph, x, size, `merge.${index}`, version);
  }
  return graph.has('norm.weight') ? layerNorm(graph, x, 'norm', epsilon) : x;
}

interface BlockPlan extends WindowPlan {
  /** `[area, area]`: for each two pixels of a window the place of their offset in the table of biases. */
  readonly pairs: Value;
}

/** Four neighbouring tokens become one of twice the width. */
function merge(graph: Graph, x: Value, from: MapSize, name: string, version: 1 | 2): [Value, MapSize] {
  const { order, size } = planMerging(graph, from);
  const [, inputs = 0] = graph.shape(`${name}.reduction.weight`);
  const joined = graph.node('Reshape', [gatherPadded(graph, x, order), graph.integers(0, -1, inputs)]);
  const merged =
    version === 2
      ? layerNorm(graph, linear(graph, joined, `${name}.reduction`), `${name}.norm`, EPSILON)
      : linear(graph, layerNorm(graph, joined, `${name}.norm`, EPSILON), `${name}.reduction`);
  return [merged, size];
}

function block(graph: Graph, x: Value, plan: BlockPlan, name: string, stage: SwinStage, anatomy: SwinAnatomy): Value {
  const { version, epsilon, activation } = anatomy;
  /** A layer with its norm: before it in Swin, behind it in V2. */
  const normed = (y: Value, norm: string, layer: (z: Value) => Value) =>
    version === 2 ? layerNorm(graph, layer(y), norm, epsilon) : layer(layerNorm(graph, y, norm, epsilon));
  const attend = (y: Value) => windowAttention(graph, y, plan, `${name}.attn`, stage, version);
  const feed = (y: Value) => linear(graph, activation(graph, linear(graph, y, `${name}.mlp.fc1`)), `${name}.mlp.fc2`);
  const attended = graph.node('Add', [x, normed(x, `${name}.norm1`, attend)]);
  return graph.node('Add', [attended, normed(attended, `${name}.norm2`, feed)]);
}

function windowAttention(
  graph: Graph,
  x: Value,
  plan: BlockPlan,
  name: string,
  { window, heads, coordinates }: SwinStage,
  version: 1 | 2,
): Value {
  const [width = 0] = graph.shape(`${name}.proj.weight`);
  const [query, key, value] = biased(graph, gatherPadded(graph, x, plan.order), name, version);
  /** `[n, windows · area, d]` → `[n, windows, heads, area, d / heads]` */
  const apart = (y: Value) => {
    const sides = graph.integers(0, -1, window ** 2, heads, width / heads);
    return graph.node('Transpose', [graph.node('Reshape', [y, sides])], { perm: [0, 1, 3, 2, 4] });
  };
  const turned = (y: Value) => graph.node('Transpose', [y], { perm: [0, 1, 2, 4, 3] });
  const scale =
    version === 2 ? temperature(graph, `${name}.logit_scale`) : graph.constant([(width / heads) ** -0.5], []);
  const direction = (y: Value) => (version === 2 ? unitLength(graph, y) : y);
  const scaled = graph.node('Mul', [direction(apart(query)), scale]);
  const scores = graph.node('MatMul', [scaled, turned(direction(apart(key)))]);
  const biases =
    version === 2
      ? biasesByCoordinates(graph, name, window, coordinates)
      : graph.weight(`${name}.relative_position_bias_table`);
  const ofPairs = graph.node('Gather', [biases, plan.pairs], { axis: 0 });
  const relative = graph.node('Transpose', [ofPairs], { perm: [2, 0, 1] });
  const bias = plan.mask === undefined ? relative : graph.node('Add', [relative, plan.mask]);
  const weights = graph.node('Softmax', [graph.node('Add', [scores, bias])], { axis: -1 });
  const mixed = graph.node('Transpose', [graph.node('MatMul', [weights, apart(value)])], { perm: [0, 1, 3, 2, 4] });
  const joined = graph.node('Reshape', [mixed, graph.integers(0, -1, width)]);
  return linear(graph, graph.node('Gather', [joined, plan.back], { axis: 1 }), `${name}.proj`);
}

/** Queries, keys and values. V2's keys have no bias; torchvision has one to leave out. */
function biased(graph: Graph, x: Value, name: string, version: 1 | 2): readonly [Value, Value, Value] {
  const [query, key, value] = projections(graph, x, name);
  if (version === 1 || !graph.has(`${name}.qkv.bias`)) return [query, key, value];
  const [, keyBias = ''] = split(graph, graph.weight(`${name}.qkv.bias`), 3);
  return [query, graph.node('Sub', [key, keyBias]), value];
}

/** At most 100. */
function temperature(graph: Graph, logScale: string): Value {
  return graph.node('Exp', [graph.node('Min', [graph.weight(logScale), graph.constant([Math.log(100)], [])])]);
}

function unitLength(graph: Graph, x: Value): Value {
  const length = graph.node('ReduceL2', [x, graph.integers(-1)], { keepdims: 1 });
  return graph.node('Div', [x, graph.node('Max', [length, graph.constant([1e-12], [])])]);
}

/** `[(2·window − 1)², heads]`, by a small network on the logarithms of the distances. */
function biasesByCoordinates(graph: Graph, name: string, window: number, coordinates: number): Value {
  const offsets = Array.from({ length: 2 * window - 1 }, (_, index) => index - window + 1);
  const logarithm = (offset: number) => {
    const distance = (8 * offset) / Math.max(1, coordinates - 1);
    return (Math.sign(distance) * Math.log2(Math.abs(distance) + 1)) / Math.log2(8);
  };
  const table = graph.has(`${name}.relative_coords_table`)
    ? graph.node('Reshape', [graph.weight(`${name}.relative_coords_table`), graph.integers(-1, 2)])
    : graph.constant(
        offsets.flatMap((y) => offsets.flatMap((x) => [logarithm(y), logarithm(x)])),
        [offsets.length ** 2, 2],
      );
  const hidden = graph.node('Relu', [linear(graph, table, `${name}.cpb_mlp.0`)]);
  const biases = graph.node('Sigmoid', [linear(graph, hidden, `${name}.cpb_mlp.2`)]);
  return graph.node('Mul', [biases, graph.constant([16], [])]);
}

function placesOfPairs(graph: Graph, window: number): Value {
  const side = 2 * window - 1;
  const pixels = Array.from(
    { length: window ** 2 },
    (_, index) => [Math.floor(index / window), index % window] as const,
  );
  const places = pixels.flatMap(([y, x]) =>
    pixels.map(([otherY, otherX]) => (y - otherY + window - 1) * side + (x - otherX + window - 1)),
  );
  return graph.constant(places, [window ** 2, window ** 2], 'int64');
}
