import { commands, type Uri, workspace } from 'vscode';
import type { DownloadParams } from '../protocol/engine.ts';
import { parseSettings, type Settings, settingNames } from './settings.ts';

/** The settings that hold for a resource, or for the window when none is named. */
export function readSettings(resource?: Uri): Settings {
  const configuration = workspace.getConfiguration('emms', resource ?? null);
  return parseSettings((name) => configuration.get(name));
}

/** The proxy that VS Code itself is set to go through. */
export function readProxy(): DownloadParams['proxy'] {
  const http = workspace.getConfiguration('http');
  return { proxy: http.get('proxy', ''), noProxy: http.get('noProxy', []) };
}

/** `files.exclude` as it holds for a resource: glob pattern → whether it counts. */
export function readFilesExclude(resource: Uri): Record<string, unknown> {
  return workspace.getConfiguration('files', resource).get<Record<string, unknown>>('exclude', {});
}

/** Shows a setting, of the workspace where there is one: of those of a machine, the user's hold no more in a remote window. */
export async function openSetting(name: keyof Settings): Promise<void> {
  const level = workspace.workspaceFolders === undefined ? '' : 'Workspace';
  await commands.executeCommand(`workbench.action.open${level}Settings`, `@id:emms.${settingNames[name]}`);
}
