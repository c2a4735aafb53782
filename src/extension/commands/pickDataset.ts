import path from 'node:path';
import { ProgressLocation, type QuickPickItem, type Uri, window, workspace } from 'vscode';
import type { WorkspaceDiscovery } from '../discovery/workspaceDiscovery.ts';
import { datasetDescription } from '../trees/descriptions.ts';

/** A dataset that a person chose, and the folder whose checkpoints are ranked for it. */
export interface ChosenDataset {
  readonly name: string;
  readonly path: string;
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
    const message = workspace.workspaceFolders?.length
      ? 'No dataset was found in this workspace. A dataset is a folder with one folder of images per class.'
      : 'No folder is open. Open the folder that holds your dataset and checkpoints, or browse for the dataset.';
    return (await window.showInformationMessage(message, browse)) === browse ? browseForDataset() : undefined;
  }
  if (second === undefined) return first;
  const items: DatasetItem[] = datasets.map((dataset) => ({
    label: dataset.name,
    description: datasetDescription(dataset),
    detail: dataset.id,
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

/** A folder as a dataset; the checkpoints are those of its workspace folder, or of the folder around it. */
export function datasetAt(folder: Uri): ChosenDataset {
  return {
    name: path.basename(folder.fsPath),
    path: folder.fsPath,
    workspace:
      (workspace.getWorkspaceFolder(folder) ?? workspace.workspaceFolders?.[0])?.uri.fsPath ??
      path.dirname(folder.fsPath),
  };
}

async function browseForDataset(): Promise<ChosenDataset | undefined> {
  const chosen = await window.showOpenDialog({
    title: 'Folder of the dataset',
    openLabel: 'Rank Models for This Dataset',
    canSelectFiles: false,
    canSelectFolders: true,
  });
  return chosen?.[0] && datasetAt(chosen[0]);
}
