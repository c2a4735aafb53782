import type { Candidate, RankingReport } from '../../src/protocol/report.ts';
import { candidate, report } from './report.ts';

/** A candidate in the workspace /w; its rank is given by the order in `makeReport`. */
export function makeCandidate(id: string, change: Partial<Candidate> = {}): Candidate {
  const name = id.replace(/^.*\//, '').replace(/\.\w+$/, '');
  const plain = { id, path: `/w/${id}`, architecture: 'resnet14', score: 0.5, interval: [0.4, 0.6] } as const;
  return candidate(1, name, { ...plain, interval: [...plain.interval], ...change });
}

/** A report of the dataset /w/data/fashion. */
export function makeReport(
  candidates: readonly Candidate[],
  dataset: Partial<RankingReport['dataset']> = {},
): RankingReport {
  const ranked = candidates.map((one, index) => ({ ...one, rank: index + 1 }));
  const whole = report(ranked);
  return report(ranked, { workspace: '/w', dataset: { ...whole.dataset, path: '/w/data/fashion', ...dataset } });
}
