import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * Removes what the engine's cache put into a folder, and nothing else: the folder may be one that the person chose for
 * other things, too. The cache keeps each entry under its SHA-256, the first two digits as a folder; what is unfinished, and
 * notes on work that is, have an ending after it. Beside them are folders of temporary files.
 */
export async function clearCacheFolder(folder: string): Promise<void> {
  for (const group of await names(folder)) {
    // What a running engine has mapped can't be removed on Windows; it does so itself.
    if (/^scratch\..+\.\d+\.[0-9a-f-]{36}$/.test(group)) {
      await rm(path.join(folder, group), { recursive: true, force: true }).catch(() => undefined);
    }
    if (!/^[0-9a-f]{2}$/.test(group)) continue;
    for (const entry of await names(path.join(folder, group))) {
      if (/^[0-9a-f]{62}(\..+)?$/.test(entry)) await rm(path.join(folder, group, entry), { force: true });
    }
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}
