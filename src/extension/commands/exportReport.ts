import { Buffer } from 'node:buffer';
import path from 'node:path';
import { commands, env, Uri, window, workspace } from 'vscode';
import type { RankingReport } from '../../protocol/report.ts';
import type { EngineClient } from '../engine/engineClient.ts';
import { plainText } from '../plainText.ts';
import type { RankingState } from '../ranking/rankingState.ts';
import { revealFile } from './revealFile.ts';

/**
 * Whether the files are on another machine than the browser. There VS Code opens a page of theirs in no browser, and
 * where it runs in one itself, its window stops answering once it has tried.
 */
const isRemote = env.remoteName !== undefined;

/** Saves the report as HTML, CSV or JSON, whichever the name that the person chooses ends in, and offers to open it. */
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
  const content = Buffer.from(await contentFor(ending, report, engine));
  try {
    await workspace.fs.writeFile(file, content);
  } catch (error) {
    throw new Error(`${file.fsPath} can’t be written. Choose another folder.`, { cause: error });
  }
  const act = ending === '.html' && isRemote ? 'Show' : 'Open';
  const exported = plainText(`The ranking is in ${file.fsPath}.`);
  if ((await window.showInformationMessage(exported, act)) !== act) return;
  if (ending !== '.html') await commands.executeCommand('vscode.open', file);
  else if (isRemote) await revealFile(file);
  else await env.openExternal(file);
}

async function contentFor(ending: string, report: RankingReport, engine: EngineClient): Promise<string> {
  switch (ending) {
    case '.html':
      return engine.render({ report, format: 'html' });
    case '.csv':
      return engine.render({ report, format: 'csv' });
    case '.json':
      return `${JSON.stringify(report, null, 2)}\n`;
    default:
      throw new Error('A ranking is exported as HTML, CSV or JSON: end the name in .html, .csv or .json.');
  }
}
