import path from 'node:path';
import { ProgressLocation, type QuickPickItem, type Uri, window, workspace } from 'vscode';
import type { RankParams } from '../../protocol/engine.ts';
import type { WorkspaceDiscovery } from '../discovery/workspaceDiscovery.ts';
import { datasetDescription } from '../trees/descriptions.ts';

/** A dataset that a person chose, and the folder whose checkpoints are ranked for it. */
export interface ChosenDataset {
  readonly name: string;
  readonly path: string;
  readonly task: RankParams['task'];
  readonly workspace: string;
}

interface DatasetItem extends QuickPickItem {
  readonly choose: () => Promise<ChosenDataset | undefined>;
}

/** Asks which dataset, if there is anything to ask. */
export async function pickDataset(discovery: WorkspaceDiscovery): Promise<ChosenDataset | undefined> {
  const { datasets } = await window.withProgress(
    { location: ProgressLocation.Window, title: 'Looking for datasets' },
    () => discovery.refresh(),
  );
  const [first, second] = datasets;
  if (first === undefined) {
    const browse = 'Browse…';
    const choice = await window.showInformationMessage(nothingFound(discovery.complete), browse);
    return choice === browse ? browseForDataset() : undefined;
  }
  if (second === undefined) return first;
  const items: DatasetItem[] = datasets.map((dataset) => ({
    label: dataset.name,
    description: datasetDescription(dataset),
    detail: workspace.asRelativePath(dataset.path),
    choose: async () => dataset,
  }));
  items.push({ label: 'Browse…', description: 'Choose a folder', alwaysShow: true, choose: browseForDataset });
  const item = await window.showQuickPick(items, {
    title: 'Rank Models',
    placeHolder: 'The dataset that you want to fine-tune a model on',
    matchOnDescription: true,
    matchOnDetail: true,
  });
  return item?.choose();
}

function nothingFound(complete: boolean): string {
  if (!workspace.workspaceFolders?.length) {
    return 'No folder is open. Open the folder that holds your dataset and checkpoints, or browse for the dataset.';
  }
  return complete
    ? 'No dataset was found in this workspace. Browse for the folder that holds it, as you downloaded or made it.'
    : 'The workspace could not be searched; the EMMS log says why. Browse for the folder of the dataset.';
}

/** A folder or file as a dataset; the checkpoints are those of its workspace folder, or of the folder around it. */
export function datasetAt(place: Uri): ChosenDataset {
  return {
    name: path.basename(place.fsPath),
    path: place.fsPath,
    task: 'auto',
    workspace:
      (workspace.getWorkspaceFolder(place) ?? workspace.workspaceFolders?.[0])?.uri.fsPath ??
      path.dirname(place.fsPath),
  };
}

/** Asks for the folder of a dataset. */
export async function browseForDataset(): Promise<ChosenDataset | undefined> {
  const chosen = await window.showOpenDialog({
    title: 'Folder of the dataset',
    openLabel: 'Rank Models for This Dataset',
    canSelectFiles: false,
    canSelectFolders: true,
  });
  return chosen?.[0] && datasetAt(chosen[0]);
}
