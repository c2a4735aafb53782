import type { RankingReport } from '../../protocol/report.ts';

/** The candidates as comma-separated values (RFC 4180), one per line, best first. */
export function reportCsv(report: RankingReport): string {
  const metrics = [...new Set(report.candidates.flatMap((candidate) => Object.keys(candidate.metrics)))];
  const header = [
    'rank',
    'id',
    'name',
    'architecture',
    'score',
    'interval_low',
    'interval_high',
    'tied_with',
    'feature_dim',
    'parameters',
    'bytes',
    'samples',
    'latency_ms',
    ...metrics,
  ];
  const rows = report.candidates.map((candidate) => [
    candidate.rank,
    candidate.id,
    candidate.name,
    candidate.architecture,
    candidate.score,
    ...candidate.interval,
    candidate.tiedWith.join(' '),
    candidate.featureDim,
    candidate.parameters,
    candidate.bytes,
    candidate.samples,
    candidate.latencyMs,
    ...metrics.map((metric) => candidate.metrics[metric] ?? ''),
  ]);
  return `${[header, ...rows].map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;
}

function cell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  // A spreadsheet would take a name that starts like this for a formula.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
