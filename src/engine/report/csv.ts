import type { Candidate, RankingReport } from '../../protocol/report.ts';

type Cell = string | number;

const COLUMNS: readonly (readonly [header: string, cell: (candidate: Candidate) => Cell])[] = [
  ['rank', ({ rank }) => rank],
  ['id', ({ id }) => id],
  ['name', ({ name }) => name],
  ['architecture', ({ architecture }) => architecture],
  ['score', ({ score }) => score],
  ['interval_low', ({ interval }) => interval[0]],
  ['interval_high', ({ interval }) => interval[1]],
  ['tied_with', ({ tiedWith }) => tiedWith.join(' ')],
  ['feature_dim', ({ featureDim }) => featureDim],
  ['parameters', ({ parameters }) => parameters],
  ['bytes', ({ bytes }) => bytes],
  ['samples', ({ samples }) => samples],
  ['latency_ms', ({ latencyMs }) => latencyMs],
];

/** The candidates as comma-separated values (RFC 4180), one per line, best first. */
export function reportCsv({ candidates }: RankingReport): string {
  const metrics = [...new Set(candidates.flatMap((candidate) => Object.keys(candidate.metrics)))];
  const header = [...COLUMNS.map(([name]) => name), ...metrics];
  const rows = candidates.map((candidate) => [
    ...COLUMNS.map(([, cell]) => cell(candidate)),
    ...metrics.map((metric) => candidate.metrics[metric] ?? ''),
  ]);
  return `${[header, ...rows].map((row) => row.map(written).join(',')).join('\r\n')}\r\n`;
}

function written(value: Cell): string {
  if (typeof value === 'number') return String(value);
  // A spreadsheet would take a name that starts like this for a formula.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
