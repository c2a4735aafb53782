import { type LogOutputChannel, type SecretStorage, Uri } from 'vscode';
import type { WorkspaceDiscovery } from '../discovery/workspaceDiscovery.ts';
import type { EngineClient } from '../engine/engineClient.ts';
import type { RankingController } from '../ranking/rankingController.ts';
import type { RankingState } from '../ranking/rankingState.ts';
import type { RankingPlaces } from '../rankingView/rankingPlaces.ts';
import { FileNode } from '../trees/nodes.ts';
import { clearCache } from './clearCache.ts';
import { exportReport } from './exportReport.ts';
import { downloadLabelEncoders, setHuggingFaceToken } from './labelEncoders.ts';
import { rankingCommands } from './rankingCommands.ts';
import type { CommandHandlers } from './registerCommands.ts';
import { revealFile } from './revealFile.ts';

interface Rooms {
  readonly engine: EngineClient;
  readonly log: LogOutputChannel;
  readonly secrets: SecretStorage;
  readonly discovery: WorkspaceDiscovery;
  readonly state: RankingState;
  readonly controller: RankingController;
  readonly places: RankingPlaces;
  readonly defaultCacheFolder: string;
}

/** What each command does. */
export function commandTable({
  engine,
  log,
  secrets,
  discovery,
  state,
  controller,
  places,
  defaultCacheFolder,
}: Rooms): CommandHandlers {
  const ranking = rankingCommands(discovery, state, controller, places, defaultCacheFolder);
  return {
    ...ranking,
    'emms.openRankingInEditor': () => places.openInEditor(),
    'emms.openRankingBeside': () => places.openBeside(),
    'emms.exportReport': () => exportReport(state, engine),
    'emms.downloadLabelEncoders': async () => {
      const better = await downloadLabelEncoders(engine, secrets);
      if (better && (await state.restoredReport()) !== null) await ranking['emms.rankAgain'](undefined);
    },
    'emms.setHuggingFaceToken': () => setHuggingFaceToken(secrets),
    'emms.refresh': () => discovery.refresh(),
    'emms.showLog': () => log.show(),
    'emms.clearCache': () => clearCache(controller, defaultCacheFolder),
    'emms.revealCandidate': async (id) => {
      const report = await state.restoredReport();
      const candidate = report?.candidates.find((one) => one.id === id);
      if (candidate !== undefined) await revealFile(Uri.file(candidate.path));
    },
    'emms.revealInExplorer': async (target) => {
      if (target instanceof FileNode) await revealFile(Uri.file(target.path));
    },
  };
}
