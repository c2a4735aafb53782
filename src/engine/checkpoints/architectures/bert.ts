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
  distanceBias,
  ENCODED,
  embed,
  firstToken,
  INT64,
  meanOfTokens,
  paddingBias,
  positions,
  type Tokens,
  tokenInputs,
} from './text.ts';

/**
 * BERT (Devlin et al. 2018), RoBERTa (Liu et al. 2019), XLM-R (Conneau et al. 2019), MiniLM (Wang et al. 2020),
 * DistilBERT (Sanh et al. 2019), ELECTRA (Clark et al. 2020) and MPNet (Song et al. 2020), which differ in their sizes, in
 * how RoBERTa and MPNet count positions, in that DistilBERT doesn't tell the texts of a pair apart, in that ELECTRA may
 * have narrow embeddings, and in that MPNet's attention heeds distances.
 *
 * Canonical names are those of Hugging Face's bare models: 'embeddings.word_embeddings', `encoder.layer.0…`, `pooler`.
 *
 * Features are the input of the last layer of a classifier of texts (BERT's pooler or RoBERTa's 'classifier.dense', on
 * the first token), else the mean of the last layer's states over real tokens: without a head, and under the heads for
 * masked words, questions and tokens. Where sentence-transformers takes the first token's state instead, so it is here.
 */
export const bert: Architecture = { family: 'BERT', recognise };

/** Values of `model_type` in config.json. */
const BERT_TYPES = ['bert', 'distilbert'];
const ELECTRA = 'electra';
const ROBERTA_TYPES = ['roberta', 'xlm-roberta', 'camembert', 'data2vec-text', 'mpnet'];

/** The same of a captioner's decoder. */
const DECODERS = new RegExp(`^(${[...BERT_TYPES, ...ROBERTA_TYPES].join('|')}|bert-generation)$`);

/** Widths whose published networks have heads of another size than 64: MiniLM's and TinyBERT's have 12 each. */
const HEAD_SIZES = new Map([
  [384, 32],
  [312, 26],
]);
const ROBERTA_PADDING = 1;
const RENAMED = new Map([
  ['attention.q_lin', 'attention.self.query'],
  ['attention.k_lin', 'attention.self.key'],
  ['attention.v_lin', 'attention.self.value'],
  ['attention.out_lin', 'attention.output.dense'],
  ['ffn.lin1', 'intermediate.dense'],
  ['ffn.lin2', 'output.dense'],
  ['attention.attn.q', 'attention.self.query'],
  ['attention.attn.k', 'attention.self.key'],
  ['attention.attn.v', 'attention.self.value'],
  ['attention.attn.o', 'attention.output.dense'],
  ['attention.LayerNorm', 'attention.output.LayerNorm'],
]);
/** MPNet's biases of attention scores by distance, one for every head. */
const DISTANCES = 'encoder.relative_attention_bias.weight';
const MULTILINGUAL_WORDS = 200_000;

/** Every weight of the embeddings and layers, and buffers. */
const KNOWN =
  /^(encoder\.relative_attention_bias\.weight|embeddings\.((word|position|token_type)_embeddings\.weight|LayerNorm\.(weight|bias)|(position|token_type)_ids)|encoder\.layer\.\d+\.(attention\.self\.(query|key|value)|attention\.output\.(dense|LayerNorm)|intermediate\.dense|output\.(dense|LayerNorm))\.(weight|bias))$/;

/** Parts of BROS, GIT and BigBird beside embeddings and layers that have BERT's names. */
const FOREIGN = /^(bbox_embeddings|image_encoder)\.|^pooler\.(weight|bias)$/;

/** Widths of published networks, and the lengths of their tables of positions: BERT's and RoBERTa's. */
const PUBLISHED_WIDTHS = [128, 256, 312, 384, 512, 768, 1024];
const ROBERTA_PLACES = 514;
const PUBLISHED_PLACES = [512, ROBERTA_PLACES];

