import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { hostNode } from '../harness/places.ts';
import { run } from '../harness/processes.ts';

/**
 * The VS Code that the tests run in: code-server, the npm package of VS Code's web workbench and Node extension host.
 * Its own postinstall refuses root and ends in downloads; this does what that would have done, without either.
 * Kept between runs; nothing is done when the folder is up to date.
 */
export async function installHost(folder: string): Promise<void> {
  const manifests = ['package.json', 'package-lock.json'];
  const wanted = JSON.stringify({
    recipe: 2, // to be raised when this file changes what it makes
    lock: await readFile(path.join(import.meta.dirname, 'package-lock.json'), 'utf8'),
    machine: `${process.platform}-${process.arch}`,
    folder, // some build outputs hold absolute paths
  });
  const stamp = path.join(folder, '.stamp');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === wanted) return;

  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const file of manifests) await cp(path.join(import.meta.dirname, file), path.join(folder, file));
  await run('npm', ['ci', ...quietly], { cwd: folder });

  const code = path.join(folder, 'node_modules/code-server/lib/vscode');
  // code-server's own lock file leaves out peer dependencies, which npm 11 minds.
  const inner = ['ci', '--omit=dev', '--legacy-peer-deps', ...quietly];
  const argon2 = ['node_modules/code-server/node_modules/argon2', 'node_modules/argon2']
    .map((place) => path.join(folder, place))
    .find((place) => existsSync(place));
  if (argon2 === undefined) throw new Error('code-server has come without argon2.');
  await Promise.all([
    run('npm', inner, { cwd: code }),
    run('npm', inner, { cwd: path.join(code, 'extensions') }),
    buildAddon(argon2, [
      '--',
      '-Dmodule_name=argon2',
      `-Dmodule_path=${path.join(argon2, 'lib/binding/napi-v3')}`,
      '-Dnapi_build_version=3',
    ]),
  ]);
  // What VS Code loads at its start; its other addons come prebuilt, or are for Windows or for logging in to proxies.
  await Promise.all(
    ['native-watchdog', '@vscode/spdlog', 'node-pty'].map((addon) =>
      buildAddon(path.join(code, 'node_modules', addon)),
    ),
  );

  const ripgrep = path.join(code, 'node_modules/@vscode/ripgrep/bin');
  await mkdir(ripgrep, { recursive: true });
  const { stdout: rg } = await run('sh', ['-c', 'command -v rg']);
  await symlink(rg.trim(), path.join(ripgrep, 'rg'));
  await symlink('node_modules', path.join(code, 'node_modules.asar'));
  await symlink('code-linux.sh', path.join(code, 'bin/remote-cli/code-server'));
  await symlink('browser-linux.sh', path.join(code, 'bin/helpers/browser.sh'));
  await writeFile(stamp, wanted);
}

const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

async function buildAddon(folder: string, extra: readonly string[] = []): Promise<void> {
  const arguments_ = [await nodeGyp(), 'rebuild', '--release', `--nodedir=${hostNode}`, ...extra];
  await run(path.join(hostNode, 'bin/node'), arguments_, { cwd: folder });
}

/** npm's own node-gyp: the addons' scripts would fetch one. */
async function nodeGyp(): Promise<string> {
  const { stdout } = await run('npm', ['exec', '--call', 'node -p process.env.npm_config_node_gyp']);
  return stdout.trim();
}
