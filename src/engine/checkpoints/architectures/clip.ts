import type { Weights } from '../weights.ts';
import { type Architecture, type ModelConfig, OPENAI_CLIP, type RecognisedNetwork } from './architecture.ts';
import { canonicalClip } from './clipNames.ts';
import { assumes, towerSettings } from './clipSettings.ts';
import type { Graph, Value } from './graph.ts';
import { attention, conv, layerNorm, linear } from './layers.ts';
import { countOf, headsOf, numberOf, shapeOf, textOf } from './naming.ts';
import {
  activate,
  causalBias,
  ENCODED,
  embed,
  firstToken,
  INT64,
  positions,
  type Tokens,
  tokenAt,
  tokenInputs,
} from './text.ts';
import {
  type ImageEncoder,
  imageOfSize,
  meanOfTokens,
  pixelsAsTokens,
  repeatForBatch,
  tokensFrom,
  weightsUnder,
} from './visionTransformer.ts';

/**
 * CLIP (Radford et al. 2021) with a vision transformer, both towers or one: Hugging Face's `CLIPModel`,
 * `CLIPTextModel`, `CLIPVisionModel` and theirs with projection or classifier, OpenAI's own state dicts, and open_clip's,
 * which share OpenAI's names.
 *
 * Canonical names are Hugging Face's: `text_model…`, `vision_model…`, `text_projection`, `visual_projection`.
 *
 * Features of a text are its projected embedding (without a projection, the state of its end token); of an image, the
 * normalised class token before the projection, which the paper's linear probes take; of an image with a text, both
 * projected embeddings. None has its length normalised.
 */
export const clip: Architecture = { family: 'CLIP', recognise };

/** Widths of LAION's vision towers H, g and bigG, and their head sizes; all other towers have heads of 64. */
const VISION_HEAD_SIZES = new Map([
  [1280, 80],
  [1408, 88],
  [1664, 104],
]);
const VISION_SIZES = new Map([
  ['12x768', 'B'],
  ['24x1024', 'L'],
  ['32x1280', 'H'],
  ['40x1408', 'g'],
  ['48x1664', 'bigG'],
]);
/** In Hugging Face's early configurations, where the end token is the greatest id instead. */
const WRONG_END_TOKEN = 2;
/** Of images, in pixels. */
const USUAL_SIDE = 224;

const LAYER = '(layer_norm[12]|self_attn\\.([qkv]|out)_proj|mlp\\.fc[12])\\.(weight|bias)';
/** Every weight of the towers, and buffers. */
const KNOWN = new RegExp(
  `^(text_model\\.(embeddings\\.(token|position)_embedding\\.weight|final_layer_norm\\.(weight|bias))|` +
    `vision_model\\.(embeddings\\.(class_embedding|patch_embedding\\.weight|position_embedding\\.weight)|` +
    `(pre_layrnorm|post_layernorm)\\.(weight|bias))|` +
    `(text|vision)_model\\.(embeddings\\.position_ids|encoder\\.layers\\.\\d+\\.${LAYER}))$`,
);

/** What a tower is beside its weights. */
interface Tower {
  /** `text_model` or `vision_model` */
  readonly name: string;
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly epsilon: number;
  readonly activation: string;
  /** Id of the token that closes a text. */
  readonly end: number;
}

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  if (original.tensors.has('visual.attnpool.positional_embedding')) {
    throw new Error('it is a CLIP with a ResNet for images, which can’t be built');
  }
  const weights = canonicalClip(original);
  const has = (name: string) => weights.tensors.has(name);
  if (has('vision_model.head.probe') || has('head.probe')) {
    throw new Error('it is a SigLIP, whose attention over the patches can’t be built');
  }
  const hasText = has('text_model.embeddings.token_embedding.weight') && has('text_model.final_layer_norm.weight');
  const hasVision = has('vision_model.embeddings.class_embedding') && has('vision_model.pre_layrnorm.weight');
  if (!hasText && !hasVision) return undefined;
  const type = textOf(config, 'model_type');
  if (type !== undefined && !/^clip(_text_model|_vision_model)?$/.test(type)) return undefined;
  const names = [...weights.tensors.keys()];
  const strange = names.some((name) => /^(text_model|vision_model|text|visual)\./.test(name) && !KNOWN.test(name));
  if (strange || (!hasVision && names.some((name) => name.startsWith('vision_model.')))) return undefined;

  const towers = {
    vision: hasVision ? towerOf(weights, 'vision', original, config) : undefined,
    text: hasText ? towerOf(weights, 'text', original, config) : undefined,
  };
  const assumed = assumes(original, config);
  const vision = towers.vision && { ...clipVision(weights, towers.vision), assumed };
  const text = towers.text && { ...clipText(weights, towers.text), assumed };
  if (!towers.vision || !towers.text || !vision || !text) return vision ?? text;
  if (!has('text_projection.weight') || !has('visual_projection.weight')) return vision;
  return { ...both(weights, towers.vision, towers.text), assumed, as: [vision, text] };
}