/** What a network of this family is beside its weights. */
interface BertSettings {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly epsilon: number;
  readonly activation: string;
  /** Padding id of a RoBERTa, whose positions are counted from behind it; undefined for BERT. */
  readonly padding: number | undefined;
  readonly maxTokens: number;
}

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const weights = canonicalBert(original);
  const has = (name: string) => weights.tensors.has(`${name}.weight`);
  if (!has('embeddings.word_embeddings') || !has('encoder.layer.0.attention.self.query')) return undefined;
  const type = textOf(config, 'model_type');
  if (type !== undefined && ![...BERT_TYPES, ...ROBERTA_TYPES, ELECTRA].includes(type)) return undefined;
  const strange = [...weights.tensors.keys()].find((name) => /^(embeddings|encoder)\./.test(name) && !KNOWN.test(name));
  if (strange?.includes('distance_embedding'))
    throw new Error('it is a BERT with relative positions, which can’t be built');
  if (strange !== undefined || [...weights.tensors.keys()].some((name) => FOREIGN.test(name))) return undefined;

  const settings = bertSettings(original, config);
  const electra = isElectra(original, config);
  const [types = 0] = shapeOf(weights, 'embeddings.token_type_embeddings.weight');
  const text = {
    ...ENCODED,
    tokenTypes: settings.padding === undefined && types > 1 ? 'token_type_ids' : undefined,
    maxTokens: settings.maxTokens,
  };
  const head = headOf(weights, config, electra);
  const takesFirst = config?.get('pooling_mode_cls_token') === true;
  return {
    architecture: nameOf(weights, settings, electra),
    modality: 'text',
    text,
    hasLogits: head !== undefined,
    featurePoint: head
      ? `${head.dense} on the first token, input of ${head.classifier}`
      : takesFirst
        ? 'last state of the first token'
        : 'mean of the last states over real tokens',
    assumed: assumedSettings(config, isPublished(weights), 'attention heads, activation and norms'),
    build: (graph) => {
      graph.use(weights);
      const tokens = tokenInputs(graph, text);
      const bias =
        config?.get('is_decoder') === true ? causalBias(graph, tokens.mask) : paddingBias(graph, tokens.mask);
      const heeded = graph.has(DISTANCES)
        ? graph.node('Add', [bias, distanceBias(graph, DISTANCES, tokens.ids, settings.maxTokens)])
        : bias;
      const states = graph.mark('last_hidden_state', bertStates(graph, settings, tokens, heeded));
      if (!head) {
        graph.output('features', takesFirst ? firstToken(graph, states) : meanOfTokens(graph, states, tokens.mask));
        return;
      }
      graph.output('features', graph.node(head.activation, [linear(graph, firstToken(graph, states), head.dense)]));
      graph.output('logits', linear(graph, 'features', head.classifier));
    },
  };
}

/** The decoder of a captioner, by its own weights and settings; undefined when it is of another family. */
export function bertDecoder(original: Weights, config: ModelConfig | undefined): CaptionDecoder | undefined {
  const weights = canonicalBert(original);
  if (!weights.tensors.has('encoder.layer.0.crossattention.self.query.weight')) return undefined;
  refuseOthers(config, 'BERT', DECODERS);
  const settings = bertSettings(original, config);
  return {
    architecture: nameOf(weights, settings, false),
    maxTokens: settings.maxTokens,
    states: (graph, tokens, image) => {
      graph.use(weights);
      return bertStates(graph, settings, tokens, causalBias(graph, tokens.mask), image);
    },
  };
}

/**
 * The weights under canonical names: without the base model's name, and with PyTorch's names of LayerNorm's weights
 * where Google's own checkpoints have TensorFlow's.
 */
function canonicalBert(weights: Weights): Weights {
  return rename(weights, (name) =>
    name
      .replace(/^(bert|roberta|distilbert|data2vec_text|electra|mpnet)\./, '')
      .replace(/^transformer\.layer\.(\d+)\./, (_, layer) => `encoder.layer.${layer}.`)
      .replace(
        /(?<=^encoder\.layer\.\d+\.)(attention\.(?:attn\.)?|ffn\.|sa_layer_norm|output_layer_norm)(\w*)/,
        renamedPart,
      )
      .replace(/LayerNorm\.gamma$/, 'LayerNorm.weight')
      .replace(/LayerNorm\.beta$/, 'LayerNorm.bias'),
  );
}

