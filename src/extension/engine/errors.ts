/** The engine process ended while it owed an answer. What it had finished is in the cache. */
export class EngineStoppedError extends Error {
  override readonly name = 'EngineStoppedError';
  /** The signal or the exit code, for people. */
  readonly reason: string;

  constructor(reason: string, lastLines: readonly string[]) {
    super([`The EMMS engine stopped (${reason}).`, ...lastLines].join('\n'));
    this.reason = reason;
  }
}

/** The input gives nothing to rank or can't be read; the message is one line that names the file and the remedy. */
export class EngineInputError extends Error {
  override readonly name = 'EngineInputError';
}

/** No checkpoint lies where it was looked for. */
export class NoCheckpointsError extends EngineInputError {}

/** The request was cancelled, whether the engine said so or had to be killed. */
export class RequestCancelledError extends Error {
  override readonly name = 'RequestCancelledError';

  constructor() {
    super('Cancelled.');
  }
}
