import type { Progress } from '../../protocol/engine.ts';
import { formatCount, formatTimeLeft } from '../../protocol/format.ts';
import { STAGE_TITLES } from '../../protocol/stages.ts';
import { plainText } from '../plainText.ts';

/** The bar stays short of its end until the report is there. */
const MOST_PERCENT = 99;

export interface ProgressStep {
  readonly message: string;
  /** Percent of the whole ranking since the step before. */
  readonly increment: number;
}

/** Turns the engine's progress into that of one bar. Nearly all of the time goes into the extraction: it is the bar. */
export class ProgressTally {
  #percent = 0;

  step(progress: Progress): ProgressStep {
    const before = this.#percent;
    if (progress.stage === 'extract' && progress.total > 0) {
      this.#percent = Math.max(before, Math.min(MOST_PERCENT, (100 * progress.done) / progress.total));
    }
    return { message: progressMessage(progress), increment: this.#percent - before };
  }
}

/** For instance "Extracting features: resnet-digits · 640/2,000 samples · about 15 s left". */
function progressMessage({ stage, message, done, total, secondsLeft }: Progress): string {
  const parts = [message === '' ? STAGE_TITLES[stage] : `${STAGE_TITLES[stage]}: ${message}`];
  if (total > 0) parts.push(`${formatCount(done)}/${formatCount(total)} samples`);
  if (secondsLeft !== null) parts.push(formatTimeLeft(secondsLeft));
  return plainText(parts.join(' · '));
}
