import { commands, Disposable } from 'vscode';
import { type CommandId, commandIds } from './commandIds.ts';

/** Arguments come from menus, links and webviews: a handler looks at what it got. */
export type CommandHandlers = Record<CommandId, (argument: unknown) => unknown>;

export function registerCommands(handlers: CommandHandlers): Disposable {
  return Disposable.from(...commandIds.map((id) => commands.registerCommand(id, handlers[id])));
}
