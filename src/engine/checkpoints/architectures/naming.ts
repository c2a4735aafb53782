import type { Weights, WeightTensor } from '../weights.ts';
import type { ModelConfig } from './architecture.ts';

// How a family finds its weights by their names, and its settings in config.json.

/** The weights under a family's canonical names, as a name each or none to leave a tensor out. */
export function rename(weights: Weights, canonicalName: (name: string) => string | undefined): Weights {
  const tensors = new Map<string, WeightTensor>();
  for (const [name, tensor] of weights.tensors) {
    const canonical = canonicalName(name);
    if (canonical !== undefined) tensors.set(canonical, tensor);
  }
  return { ...weights, tensors };
}

/** Shape of a weight; empty when there is none of this name. */
export function shapeOf(weights: Weights, name: string): readonly number[] {
  return weights.tensors.get(name)?.shape ?? [];
}

/** How many of `name(0)`, `name(1)`, … there are. */
export function countOf(weights: Weights, name: (index: number) => string): number {
  let count = 0;
  while (weights.tensors.has(name(count))) count += 1;
  return count;
}

/** A string in config.json; undefined when there is none. */
export function textOf(config: ModelConfig | undefined, key: string): string | undefined {
  const value = config?.get(key);
  return typeof value === 'string' ? value : undefined;
}

/**
 * What tells variations apart that weights don't: timm's name of the architecture in config.json, else the name of the
 * file or its folder, which is the architecture's where the authors or timm published it.
 */
export function publishedName(weights: Weights, config: ModelConfig | undefined): string {
  return textOf(config, 'architecture') ?? weights.name;
}

/** A number in config.json; undefined when there is none. */
export function numberOf(config: ModelConfig | undefined, key: string): number | undefined {
  const value = config?.get(key);
  return typeof value === 'number' ? value : undefined;
}

/** An object within config.json: the settings of one part of the network. */
export function sectionOf(config: ModelConfig | undefined, key: string): ModelConfig | undefined {
  const value = config?.get(key);
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined;
}

/**
 * Heads of the attention layers: what config.json says under `key`, else one for every `published` channels, the
 * family's published head size. Weights alone don't tell.
 * @throws Error when the channels can't be divided so
 */
export function headsOf(config: ModelConfig | undefined, key: string, width: number, published = 64): number {
  const heads = numberOf(config, key) ?? width / published;
  if (Number.isInteger(heads) && heads > 0 && width % heads === 0) return heads;
  throw new Error(
    config?.has(key)
      ? `its config.json says ${key}: ${heads}, which its ${width} channels can't be divided by`
      : `its weights don't tell its number of attention heads: put its config.json beside it`,
  );
}
