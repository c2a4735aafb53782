import { type ExtensionContext, languages, Uri, window } from 'vscode';
import { commandTable } from './commands/commandTable.ts';
import { registerCommands } from './commands/registerCommands.ts';
import { resetContextKeysOnDispose } from './contextKeys.ts';
import { WorkspaceDiscovery } from './discovery/workspaceDiscovery.ts';
import { EngineClient } from './engine/engineClient.ts';
import { RankedCode } from './inline/rankedCode.ts';
import { RankingCodeLens } from './inline/rankingCodeLens.ts';
import { RankingHover } from './inline/rankingHover.ts';
import { RankingController } from './ranking/rankingController.ts';
import { RankingState } from './ranking/rankingState.ts';
import { ReportFile } from './ranking/reportFile.ts';
import { RANKING_VIEW, RankingPlaces } from './rankingView/rankingPlaces.ts';
import { CheckpointsTree } from './trees/checkpointsTree.ts';
import { DatasetsTree } from './trees/datasetsTree.ts';

/** Python code wherever it is written: files, new files, cells of notebooks. */
const python = ['file', 'untitled', 'vscode-notebook-cell'].map((scheme) => ({ scheme, language: 'python' }));

/** Composes the extension. Nothing is read or started here: the engine starts with the first request to it. */
export function activate({
  extensionUri,
  globalStorageUri,
  secrets,
  storageUri,
  subscriptions,
}: ExtensionContext): void {
  const log = window.createOutputChannel('EMMS', { log: true });
  const engine = new EngineClient(Uri.joinPath(extensionUri, 'dist', 'engine.js').fsPath, (entry) =>
    log[entry.level](entry.message),
  );
  const file = new ReportFile((storageUri ?? globalStorageUri).fsPath);
  const defaultCacheFolder = Uri.joinPath(globalStorageUri, 'cache').fsPath;

  const discovery = new WorkspaceDiscovery(engine, log);
  const state = new RankingState(file);
  const controller = new RankingController(engine, state, file, log);
  const places = new RankingPlaces(extensionUri, state);
  const code = new RankedCode(state);
  const lenses = new RankingCodeLens(code, state);
  const datasets = window.createTreeView('emms.datasets', {
    treeDataProvider: new DatasetsTree(discovery),
    showCollapseAll: true,
  });
  const checkpoints = window.createTreeView('emms.checkpoints', {
    treeDataProvider: new CheckpointsTree(discovery, state),
  });
  discovery.showIn(datasets, checkpoints);

  subscriptions.push(
    controller,
    discovery,
    engine,
    state,
    resetContextKeysOnDispose(),
    datasets,
    checkpoints,
    window.registerWebviewViewProvider(RANKING_VIEW, places),
    window.registerWebviewPanelSerializer(RANKING_VIEW, places),
    lenses,
    languages.registerCodeLensProvider(python, lenses),
    languages.registerHoverProvider(python, new RankingHover(code)),
    registerCommands(
      commandTable({ engine, log, secrets, discovery, state, controller, places, defaultCacheFolder }),
      log,
    ),
    log,
  );
}
