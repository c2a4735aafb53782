import type { Weights } from '../weights.ts';
import type { ModelConfig } from './architecture.ts';
import { describesNetwork } from './configured.ts';
import { countOf, publishedName, shapeOf, textOf } from './naming.ts';
import { type HiddenActivation, hiddenActivation, numberIn, setting } from './visionTransformer.ts';

// What the weights of a vision transformer don't tell: by config.json, else as it was published.

/** Letters that people call the published widths by, with the number of blocks and of attention heads. */
export const SIZES = new Map<number, { letter: string; depth: number; heads: number }>([
  [192, { letter: 'T', depth: 12, heads: 3 }],
  [384, { letter: 'S', depth: 12, heads: 6 }],
  [768, { letter: 'B', depth: 12, heads: 12 }],
  [1024, { letter: 'L', depth: 24, heads: 16 }],
  [1152, { letter: 'SO400M', depth: 27, heads: 16 }],
  [1280, { letter: 'H', depth: 32, heads: 16 }],
  [1408, { letter: 'g', depth: 40, heads: 16 }],
  [1536, { letter: 'g', depth: 40, heads: 24 }],
  [1664, { letter: 'G', depth: 48, heads: 16 }],
]);
/** Width of a head where neither config.json nor the table above says it. */
const HEAD_DIM = 64;

/** timm's networks that have another number of heads than all others of their width. */
const NAMED_HEADS: readonly (readonly [name: RegExp, heads: number])[] = [
  [/vit_base_patch16_gap_/, 16],
  [/vit_giantopt_/, 16],
  [/^test_vit2?(\W|$)/, 2],
];

/** How MoCo v3's releases are called, with its projector or a classifier in its place. */
const MOCO_FILE = /moco|^(linear-)?vit-[sb]-\d+ep/i;

/** How I-JEPA's releases are called (facebookresearch/ijepa): their features are the mean of the patches' tokens. */
export const IJEPA_FILE = /^in(1|22)k-vit\.[hg]\.\d+/i;

/** How files are called that are surely not MoCo v3's. */
const OTHER_FILE = /deit|dino|ibot|augreg|(?<![a-z])mae(?![a-z])|vit_small/i;

/** timm's SigLIPs with GELU's approximation; its others have GELU itself. */
const TANH_SIGLIP = /(patch32|giantopt_patch16|so400m_patch16)_siglip|large_patch16_siglip(_gap)?_512/;

export interface Heads {
  readonly heads: number;
  /** In a sentence, where neither config.json nor a published network of this width has this number. */
  readonly assumed: string | undefined;
}

/**
 * Attention heads can't be told from shapes: by config.json, a norm of each head's width, or the published sizes.
 * @throws Error when they can't be divided so
 */
export function headsOf(original: Weights, weights: Weights, config: ModelConfig | undefined, width: number): Heads {
  const name = publishedName(original, config);
  const [headDim] = shapeOf(weights, 'blocks.0.attn.q_norm.weight');
  const rows =
    shapeOf(weights, 'blocks.0.attn.q.weight')[0] ?? (shapeOf(weights, 'blocks.0.attn.qkv.weight')[0] ?? 0) / 3;
  // MoCo v3's small one has twice as many as all others of its width.
  const moco = (isMoco(weights) || MOCO_FILE.test(name)) && width === 384 ? 12 : undefined;
  const depth = countOf(weights, (block) => `blocks.${block}.norm1.weight`);
  const size = SIZES.get(width);
  const told =
    numberIn(config, 'num_attention_heads', 'num_heads') ??
    NAMED_HEADS.find(([pattern]) => pattern.test(name))?.[1] ??
    (headDim === undefined ? moco : rows / headDim);
  const heads = told ?? size?.heads ?? Math.max(1, rows / HEAD_DIM);
  if (!Number.isInteger(rows / heads) || !Number.isInteger(heads)) {
    throw new Error(
      `it is a vision transformer of ${width} channels: config.json must tell its number of attention heads`,
    );
  }
  const published = size?.depth === depth || textOf(config, 'architecture') !== undefined;
  const small = width === 384 && !weights.tensors.has('blocks.0.ls1.gamma') && !weights.tensors.has('dist_token');
  if (told === undefined && published && small && !describesNetwork(config) && !OTHER_FILE.test(name)) {
    return {
      heads,
      assumed: `Its weights don't tell the number of its attention heads: taken for ${heads}. If it is MoCo v3's, which has 12, put a config.json with num_heads beside it or name the file so.`,
    };
  }
  return {
    heads,
    assumed:
      told !== undefined || published
        ? undefined
        : `Its weights don't tell the number of its attention heads: taken for ${heads}, by ${rows / heads} of ${width} channels each. If it has another, put its config.json beside it.`,
  };
}

