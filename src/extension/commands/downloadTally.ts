import type { Progress } from '../../protocol/engine.ts';
import { plainText } from '../plainText.ts';
import type { ProgressStep } from '../ranking/progressTally.ts';

const MEGABYTE = 1e6;

/** Turns the engine's progress of a download into that of one bar. */
export class DownloadTally {
  #percent = 0;

  /** While it waits for another try, the message says what for. */
  step({ message, done, total }: Progress): ProgressStep {
    const before = this.#percent;
    this.#percent = total > 0 ? (100 * done) / total : 0;
    const amount = `${Math.round(done / MEGABYTE)} of ${Math.round(total / MEGABYTE)} MB`;
    return { message: plainText(message === '' ? amount : message), increment: this.#percent - before };
  }
}
