import type { Candidate } from '../protocol/report.ts';

export const columns = [
  'rank',
  'name',
  'architecture',
  'score',
  'featureDim',
  'parameters',
  'bytes',
  'latencyMs',
  'warnings',
] as const;
export type Column = (typeof columns)[number];

export interface Sort {
  column: Column;
  descending: boolean;
}

/** The order at first: the best on top. */
export const rankOrder: Sort = { column: 'rank', descending: false };

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

const comparisons: Record<Column, (a: Candidate, b: Candidate) => number> = {
  rank: (a, b) => a.rank - b.rank,
  name: (a, b) => collator.compare(a.name, b.name),
  architecture: (a, b) => collator.compare(a.architecture, b.architecture),
  score: (a, b) => a.score - b.score,
  featureDim: (a, b) => a.featureDim - b.featureDim,
  parameters: (a, b) => a.parameters - b.parameters,
  bytes: (a, b) => a.bytes - b.bytes,
  latencyMs: (a, b) => a.latencyMs - b.latencyMs,
  warnings: (a, b) => a.warnings.length - b.warnings.length,
};

/** Columns whose first click puts the largest on top, because that is what one looks for in them. */
const largestFirst: ReadonlySet<Column> = new Set<Column>(['score', 'warnings']);

/** The order after a click on a column's header. */
export function nextSort(current: Sort, column: Column): Sort {
  if (current.column === column) return { column, descending: !current.descending };
  return { column, descending: largestFirst.has(column) };
}

/** A sorted copy. Equals stay in rank order, whichever way the column runs. */
export function sortCandidates(candidates: readonly Candidate[], sort: Sort): Candidate[] {
  const compare = comparisons[sort.column];
  const sign = sort.descending ? -1 : 1;
  return candidates.toSorted((a, b) => sign * compare(a, b) || a.rank - b.rank);
}

/** Candidates whose name or architecture holds every word of the filter, in any case. */
export function filterCandidates(candidates: readonly Candidate[], filter: string): readonly Candidate[] {
  const words = filter.toLowerCase().split(/\s+/u).filter(Boolean);
  if (words.length === 0) return candidates;
  return candidates.filter((candidate) => {
    const text = `${candidate.name} ${candidate.architecture}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Whether rows in this order have the best on top, so that those tied with it stand together. */
export function isRankOrder(sort: Sort): boolean {
  return (sort.column === 'rank' && !sort.descending) || (sort.column === 'score' && sort.descending);
}

/** Ids of the best candidate and of those that are tied with it; empty without candidates. */
export function bestGroup(candidates: readonly Candidate[]): ReadonlySet<string> {
  const best = bestCandidate(candidates);
  if (best === undefined) return new Set();
  const tied = candidates.filter((one) => best.tiedWith.includes(one.id) || one.tiedWith.includes(best.id));
  return new Set([best.id, ...tied.map((one) => one.id)]);
}

/** The one of rank 1; none without candidates. */
export function bestCandidate(candidates: readonly Candidate[]): Candidate | undefined {
  return sortCandidates(candidates, rankOrder)[0];
}

/** "≈ tied with 2 others", and nothing for a candidate that stands alone. */
export function tieText(others: number): string {
  return others <= 0 ? '' : `≈ tied with ${others} ${others === 1 ? 'other' : 'others'}`;
}
