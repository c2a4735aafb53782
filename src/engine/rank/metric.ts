import { UsageError } from '../errors.ts';
import { SCORES } from '../score/registry.ts';

/** A score in one of its variants. */
export interface Metric {
  readonly score: string;
  /** Undefined when none was asked for: the first that suits the labels is computed. */
  readonly variant: string | undefined;
  /** How it was asked for: `emms`, or with a variant `emms:exact`. */
  readonly name: string;
}

/**
 * @param name a score, or `score:variant`
 * @throws UsageError for a score or variant that there isn't
 */
export function parseMetric(name: string): Metric {
  const [id = '', variant] = name.split(':');
  const score = SCORES.find((known) => known.id === id);
  if (!score) throw new UsageError(`Unknown score ${id}; choose one of ${SCORES.map((known) => known.id).join(', ')}.`);
  if (variant !== undefined && !score.variants.includes(variant)) {
    throw new UsageError(`Unknown variant ${variant} of ${id}; choose one of ${score.variants.join(', ')}.`);
  }
  return { score: id, variant, name };
}
