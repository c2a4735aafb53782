import type { Progress } from '../../protocol/engine.ts';
import { progressTexts } from '../../protocol/progress.ts';
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

/** For instance "Extracting features: candidate 3 of 11, resnet-digits · 27% · about 15 s left". */
function progressMessage(progress: Progress): string {
  const { stage, subject, amount, left } = progressTexts(progress);
  const work = subject === '' ? stage : `${stage}: ${subject}`;
  return plainText([work, amount, left].filter((part) => part !== '').join(' · '));
}
