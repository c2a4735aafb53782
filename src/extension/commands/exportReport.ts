import { Buffer } from 'node:buffer';
import path from 'node:path';
import { commands, Uri, window, workspace } from 'vscode';
import type { EngineClient } from '../engine/engineClient.ts';
import type { RankingState } from '../ranking/rankingState.ts';

/** Saves the report as HTML, CSV or JSON, whichever the name that the person chooses ends in. */
export async function exportReport(state: RankingState, engine: EngineClient): Promise<void> {
  const report = await state.restoredReport();
  if (report === null) {
    const rank = 'Rank Models';
    const choice = await window.showInformationMessage('There is no ranking to export yet.', rank);
    if (choice === rank) await commands.executeCommand('emms.rankModels');
    return;
  }
  const file = await window.showSaveDialog({
    title: 'Export the ranking',
    defaultUri: Uri.joinPath(Uri.file(report.workspace), `${report.dataset.name}-ranking.html`),
    filters: { HTML: ['html'], CSV: ['csv'], JSON: ['json'] },
  });
  if (file === undefined) return;
  const ending = path.posix.extname(file.path).toLowerCase();
  const content =
    ending === '.csv' || ending === '.html'
      ? await engine.render({ report, format: ending === '.csv' ? 'csv' : 'html' })
      : `${JSON.stringify(report, null, 2)}\n`;
  await workspace.fs.writeFile(file, Buffer.from(content));
}
