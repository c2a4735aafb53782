import type { Progress } from '../protocol/engine.ts';
import { formatPercent, formatQuantity } from '../protocol/format.ts';
import { STAGE_TITLES } from '../protocol/stages.ts';
import type { ViewState } from '../protocol/webview.ts';
import { bestCandidate, bestGroup, tieText } from './sort.ts';

/** Share of the stage that is done, 0…1; null while the total is not known. */
export function progressShare(progress: Progress | null): number | null {
  if (progress === null || progress.total === 0) return null;
  return Math.min(1, progress.done / progress.total);
}

function quarter(progress: Progress | null): number {
  return Math.floor((progressShare(progress) ?? 0) * 4);
}

/**
 * What a screen reader hears when the view goes from one state to the next; null when nothing worth a word happened.
 * Progress is told per stage and per quarter, not per message.
 */
export function announcement(previous: ViewState | null, next: ViewState): string | null {
  if (next.running !== null) {
    if (previous === null || previous.running === null) return `Ranking models for ${next.running.dataset}.`;
    const before = previous.running.progress;
    const now = next.running.progress;
    if (now === null) return null;
    if (before?.stage === now.stage && quarter(before) === quarter(now)) return null;
    const share = progressShare(now);
    return `${STAGE_TITLES[now.stage]}${share === null ? '' : `, ${formatPercent(share)}`}.`;
  }
  if (previous === null || previous.running === null) return null;
  // A problem is shown in an alert, which speaks for itself.
  if (next.problem !== null) return null;
  if (next.report === null) return 'The ranking ended without a result.';
  const { candidates, dataset } = next.report;
  const best = bestCandidate(candidates);
  if (best === undefined) return `Ranking of ${dataset.name} finished: no candidate could be ranked.`;
  const tie = tieText(bestGroup(candidates).size - 1).replace('≈ ', ', ');
  return `Ranking of ${dataset.name} finished: ${formatQuantity(candidates.length, 'candidate')}, ${best.name} is first${tie}.`;
}
