import type { Weights } from '../weights.ts';
import {
  type Architecture,
  IMAGENET,
  INCEPTION,
  type ModelConfig,
  OPENAI_CLIP,
  type PublishedPreprocessing,
  type RecognisedNetwork,
} from './architecture.ts';
import { describesNetwork, refuseOthers, refuseUntraced } from './configured.ts';
import { classifierIn } from './convolutional.ts';
import type { Graph, Value } from './graph.ts';
import { layerNorm, linear } from './layers.ts';
import { countOf, publishedName, rename, shapeOf, textOf } from './naming.ts';
import { UNIT, withStatistics } from './publishedStatistics.ts';
import {
  type ImageEncoder,
  imageOfSize,
  imageSizeIn,
  meanOfTokens,
  moduleOf,
  setting,
  token,
  tokensFrom,
  weightsUnder,
} from './visionTransformer.ts';
import { activationOf, averages, epsilonOf, headsOf, IJEPA_FILE, isClip, isMoco, SIZES } from './vitConventions.ts';
import { encoderOf, type PositionResizing, tokens, type VitAnatomy } from './vitGraph.ts';
import { vitName } from './vitNames.ts';

/**
 * Vision transformers: "An Image is Worth 16x16 Words" (Dosovitskiy et al. 2020), and what is trained otherwise but built
 * the same: DeiT with its distillation token (Touvron et al. 2020), DINO (Caron et al. 2021), MoCo v3 (Chen et al. 2021),
 * MAE (He et al. 2021), I-JEPA (Assran et al. 2023), DINOv2 with layer scale, registers and SwiGLU (Oquab et al. 2023, Darcet et al. 2023), and the
 * image towers of CLIP (Radford et al. 2021).
 *
 * Canonical names are timm's, which the releases of DeiT, DINO, DINOv2 and MoCo v3 share: `cls_token`, `pos_embed`,
 * `patch_embed.proj`, `blocks.0.attn.qkv`, `norm`, `head`.
 */
export const vit: Architecture = { family: 'ViT', recognise };

/** Every weight that the graph can use, and heads. */
const KNOWN =
  /^((cls|dist|reg)_token|pos_embed|(patch_embed\.proj|norm_pre|norm|fc_norm|pre_logits\.fc)\.(weight|bias)|head(_dist)?\..+|blocks\.\d+\.((norm[12]|attn\.(qkv|[qkv]|proj|[qk]_norm|norm)|mlp\.(fc[12]|norm))\.(weight|bias)|ls[12]\.gamma))$/;

/** Parts of pretraining (`fc` is MSN's head), a pooler that no classifier takes, and indices that are no weights. */
const UNUSED =
  /^((embeddings\.)?mask_token|masked_embed|fc\..*|decoder.*|pooler\..*|embeddings\.position_ids|visual_projection\.weight)$/;

/** What config.json may call it. */
const KINDS =
  /^((test_|flexi)?vit|deit|dino|beit3|eva_)|^(chinese_clip_vision_model|dpt|flava_image_model|ijepa|siglip_vision_model|idefics3_vision|smolvlm_vision)$/;

