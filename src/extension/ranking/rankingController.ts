import { CancellationTokenSource, type Disposable, type LogOutputChannel, ProgressLocation, window } from 'vscode';
import type { RankParams } from '../../protocol/engine.ts';
import type { RankingReport } from '../../protocol/report.ts';
import { REMEDY_TITLES } from '../../protocol/webview.ts';
import { openSetting } from '../configuration.ts';
import type { EngineClient } from '../engine/engineClient.ts';
import { plainText } from '../plainText.ts';
import { ProgressTally } from './progressTally.ts';
import { describeFailure, type Failure } from './rankingFailure.ts';
import type { RankingState } from './rankingState.ts';
import type { ReportFile } from './reportFile.ts';

export interface RankingTask {
  /** Name of the dataset, for people. */
  readonly name: string;
  readonly params: RankParams;
}

interface Run {
  readonly task: RankingTask;
  readonly cancellation: CancellationTokenSource;
  readonly outcome: Promise<RankingReport | Failure>;
}

/** Runs rankings, one at a time, and tells how they went. */
export class RankingController implements Disposable {
  readonly #engine: EngineClient;
  readonly #state: RankingState;
  readonly #file: ReportFile;
  readonly #log: LogOutputChannel;
  #run: Run | undefined;
  #last: RankingTask | undefined;

  constructor(engine: EngineClient, state: RankingState, file: ReportFile, log: LogOutputChannel) {
    this.#engine = engine;
    this.#state = state;
    this.#file = file;
    this.#log = log;
  }

  get running(): boolean {
    return this.#run !== undefined;
  }

  /** Ranks, and says whether there is a new report. A ranking in progress makes way if the person says so. */
  async rank(task: RankingTask): Promise<boolean> {
    while (this.#run !== undefined) {
      const run = this.#run;
      const [question, proceed] =
        run.task.params.dataset === task.params.dataset
          ? [`“${task.name}” is being ranked already. Cancel that and start over?`, 'Start Over']
          : [`“${run.task.name}” is being ranked. Cancel that and rank “${task.name}”?`, 'Cancel and Rank'];
      if ((await window.showWarningMessage(plainText(question), proceed)) !== proceed) return false;
      run.cancellation.cancel();
      await run.outcome;
    }
    return this.#tell(task, await this.#start(task));
  }

  cancel(): void {
    this.#run?.cancellation.cancel();
  }

  /** The last ranking again: what it had finished comes from the cache. */
  async resume(): Promise<boolean> {
    return this.#last !== undefined && this.rank(this.#last);
  }

  dispose(): void {
    this.cancel();
  }

  #start(task: RankingTask): Promise<RankingReport | Failure> {
    const cancellation = new CancellationTokenSource();
    const outcome = this.#rank(task, cancellation)
      .catch((error: unknown) => describeFailure(error, task.name))
      .finally(() => {
        this.#run = undefined;
        cancellation.dispose();
      });
    this.#last = task;
    this.#run = { task, cancellation, outcome };
    return outcome;
  }

  async #rank({ name, params }: RankingTask, cancellation: CancellationTokenSource): Promise<RankingReport> {
    this.#log.info(`Ranking the models for ${params.dataset}`);
    this.#state.update({ running: { dataset: name, progress: null }, problem: null });
    const tally = new ProgressTally();
    return window.withProgress(
      { location: ProgressLocation.Notification, title: plainText(`Ranking models for ${name}`), cancellable: true },
      (notification, token) => {
        token.onCancellationRequested(() => cancellation.cancel());
        return this.#engine.rank(params, cancellation.token, (progress) => {
          notification.report(tally.step(progress));
          this.#state.update({ running: { dataset: name, progress } });
        });
      },
    );
  }

  async #tell(task: RankingTask, outcome: RankingReport | Failure): Promise<boolean> {
    if ('candidates' in outcome) {
      this.#log.info(`Ranked ${outcome.candidates.length} models in ${outcome.timings.totalSeconds.toFixed(1)} s`);
      this.#state.update({ report: outcome, running: null });
      await this.#keep(outcome);
      return true;
    }
    const { message, cancelled, remedy } = outcome;
    this.#state.update({ running: null, problem: { message, cancelled, remedy } });
    if (cancelled) {
      this.#log.info(message);
      return false;
    }
    this.#log.error(outcome.detail);
    const showLog = 'Show Log';
    const remedies = remedy === null ? [] : [REMEDY_TITLES[remedy]];
    const choice = await window.showErrorMessage(plainText(message), ...remedies, showLog);
    if (choice === showLog) this.#log.show();
    if (choice === REMEDY_TITLES.nameCheckpointFolders) await openSetting('checkpointFolders');
    return choice === REMEDY_TITLES.resume && this.rank(task);
  }

  async #keep(report: RankingReport): Promise<void> {
    try {
      await this.#file.write(report);
    } catch (error) {
      // The ranking itself is there; only the next window won't have it.
      this.#log.warn(`The ranking could not be kept for the next window: ${error}`);
    }
  }
}
