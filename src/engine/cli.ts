#!/usr/bin/env node
import type { Command } from './cli/command.ts';
/** The `emms` command line: the same pipeline as in the editor, for terminals and scripts. */
import { discoverCommand } from './cli/discover.ts';
import { embedCommand } from './cli/embed.ts';
import { evaluateCommand } from './cli/evaluate.ts';
import { extractCommand } from './cli/extract.ts';
import { rankCommand } from './cli/rank.ts';
import { scoreCommand } from './cli/score.ts';
import { CancelledError, InputError, UsageError } from './errors.ts';

const COMMANDS = new Map<string, Command>([
  ['discover', discoverCommand],
  ['rank', rankCommand],
  ['extract', extractCommand],
  ['embed', embedCommand],
  ['score', scoreCommand],
  ['evaluate', evaluateCommand],
]);

const EXIT = { done: 0, internal: 1, usage: 2, input: 3, cancelled: 130 } as const;
/** After this long a cancelled run is ended by force: inside one run of a network nothing can be interrupted. */
const CANCEL_GRACE_MS = 800;

const usage = `Usage: emms <command> [options]

${[...COMMANDS.values()].map(({ synopsis, summary }) => `  emms ${synopsis}\n      ${summary}`).join('\n')}

Every command takes --help and --verbose.
`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? process.stderr : process.stdout).write(usage);
    return name === undefined ? EXIT.usage : EXIT.done;
  }
  const command = COMMANDS.get(name);
  if (!command)
    return fail(new UsageError(`emms ${name}: no such command. One of ${[...COMMANDS.keys()].join(', ')}.`), args);
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(`Usage: emms ${command.synopsis}\n\n${command.summary}\n`);
    return EXIT.done;
  }
  const cancel = new AbortController();
  process.once('SIGINT', () => {
    cancel.abort();
    setTimeout(() => process.exit(EXIT.cancelled), CANCEL_GRACE_MS).unref();
  });
  try {
    await command.run(
      rest.filter((arg) => arg !== '--verbose'),
      cancel.signal,
    );
    return EXIT.done;
  } catch (error) {
    return fail(cancel.signal.aborted ? new CancelledError() : error, args);
  }
}

/** One line that names the file and the remedy, and the exit code of its kind. */
function fail(error: unknown, args: readonly string[]): number {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`emms: ${message}\n`);
  if (args.includes('--verbose') && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof InputError) return EXIT.input;
  if (error instanceof CancelledError) return EXIT.cancelled;
  return EXIT.internal;
}