/** MoCo v3's projector takes the head's place: several layers with batch norms between. */
export function isMoco(weights: Weights): boolean {
  return weights.tensors.has('head.0.weight') && weights.tensors.has('head.1.running_mean');
}

/** By config.json; else Hugging Face's ViT and DeiT add 1e-12, CLIP and BEiT 3 1e-5, all others 1e-6. */
export function epsilonOf(original: Weights, config: ModelConfig | undefined): number {
  const configured = numberIn(config, 'layer_norm_eps');
  if (configured !== undefined) return configured;
  if ([...original.tensors.keys()].some((name) => name.includes('layernorm_before.'))) return 1e-12;
  // A norm between attention and its projection is BEiT 3's, unless timm calls it otherwise.
  const beit3 =
    original.tensors.has('blocks.0.attn.norm.weight') && /beit3/.test(textOf(config, 'architecture') ?? 'beit3');
  return isClip(original, config) || beit3 ? 1e-5 : 1e-6;
}

/**
 * OpenAI's CLIP has its own GELU: Hugging Face's unless config.json says another, timm's where the name says so.
 * @throws Error when it is a CLIP of timm's, by its norm before the blocks, and nothing tells
 */
export function activationOf(original: Weights, config: ModelConfig | undefined): HiddenActivation {
  const architecture = architectureOf(original, config);
  const quick = architecture === undefined ? isClip(original, config) : architecture.includes('quickgelu');
  const named = setting(config, 'hidden_act') ?? setting(config, 'act_layer');
  if (named === undefined && architecture === undefined && original.tensors.has('norm_pre.weight')) {
    throw new Error(
      `it is a CLIP's vision transformer whose weights don't tell whether its activation is OpenAI's QuickGELU or GELU: put its config.json beside it`,
    );
  }
  const approximate = TANH_SIGLIP.test(publishedName(original, config));
  return hiddenActivation(named ?? (quick ? 'quick_gelu' : approximate ? 'gelu_tanh' : 'gelu'));
}

/** timm's name of the architecture, which of a CLIP the file may be called by, too. */
function architectureOf(original: Weights, config: ModelConfig | undefined): string | undefined {
  return textOf(config, 'architecture') ?? /(?<![a-z])vit_\w+_clip_\w+/.exec(original.name)?.[0];
}

/** Whether it is the image tower of CLIP. */
export function isClip(original: Weights, config: ModelConfig | undefined): boolean {
  const pretraining = `${architectureOf(original, config)} ${setting(config, 'tag')}`;
  return /clip/.test(pretraining) || [...original.tensors.keys()].some((name) => name.endsWith('pre_layrnorm.weight'));
}

/**
 * Whether the classifier takes the mean of the patches' tokens: timm says so, or has a norm after the mean.
 * @throws Error when timm says another way
 */
export function averages(weights: Weights, config: ModelConfig | undefined): boolean {
  const pool = setting(config, 'global_pool');
  if (pool === 'avg' || pool === 'token') return pool === 'avg';
  if (typeof pool === 'string' && pool !== '') {
    throw new Error(`it is a vision transformer with global_pool: "${pool}", which can’t be built`);
  }
  return weights.tensors.has('fc_norm.weight') || !weights.tensors.has('cls_token');
}