/** DistilBERT's or MPNet's name of a layer's part, as BERT's; BERT's own stay. */
function renamedPart(whole: string, part: string, rest: string): string {
  if (part === 'sa_layer_norm') return 'attention.output.LayerNorm';
  if (part === 'output_layer_norm') return 'output.LayerNorm';
  return RENAMED.get(`${part}${rest}`) ?? whole;
}

/** @param weights under their original names, which tell BERT from RoBERTa */
function bertSettings(original: Weights, config: ModelConfig | undefined): BertSettings {
  const weights = canonicalBert(original);
  const [positions = 0, embedded = 0] = shapeOf(weights, 'embeddings.position_embeddings.weight');
  const [width = embedded] = shapeOf(weights, 'embeddings_project.weight');
  const [, told] = shapeOf(weights, DISTANCES);
  const headSize = told === undefined ? HEAD_SIZES.get(width) : width / told;
  const type = textOf(config, 'model_type');
  const roberta = type === undefined ? looksLikeRoberta(original, weights) : ROBERTA_TYPES.includes(type);
  const padding = roberta ? (numberOf(config, 'pad_token_id') ?? ROBERTA_PADDING) : undefined;
  const places = padding === undefined ? positions : positions - padding - 1;
  return {
    layers: countOf(weights, (layer) => `encoder.layer.${layer}.output.dense.weight`),
    width,
    heads: headsOf(config, config?.has('n_heads') ? 'n_heads' : 'num_attention_heads', width, headSize),
    epsilon: numberOf(config, 'layer_norm_eps') ?? (roberta ? 1e-5 : 1e-12),
    activation: textOf(config, 'hidden_act') ?? textOf(config, 'activation') ?? 'gelu',
    padding,
    maxTokens: Math.min(places, Math.max(1, Math.floor(numberOf(config, 'max_seq_length') ?? places))),
  };
}

function isPublished(weights: Weights): boolean {
  const [places = 0, width = 0] = shapeOf(weights, 'embeddings.position_embeddings.weight');
  return PUBLISHED_WIDTHS.includes(width) && PUBLISHED_PLACES.includes(places);
}

/** By the names of its base model and heads, by its only type of token, or by places for two more tokens than 512. */
function looksLikeRoberta(original: Weights, weights: Weights): boolean {
  return (
    [...original.tensors.keys()].some((name) => /^(roberta|data2vec_text)\./.test(name)) ||
    weights.tensors.has('lm_head.dense.weight') ||
    (weights.tensors.has('classifier.out_proj.weight') && !isElectra(original, undefined)) ||
    weights.tensors.has(DISTANCES) ||
    shapeOf(weights, 'embeddings.token_type_embeddings.weight')[0] === 1 ||
    shapeOf(weights, 'embeddings.position_embeddings.weight')[0] === ROBERTA_PLACES
  );
}

function isElectra(original: Weights, config: ModelConfig | undefined): boolean {
  const named = [...original.tensors.keys()].some((name) => /^(electra|embeddings_project)\./.test(name));
  return named || textOf(config, 'model_type') === ELECTRA;
}

/** The layers of a classifier of whole texts; undefined where there is none. */
function headOf(
  weights: Weights,
  config: ModelConfig | undefined,
  electra: boolean,
): { dense: string; activation: 'Tanh' | 'Relu' | 'Gelu'; classifier: string } | undefined {
  const has = (...names: string[]) => names.every((name) => weights.tensors.has(`${name}.weight`));
  if (has('classifier.dense', 'classifier.out_proj'))
    return { dense: 'classifier.dense', activation: electra ? 'Gelu' : 'Tanh', classifier: 'classifier.out_proj' };
  if (has('pre_classifier', 'classifier'))
    return { dense: 'pre_classifier', activation: 'Relu', classifier: 'classifier' };
  // Early versions of the library kept an unused pooler in classifiers of tokens.
  const ofTokens = [config?.get('architectures')].flat().some((name) => `${name}`.endsWith('ForTokenClassification'));
  return has('pooler.dense', 'classifier') && !ofTokens
    ? { dense: 'pooler.dense', activation: 'Tanh', classifier: 'classifier' }
    : undefined;
}

