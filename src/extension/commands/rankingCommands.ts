import { commands, Uri, window, workspace } from 'vscode';
import { readSettings } from '../configuration.ts';
import { discoverParamsOf, type WorkspaceDiscovery } from '../discovery/workspaceDiscovery.ts';
import { rankParams } from '../engine/requestParams.ts';
import { plainText } from '../plainText.ts';
import type { RankingController } from '../ranking/rankingController.ts';
import type { RankingState } from '../ranking/rankingState.ts';
import type { RankingPlaces } from '../rankingView/rankingPlaces.ts';
import { DatasetNode } from '../trees/nodes.ts';
import { browseForDataset, type ChosenDataset, datasetAt, pickDataset } from './pickDataset.ts';
import type { CommandHandlers } from './registerCommands.ts';

/** The commands that start, stop and resume a ranking. */
export function rankingCommands(
  discovery: WorkspaceDiscovery,
  state: RankingState,
  controller: RankingController,
  places: RankingPlaces,
  defaultCacheFolder: string,
): Pick<
  CommandHandlers,
  'emms.rankModels' | 'emms.rankDataset' | 'emms.rankAgain' | 'emms.cancelRanking' | 'emms.resumeRanking'
> {
  const rank = async (dataset: ChosenDataset | undefined) => {
    if (dataset === undefined) return;
    const folder = Uri.file(dataset.workspace);
    const params = rankParams(
      dataset,
      discoverParamsOf(folder),
      (workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file').map(({ uri }) => uri.fsPath),
      readSettings(folder),
      defaultCacheFolder,
    );
    if (await controller.rank({ name: dataset.name, params })) await showResult(dataset.name);
  };
  const showResult = async (name: string) => {
    if (await places.reveal()) return;
    const open = 'Open Ranking';
    const choice = await window.showInformationMessage(plainText(`The models for ${name} are ranked.`), open);
    if (choice === open) await commands.executeCommand('emms.openRankingInEditor');
  };
  return {
    'emms.rankModels': async () => {
      if (await mayLoadModels()) await rank(await pickDataset(discovery));
    },
    'emms.rankDataset': async (target) => {
      if (!(await mayLoadModels())) return;
      if (target instanceof DatasetNode) await rank(target.dataset);
      else await rank(target instanceof Uri ? datasetAt(target) : await browseForDataset());
    },
    // The settings as they are now, where "Resume" goes on with those of the ranking that was cut short.
    'emms.rankAgain': async () => {
      if (!(await mayLoadModels())) return;
      const report = await state.restoredReport();
      if (report === null) await rank(await pickDataset(discovery));
      else await rank({ ...report.dataset, task: report.task, workspace: report.workspace });
    },
    'emms.cancelRanking': () => controller.cancel(),
    'emms.resumeRanking': async () => {
      if (await controller.resume()) await places.reveal();
    },
  };
}

/** A ranking hands checkpoint files to native code: not those of a workspace that the person doesn't trust. */
async function mayLoadModels(): Promise<boolean> {
  if (workspace.isTrusted) return true;
  const manage = 'Manage Workspace Trust';
  const message = 'Ranking loads the model files of this workspace. Trust the workspace to rank them.';
  if ((await window.showWarningMessage(message, manage)) === manage) {
    await commands.executeCommand('workbench.trust.manage');
  }
  return workspace.isTrusted;
}
