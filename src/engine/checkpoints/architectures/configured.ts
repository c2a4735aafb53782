import type { ModelConfig } from './architecture.ts';
import { textOf } from './naming.ts';
import { setting } from './visionTransformer.ts';

/**
 * Arguments in timm's config.json that change what a network computes and leave no trace in names and shapes of weights,
 * with the values that are every family's own. `global_pool: ''` is of a network without a classifier.
 */
const UNTRACED: readonly (readonly [key: string, usual: readonly unknown[]])[] = [
  ['act_layer', []],
  ['norm_layer', []],
  ['aa_layer', ['']],
  ['se_layer', []],
  ['pad_type', ['']],
  ['bn_eps', []],
  ['norm_eps', []],
  ['always_partition', [false]],
  ['pool_include_prefix', [false]],
  ['replace_stem_pool', [false]],
  ['output_stride', [32]],
  ['global_pool', ['avg', 'fastavg', '']],
];

/**
 * Other networks may have weights of the same names and compute otherwise: config.json says what it is.
 * @param what the family, for people
 * @param known Hugging Face's `model_type` and timm's `architecture` of the family's networks
 * @throws Error naming the network that it is instead
 */
export function refuseOthers(config: ModelConfig | undefined, what: string, known: RegExp): void {
  const kind = textOf(config, 'model_type') ?? textOf(config, 'architecture');
  if (kind === undefined || known.test(kind)) return;
  throw new Error(
    `its weights are named like those of ${what}, but its config.json says ${kind}, which can’t be built`,
  );
}

/** Whether a config.json is a network's, and not of the training or whatever else lies there. */
export function describesNetwork(config: ModelConfig | undefined): boolean {
  return ['model_type', 'architecture', 'model_cfg'].some((key) => config?.has(key));
}

/**
 * What is taken for granted, for people, of a network of no published size that no config.json describes.
 * @param published whether one of its size was published, which it is taken for
 * @param what its weights don't tell, in the plural
 */
export function assumedSettings(config: ModelConfig | undefined, published: boolean, what: string): string | undefined {
  if (describesNetwork(config) || published) return undefined;
  return `Its weights don’t tell its ${what}: taken for the published networks’. If it has others, put its config.json beside it.`;
}

/**
 * @param what the family, for people
 * @param heeded arguments that its graph is built by
 * @throws Error naming what config.json says that its graph is not built by
 */
export function refuseUntraced(config: ModelConfig | undefined, what: string, heeded: readonly string[] = []): void {
  for (const [key, usual] of UNTRACED) {
    const value = setting(config, key) ?? undefined;
    if (value === undefined || heeded.includes(key) || usual.includes(value)) continue;
    throw new Error(`it is of the family ${what}, but with ${key}: ${JSON.stringify(value)}, which can’t be built`);
  }
}
