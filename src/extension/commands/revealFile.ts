import { commands, env, type Uri, window, workspace } from 'vscode';
import { plainText } from '../plainText.ts';

/** Shows a file where the person finds it: in the explorer, or in the file manager if it lies outside the workspace. */
export async function revealFile(file: Uri): Promise<void> {
  try {
    await workspace.fs.stat(file);
  } catch {
    void window.showWarningMessage(plainText(`This file is no longer there: ${file.fsPath}`));
    return;
  }
  if (workspace.getWorkspaceFolder(file) !== undefined) {
    await commands.executeCommand('revealInExplorer', file);
    return;
  }
  try {
    await commands.executeCommand('revealFileInOS', file);
  } catch {
    // A remote window has no file manager.
    const copyPath = 'Copy Path';
    const message = plainText(`This file lies outside the workspace: ${file.fsPath}`);
    if ((await window.showInformationMessage(message, copyPath)) === copyPath) {
      await env.clipboard.writeText(file.fsPath);
    }
  }
}
