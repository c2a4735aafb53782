import type { Progress } from '../../protocol/engine.ts';
import { formatTimeLeft } from '../../protocol/format.ts';
import { STAGE_TITLES } from '../../protocol/stages.ts';

/** Progress on standard error: one line that is rewritten on a terminal, one line per stage in a log. */
export class ProgressLine {
  readonly #terminal = process.stderr.isTTY;
  #last = '';

  show({ stage, message, done, total, secondsLeft }: Progress): void {
    if (!this.#terminal) {
      const line = `${STAGE_TITLES[stage]}${message === '' ? '' : `: ${message}`}`;
      if (line !== this.#last) process.stderr.write(`${line}\n`);
      this.#last = line;
      return;
    }
    const share = total > 0 ? ` ${Math.floor((100 * done) / total)} % (${done} of ${total})` : '';
    const left = secondsLeft === null ? '' : `, ${formatTimeLeft(secondsLeft)}`;
    const line = `${STAGE_TITLES[stage]}${share}${left}${message === '' ? '' : ` · ${message}`}`;
    process.stderr.write(`\r\u001b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
  }

  clear(): void {
    if (this.#terminal) process.stderr.write('\r\u001b[K');
  }
}
