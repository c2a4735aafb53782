import { type Disposable, EventEmitter } from 'vscode';
import type { RankingReport } from '../../protocol/report.ts';
import type { ViewState } from '../../protocol/webview.ts';
import { setContextKey } from '../contextKeys.ts';
import type { ReportFile } from './reportFile.ts';

/** What the ranking view shows, held for every place that shows it. The last report is read when first asked for. */
export class RankingState implements Disposable {
  readonly #file: ReportFile;
  readonly #changed = new EventEmitter<void>();
  readonly #reportChanged = new EventEmitter<void>();
  #state: ViewState = { report: null, running: null, problem: null };
  #restoring: Promise<void> | undefined;

  readonly onDidChange = this.#changed.event;
  readonly onDidChangeReport = this.#reportChanged.event;

  constructor(file: ReportFile) {
    this.#file = file;
  }

  update(change: Partial<ViewState>): void {
    const before = this.#state;
    this.#state = { ...before, ...change };
    if (this.#state.report !== before.report) {
      setContextKey('emms.hasReport', this.#state.report !== null);
      this.#reportChanged.fire();
    }
    if (Boolean(this.#state.running) !== Boolean(before.running)) {
      setContextKey('emms.running', this.#state.running !== null);
    }
    if (this.#state.problem !== before.problem) {
      setContextKey('emms.canResume', this.#state.problem?.remedy === 'resume');
    }
    this.#changed.fire();
  }

  /** The state, with the report of an earlier window where this one has none. */
  async restored(): Promise<ViewState> {
    this.#restoring ??= this.#restore();
    await this.#restoring;
    return this.#state;
  }

  async restoredReport(): Promise<RankingReport | null> {
    return (await this.restored()).report;
  }

  dispose(): void {
    this.#changed.dispose();
    this.#reportChanged.dispose();
  }

  async #restore(): Promise<void> {
    const report = await this.#file.read();
    // A ranking may have ended while the file was read.
    if (report !== null && this.#state.report === null) this.update({ report });
  }
}
