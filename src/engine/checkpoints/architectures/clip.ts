import type { Weights, WeightTensor } from '../weights.ts';
import type { Architecture, ModelConfig, RecognisedNetwork } from './architecture.ts';
import type { Graph, Value } from './graph.ts';
import { attention, conv, layerNorm, linear } from './layers.ts';
import { countOf, headsOf, numberOf, sectionOf, shapeOf, textOf } from './naming.ts';
import {
  activate,
  causalBias,
  ENCODED,
  embed,
  firstToken,
  INT64,
  integer,
  positions,
  type Tokens,
  tokenAt,
  tokenInputs,
} from './text.ts';
import { imageOfSize, meanOfTokens, pixelsAsTokens, repeatForBatch, tokensFrom } from './visionTransformer.ts';

/**
 * CLIP (Radford et al. 2021) with a vision transformer, both towers or one: Hugging Face's `CLIPModel`,
 * `CLIPTextModel`, `CLIPVisionModel` and theirs with projection or classifier, OpenAI's own state dicts, and open_clip's,
 * which share OpenAI's names.
 *
 * Canonical names are Hugging Face's: `text_model…`, `vision_model…`, `text_projection`, `visual_projection`. QuickGELU,
 * unless config.json says that it is LAION's GELU.
 *
 * Features of a text are its projected embedding (without a projection, the state of its end token); of an image, the
 * normalised class token before the projection, which the paper's linear probes take; of an image with a text, both
 * projected embeddings. None has its length normalised.
 */
export const clip: Architecture = { family: 'CLIP', recognise };

/** Statistics of the images that CLIP was trained on. */
const PUBLISHED = {
  kernel: 'cubic',
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
} as const;

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
const IMAGE = 'pixel_values';
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
}

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  if (original.tensors.has('visual.attnpool.positional_embedding')) {
    throw new Error('it is a CLIP with a ResNet for images, which can’t be built');
  }
  const weights = canonical(original);
  const has = (name: string) => weights.tensors.has(name);
  const hasText = has('text_model.embeddings.token_embedding.weight') && has('text_model.final_layer_norm.weight');
  const hasVision = has('vision_model.embeddings.class_embedding') && has('vision_model.pre_layrnorm.weight');
  if (!hasText && !hasVision) return undefined;
  const type = textOf(config, 'model_type');
  if (type !== undefined && !/^clip(_text_model|_vision_model)?$/.test(type)) return undefined;
  const names = [...weights.tensors.keys()];
  if (names.some((name) => /^(text_model|vision_model|text|visual)\./.test(name) && !KNOWN.test(name)))
    return undefined;

  const vision = hasVision ? clipVision(weights, config) : undefined;
  const text = hasText ? clipText(weights, config) : undefined;
  if (!vision || !text) return vision ?? text;
  if (!has('text_projection.weight') || !has('visual_projection.weight')) return vision;
  return { ...both(weights, config), as: [vision, text] };
}

/** The weights under Hugging Face's names, with the towers' names also where a file holds one tower alone. */
function canonical(weights: Weights): Weights {
  const bare = weights.tensors.has('embeddings.class_embedding') ? 'vision_model.' : 'text_model.';
  const tensors = new Map<string, WeightTensor>();
  for (const [name, tensor] of weights.tensors) {
    const fused = /^(.*)\.attn\.in_proj_(weight|bias)$/.exec(openAiName(name));
    if (fused) {
      const [, layer, part] = fused;
      for (const [index, third] of thirds(tensor).entries()) {
        tensors.set(`${layer}.self_attn.${'qkv'[index]}_proj.${part}`, third);
      }
    } else if (name === 'text_projection' || name === 'text.text_projection' || name === 'visual.proj') {
      tensors.set(name === 'visual.proj' ? 'visual_projection.weight' : 'text_projection.weight', transposed(tensor));
    } else {
      tensors.set(
        openAiName(name).replace(/^(?=(embeddings|encoder|final_layer_norm|(pre|post)_lay\w+)\.)/, bare),
        tensor,
      );
    }
  }
  return { ...weights, tensors };
}

