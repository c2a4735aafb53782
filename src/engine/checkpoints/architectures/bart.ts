import type { Weights } from '../weights.ts';
import type { Architecture, ModelConfig, RecognisedNetwork } from './architecture.ts';
import { assumedSettings, refuseOthers } from './configured.ts';
import type { Graph, Value } from './graph.ts';
import { attention, layerNorm, linear } from './layers.ts';
import { countOf, headsOf, numberOf, rename, shapeOf, textOf } from './naming.ts';
import {
  activate,
  type CaptionDecoder,
  causalBias,
  ENCODED,
  embed,
  INT64,
  lastToken,
  meanOfTokens,
  paddingBias,
  positions,
  type Tokens,
  tokenAt,
  tokenInputs,
} from './text.ts';

/**
 * BART (Lewis et al. 2020) under Hugging Face's names, `encoder.layers.0…` and `decoder.layers.0…`, with or without
 * `model.`.
 *
 * A classifier of texts (`BartForSequenceClassification`) is used as it was trained: the decoder reads the text once
 * more, one token behind, and features are the input of the last layer (`classification_head.dense` on the decoder's state
 * at the last end token). Without one, and under the heads that write texts or find answers, the encoder is used: features
 * are the mean of its last states over real tokens. As the decoder of a captioner it attends to the image.
 */
export const bart: Architecture = { family: 'BART', recognise };

/** Positions count from here: the first two rows of the table are for padding. */
const POSITION_OFFSET = 2;
const EPSILON = 1e-5;
const PUBLISHED_HEADS = 64;
const PUBLISHED_TOKENS = 1024;
/** Without those that fine-tuning added. */
const PUBLISHED_WORDS = 50_264;
/** Id of the token that closes a text, and starts what the decoder reads. */
const PUBLISHED_END = 2;
const HEAD = 'classification_head';

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
  if (has('encoder.layers.0.self_attn.longformer_self_attn.query.weight'))
    throw new Error('it is an LED, whose attention over windows can’t be built');
  const stack = stackOf(weights, 'encoder', config);
  const decoder = has(`${HEAD}.out_proj.weight`) ? stackOf(weights, 'decoder', config) : undefined;
  const text = { ...ENCODED, tokenTypes: undefined, maxTokens: stack.maxTokens };
  return {
    architecture: nameOf(stack),
    modality: 'text',
    text,
    hasLogits: decoder !== undefined,
    featurePoint: decoder
      ? `${HEAD}.dense on the decoder's state at the last end token, input of ${HEAD}.out_proj`
      : 'last states of the encoder, mean over real tokens',
    assumed: assumedSettings(config, isPublished(weights, stack), 'attention heads, activation, positions and scale'),
    build: (graph) => {
      graph.use(weights);
      const tokens = tokenInputs(graph, text);
      const bias = paddingBias(graph, tokens.mask);
      const states = graph.mark('last_hidden_state', statesOf(graph, stack, tokens.ids, bias));
      if (!decoder) {
        graph.output('features', meanOfTokens(graph, states, tokens.mask));
        return;
      }
      const read = statesOf(graph, decoder, shifted(graph, tokens.ids, config), causalBias(graph, tokens.mask), {
        states,
        bias,
      });
      const pooled = tokenAt(graph, read, lastEnd(graph, tokens, config));
      graph.output('features', graph.node('Tanh', [linear(graph, pooled, `${HEAD}.dense`)]));
      graph.output('logits', linear(graph, 'features', `${HEAD}.out_proj`));
    },
  };
}

/** What the decoder reads of a text: its start token, then the text without its last token. `[n, t]` → `[n, t]` */
function shifted(graph: Graph, ids: Value, config: ModelConfig | undefined): Value {
  const start = graph.integer(numberOf(config, 'decoder_start_token_id') ?? PUBLISHED_END);
  const rows = graph.node('Shape', [ids], { start: 0, end: 1 });
  const first = graph.node('Expand', [start, graph.node('Concat', [rows, graph.integers(1)], { axis: 0 })]);
  const others = graph.node('Slice', [ids, graph.integers(0), graph.integers(-1), graph.integers(1)]);
  return graph.node('Concat', [first, others], { axis: 1 });
}

