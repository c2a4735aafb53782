import type { Weights } from '../weights.ts';
import type { Graph, Value } from './graph.ts';
import { attention, conv, layerNorm, linear } from './layers.ts';
import {
  type HiddenActivation,
  type ImageEncoder,
  imageOfSize,
  pixelsAsTokens,
  projections,
  repeatForBatch,
  silu,
  split,
  tokensFrom,
} from './visionTransformer.ts';

// The graph of a vision transformer, over weights of its canonical names (see vit.ts).

/** ONNX TensorProto.DataType */
const FLOAT = 1;
const BOOL = 9;

export interface VitAnatomy {
  readonly weights: Weights;
  readonly width: number;
  readonly patch: number;
  /** Patches in a column and in a row. */
  readonly grid: readonly [number, number];
  /** Height and width of the image, whose pixels beyond the last whole patch count for nothing. */
  readonly image: readonly [number, number];
  /** Tokens before the patches' ones, by their weights' names, and how many of them the position embedding counts. */
  readonly leading: readonly string[];
  readonly leadingTokens: number;
  readonly positionedTokens: number;
  /** Name in PyTorch of each block. */
  readonly blocks: readonly string[];
  readonly heads: number;
  /** What is taken for granted about them, in a sentence. */
  readonly assumed: string | undefined;
  readonly epsilon: number;
  readonly activation: HiddenActivation;
  /**
   * What is added to the scores of each block's attention, `[heads, tokens, tokens]`, by the number of the block; undefined
   * where nothing is.
   */
  readonly scoreBias?: (graph: Graph, image: Value) => (block: number) => Value;
}

/** How positions are resized for images of another size, bicubic: libraries differ. */
export interface PositionResizing {
  readonly antialias: boolean;
  /** What the scale counts more than there are patches in a column and in a row. */
  readonly excess: number;
}

/** All tokens of a vision transformer, after the final norm where it is one of tokens. */
export function encoderOf(anatomy: VitAnatomy): ImageEncoder {
  return {
    input: imageOfSize(...anatomy.image),
    width: anatomy.width,
    tokens: (graph, image) => tokens(graph, image, anatomy),
  };
}

/**
 * `[n, 3, h, w]` → `[n, tokens, width]`, after the final norm.
 * @param resizing left out where all images are of the size that the positions are for
 */
export function tokens(graph: Graph, image: Value, anatomy: VitAnatomy, resizing?: PositionResizing): Value {
  const { weights, epsilon } = anatomy;
  graph.use(weights);
  let x = embed(graph, image, anatomy, resizing);
  if (graph.has('norm_pre.weight')) x = layerNorm(graph, x, 'norm_pre', epsilon);
  const biasOf = anatomy.scoreBias?.(graph, image);
  for (const [index, name] of anatomy.blocks.entries())
    x = graph.mark(name, block(graph, x, `blocks.${index}`, anatomy, biasOf?.(index)));
  return graph.has('norm.weight') ? layerNorm(graph, x, 'norm', epsilon) : x;
}

/** The patches' tokens with their positions, behind the class token and its like. */
function embed(graph: Graph, image: Value, anatomy: VitAnatomy, resizing: PositionResizing | undefined): Value {
  const { width, patch, leading, positionedTokens } = anatomy;
  const sequence = (name: string) => graph.node('Reshape', [graph.weight(name), graph.integers(1, -1, width)]);
  const patches = pixelsAsTokens(graph, conv(graph, image, 'patch_embed.proj', { stride: patch }));
  if (!graph.has('pos_embed')) {
    const before = graph.node('Concat', leading.map(sequence), { axis: 1 });
    return graph.node('Concat', [repeatForBatch(graph, before, image), patches], { axis: 1 });
  }
  const positions = sequence('pos_embed');
  const trained = tokensFrom(graph, positions, positionedTokens);
  const placed = graph.node('Add', [
    patches,
    resizing ? resizedPositions(graph, trained, image, anatomy, resizing) : trained,
  ]);
  if (leading.length === 0) return placed;
  const all = graph.node('Concat', leading.map(sequence), { axis: 1 });
  const first = graph.node('Add', [
    tokensFrom(graph, all, 0, positionedTokens),
    tokensFrom(graph, positions, 0, positionedTokens),
  ]);
  const before = graph.node('Concat', [first, tokensFrom(graph, all, positionedTokens)], { axis: 1 });
  return graph.node('Concat', [repeatForBatch(graph, before, image), placed], { axis: 1 });
}

