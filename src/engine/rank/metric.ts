import type { Dataset, Sample } from '../datasets/dataset.ts';
import { InputError } from '../errors.ts';
import { findScore, SCORES, whyNotComputable } from '../score/registry.ts';
import { labelKindOf } from './supervision.ts';

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
  const [id = '', ...rest] = name.split(':');
  const variant = rest.length === 0 ? undefined : rest.join(':');
  return { score: findScore(id, variant).id, variant, name };
}

/**
 * Of further metrics those that are defined for what the samples are labelled with, and in warnings why the others aren't. That is
 * known before a network runs; whether a candidate has source probabilities isn't.
 *
 * @param samples those drawn
 * @throws InputError when the metric that ranks isn't defined for them
 */
export function metricsFor(
  dataset: Dataset,
  samples: readonly Sample[],
  metric: Metric,
  further: readonly Metric[],
): { also: Metric[]; warnings: string[] } {
  const available = { labelKind: labelKindOf(dataset, samples), sourceProbabilities: true };
  const whyNot = ({ score, variant }: Metric) => whyNotComputable(findScore(score), variant, available);
  const reason = whyNot(metric);
  if (reason !== undefined) {
    const fit = SCORES.filter((score) => whyNotComputable(score, undefined, available) === undefined).map(
      ({ id }) => id,
    );
    throw new InputError(`${dataset.path}: ${reason} Scores for these: ${fit.join(', ')}.`);
  }
  const reasons = further.map(whyNot);
  return {
    also: further.filter((_, i) => reasons[i] === undefined),
    warnings: further.flatMap(({ name }, i) => (reasons[i] === undefined ? [] : [`${name}: ${reasons[i]}`])),
  };
}