/** OpenAI's name, or open_clip's below `text.`, as Hugging Face's; other names stay. */
function openAiName(name: string): string {
  return name
    .replace(/^text\.(?=(transformer|token_embedding|ln_final)\.|positional_embedding$|attn_mask$)/, '')
    .replace(/^transformer\.resblocks\./, 'text_model.encoder.layers.')
    .replace(/^token_embedding\./, 'text_model.embeddings.token_embedding.')
    .replace(/^positional_embedding$/, 'text_model.embeddings.position_embedding.weight')
    .replace(/^ln_final\./, 'text_model.final_layer_norm.')
    .replace(/^visual\.transformer\.resblocks\./, 'vision_model.encoder.layers.')
    .replace(/^visual\.class_embedding$/, 'vision_model.embeddings.class_embedding')
    .replace(/^visual\.conv1\./, 'vision_model.embeddings.patch_embedding.')
    .replace(/^visual\.positional_embedding$/, 'vision_model.embeddings.position_embedding.weight')
    .replace(/^visual\.ln_pre\./, 'vision_model.pre_layrnorm.')
    .replace(/^visual\.ln_post\./, 'vision_model.post_layernorm.')
    .replace(/(?<=\.layers\.\d+)\.ln_([12])\./, '.layer_norm$1.')
    .replace(/(?<=\.layers\.\d+)\.attn\.out_proj\./, '.self_attn.out_proj.')
    .replace(/(?<=\.layers\.\d+)\.mlp\.c_fc\./, '.mlp.fc1.')
    .replace(/(?<=\.layers\.\d+)\.mlp\.c_proj\./, '.mlp.fc2.');
}

/** Queries', keys' and values' parts of a fused weight: they lie behind each other. */
function thirds(tensor: WeightTensor): WeightTensor[] {
  const [rows = 0, ...rest] = tensor.shape;
  const bytes = tensor.bytes / 3;
  return [0, 1, 2].map((index) => ({
    ...tensor,
    shape: [rows / 3, ...rest],
    offset: tensor.offset + index * bytes,
    bytes,
  }));
}

/** OpenAI keeps its projections `[in, out]`. */
function transposed(tensor: WeightTensor): WeightTensor {
  const [inputs = 0, outputs = 0] = tensor.shape;
  const { storedAxes, ...rest } = tensor;
  return { ...rest, shape: [outputs, inputs], ...(!storedAxes && { storedAxes: [1, 0] }) };
}

function towerOf(weights: Weights, name: Tower['name'], config: ModelConfig | undefined): Tower {
  const vision = name === 'vision_model';
  const section = sectionOf(config, vision ? 'vision_config' : 'text_config') ?? config;
  const [width = 0] = shapeOf(weights, `${name}.${vision ? 'post_layernorm' : 'final_layer_norm'}.weight`);
  return {
    name,
    layers: countOf(weights, (layer) => `${name}.encoder.layers.${layer}.mlp.fc1.weight`),
    width,
    heads: headsOf(section, 'num_attention_heads', width, vision ? VISION_HEAD_SIZES.get(width) : undefined),
    epsilon: numberOf(section, 'layer_norm_eps') ?? 1e-5,
    activation: textOf(section, 'hidden_act') ?? 'quick_gelu',
  };
}

/** The tower for images as a network of its own. */
function clipVision(weights: Weights, config: ModelConfig | undefined): RecognisedNetwork {
  const tower = towerOf(weights, 'vision_model', config);
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

/** The tower for texts as a network of its own. */
function clipText(weights: Weights, config: ModelConfig | undefined): RecognisedNetwork {
  const tower = towerOf(weights, 'text_model', config);
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
      const pooled = graph.mark('pooler_output', tokenAt(graph, states, endToken(graph, tokens.ids, config)));
      graph.output('features', projected ? linear(graph, pooled, 'text_projection') : pooled);
    },
  };
}

/** Both towers, for images with texts. */
function both(weights: Weights, config: ModelConfig | undefined): RecognisedNetwork {
  const towers = { vision: towerOf(weights, 'vision_model', config), text: towerOf(weights, 'text_model', config) };
  const text = textOfTower(weights);
  return {
    architecture: visionName(weights, towers.vision),
    modality: 'image-text',
    image: imageOf(weights),
    text,
    hasLogits: false,
    featurePoint: 'projected embeddings of image and text, side by side',
    build: (graph) => {
      graph.use(weights);
      const seen = visionPooled(graph, towers.vision, visionStates(graph, towers.vision, imageInput(graph, weights)));
      const tokens = tokenInputs(graph, text);
      const read = tokenAt(graph, textStates(graph, towers.text, tokens), endToken(graph, tokens.ids, config));
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
    input: { ...imageOfSize(side, side), name: IMAGE },
    published: { size: side, resize: side, ...PUBLISHED },
  };
}

function imageInput(graph: Graph, weights: Weights): Value {
  return graph.input(IMAGE, 'float32', ['n', 3, sideOf(weights), sideOf(weights)]);
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
function endToken(graph: Graph, ids: Value, config: ModelConfig | undefined): Value {
  const end = numberOf(sectionOf(config, 'text_config') ?? config, 'eos_token_id') ?? WRONG_END_TOKEN;
  const isEnd = () => graph.node('Cast', [graph.node('Equal', [ids, integer(graph, end)])], { to: INT64 });
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
