import type { Progress } from './engine.ts';
import { formatCount, formatPercent, formatTimeLeft } from './format.ts';
import { STAGE_TITLES } from './stages.ts';

/** Progress as people read it; a part that there is nothing to say in is empty. */
export interface ProgressTexts {
  readonly stage: string;
  /** What is being worked on, for instance "candidate 3 of 11, resnet50". */
  readonly subject: string;
  readonly amount: string;
  readonly left: string;
}

export function progressTexts({ stage, message, candidate, done, total, secondsLeft }: Progress): ProgressTexts {
  const place = candidate !== null && candidate.count > 1 ? `candidate ${candidate.number} of ${candidate.count}` : '';
  return {
    stage: STAGE_TITLES[stage],
    subject: [place, message].filter((part) => part !== '').join(', '),
    amount: total === 0 ? '' : amountText(stage, done, total),
    left: secondsLeft === null ? '' : formatTimeLeft(secondsLeft),
  };
}

/** Only samples that are read are things to count: networks run over each of them once for every candidate. */
function amountText(stage: Progress['stage'], done: number, total: number): string {
  return stage === 'read' ? `${formatCount(done)} of ${formatCount(total)} samples` : formatPercent(done / total);
}
