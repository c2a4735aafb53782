import { window } from 'vscode';
import { readSettings } from '../configuration.ts';
import { cacheFolder } from '../engine/requestParams.ts';
import type { RankingController } from '../ranking/rankingController.ts';
import { clearCacheFolder } from './clearCacheFolder.ts';

/** Empties the engine's cache, once the person has said that it may. */
export async function clearCache(controller: RankingController, defaultCacheFolder: string): Promise<void> {
  if (controller.running) {
    void window.showInformationMessage('A ranking is in progress. Cancel it before you clear the cache.');
    return;
  }
  const folder = cacheFolder(readSettings(), defaultCacheFolder);
  const clear = 'Clear Cache';
  const choice = await window.showWarningMessage(
    'Clear the cache of EMMS?',
    { modal: true, detail: `The next ranking computes all features anew.\n\n${folder}` },
    clear,
  );
  if (choice === clear) await clearCacheFolder(folder);
}
