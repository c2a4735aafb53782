import type { Progress } from '../../protocol/engine.ts';
import { progressTexts } from '../../protocol/progress.ts';

/** Progress on standard error: one line that is rewritten on a terminal, one line per stage in a log. */
export class ProgressLine {
  readonly #terminal = process.stderr.isTTY;
  #last = '';

  show(progress: Progress): void {
    const { stage, subject, amount, left } = progressTexts(progress);
    if (!this.#terminal) {
      const line = joined(': ', stage, subject);
      if (line !== this.#last) process.stderr.write(`${line}\n`);
      this.#last = line;
      return;
    }
    // The name comes last, since a narrow terminal cuts the line.
    const line = joined(' · ', stage, amount, left, subject);
    process.stderr.write(`\r\u001b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
  }

  clear(): void {
    if (this.#terminal) process.stderr.write('\r\u001b[K');
  }
}

function joined(separator: string, ...parts: string[]): string {
  return parts.filter((part) => part !== '').join(separator);
}
