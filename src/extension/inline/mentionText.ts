import { scoreFormat } from '../../protocol/format.ts';
import type { Candidate, RankingReport } from '../../protocol/report.ts';
import { escapeMarkdown } from '../plainText.ts';
import type { Mention } from './findMentions.ts';

/** Rows of a hover: it is a glance, the ranking itself is a click away. */
const MOST_ROWS = 5;

/** One line for a CodeLens, for instance "EMMS: #2 of 12 · 0.741 (tied with 1)". */
export function mentionTitle(mention: Mention, report: RankingReport): string {
  const [best, ...others] = candidatesOf(mention, report);
  const total = report.candidates.length;
  if (best === undefined) return 'EMMS';
  const score = scoreFormat(report.candidates)(best.score);
  if (mention.kind === 'dataset') return `EMMS: best is ${best.name} (${score}) of ${total}`;
  const ties = best.tiedWith.length > 0 ? ` (tied with ${best.tiedWith.length})` : '';
  const namesakes = others.length > 0 ? ` · best of ${others.length + 1}` : '';
  return `EMMS: #${best.rank} of ${total} · ${score}${ties}${namesakes}`;
}

/** A Markdown table of the candidates that a mention stands for. Names come out as text, whatever they hold. */
export function mentionTable(mention: Mention, report: RankingReport): string {
  const candidates = candidatesOf(mention, report);
  const format = scoreFormat(report.candidates);
  const nameOf = new Map(report.candidates.map((candidate) => [candidate.id, candidate.name]));
  const rows = candidates.slice(0, MOST_ROWS).map((candidate) => {
    const ties = candidate.tiedWith.map((id) => escapeMarkdown(nameOf.get(id) ?? id)).join(', ');
    const [low, high] = candidate.interval;
    return `| ${candidate.rank} | ${escapeMarkdown(candidate.name)} | ${format(candidate.score)} | ${format(low)} … ${format(high)} | ${ties} |`;
  });
  const more = candidates.length - rows.length;
  return [
    `**EMMS** · ${escapeMarkdown(report.dataset.name)} · ${report.candidates.length} checkpoints`,
    '',
    // VS Code puts no room between the columns of a hover.
    '| Rank&ensp; | Checkpoint&ensp; | Score&ensp; | 90 % interval&ensp; | Tied with |',
    '|---:|:---|---:|:---:|:---|',
    ...rows,
    ...(more > 0 ? ['', `… and ${more} more`] : []),
  ].join('\n');
}

function candidatesOf(mention: Mention, report: RankingReport): Candidate[] {
  const mentioned = new Set(mention.candidateIds);
  return report.candidates.filter((candidate) => mentioned.has(candidate.id));
}