/** Positions of the patches of an image of any size. */
function resizedPositions(
  graph: Graph,
  positions: Value,
  image: Value,
  { grid, width, patch }: VitAnatomy,
  { antialias, excess }: PositionResizing,
): Value {
  const map = graph.node('Transpose', [graph.node('Reshape', [positions, graph.integers(1, ...grid, width)])], {
    perm: [0, 3, 1, 2],
  });
  const pixels = graph.node('Shape', [image], { start: 2, end: 4 });
  const patches = graph.node('Div', [pixels, graph.integers(patch)]);
  const resized = graph.node(
    'Resize',
    excess === 0
      ? [map, '', '', graph.node('Concat', [graph.integers(1, width), patches], { axis: 0 })]
      : [map, '', scalesWith(graph, patches, grid, excess)],
    {
      mode: 'cubic',
      // PyTorch's: Keys' parameter is another where it filters.
      cubic_coeff_a: { float: antialias ? -0.5 : -0.75 },
      antialias: antialias ? 1 : 0,
      exclude_outside: antialias ? 1 : 0,
      coordinate_transformation_mode: 'half_pixel',
    },
  );
  return pixelsAsTokens(graph, resized);
}

/** 1 for an image of as many patches as there are positions. */
function scalesWith(graph: Graph, patches: Value, grid: VitAnatomy['grid'], excess: number): Value {
  const counts = graph.node('Add', [graph.node('Cast', [patches], { to: FLOAT }), graph.constant([excess], [])]);
  const scales = graph.node('Div', [counts, graph.constant(grid)]);
  const equal = graph.node('Cast', [graph.node('Equal', [patches, graph.integers(...grid)])], { to: FLOAT });
  const all = graph.node('Cast', [graph.node('ReduceMin', [equal])], { to: BOOL });
  const needed = graph.node('Where', [all, graph.constant([1, 1]), scales]);
  return graph.node('Concat', [graph.constant([1, 1]), needed], { axis: 0 });
}

function block(graph: Graph, x: Value, name: string, anatomy: VitAnatomy, bias: Value | undefined): Value {
  const { epsilon, activation } = anatomy;
  const scaled = (y: Value, scale: string) =>
    graph.has(`${name}.${scale}.gamma`) ? graph.node('Mul', [y, graph.weight(`${name}.${scale}.gamma`)]) : y;
  const attended = selfAttention(graph, layerNorm(graph, x, `${name}.norm1`, epsilon), `${name}.attn`, anatomy, bias);
  const y = graph.node('Add', [x, scaled(attended, 'ls1')]);
  const fed = feedForward(graph, layerNorm(graph, y, `${name}.norm2`, epsilon), `${name}.mlp`, activation, epsilon);
  return graph.node('Add', [y, scaled(fed, 'ls2')]);
}

function selfAttention(
  graph: Graph,
  x: Value,
  name: string,
  { heads, epsilon }: VitAnatomy,
  bias: Value | undefined,
): Value {
  const [query, key, value] = projections(graph, x, name);
  const rows = graph.shape(graph.has(`${name}.qkv.weight`) ? `${name}.qkv.weight` : `${name}.q.weight`)[0] ?? 0;
  const headDim = (graph.has(`${name}.qkv.weight`) ? rows / 3 : rows) / heads;
  /** The norm of each head's queries or keys. */
  const normed = (y: Value, norm: string) => {
    if (!graph.has(`${norm}.weight`)) return y;
    const split = graph.node('Reshape', [y, graph.integers(0, -1, heads, headDim)]);
    return graph.node('Reshape', [layerNorm(graph, split, norm, epsilon), graph.integers(0, -1, heads * headDim)]);
  };
  const mixed = attention(graph, normed(query, `${name}.q_norm`), normed(key, `${name}.k_norm`), value, {
    heads,
    headDim,
    bias,
  });
  const scaled = graph.has(`${name}.norm.weight`) ? layerNorm(graph, mixed, `${name}.norm`, epsilon) : mixed;
  return linear(graph, scaled, `${name}.proj`);
}

/** Two linear layers; where the first makes twice what the second takes, one half is the other's gate (SwiGLU). */
function feedForward(graph: Graph, x: Value, name: string, activation: HiddenActivation, epsilon: number): Value {
  let hidden = linear(graph, x, `${name}.fc1`);
  if (graph.shape(`${name}.fc1.weight`)[0] === 2 * (graph.shape(`${name}.fc2.weight`)[1] ?? 0)) {
    const [gate = '', linearPart = ''] = split(graph, hidden, 2);
    hidden = graph.node('Mul', [silu(graph, gate), linearPart]);
  } else {
    hidden = activation(graph, hidden);
  }
  if (graph.has(`${name}.norm.weight`)) hidden = layerNorm(graph, hidden, `${name}.norm`, epsilon);
  return linear(graph, hidden, `${name}.fc2`);
}