type Library = 'timm' | 'huggingFace' | 'torchvision';

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const anatomy = dissect(original, config);
  if (!anatomy) return undefined;
  const { weights, width, leadingTokens } = anatomy;
  const library = libraryOf(original);
  const has = (name: string) => weights.tensors.has(name);

  const [features = width] = shapeOf(weights, 'pre_logits.fc.weight');
  const classifier = isMoco(weights) ? undefined : classifierIn(weights, 'head', features);
  // Hugging Face's classifier of DINOv2 takes the class token and the mean of the patches' tokens, side by side.
  const wideClassifier = classifier === undefined ? classifierIn(weights, 'head', 2 * width) : undefined;
  const distilled = has('head_dist.weight') || (library === 'timm' && classifier === undefined && has('dist_token'));
  const averaged = averages(weights, config);
  const point = distilled
    ? 'mean of class and distillation token'
    : averaged
      ? 'mean of the patches’ tokens'
      : 'class token';
  const resizing = resizingOf(anatomy, library, original, config);
  const { published, name } = describe(anatomy, library, original, config, resizing !== undefined);
  const [height, widthOfImage] = anatomy.image;
  return {
    architecture: name,
    modality: 'image',
    image: { input: resizing ? imageOfSize(undefined, undefined) : imageOfSize(height, widthOfImage), published },
    hasLogits: classifier !== undefined || wideClassifier !== undefined,
    featurePoint: `final norm, ${point}`,
    assumed: anatomy.assumed,
    build: (graph) => {
      const size = resizing ? ['height', 'width'] : [height, widthOfImage];
      const x = tokens(graph, graph.input('image', 'float32', ['n', 3, ...size]), anatomy, resizing);
      const patches = () => meanOfTokens(graph, tokensFrom(graph, x, leadingTokens));
      if (distilled) return distilledOutputs(graph, [token(graph, x, 0), token(graph, x, 1)], classifier);
      let pooled = averaged ? patches() : token(graph, x, 0);
      if (has('fc_norm.weight')) pooled = layerNorm(graph, pooled, 'fc_norm', anatomy.epsilon);
      if (has('pre_logits.fc.weight')) pooled = graph.node('Tanh', [linear(graph, pooled, 'pre_logits.fc')]);
      graph.output('features', pooled);
      if (classifier !== undefined) graph.output('logits', linear(graph, pooled, classifier));
      if (wideClassifier !== undefined) {
        const both = graph.node('Concat', [pooled, patches()], { axis: -1 });
        graph.output('logits', linear(graph, graph.mark('classifier_input', both), wideClassifier));
      }
    },
  };
}

/**
 * transformers and the authors' own code fit DINOv2's positions to the images, which both crop to 224 pixels, not to the
 * 518 that they are for. timm has networks of one size.
 */
function resizingOf(
  anatomy: VitAnatomy,
  library: Library,
  original: Weights,
  config: ModelConfig | undefined,
): PositionResizing | undefined {
  const authors = library === 'timm' && original.tensors.has('mask_token');
  if (methodOf(anatomy, original, config) !== 'DINOv2' || !(authors || library === 'huggingFace')) return undefined;
  const antialias = anatomy.leading.includes('reg_token');
  return { antialias, excess: authors && !antialias ? 0.1 : 0 };
}

/** DeiT's two tokens have a classifier each; timm takes the mean of both, of the tokens as of the logits. */
function distilledOutputs(graph: Graph, [cls, distillation]: [Value, Value], classifier: string | undefined): void {
  graph.output('features', graph.node('Mean', [cls, distillation]));
  if (classifier === undefined) return;
  const logits = [linear(graph, cls, classifier), linear(graph, distillation, 'head_dist')];
  graph.output('logits', graph.node('Mean', logits));
}

/**
 * The encoder of a captioner or of a network of image and text.
 * @param prefix of its names: `encoder.`, `vision_model.` …; under it they are a vision transformer's of any library
 * @param config the encoder's own
 */
export function vitEncoder(
  weights: Weights,
  prefix: string,
  config: ModelConfig | undefined,
): ImageEncoder | undefined {
  const anatomy = dissect(weightsUnder(weights, prefix), config);
  return anatomy && encoderOf(anatomy);
}

