import type { Weights } from '../weights.ts';
import type { ModelConfig } from './architecture.ts';
import { describesNetwork } from './configured.ts';
import { numberOf, sectionOf } from './naming.ts';

// What CLIP's weights don't tell: Hugging Face keeps it in config.json, open_clip in open_clip_config.json.

/** Where open_clip's file says nothing. */
const OPEN_CLIP = { headWidth: 64, textHeads: 8 } as const;

/** Keys of a tower in open_clip_config.json whose values the weights show, or that change nothing at inference. */
const HARMLESS =
  /^(layers|width|head_width|heads|mlp_ratio|patch_size|image_size|context_length|vocab_size|patch_dropout|output_tokens|pad_id|hf_tokenizer_name|tokenizer_(mode|kwargs))$/;
/** Of others, what they are when nothing is said: no further parts, the class token of images, the end token of texts. */
const DEFAULTS: readonly unknown[] = [false, null, 'tok', 'argmax'];

/** Scalars that only OpenAI's own archives have beside the weights. */
const OPENAI_SCALAR = 'input_resolution';

/**
 * The settings of a tower, under Hugging Face's keys. Its activation is OpenAI's QuickGELU or LAION's GELU, which the
 * weights don't show: config.json says `hidden_act` (left out it is QuickGELU, as transformers defaults to),
 * open_clip_config.json `quick_gelu` (left out it is GELU, as open_clip defaults to), and OpenAI's own archives can be told
 * by scalars that nobody else's have. Hugging Face's names without any of them are taken for QuickGELU, see `assumes`.
 * @param original under their original names
 * @param width channels of the tower
 * @throws Error when nothing tells its activation, or when it has a part that can't be built
 */
export function towerSettings(
  original: Weights,
  config: ModelConfig | undefined,
  tower: 'vision' | 'text',
  width: number,
): ModelConfig {
  const section = sectionOf(config, `${tower}_config`) ?? config;
  if (section && (config?.has('model_type') || section.has('hidden_act')))
    return new Map([['hidden_act', 'quick_gelu'], ...section]);
  const openClip = sectionOf(config, 'model_cfg');
  if (openClip) return openClipSettings(openClip, tower, width);
  if (original.tensors.has(OPENAI_SCALAR) || isHuggingFace(original)) return new Map([['hidden_act', 'quick_gelu']]);
  throw new Error(
    `it is a CLIP whose weights don't tell whether its activation is OpenAI's QuickGELU or GELU: put its config.json or open_clip_config.json beside it`,
  );
}

/** What is taken for granted of a CLIP, for people; undefined where something tells it. */
export function assumes(original: Weights, config: ModelConfig | undefined): string | undefined {
  if (describesNetwork(config) || !isHuggingFace(original)) return undefined;
  return 'Its weights don’t tell its activation and attention heads: taken for OpenAI’s QuickGELU, and for as many heads as published networks of its widths have. If it has others, put its config.json beside it.';
}

function isHuggingFace({ tensors }: Weights): boolean {
  return [...tensors.keys()].some((name) => /^(text|vision)_model\./.test(name));
}

function openClipSettings(openClip: ModelConfig, tower: 'vision' | 'text', width: number): ModelConfig {
  const section = sectionOf(openClip, `${tower}_cfg`);
  for (const [key, value] of section ?? []) {
    if (!HARMLESS.test(key) && !DEFAULTS.includes(value))
      throw new Error(
        `its open_clip_config.json says ${tower}_cfg.${key}: ${JSON.stringify(value)}, which can't be built`,
      );
  }
  const headWidth = numberOf(section, 'head_width') ?? OPEN_CLIP.headWidth;
  return new Map<string, unknown>([
    ['hidden_act', openClip.get('quick_gelu') === true ? 'quick_gelu' : 'gelu'],
    [
      'num_attention_heads',
      tower === 'vision' ? width / headWidth : (numberOf(section, 'heads') ?? OPEN_CLIP.textHeads),
    ],
  ]);
}