function nameOf(weights: Weights, { layers, width, padding }: BertSettings, electra: boolean): string {
  const [words = 0] = shapeOf(weights, 'embeddings.word_embeddings.weight');
  const unpadded = electra ? 'ELECTRA' : 'BERT';
  if (weights.tensors.has(DISTANCES))
    return width === 768 && layers === 12 ? 'MPNet-base' : `MPNet-L${layers}-H${width}`;
  const family = padding === undefined ? unpadded : words > MULTILINGUAL_WORDS ? 'XLM-R' : 'RoBERTa';
  if (width === 384) return `MiniLM-L${layers}-H384`;
  if (layers === 12 && width === 768) return `${family}-base`;
  if (layers === 24 && width === 1024) return `${family}-large`;
  return layers === 6 && width === 768 ? `Distil${family}-base` : `${family}-L${layers}-H${width}`;
}

/**
 * States of the last layer, `[n, t, d]`.
 * @param bias what attention may see: 'paddingBias', or `causalBias` in a decoder
 * @param image states that a decoder attends to
 */
function bertStates(graph: Graph, settings: BertSettings, tokens: Tokens, bias: Value, image?: Value): Value {
  let x = bertEmbeddings(graph, 'embeddings', settings, tokens);
  if (graph.has('embeddings_project.weight')) x = linear(graph, x, 'embeddings_project');
  for (let index = 0; index < settings.layers; index += 1) {
    const name = `encoder.layer.${index}`;
    x = attentionBlock(graph, x, x, `${name}.attention`, settings, bias);
    if (image !== undefined) x = attentionBlock(graph, x, image, `${name}.crossattention`, settings);
    const inner = activate(graph, linear(graph, x, `${name}.intermediate.dense`), settings.activation);
    x = addAndNorm(graph, x, linear(graph, inner, `${name}.output.dense`), `${name}.output`, settings);
    x = graph.mark(name, x);
  }
  return x;
}

/**
 * Embeddings of words, positions and types, normalised: `[n, t, d]`.
 * @param name of the module in PyTorch
 */
export function bertEmbeddings(
  graph: Graph,
  name: string,
  { padding, epsilon }: Partial<Pick<BertSettings, 'padding'>> & Pick<BertSettings, 'epsilon'>,
  { ids, types }: Tokens,
): Value {
  const places = padding === undefined ? positions(graph, ids) : positionsBehind(graph, ids, padding);
  const parts = [
    embed(graph, `${name}.word_embeddings`, ids),
    embed(graph, `${name}.position_embeddings`, places),
    ...(graph.has(`${name}.token_type_embeddings.weight`)
      ? [embed(graph, `${name}.token_type_embeddings`, types ?? graph.integer(0))]
      : []),
  ];
  return layerNorm(
    graph,
    parts.reduce((sum, part) => graph.node('Add', [sum, part])),
    `${name}.LayerNorm`,
    epsilon,
  );
}

/** RoBERTa's positions: tokens count from `padding` + 1, padding stays at its own. */
function positionsBehind(graph: Graph, ids: Value, padding: number): Value {
  const isPadding = graph.node('Equal', [ids, graph.integer(padding)]);
  const isToken = graph.node('Cast', [graph.node('Not', [isPadding])], { to: INT64 });
  const counted = graph.node('CumSum', [isToken, graph.integer(1)]);
  return graph.node('Add', [graph.node('Mul', [counted, isToken]), graph.integer(padding)]);
}

function attentionBlock(
  graph: Graph,
  x: Value,
  source: Value,
  name: string,
  settings: BertSettings,
  bias?: Value,
): Value {
  const { heads, width } = settings;
  const mixed = attention(
    graph,
    linear(graph, x, `${name}.self.query`),
    linear(graph, source, `${name}.self.key`),
    linear(graph, source, `${name}.self.value`),
    { heads, headDim: width / heads, ...(bias !== undefined && { bias }) },
  );
  return addAndNorm(graph, x, linear(graph, mixed, `${name}.output.dense`), `${name}.output`, settings);
}

function addAndNorm(graph: Graph, x: Value, change: Value, name: string, { epsilon }: BertSettings): Value {
  return layerNorm(graph, graph.node('Add', [x, change]), `${name}.LayerNorm`, epsilon);
}