function towerOf(weights: Weights, kind: 'vision' | 'text', original: Weights, config: ModelConfig | undefined): Tower {
  const name = `${kind}_model`;
  const [width = 0] = shapeOf(weights, `${name}.encoder.layers.0.layer_norm1.weight`);
  const settings = towerSettings(original, config, kind, width);
  const side = numberOf(settings, 'image_size');
  if (kind === 'vision' && side !== undefined && side !== sideOf(weights)) {
    throw new Error(
      `its config.json says images of ${side} pixels, but its position embeddings are for ${sideOf(weights)}: mend its config.json`,
    );
  }
  const published = kind === 'vision' ? VISION_HEAD_SIZES.get(width) : undefined;
  return {
    name,
    layers: countOf(weights, (layer) => `${name}.encoder.layers.${layer}.mlp.fc1.weight`),
    width,
    heads: headsOf(settings, 'num_attention_heads', width, published),
    epsilon: numberOf(settings, 'layer_norm_eps') ?? 1e-5,
    activation: String(settings.get('hidden_act')),
    end: numberOf(settings, 'eos_token_id') ?? WRONG_END_TOKEN,
  };
}

/** The tower for images as a network of its own. */
function clipVision(weights: Weights, tower: Tower): RecognisedNetwork {
  const classifier = weights.tensors.has('classifier.weight') ? 'classifier' : undefined;
  return {
    architecture: visionName(weights, tower),
    modality: 'image',
    image: imageOf(weights),
    hasLogits: classifier !== undefined,
    featurePoint: classifier ? 'mean of the patches, input of the classifier' : 'post_layernorm, class token',
    build: (graph) => {
      graph.use(weights);
      const states = visionStates(graph, tower, imageInput(graph, weights));
      if (classifier === undefined) {
        graph.output('features', visionPooled(graph, tower, states));
        if (graph.has('visual_projection.weight'))
          graph.mark('image_embeds', linear(graph, 'features', 'visual_projection'));
        return;
      }
      graph.output('features', meanOfTokens(graph, tokensFrom(graph, states, 1)));
      graph.output('logits', linear(graph, 'features', classifier));
    },
  };
}

/**
 * The image tower as the encoder of a captioner, whose tokens are the states before `post_layernorm`.
 * @param prefix of its names: `encoder.`
 * @param config the encoder's own
 */
export function clipEncoder(
  captioner: Weights,
  prefix: string,
  config: ModelConfig | undefined,
): ImageEncoder | undefined {
  const original = weightsUnder(captioner, prefix);
  const weights = canonicalClip(original);
  if (!weights.tensors.has('vision_model.pre_layrnorm.weight')) return undefined;
  const tower = towerOf(weights, 'vision', original, config);
  return {
    ...imageOf(weights),
    width: tower.width,
    tokens: (graph, image) => {
      graph.use(weights);
      return visionStates(graph, tower, image);
    },
  };
}

/** The tower for texts as a network of its own. */
function clipText(weights: Weights, tower: Tower): RecognisedNetwork {
  const projected = weights.tensors.has('text_projection.weight');
  const text = textOfTower(weights);
  return {
    architecture: `CLIP text-L${tower.layers}-H${tower.width}`,
    modality: 'text',
    text,
    hasLogits: false,
    featurePoint: projected ? 'text_projection of the end token' : 'final_layer_norm at the end token',
    build: (graph) => {
      graph.use(weights);
      const tokens = tokenInputs(graph, text);
      const states = graph.mark('last_hidden_state', textStates(graph, tower, tokens));
      const pooled = graph.mark('pooler_output', tokenAt(graph, states, endToken(graph, tokens.ids, tower)));
      graph.output('features', projected ? linear(graph, pooled, 'text_projection') : pooled);
    },
  };
}

/** Both towers, for images with texts. */
function both(weights: Weights, vision: Tower, reading: Tower): RecognisedNetwork {
  const text = textOfTower(weights);
  return {
    architecture: visionName(weights, vision),
    modality: 'image-text',
    image: imageOf(weights),
    text,
    hasLogits: false,
    featurePoint: 'projected embeddings of image and text, side by side',
    build: (graph) => {
      graph.use(weights);
      const seen = visionPooled(graph, vision, visionStates(graph, vision, imageInput(graph, weights)));
      const tokens = tokenInputs(graph, text);
      const read = tokenAt(graph, textStates(graph, reading, tokens), endToken(graph, tokens.ids, reading));
      const embeddings = [
        graph.mark('image_embeds', linear(graph, seen, 'visual_projection')),
        graph.mark('text_embeds', linear(graph, read, 'text_projection')),
      ];
      graph.output('features', graph.node('Concat', embeddings, { axis: 1 }));
    },
  };
}

