import type { Weights } from '../weights.ts';
import { IMAGENET, INCEPTION, type ModelConfig, OPENAI_CLIP, type PublishedPreprocessing } from './architecture.ts';
import { publishedName } from './naming.ts';
import { setting } from './visionTransformer.ts';

// How images are normalised that networks of one family were trained on differs between its published weights, and only
// their names tell: timm 1.0's, `<architecture>.<tag>`, and those of the files that it published before.

type Statistics = Pick<PublishedPreprocessing, 'mean' | 'std'>;

/** Of networks that were trained on pixels in 0..1. */
export const UNIT: Statistics = { mean: [0, 0, 0], std: [1, 1, 1] };

/** By the first that fits. test/fixtures/timmStatistics.json lists what timm says of every name. */
const NAMED: readonly (readonly [name: RegExp, statistics: Statistics])[] = [
  [/^vit_\w+_miil\.|^mobilenetv3_\w+[._](1k_)?miil|tipsv2\./, UNIT],
  [/\.(dino|mae|lvd142m|ogvl\w*|\w+_ijepa)$|^(beit3|beitv2|deit3?)_.*\./, IMAGENET],
  [/^vit_large_patch14_clip_(224|336)\.laion2b/, INCEPTION],
  [/^(aimv2|eva_large)_.*\.|_radio_\w+\.|^vit_\w+\.bamboo/, OPENAI_CLIP],
  [/^(vit|convnext)_\w+\.(clip_|openai|laion|datacomp|metaclip|dfn|tinyclip|apple_mclip)/, OPENAI_CLIP],
  [/\.ra4_e|^efficientnet_b\d_pruned|^tf_mobilenetv3|^tf_efficientnet_(\w+[._]ap[_-]|cc|e[sml]\b|lite)/, INCEPTION],
  [/^tf_efficientnetv2_(([sml]|xl)(?![a-z0-9])|b3\.in21k)/, INCEPTION],
];

/** A name that was published: with a tag that says the data or the method, or the first digits of the file's hash. */
const PUBLISHED = /\.(\w+_)?(in(1|12|21|22)k|jft|webli|pt)(_\w+)?$|\.(sbb|pali|dinov3|eupe|fcmae)\w*$|-[0-9a-f]{8}$/;
/** Those whose published weights are of Google's, where nothing above says otherwise. */
const OF_GOOGLE = /^(jx_)?(vit|flexivit|beit)_/;

/**
 * The statistics that a network's published name tells.
 * @param name without the organisation
 * @returns undefined when it is no name that was published
 */
export function statisticsOf(name: string): Statistics | undefined {
  const named = NAMED.find(([pattern]) => pattern.test(name));
  if (named) return named[1];
  if (!PUBLISHED.test(name)) return undefined;
  return OF_GOOGLE.test(name) ? INCEPTION : IMAGENET;
}

/**
 * A family's way to prepare images, with the statistics that the name of the weights tells; a guess where it tells none.
 * @param differ whether networks of these weights' names and shapes were published with different statistics
 */
export function withStatistics(
  published: PublishedPreprocessing,
  weights: Weights,
  config: ModelConfig | undefined,
  differ: boolean,
): PublishedPreprocessing {
  const architecture = publishedName(weights, config).replace(/^.*\//, '');
  const tag = setting(config, 'tag');
  const name = typeof tag === 'string' && tag !== '' ? `${architecture}.${tag}` : architecture;
  const told = statisticsOf(name);
  if (told) return { ...published, mean: told.mean, std: told.std, named: name };
  return differ ? { ...published, guessed: true } : published;
}
