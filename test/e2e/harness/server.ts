import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { codeServer, hostNode } from './places.ts';
import { cleanEnvironment, run, until } from './processes.ts';

/** The folders that one VS Code lives in. */
export interface Profile {
  /** Short: a unix socket lies inside, whose path must stay under 108 characters. */
  readonly home: string;
  readonly extensions: string;
}

const node = path.join(hostNode, 'bin/node');

export const settingsFile = (profile: Profile): string => path.join(profile.home, 'User/settings.json');

const profileArguments = ({ home, extensions }: Profile): string[] => [
  // An empty configuration file; without one, code-server writes its own below the person's home.
  ...['--config', '/dev/null'],
  ...['--user-data-dir', home],
  ...['--extensions-dir', extensions],
];

export async function installExtension(profile: Profile, vsix: string): Promise<void> {
  await run(node, [codeServer, ...profileArguments(profile), '--install-extension', vsix], {
    env: cleanEnvironment(),
  });
}

/** A VS Code server on the loopback address. */
export class Server {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(url: string, process: ChildProcess) {
    this.url = url;
    this.#process = process;
  }

  static async start(profile: Profile, environment: NodeJS.ProcessEnv = {}): Promise<Server> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const logFile = path.join(profile.home, 'server.log');
    const log = await open(logFile, 'a');
    const server = spawn(
      node,
      [
        codeServer,
        ...profileArguments(profile),
        ...['--auth', 'none'],
        ...['--bind-addr', `127.0.0.1:${port}`],
        '--disable-telemetry',
        '--disable-update-check',
        '--disable-workspace-trust',
        '--disable-getting-started-override',
      ],
      { stdio: ['ignore', log.fd, log.fd], env: cleanEnvironment(environment), cwd: profile.home },
    );
    await log.close();
    const started = new Server(url, server);
    try {
      await until('the server answers', async () => {
        if (started.#ended) throw new Error('The server ended at once.');
        const page = await fetch(url).then(
          (response) => response.text(),
          () => '',
        );
        return page.includes('vscode-workbench-web-configuration');
      });
    } catch (error) {
      await started.stop();
      throw new Error(`VS Code's server did not start:\n${await readFile(logFile, 'utf8')}`, { cause: error });
    }
    return started;
  }

  async stop(): Promise<void> {
    if (this.#ended) return;
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGTERM'); // ends its children too
    await exit;
  }

  get #ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port is free.');
  return address.port;
}
