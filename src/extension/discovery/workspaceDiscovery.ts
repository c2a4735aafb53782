import { type Disposable, EventEmitter, type LogOutputChannel, type Uri, window, workspace } from 'vscode';
import { CHECKPOINT_ENDINGS, OTHER_CHECKPOINT_ENDINGS } from '../../protocol/checkpointEndings.ts';
import type { DiscoverParams } from '../../protocol/engine.ts';
import { readFilesExclude, readSettings } from '../configuration.ts';
import { setContextKey } from '../contextKeys.ts';
import type { EngineClient } from '../engine/engineClient.ts';
import { discoverParams } from '../engine/requestParams.ts';
import { type Found, liesIn, mergeDiscoveries } from './found.ts';

/** Files come in bunches: a checkout or a copy is one change. */
const SETTLE_MS = 1000;
/** Settings that change what is found. */
const SETTINGS = ['emms.checkpointFolders', 'emms.searchModelCaches', 'emms.exclude', 'files.exclude'];
/** Views that show what was found, and so show that it is being looked for. */
const VIEWS = ['emms.datasets', 'emms.checkpoints'];

/** What the window's folders hold. Looks when first asked, and from then on keeps up with what changes. */
export class WorkspaceDiscovery implements Disposable {
  readonly #engine: EngineClient;
  readonly #log: LogOutputChannel;
  readonly #changed = new EventEmitter<void>();
  readonly #disposables: Disposable[] = [this.#changed];
  #found = mergeDiscoveries([]);
  #complete = true;
  #scanning: Promise<Found> | undefined;
  #scanAgain = false;
  #watching = false;
  #settling: NodeJS.Timeout | undefined;

  readonly onDidChange = this.#changed.event;

  constructor(engine: EngineClient, log: LogOutputChannel) {
    this.#engine = engine;
    this.#log = log;
  }

  /** What was found so far. */
  get found(): Found {
    return this.#found;
  }

  /** Whether the last look saw every folder. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Looks once; later calls do nothing. */
  ensure(): void {
    if (!this.#watching) void this.refresh();
  }

  /** Looks again. Calls in the course of a scan are answered together by one more after it. */
  refresh(): Promise<Found> {
    this.#watch();
    if (this.#scanning !== undefined) {
      this.#scanAgain = true;
      return this.#scanning;
    }
    const scanning = this.#scanUntilSettled();
    this.#scanning = scanning;
    for (const viewId of VIEWS) void window.withProgress({ location: { viewId } }, () => scanning);
    return scanning;
  }

  dispose(): void {
    clearTimeout(this.#settling);
    for (const disposable of this.#disposables) disposable.dispose();
  }

  async #scanUntilSettled(): Promise<Found> {
    setContextKey('emms.discovery', 'scanning');
    do {
      this.#scanAgain = false;
      this.#complete = await this.#scan();
    } while (this.#scanAgain);
    this.#scanning = undefined;
    setContextKey('emms.discovery', this.#complete ? 'ready' : 'failed');
    this.#changed.fire();
    return this.#found;
  }

  /** Looks through every folder; one that can't be read doesn't hide the others. */
  async #scan(): Promise<boolean> {
    const folders = (workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
    const outcomes = await Promise.allSettled(
      folders.map(async ({ uri }) => ({
        workspace: uri.fsPath,
        discovery: await this.#engine.discover(discoverParamsOf(uri)),
      })),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') this.#log.error(outcome.reason);
    this.#found = mergeDiscoveries(
      outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])),
    );
    return outcomes.every(({ status }) => status === 'fulfilled');
  }

  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    const refreshSoon = () => {
      clearTimeout(this.#settling);
      this.#settling = setTimeout(() => void this.refresh(), SETTLE_MS);
    };
    const endings = [...CHECKPOINT_ENDINGS, ...OTHER_CHECKPOINT_ENDINGS];
    const checkpoints = workspace.createFileSystemWatcher(`**/*{${endings.join(',')}}`);
    // A dataset may be any files: only that one goes is minded. Of a folder that goes, its files are not told of.
    const deletions = workspace.createFileSystemWatcher('**', true, true);
    this.#disposables.push(
      checkpoints,
      deletions,
      checkpoints.onDidCreate(refreshSoon),
      checkpoints.onDidChange(refreshSoon),
      checkpoints.onDidDelete(refreshSoon),
      deletions.onDidDelete(({ fsPath }) => {
        if (liesIn([...this.#found.datasets, ...this.#found.checkpoints], fsPath)) refreshSoon();
      }),
      workspace.onDidChangeWorkspaceFolders(refreshSoon),
      workspace.onDidChangeConfiguration((event) => {
        if (SETTINGS.some((section) => event.affectsConfiguration(section))) refreshSoon();
      }),
    );
  }
}

/** The parameters of a look into one folder, as its settings have it. */
export function discoverParamsOf(folder: Uri): DiscoverParams {
  return discoverParams(folder.fsPath, readSettings(folder), readFilesExclude(folder));
}
