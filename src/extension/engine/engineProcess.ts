import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import { EngineStoppedError } from './errors.ts';

/** Lines of the engine's stderr that an error report carries. */
const LAST_LINES = 5;
/** How long to wait for the rest of stderr after the exit: a grandchild may hold the pipe open for ever. */
const DRAIN_MS = 100;

/** One run of the engine: a forked Node process and the JSON-RPC connection to it. */
export class EngineProcess {
  readonly connection: MessageConnection;
  /** Settles when the process has ended; never rejects. */
  readonly stopped: Promise<EngineStoppedError>;
  #alive = true;
  readonly #child: ChildProcess;
  readonly #lastLines: string[] = [];

  constructor(modulePath: string, onOutput: (line: string) => void) {
    this.#child = fork(modulePath, [], {
      env: engineEnvironment(),
      // The debugger's flags of the extension host would make the engine wait for a debugger on the same port.
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'json',
    });
    this.#readLines(this.#child.stdout, onOutput);
    this.#readLines(this.#child.stderr, (line) => {
      this.#lastLines.push(line);
      if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
      onOutput(line);
    });
    this.stopped = this.#untilStopped();
    this.connection = createMessageConnection(new IPCMessageReader(this.#child), new IPCMessageWriter(this.#child));
    // The connection's own errors are those of a dying process, which `stopped` tells.
    this.connection.onError(() => {});
    this.connection.listen();
  }

  get alive(): boolean {
    return this.#alive;
  }

  kill(): void {
    this.#alive = false;
    this.#child.kill('SIGKILL');
  }

  async #untilStopped(): Promise<EngineStoppedError> {
    const reason = await new Promise<string>((resolve) => {
      this.#child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
      this.#child.once('error', (error) => resolve(error.message));
    });
    this.#alive = false;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, DRAIN_MS);
      this.#child.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.connection.dispose();
    return new EngineStoppedError(reason, this.#lastLines);
  }

  #readLines(stream: Readable | null, onLine: (line: string) => void): void {
    if (stream !== null) createInterface({ input: stream }).on('line', onLine);
  }
}

/** The extension host's environment, made fit for a plain Node process: VS Code's own executable must act as Node. */
function engineEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _ofTheHost, ...environment } = process.env;
  return { ...environment, ELECTRON_RUN_AS_NODE: '1' };
}
