import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { InputError, messageOf } from '../errors.ts';
import { isRunning } from '../processes.ts';
import type { Store } from './store.ts';

/** Names of the folders: of what machine and process they are. */
const NAME = /^scratch\.(?<host>.+)\.(?<process>\d+)\.[0-9a-f-]{36}$/;
const MEGABYTE = 1e6;

/** A folder of this process alone, for files that are needed for a while. */
export class ScratchFolder {
  readonly path: string;

  private constructor(folder: string) {
    this.path = folder;
  }

  /**
   * Beside the cache's entries, else where the system keeps temporary files, which is often memory. Removes what engines
   * that were killed left behind there.
   *
   * @param bytes that there must be room for
   * @throws InputError when neither has room, or may be written to
   */
  static async create(store: Store | undefined, bytes: number): Promise<ScratchFolder> {
    const reasons: string[] = [];
    for (const parent of [...(store ? [store.folder] : []), os.tmpdir()]) {
      try {
        await mkdir(parent, { recursive: true });
        await sweep(parent);
        const { bavail, bsize } = await statfs(parent);
        if (bavail * bsize < bytes) {
          reasons.push(`${parent} has ${Math.floor((bavail * bsize) / MEGABYTE)} MB free`);
          continue;
        }
        const folder = path.join(parent, `scratch.${os.hostname()}.${process.pid}.${randomUUID()}`);
        await mkdir(folder, { mode: 0o700 });
        return new ScratchFolder(folder);
      } catch (error) {
        reasons.push(messageOf(error));
      }
    }
    const needed = Math.ceil(bytes / MEGABYTE);
    throw new InputError(
      `no room for ${needed} MB of temporary files: ${reasons.join('; ')}. Make room in one of them.`,
    );
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Removes the folders of processes of this machine that are no longer there. */
async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const owner = NAME.exec(name)?.groups;
    if (owner?.host !== os.hostname() || isRunning(Number(owner.process))) continue;
    // Another user's can't be removed.
    await rm(path.join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }
}
