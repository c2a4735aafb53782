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
  lastToken,
  meanOfTokens,
  positions,
  split,
  type Tokens,
  tokenAt,
  tokenInputs,
} from './text.ts';

/**
 * GPT-2 (Radford et al. 2019), as Hugging Face publishes it: 'wte', 'wpe', `h.0…`, 'ln_f', below `transformer.` where
 * there is a head. Its linear layers are 'Conv1D', whose weights are `[in, out]`.
 *
 * Features are the mean of the states behind `ln_f` over real tokens; with a classifier ('score'), the state of the last
 * token, which is its input.
 */
export const gpt2: Architecture = { family: 'GPT-2', recognise };

/** Every weight of the embeddings and layers, and the buffers with the causal mask. */
const KNOWN =
  /^(wte\.weight|wpe\.weight|ln_f\.(weight|bias)|h\.\d+\.((ln_1|ln_2|attn\.c_attn|attn\.c_proj|mlp\.c_fc|mlp\.c_proj)\.(weight|bias)|attn\.(bias|masked_bias)))$/;

const SIZES = new Map([
  ['12x768', 'GPT-2'],
  ['24x1024', 'GPT-2 medium'],
  ['36x1280', 'GPT-2 large'],
  ['48x1600', 'GPT-2 XL'],
  ['6x768', 'DistilGPT-2'],
]);

interface Gpt2Settings {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly epsilon: number;
  readonly activation: string;
  /** Of attention scores, in each layer. */
  readonly scale: (layer: number) => number;
  readonly maxTokens: number;
}

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const weights = rename(original, (name) => name.replace(/^transformer\./, ''));
  const [, width = 0] = shapeOf(weights, 'wte.weight');
  const [inputs, outputs] = shapeOf(weights, 'h.0.attn.c_attn.weight');
  if (width === 0 || inputs !== width || outputs !== 3 * width || !weights.tensors.has('wpe.weight')) return undefined;
  if ((textOf(config, 'model_type') ?? 'gpt2') !== 'gpt2') return undefined;
  // ImageGPT's norms have none.
  if (!weights.tensors.has('h.0.ln_1.bias')) return undefined;
  if ([...weights.tensors.keys()].some((name) => /^(wte|wpe|ln_f|h)\./.test(name) && !KNOWN.test(name)))
    return undefined;

  const settings = gpt2Settings(weights, config);
  const text = { ...ENCODED, tokenTypes: undefined, maxTokens: settings.maxTokens };
  const classifier = weights.tensors.has('score.weight') ? 'score' : undefined;
  const size = SIZES.get(`${settings.layers}x${width}`);
  return {
    architecture: size ?? `GPT-2-L${settings.layers}-H${width}`,
    modality: 'text',
    text,
    hasLogits: classifier !== undefined,
    featurePoint: classifier ? 'ln_f at the last token, input of score' : 'ln_f, mean over real tokens',
    assumed: assumedSettings(config, size !== undefined, 'attention heads, activation and norms'),
    build: (graph) => {
      graph.use(weights);
      const tokens = tokenInputs(graph, text);
      const states = graph.mark('last_hidden_state', gpt2States(graph, settings, tokens));
      if (classifier === undefined) {
        graph.output('features', meanOfTokens(graph, states, tokens.mask));
        return;
      }
      graph.output('features', tokenAt(graph, states, lastToken(graph, tokens.mask)));
      graph.output('logits', linear(graph, 'features', classifier));
    },
  };
}

/** The decoder of a captioner, by its own weights and settings; undefined when it is of another family. */
export function gpt2Decoder(original: Weights, config: ModelConfig | undefined): CaptionDecoder | undefined {
  const weights = rename(original, (name) => name.replace(/^transformer\./, ''));
  if (!weights.tensors.has('h.0.crossattention.c_attn.weight')) return undefined;
  refuseOthers(config, 'GPT-2', /^gpt2$/);
  const settings = gpt2Settings(weights, config);
  return {
    architecture: `GPT-2-L${settings.layers}-H${settings.width}`,
    maxTokens: settings.maxTokens,
    states: (graph, tokens, image) => {
      graph.use(weights);
      return gpt2States(graph, settings, tokens, image);
    },
  };
}

function gpt2Settings(weights: Weights, config: ModelConfig | undefined): Gpt2Settings {
  const [maxTokens = 0, width = 0] = shapeOf(weights, 'wpe.weight');
  const heads = headsOf(config, 'n_head', width);
  const base = config?.get('scale_attn_weights') === false ? 1 : (width / heads) ** -0.5;
  const byLayer = config?.get('scale_attn_by_inverse_layer_idx') === true;
  return {
    layers: countOf(weights, (layer) => `h.${layer}.attn.c_attn.weight`),
    width,
    heads,
    epsilon: numberOf(config, 'layer_norm_epsilon') ?? 1e-5,
    activation: textOf(config, 'activation_function') ?? 'gelu_new',
    scale: (layer) => (byLayer ? base / (layer + 1) : base),
    maxTokens,
  };
}

/**
 * States behind 'ln_f', `[n, t, d]`.
 * @param image states that a captioner's decoder attends to
 */
function gpt2States(graph: Graph, settings: Gpt2Settings, tokens: Tokens, image?: Value): Value {
  const { layers, width, heads, epsilon, activation, scale } = settings;
  const bias = causalBias(graph, tokens.mask);
  const norm = (x: Value, name: string) => layerNorm(graph, x, name, epsilon);
  let x = graph.node('Add', [embed(graph, 'wte', tokens.ids), embed(graph, 'wpe', positions(graph, tokens.ids))]);
  const add = (change: Value) => {
    x = graph.node('Add', [x, change]);
  };
  for (let layer = 0; layer < layers; layer += 1) {
    const name = `h.${layer}`;
    const shape = { heads, headDim: width / heads, scale: scale(layer) };
    const [query = '', key = '', value = ''] = split(
      graph,
      conv1d(graph, norm(x, `${name}.ln_1`), `${name}.attn.c_attn`),
      3,
    );
    add(conv1d(graph, attention(graph, query, key, value, { ...shape, bias }), `${name}.attn.c_proj`));
    if (image !== undefined) {
      const asked = conv1d(graph, norm(x, `${name}.ln_cross_attn`), `${name}.crossattention.q_attn`);
      const [keys = '', values = ''] = split(graph, conv1d(graph, image, `${name}.crossattention.c_attn`), 2);
      add(conv1d(graph, attention(graph, asked, keys, values, shape), `${name}.crossattention.c_proj`));
    }
    const inner = activate(graph, conv1d(graph, norm(x, `${name}.ln_2`), `${name}.mlp.c_fc`), activation);
    add(conv1d(graph, inner, `${name}.mlp.c_proj`));
    x = graph.mark(name, x);
  }
  return norm(x, 'ln_f');
}

/** Linear on the last axis with a weight `[in, out]`. */
function conv1d(graph: Graph, x: Value, name: string): Value {
  return graph.node('Add', [graph.node('MatMul', [x, graph.weight(`${name}.weight`)]), graph.weight(`${name}.bias`)]);
}