function dissect(original: Weights, config: ModelConfig | undefined): VitAnatomy | undefined {
  const renamed = rename(original, vitName);
  const has = (name: string) => renamed.tensors.has(name);
  const [width = 0, channels, patch = 0, ...others] = shapeOf(renamed, 'patch_embed.proj.weight');
  // Of five axes, patches are of videos.
  if (others.length !== 1) return undefined;
  const telltale = ['pos_embed', 'blocks.0.norm1.weight', 'blocks.0.norm2.weight', 'blocks.0.mlp.fc2.weight'];
  if (channels !== 3 || patch < 1 || !telltale.every(has)) return undefined;
  // A network of image and text has more parts than its vision transformer.
  if ([...original.tensors.keys()].some((name) => name.includes('text_'))) return undefined;
  if (shapeOf(renamed, 'blocks.0.norm1.weight')[0] !== width) return undefined;
  if (!has('blocks.0.attn.qkv.weight') && !has('blocks.0.attn.q.weight')) return undefined;

  const weights = { ...renamed, tensors: new Map([...renamed.tensors].filter(([name]) => !UNUSED.test(name))) };
  requireBuildable(weights, original, config);
  const depth = countOf(weights, (block) => `blocks.${block}.norm1.weight`);
  const leading = ['cls_token', 'dist_token', 'reg_token'].filter(has);
  const leadingTokens = leading.reduce((sum, name) => sum + tokensIn(weights, name), 0);
  const classTokens = leading.includes('dist_token') ? 2 : Math.min(1, leadingTokens);
  // timm's networks may count registers, or none.
  const counted = new Set(libraryOf(original) === 'timm' ? [classTokens, leadingTokens, 0] : [classTokens]);
  const positions = tokensIn(weights, 'pos_embed');
  const size = imageSizeIn(config);
  const layout = layoutOf(positions, counted, size, patch);
  if (!layout) throw new Error(`it is a vision transformer whose ${positions} position embeddings fit no square image`);
  // Hugging Face refuses such a pair of files; timm's note is of the pretraining, whose positions it has fitted since.
  if (config?.has('model_type') && size?.some((side, axis) => Math.floor(side / patch) !== layout.grid[axis])) {
    throw new Error(
      `its config.json says images of ${size.join('×')} pixels, which its ${positions} position embeddings are not for: mend its config.json`,
    );
  }
  return {
    weights,
    width,
    patch,
    ...layout,
    leading,
    leadingTokens,
    blocks: Array.from(
      { length: depth },
      (_, block) => moduleOf(original, weights.tensors.get(`blocks.${block}.norm1.weight`)) ?? `blocks.${block}`,
    ),
    ...headsOf(original, weights, config, width),
    epsilon: epsilonOf(original, config),
    activation: activationOf(original, config),
  };
}

/** @throws Error when a vision transformer is of a kind that can't be built, or that its weights alone don't tell */
function requireBuildable(weights: Weights, original: Weights, config: ModelConfig | undefined): void {
  const has = (name: string) => weights.tensors.has(name);
  const strange = [...weights.tensors.keys()].find((name) => !KNOWN.test(name));
  if (strange !== undefined) throw new Error(`it is a vision transformer with parts that can't be built: "${strange}"`);
  if (!has('blocks.0.norm1.bias')) {
    throw new Error('it is a vision transformer whose norms have no biases (RMSNorm), which can’t be built');
  }
  const published = publishedName(original, config);
  if (/^vit_\w+_rpn_/.test(published)) {
    throw new Error('it is a vision transformer with norms behind its layers, which can’t be built');
  }
  if (/^vit_pe_/.test(published)) {
    throw new Error('it is a vision transformer with rotary positions, which can’t be built');
  }
  refuseOthers(config, 'ViT', KINDS);
  refuseUntraced(config, 'ViT', ['act_layer', 'global_pool']);
  // Of those that average their patches' tokens many were published, in other ways that leave no trace in the weights.
  const isPlain = has('cls_token') || has('reg_token') || has('blocks.0.ls1.gamma');
  if (!isPlain && !describesNetwork(config) && !/_gap_/.test(published) && !IJEPA_FILE.test(published)) {
    throw new Error(
      `it is a vision transformer without class token, whose weights don't tell its heads, activation and norms: put its config.json beside it`,
    );
  }
}

/** How many tokens a weight is the values of: `[1, t, d]`, `[t, d]` or `[d]`. */
function tokensIn(weights: Weights, name: string): number {
  return shapeOf(weights, name).at(-2) ?? 1;
}

/** The image and its grid of patches that is left of all positions: of the configured size where it fits, else square. */
function layoutOf(
  positions: number,
  counted: ReadonlySet<number>,
  size: readonly [number, number] | undefined,
  patch: number,
): Pick<VitAnatomy, 'grid' | 'image' | 'positionedTokens'> | undefined {
  const configured = size?.every(Number.isInteger)
    ? ([Math.floor(size[0] / patch), Math.floor(size[1] / patch)] as const)
    : undefined;
  for (const positionedTokens of counted) {
    if (size && configured && configured[0] * configured[1] === positions - positionedTokens) {
      return { grid: configured, image: size, positionedTokens };
    }
  }
  for (const positionedTokens of counted) {
    const side = Math.sqrt(positions - positionedTokens);
    if (side >= 1 && Number.isInteger(side)) {
      return { grid: [side, side], image: [side * patch, side * patch], positionedTokens };
    }
  }
  return undefined;
}

