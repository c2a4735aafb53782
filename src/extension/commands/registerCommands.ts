import { inspect } from 'node:util';
import { commands, Disposable, type LogOutputChannel, window } from 'vscode';
import { type CommandId, commandIds } from '../commandIds.ts';
import { plainText } from '../plainText.ts';

/** Arguments come from menus, links and webviews: a handler looks at what it got. */
export type CommandHandlers = Record<CommandId, (argument: unknown) => unknown>;

export function registerCommands(handlers: CommandHandlers, log: LogOutputChannel): Disposable {
  return Disposable.from(
    ...commandIds.map((id) => commands.registerCommand(id, (argument) => telling(log, () => handlers[id](argument)))),
  );
}

/** Tells of an error here: VS Code would do so for the palette, but not for a webview or a notification. */
async function telling(log: LogOutputChannel, act: () => unknown): Promise<void> {
  try {
    await act();
  } catch (error) {
    log.error(inspect(error));
    const showLog = 'Show Log';
    const message = plainText(error instanceof Error ? error.message : String(error));
    if ((await window.showErrorMessage(message, showLog)) === showLog) log.show();
  }
}