/** Index of the last end token of each text: `[n, t]` → `[n]`. */
function lastEnd(graph: Graph, { ids, mask }: Tokens, config: ModelConfig | undefined): Value {
  const end = graph.integer(numberOf(config, 'eos_token_id') ?? PUBLISHED_END);
  const isEnd = graph.node('Cast', [graph.node('Equal', [ids, end])], { to: INT64 });
  return lastToken(graph, graph.node('Mul', [isEnd, mask]));
}

/** The decoder of a captioner, by its own weights and settings; undefined when it is of another family. */
export function bartDecoder(original: Weights, config: ModelConfig | undefined): CaptionDecoder | undefined {
  const weights = canonical(original);
  if (!weights.tensors.has('decoder.layers.0.encoder_attn.q_proj.weight')) return undefined;
  if (!weights.tensors.has('decoder.layernorm_embedding.weight')) return undefined;
  refuseOthers(config, 'BART', /^(bart|mvp|plbart|trocr)$/);
  const stack = stackOf(weights, 'decoder', config);
  return {
    architecture: nameOf(stack),
    maxTokens: stack.maxTokens,
    states: (graph, tokens, image) => {
      graph.use(weights);
      return statesOf(graph, stack, tokens.ids, causalBias(graph, tokens.mask), { states: image });
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
  if (weights.tensors.has(`${name}.layer_norm.weight`))
    throw new Error('it is an mBART, whose norms stand before its layers, which can’t be built');
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

/** Other networks of these names, of PLBART and Blenderbot, have other words or positions. */
function isPublished(weights: Weights, stack: Stack): boolean {
  const [words = 0] = shapeOf(weights, 'encoder.embed_tokens.weight');
  return /^BART-(base|large)$/.test(nameOf(stack)) && stack.maxTokens === PUBLISHED_TOKENS && words >= PUBLISHED_WORDS;
}

function nameOf({ layers, width }: Stack): string {
  if (layers === 6 && width === 768) return 'BART-base';
  return layers === 12 && width === 1024 ? 'BART-large' : `BART-L${layers}-H${width}`;
}

/**
 * States of the last layer, `[n, t, d]`.
 * @param source what a decoder attends to: the states of an image or of a text, and what hides the text's padding
 */
function statesOf(
  graph: Graph,
  stack: Stack,
  ids: Value,
  bias: Value,
  source?: { readonly states: Value; readonly bias?: Value },
): Value {
  const { name, layers, width, heads, activation, scale } = stack;
  const words = embed(graph, `${name}.embed_tokens`, ids);
  const scaled = scale === 1 ? words : graph.node('Mul', [words, graph.constant([scale], [])]);
  const places = graph.node('Add', [positions(graph, ids), graph.integer(POSITION_OFFSET)]);
  const embedded = graph.node('Add', [scaled, embed(graph, `${name}.embed_positions`, places)]);
  let x = layerNorm(graph, embedded, `${name}.layernorm_embedding`, EPSILON);
  const add = (change: Value, norm: string) => {
    x = layerNorm(graph, graph.node('Add', [x, change]), norm, EPSILON);
  };
  const attend = (from: Value, part: string, seen?: Value) => {
    const project = (of: Value, kind: string) => linear(graph, of, `${part}.${kind}_proj`);
    const shape = { heads, headDim: width / heads, ...(seen !== undefined && { bias: seen }) };
    const mixed = attention(graph, project(x, 'q'), project(from, 'k'), project(from, 'v'), shape);
    add(linear(graph, mixed, `${part}.out_proj`), `${part}_layer_norm`);
  };
  for (let layer = 0; layer < layers; layer += 1) {
    const part = `${name}.layers.${layer}`;
    attend(x, `${part}.self_attn`, bias);
    if (source !== undefined) attend(source.states, `${part}.encoder_attn`, source.bias);
    const inner = activate(graph, linear(graph, x, `${part}.fc1`), activation);
    add(linear(graph, inner, `${part}.fc2`), `${part}.final_layer_norm`);
    x = graph.mark(part, x);
  }
  return x;
}
