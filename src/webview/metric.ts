import type { RankingReport } from '../protocol/report.ts';
import { SCORE_TITLES } from '../protocol/scores.ts';

const metricNames = new Map<string, string>(Object.entries(SCORE_TITLES));

const variantNames = new Map([['cv', 'held-out']]);

/** "EMMS · held-out" for ('emms', 'cv'). The metric may carry its variant itself, as in emms:exact. */
export function metricTitle(metric: string, variant = ''): string {
  const [name = metric, ownVariant = variant] = metric.split(':');
  const title = metricNames.get(name) ?? name;
  const shown = ownVariant || variant;
  return shown === '' ? title : `${title} · ${variantNames.get(shown) ?? shown}`;
}

const encoderNames = new Map([
  ['clip', 'CLIP'],
  ['bert', 'BERT'],
  ['gpt2', 'GPT-2'],
  ['onehot', 'one-hot'],
]);

/** "GPT-2" for 'gpt2'; a folder or model on the hub stays as it is. */
export function encoderTitle(encoder: string): string {
  return encoderNames.get(encoder) ?? encoder;
}

/** What the number says, in the words of a person who has to choose a model by it. One paragraph per entry. */
export function explainScore({ metric, variant }: Pick<RankingReport, 'metric' | 'variant'>): string[] {
  if (metric === 'emms' && variant === 'cv') {
    return [
      'EMMS asks how well the labels, turned into vectors by one or more label encoders, can be predicted from a network’s features by a linear map. Held-out means that it is asked on samples that the map has not seen.',
      '1 means that the label vectors are perfectly predictable from the features; 0 means no better than always answering the mean. Networks of any feature width compare.',
      'The variants reference, paper and exact, where they were computed too, are negative residuals on the very samples that the map was fitted to: closer to 0 is better, but wide networks look better than they are.',
    ];
  }
  if (metric === 'emms') {
    return [
      'EMMS asks how well the labels, turned into vectors by one or more label encoders, can be predicted from a network’s features by a linear map.',
      `The variant “${variant}” is a negative residual on the samples that the map was fitted to: at most 0, and closer to 0 is better. It falls with every added feature, so wide networks look better than they are; the held-out variant does not have this flaw.`,
    ];
  }
  if (metric === 'logme') {
    return [
      'LogME is the average log evidence of the labels given the features under a Bayesian linear model. Larger is better; the number has no fixed scale and compares only within one dataset.',
    ];
  }
  return ['Larger is better. The number compares candidates on this dataset; it is not an accuracy.'];
}
