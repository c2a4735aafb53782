import {
  type Disposable,
  EventEmitter,
  type LogOutputChannel,
  type TreeView,
  type Uri,
  window,
  workspace,
} from 'vscode';
import { CHECKPOINT_ENDINGS, OTHER_CHECKPOINT_ENDINGS } from '../../protocol/checkpointEndings.ts';
import type { DiscoverParams } from '../../protocol/engine.ts';
import { isPassedOver } from '../../protocol/passedOver.ts';
import { readFilesExclude, readSettings } from '../configuration.ts';
import { setContextKey } from '../contextKeys.ts';
import type { EngineClient } from '../engine/engineClient.ts';
import { discoverParams } from '../engine/requestParams.ts';
import { type Found, mergeDiscoveries } from './found.ts';
import { RefreshSchedule } from './refreshSchedule.ts';

/** Settings that change what is found. */
const SETTINGS = ['emms.checkpointFolders', 'emms.searchModelCaches', 'emms.exclude', 'files.exclude'];
/** Views that show what was found, and so show that it is being looked for. */
const VIEWS = ['emms.datasets', 'emms.checkpoints'];

/** What the window's folders hold. Looks when first asked, and from then on keeps up with what changes. */
export class WorkspaceDiscovery implements Disposable {
  readonly #engine: EngineClient;
  readonly #log: LogOutputChannel;
  readonly #changed = new EventEmitter<void>();
  readonly #schedule = new RefreshSchedule(
    () => void this.refresh(),
    () => this.#views.some(({ visible }) => visible),
  );
  readonly #disposables: Disposable[] = [this.#changed, this.#schedule];
  #views: readonly TreeView<unknown>[] = [];
  /** Names that the last look passed over because settings say so. */
  #excludes: ReadonlySet<string> = new Set();
  #found = mergeDiscoveries([]);
  #complete = true;
  #scanning: Promise<Found> | undefined;
  #scanAgain = false;
  #watching = false;

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

  /** While none of these is seen, what changes can wait. */
  showIn(...views: readonly TreeView<unknown>[]): void {
    this.#views = views;
    for (const view of views) this.#disposables.push(view.onDidChangeVisibility(() => this.#schedule.seen()));
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
    for (const disposable of this.#disposables) disposable.dispose();
  }

  async #scanUntilSettled(): Promise<Found> {
    setContextKey('emms.discovery', 'scanning');
    do {
      this.#scanAgain = false;
      this.#complete = await this.#schedule.look(() => this.#scan());
    } while (this.#scanAgain);
    this.#scanning = undefined;
    setContextKey('emms.discovery', this.#complete ? 'ready' : 'failed');
    this.#changed.fire();
    return this.#found;
  }

  /** Looks through every folder; one that can't be read doesn't hide the others. */
  async #scan(): Promise<boolean> {
    const folders = (workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
    const params = folders.map(({ uri }) => discoverParamsOf(uri));
    this.#excludes = new Set(params.flatMap(({ excludes }) => excludes));
    const outcomes = await Promise.allSettled(
      params.map(async (one) => ({ workspace: one.workspace, discovery: await this.#engine.discover(one) })),
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
    const changed = () => this.#schedule.changed();
    const listed = (uri: Uri) => {
      const names = workspace.asRelativePath(uri, false).split('/');
      if (!names.some((name) => isPassedOver(name) || this.#excludes.has(name))) changed();
    };
    // A dataset may be any files: which of them make one, only a look tells.
    const files = workspace.createFileSystemWatcher('**', false, true, false);
    const endings = [...CHECKPOINT_ENDINGS, ...OTHER_CHECKPOINT_ENDINGS];
    const checkpoints = workspace.createFileSystemWatcher(`**/*{${endings.join(',')}}`, true, false, true);
    this.#disposables.push(
      files,
      files.onDidCreate(listed),
      files.onDidDelete(listed),
      checkpoints,
      checkpoints.onDidChange(listed),
      workspace.onDidChangeWorkspaceFolders(changed),
      workspace.onDidChangeConfiguration((event) => {
        if (SETTINGS.some((section) => event.affectsConfiguration(section))) changed();
      }),
    );
  }
}

/** The parameters of a look into one folder, as its settings have it. */
export function discoverParamsOf(folder: Uri): DiscoverParams {
  return discoverParams(folder.fsPath, readSettings(folder), readFilesExclude(folder));
}
