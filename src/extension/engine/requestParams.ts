import os from 'node:os';
import path from 'node:path';
import type { DiscoverParams, RankParams } from '../../protocol/engine.ts';
import type { Settings } from '../settings.ts';

/** What the engine needs to know about a workspace folder to look through it. */
export function discoverParams(
  workspace: string,
  settings: Settings,
  filesExclude: Readonly<Record<string, unknown>>,
): DiscoverParams {
  return {
    workspace,
    checkpointFolders: settings.checkpointFolders.map((folder) => path.resolve(workspace, expandHome(folder))),
    modelCaches: settings.searchModelCaches,
    excludes: [...new Set([...settings.exclude, ...excludedNames(filesExclude)])],
  };
}

/**
 * @param dataset its path, and the task that it is meant for
 * @param workspaceFolders all of the window: a dataset may lie in one, and the checkpoints in another
 */
export function rankParams(
  dataset: { readonly path: string; readonly task: RankParams['task'] },
  discover: DiscoverParams,
  workspaceFolders: readonly string[],
  settings: Settings,
  defaultCacheFolder: string,
): RankParams {
  return {
    ...discover,
    checkpointFolders: [
      ...discover.checkpointFolders,
      ...workspaceFolders.filter((folder) => folder !== discover.workspace),
    ],
    dataset: dataset.path,
    task: dataset.task,
    metric: `emms:${settings.variant}`,
    also: settings.furtherScores,
    labelEncoders: settings.labelEncoders,
    encoderSet: settings.encoderSet,
    labelTemplates: settings.labelTemplates,
    classNames: 'readable',
    labelPooling: 'tokens',
    limit: settings.sampleLimit,
    device: settings.device,
    seed: settings.seed,
    cacheFolder: cacheFolder(settings, defaultCacheFolder),
  };
}

/** The absolute path of the folder that the settings name, else `defaultCacheFolder`. */
export function cacheFolder(settings: Settings, defaultCacheFolder: string): string {
  // A relative folder would be relative to wherever VS Code was started.
  return settings.cacheFolder === ''
    ? defaultCacheFolder
    : path.resolve(os.homedir(), expandHome(settings.cacheFolder));
}

/** The engine passes over names, not globs: of `files.exclude`, the patterns that are a name at any depth. */
function excludedNames(filesExclude: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(filesExclude)
    .filter(([, enabled]) => enabled === true)
    .map(([pattern]) => /^\*\*\/([^/*?[\]{}]+)$/.exec(pattern)?.[1])
    .filter((name) => name !== undefined);
}

function expandHome(folder: string): string {
  return folder === '~' || folder.startsWith('~/') ? path.join(os.homedir(), folder.slice(1)) : folder;
}