function visionName(weights: Weights, { layers, width }: Tower): string {
  const patch = patchOf(weights);
  const side = sideOf(weights);
  const size = VISION_SIZES.get(`${layers}x${width}`) ?? `L${layers}-H${width}`;
  return `CLIP ViT-${size}/${patch}${side > USUAL_SIDE ? `@${side}` : ''}`;
}

function patchOf(weights: Weights): number {
  return shapeOf(weights, 'vision_model.embeddings.patch_embedding.weight')[2] ?? 1;
}

/** Of the image, in pixels. */
function sideOf(weights: Weights): number {
  const [tokens = 0] = shapeOf(weights, 'vision_model.embeddings.position_embedding.weight');
  return Math.round(Math.sqrt(tokens - 1)) * patchOf(weights);
}

function imageOf(weights: Weights): NonNullable<RecognisedNetwork['image']> {
  const side = sideOf(weights);
  return {
    input: imageOfSize(side, side),
    published: { size: side, resize: side, keepsAspect: true, kernel: 'cubic', ...OPENAI_CLIP },
  };
}

function imageInput(graph: Graph, weights: Weights): Value {
  return graph.input('image', 'float32', ['n', 3, sideOf(weights), sideOf(weights)]);
}

function textOfTower(weights: Weights) {
  const [maxTokens = 0] = shapeOf(weights, 'text_model.embeddings.position_embedding.weight');
  return { ...ENCODED, tokenTypes: undefined, maxTokens };
}

/** States of the last layer: the class token, then the patches. */
function visionStates(graph: Graph, tower: Tower, image: Value): Value {
  const name = `${tower.name}.embeddings`;
  const [, , patch = 1] = graph.shape(`${name}.patch_embedding.weight`);
  const patches = pixelsAsTokens(graph, conv(graph, image, `${name}.patch_embedding`, { stride: patch }));
  const one = graph.node('Reshape', [graph.weight(`${name}.class_embedding`), graph.integers(1, 1, -1)]);
  const sequence = graph.node('Concat', [repeatForBatch(graph, one, patches), patches], { axis: 1 });
  const placed = graph.node('Add', [sequence, graph.weight(`${name}.position_embedding.weight`)]);
  return layers(graph, tower, layerNorm(graph, placed, `${tower.name}.pre_layrnorm`, tower.epsilon));
}

function visionPooled(graph: Graph, { name, epsilon }: Tower, states: Value): Value {
  return layerNorm(graph, firstToken(graph, states), `${name}.post_layernorm`, epsilon);
}

function textStates(graph: Graph, tower: Tower, { ids, mask }: Tokens): Value {
  const x = graph.node('Add', [
    embed(graph, `${tower.name}.embeddings.token_embedding`, ids),
    embed(graph, `${tower.name}.embeddings.position_embedding`, positions(graph, ids)),
  ]);
  const states = layers(graph, tower, x, causalBias(graph, mask));
  return layerNorm(graph, states, `${tower.name}.final_layer_norm`, tower.epsilon);
}

/** Index of the first end token of each text, which has the greatest id unless config.json says another. */
function endToken(graph: Graph, ids: Value, { end }: Tower): Value {
  const isEnd = () => graph.node('Cast', [graph.node('Equal', [ids, graph.integer(end)])], { to: INT64 });
  return graph.node('ArgMax', [end === WRONG_END_TOKEN ? ids : isEnd()], { axis: 1, keepdims: 0 });
}

function layers(graph: Graph, tower: Tower, embedded: Value, bias?: Value): Value {
  const { width, heads, epsilon, activation } = tower;
  const shape = { heads, headDim: width / heads, ...(bias !== undefined && { bias }) };
  let x = embedded;
  for (let layer = 0; layer < tower.layers; layer += 1) {
    const name = `${tower.name}.encoder.layers.${layer}`;
    const y = layerNorm(graph, x, `${name}.layer_norm1`, epsilon);
    const project = (part: string) => linear(graph, y, `${name}.self_attn.${part}_proj`);
    const mixed = attention(graph, project('q'), project('k'), project('v'), shape);
    x = graph.node('Add', [x, linear(graph, mixed, `${name}.self_attn.out_proj`)]);
    const inner = linear(graph, layerNorm(graph, x, `${name}.layer_norm2`, epsilon), `${name}.mlp.fc1`);
    x = graph.node('Add', [x, linear(graph, activate(graph, inner, activation), `${name}.mlp.fc2`)]);
    x = graph.mark(name, x);
  }
  return x;
}