function libraryOf(original: Weights): Library {
  const names = [...original.tensors.keys()];
  if (names.some((name) => name.includes('embeddings.'))) return 'huggingFace';
  return original.tensors.has('conv_proj.weight') ? 'torchvision' : 'timm';
}

/** What people call it, and how its images are prepared: by its training, which only config.json or telltale parts say. */
function describe(
  anatomy: VitAnatomy,
  library: Library,
  original: Weights,
  config: ModelConfig | undefined,
  anySize: boolean,
): { name: string; published: PublishedPreprocessing } {
  const { weights, width, patch, image, blocks, leading } = anatomy;
  const [size] = image;
  const method = methodOf(anatomy, original, config);
  const known = SIZES.get(width);
  const letter = known?.depth === blocks.length ? known.letter : `${width}x${blocks.length}`;
  const additions = `${leading.includes('dist_token') ? ' distilled' : ''}${leading.includes('reg_token') ? ' with registers' : ''}`;
  const name = `${method === 'DeiT' || method === 'DINOv2' ? method : `${method}${method === '' ? '' : ' '}ViT`}-${letter}/${patch}${additions}`;

  const whole = { size, resize: size, keepsAspect: true } as const;
  const cropped = { ...whole, resize: size === 224 ? 256 : size };
  if (anySize) return { name, published: { size: 224, resize: 256, kernel: 'cubic', ...IMAGENET } };
  if (library === 'torchvision') {
    return {
      name,
      published: {
        ...cropped,
        resize: size === 224 && letter === 'L' && patch === 16 ? 242 : cropped.resize,
        kernel: size === 224 ? 'linear' : 'cubic',
        ...IMAGENET,
      },
    };
  }
  if (method === 'CLIP') {
    const published = withStatistics({ ...whole, kernel: 'cubic', ...OPENAI_CLIP }, original, config, false);
    return { name, published };
  }
  if (isMoco(weights)) return { name, published: { ...cropped, kernel: 'linear', ...IMAGENET } };
  if (method !== '' && method !== 'TIPS v2') return { name, published: { ...cropped, kernel: 'cubic', ...IMAGENET } };
  if (library === 'huggingFace') return { name, published: { size, resize: size, kernel: 'linear', ...INCEPTION } };
  if (method === 'TIPS v2') return { name, published: { ...whole, kernel: 'cubic', ...UNIT } };
  // Google's weights come in timm's safetensors; a plain torch file of these names is a release of DeiT or DINO.
  const google = { ...whole, resize: size === 224 ? 248 : size, kernel: 'cubic', ...INCEPTION } as const;
  const told = withStatistics(google, original, config, !describesNetwork(config));
  const released = told.guessed === true && original.format === 'torch';
  return { name, published: released ? { ...cropped, kernel: 'cubic', ...IMAGENET, guessed: true } : told };
}

function methodOf(
  { weights, leading, leadingTokens, patch }: VitAnatomy,
  original: Weights,
  config: ModelConfig | undefined,
): string {
  const has = (name: string) => weights.tensors.has(name);
  const names =
    `${publishedName(original, config)} ${setting(config, 'tag')} ${textOf(config, 'model_type')}`.toLowerCase();
  const scaled = has('blocks.0.ls1.gamma');
  if (isMoco(weights)) return 'MoCo v3';
  if (IJEPA_FILE.test(publishedName(original, config))) return 'I-JEPA';
  const own =
    original.tensors.has('mask_token') || [...original.tensors.keys()].some((name) => name.endsWith('.lambda1'));
  // timm's has one register, where DINOv2 has four.
  if (/tipsv2/.test(names) || (scaled && patch === 14 && leading.includes('reg_token') && leadingTokens === 2))
    return 'TIPS v2';
  if (/dinov2/.test(names) || (scaled && (patch === 14 || own))) return 'DINOv2';
  if (/(?<![a-z])dino(?![a-z])/.test(names)) return 'DINO';
  if (/deit/.test(names) || leading.includes('dist_token')) return 'DeiT';
  if (/(?<![a-z])mae(?![a-z])/.test(names) || [...original.tensors.keys()].some((name) => name.startsWith('decoder')))
    return 'MAE';
  return isClip(original, config) ? 'CLIP' : '';
}
