/**
 * The input gives nothing to rank or can't be read. The message is one line for the person at the keyboard: it names
 * the file and the remedy. The command line exits with 3.
 */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** The command was called in a way that it doesn't know. The command line exits with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The person cancelled. The command line exits with 130. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';

  constructor() {
    super('Cancelled.');
  }
}

/** What an error says; anything can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The first line of what an error says, which for the native libraries' goes on for many. */
export function firstLineOf(error: unknown): string {
  return messageOf(error).split('\n')[0]?.slice(0, 300) ?? '';
}
