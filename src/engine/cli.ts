#!/usr/bin/env node
/** The `emms` command line: the same pipeline as in the editor, for terminals and scripts. */
import type { Command } from './cli/command.ts';
import { CancelledError, InputError, messageOf, UsageError } from './errors.ts';

/** Loaded when they are asked for: a search needs neither the runtime nor what decodes images. */
const COMMANDS = new Map<string, () => Promise<Command>>([
  ['discover', async () => (await import('./cli/discover.ts')).discoverCommand],
  ['rank', async () => (await import('./cli/rank.ts')).rankCommand],
  ['extract', async () => (await import('./cli/extract.ts')).extractCommand],
  ['embed', async () => (await import('./cli/embed.ts')).embedCommand],
  ['score', async () => (await import('./cli/score.ts')).scoreCommand],
  ['evaluate', async () => (await import('./cli/evaluate.ts')).evaluateCommand],
]);

const EXIT = { done: 0, internal: 1, usage: 2, input: 3, cancelled: 130 } as const;
/** After this long a cancelled run is ended by force: inside one run of a network nothing can be interrupted. */
const CANCEL_GRACE_MS = 800;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? process.stderr : process.stdout).write(await usage());
    return name === undefined ? EXIT.usage : EXIT.done;
  }
  const load = COMMANDS.get(name);
  if (!load)
    return fail(new UsageError(`emms ${name}: no such command. One of ${[...COMMANDS.keys()].join(', ')}.`), args);
  const command = await load();
  if (rest.includes('--help') || rest.includes('-h')) {
    const { synopsis, summary, details } = command;
    process.stdout.write(`Usage: emms ${synopsis}\n\n${summary}\n${details === undefined ? '' : `\n${details}\n`}`);
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

async function usage(): Promise<string> {
  const commands = await Promise.all([...COMMANDS.values()].map((load) => load()));
  return `Usage: emms <command> [options]

${commands.map(({ synopsis, summary }) => `  emms ${synopsis}\n      ${summary}`).join('\n')}

Every command takes --help and --verbose.
`;
}

/** One line that names the file and the remedy, and the exit code of its kind. */
function fail(error: unknown, args: readonly string[]): number {
  const message = messageOf(error);
  process.stderr.write(`emms: ${message}\n`);
  if (args.includes('--verbose') && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof InputError) return EXIT.input;
  if (error instanceof CancelledError) return EXIT.cancelled;
  return EXIT.internal;
}
