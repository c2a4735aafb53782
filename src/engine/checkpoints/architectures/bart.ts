import type { Weights } from '../weights.ts';
import type { Architecture, ModelConfig, RecognisedNetwork } from './architecture.ts';
import type { Graph, Value } from './graph.ts';
import { attention, layerNorm, linear } from './layers.ts';
import { countOf, headsOf, rename, shapeOf, textOf } from './naming.ts';
import {
  activate,
  type CaptionDecoder,
  causalBias,
  ENCODED,
  embed,
  integer,
  meanOfTokens,
  paddingBias,
  positions,
  tokenInputs,
} from './text.ts';

/**
 * BART (Lewis et al. 2020) under Hugging Face's names, `encoder.layers.0…` and `decoder.layers.0…`, with or without
 * `model.`. As a text network its encoder is used: features are the mean of its last states over real tokens. As the
 * decoder of a captioner it attends to the image.
 */
export const bart: Architecture = { family: 'BART', recognise };

/** Positions count from here: the first two rows of the table are for padding. */
const POSITION_OFFSET = 2;
const EPSILON = 1e-5;
const PUBLISHED_HEADS = 64;

/** One of its stacks of layers. */
interface Stack {
  /** `encoder` or `decoder` */
  readonly name: string;
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly activation: string;
  readonly scale: number;
  readonly maxTokens: number;
}

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const weights = canonical(original);
  const has = (name: string) => weights.tensors.has(name);
  if (!has('encoder.layernorm_embedding.weight') || !has('decoder.layers.0.encoder_attn.q_proj.weight'))
    return undefined;
  if (!/^(bart|)$/.test(textOf(config, 'model_type') ?? '')) return undefined;
  const stack = stackOf(weights, 'encoder', config);
  const text = { ...ENCODED, tokenTypes: undefined, maxTokens: stack.maxTokens };
  return {
    architecture: nameOf(stack),
    modality: 'text',
    text,
    hasLogits: false,
    featurePoint: 'last states of the encoder, mean over real tokens',
    build: (graph) => {
      graph.use(weights);
      const tokens = tokenInputs(graph, text);
      const states = graph.mark(
        'last_hidden_state',
        statesOf(graph, stack, tokens.ids, paddingBias(graph, tokens.mask)),
      );
      graph.output('features', meanOfTokens(graph, states, tokens.mask));
    },
  };
}

/** The decoder of a captioner, by its own weights and settings; undefined when it is of another family. */
export function bartDecoder(original: Weights, config: ModelConfig | undefined): CaptionDecoder | undefined {
  const weights = canonical(original);
  if (!weights.tensors.has('decoder.layers.0.encoder_attn.q_proj.weight')) return undefined;
  if (!weights.tensors.has('decoder.layernorm_embedding.weight')) return undefined;
  const stack = stackOf(weights, 'decoder', config);
  return {
    architecture: nameOf(stack),
    maxTokens: stack.maxTokens,
    states: (graph, tokens, image) => {
      graph.use(weights);
      return statesOf(graph, stack, tokens.ids, causalBias(graph, tokens.mask), image);
    },
  };
}

/** Without the base model's name; the two stacks share one table of words. */
function canonical(weights: Weights): Weights {
  const renamed = rename(weights, (name) => name.replace(/^model\./, ''));
  const shared = renamed.tensors.get('shared.weight') ?? renamed.tensors.get('lm_head.weight');
  if (!shared) return renamed;
  const tensors = new Map(renamed.tensors);
  for (const stack of ['encoder', 'decoder']) {
    const table = `${stack}.embed_tokens.weight`;
    if (!tensors.has(table)) tensors.set(table, shared);
  }
  return { ...renamed, tensors };
}

function stackOf(weights: Weights, name: 'encoder' | 'decoder', config: ModelConfig | undefined): Stack {
  const [places = 0, width = 0] = shapeOf(weights, `${name}.embed_positions.weight`);
  return {
    name,
    layers: countOf(weights, (layer) => `${name}.layers.${layer}.fc1.weight`),
    width,
    heads: headsOf(config, `${name}_attention_heads`, width, PUBLISHED_HEADS),
    activation: textOf(config, 'activation_function') ?? 'gelu',
    scale: config?.get('scale_embedding') === true ? Math.sqrt(width) : 1,
    maxTokens: places - POSITION_OFFSET,
  };
}

function nameOf({ layers, width }: Stack): string {
  if (layers === 6 && width === 768) return 'BART-base';
  return layers === 12 && width === 1024 ? 'BART-large' : `BART-L${layers}-H${width}`;
}

/**
 * States of the last layer, `[n, t, d]`.
 * @param image states that a decoder attends to
 */
function statesOf(graph: Graph, stack: Stack, ids: Value, bias: Value, image?: Value): Value {
  const { name, layers, width, heads, activation, scale } = stack;
  const words = embed(graph, `${name}.embed_tokens`, ids);
  const scaled = scale === 1 ? words : graph.node('Mul', [words, graph.constant([scale], [])]);
  const places = graph.node('Add', [positions(graph, ids), integer(graph, POSITION_OFFSET)]);
  const embedded = graph.node('Add', [scaled, embed(graph, `${name}.embed_positions`, places)]);
  let x = layerNorm(graph, embedded, `${name}.layernorm_embedding`, EPSILON);
  const add = (change: Value, norm: string) => {
    x = layerNorm(graph, graph.node('Add', [x, change]), norm, EPSILON);
  };
  const attend = (source: Value, part: string, seen?: Value) => {
    const project = (from: Value, kind: string) => linear(graph, from, `${part}.${kind}_proj`);
    const shape = { heads, headDim: width / heads, ...(seen !== undefined && { bias: seen }) };
    const mixed = attention(graph, project(x, 'q'), project(source, 'k'), project(source, 'v'), shape);
    add(linear(graph, mixed, `${part}.out_proj`), `${part}_layer_norm`);
  };
  for (let layer = 0; layer < layers; layer += 1) {
    const part = `${name}.layers.${layer}`;
    attend(x, `${part}.self_attn`, bias);
    if (image !== undefined) attend(image, `${part}.encoder_attn`);
    const inner = activate(graph, linear(graph, x, `${part}.fc1`), activation);
    add(linear(graph, inner, `${part}.fc2`), `${part}.final_layer_norm`);
    x = graph.mark(part, x);
  }
  return x;
}
