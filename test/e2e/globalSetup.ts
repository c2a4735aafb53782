import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { artefacts, host, repository } from './harness/places.ts';
import { run } from './harness/processes.ts';
import { installExtension } from './harness/server.ts';
import { installHost } from './host/install.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The packaged product. */
    readonly vsix: string;
    /** The extensions folder of a VS Code profile that the VSIX was installed into. */
    readonly extensionsFolder: string;
    /** The extension in it. */
    readonly extensionFolder: string;
    readonly extensionId: string;
  }
}

/** Once for all end-to-end tests: VS Code for tests is there, and the VSIX packaged and installed. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await step('system packages', () => run('bash', [path.join(repository, 'scripts/system-packages.sh')]));
  await step('VS Code', () => installHost(host));
  for (const folder of ['screenshots', 'failures']) {
    await rm(path.join(artefacts, folder), { recursive: true, force: true });
    await mkdir(path.join(artefacts, folder), { recursive: true });
  }

  const folder = await mkdtemp(path.join(tmpdir(), 'emms-vsix-'));
  const vsix = path.join(folder, 'emms.vsix');
  await step('package', () => run(process.execPath, [path.join(repository, 'scripts/package.mjs'), '--out', vsix]));
  const extensions = path.join(folder, 'extensions');
  await step('install', () => installExtension({ home: path.join(folder, 'user'), extensions }, vsix));
  const installed = (await readdir(extensions)).find((name) => name.includes('emms-model-selector'));
  if (installed === undefined) throw new Error(`The VSIX was not installed into ${extensions}.`);

  project.provide('vsix', vsix);
  project.provide('extensionsFolder', extensions);
  project.provide('extensionFolder', path.join(extensions, installed));
  project.provide('extensionId', 'emms.emms-model-selector');
  return () => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}

async function step(name: string, act: () => Promise<unknown>): Promise<void> {
  const began = performance.now();
  await act();
  console.log(`end-to-end tests, ${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
}
