import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import pLimit from 'p-limit';
import { isPassedOver } from '../../protocol/passedOver.ts';
import type { Skipped } from '../../protocol/report.ts';
import { CancelledError } from '../errors.ts';

/** A folder as the walk saw it: names only, nothing is opened. */
export interface Folder {
  readonly path: string;
  readonly name: string;
  readonly folders: readonly Folder[];
  /** Names of the files directly inside. */
  readonly files: readonly string[];
}

export interface Walk {
  readonly root: Folder;
  /** Whether the walk stopped at one of its limits, so that something may be missing. */
  readonly truncated: boolean;
}

/** A virtual environment has the first of these, and conda's the second, whatever its folder is called. */
const ENVIRONMENT_MARKS = new Set(['pyvenv.cfg', 'conda-meta']);
/** What Windows leaves in folders that somebody looked at. */
const NEVER_LISTED = new Set(['Thumbs.db', 'desktop.ini']);

/** A workspace of this size is walked in seconds; beyond it somebody opened their home folder or a whole disk. */
const MAX_ENTRIES = 1_000_000;
const MAX_DEPTH = 32;
/** Links to folders on one way: where folders have two to the next one each, the ways double with every folder. */
const MAX_NESTED_LINKS = 4;
const CONCURRENT_READS = 16;

export interface WalkOptions {
  /** Names of files and folders that are passed over, beside hidden ones and virtual environments. */
  readonly excludes?: readonly string[];
  /** After so many names the walk stops. */
  readonly maxEntries?: number;
  readonly signal?: AbortSignal;
}

/**
 * Reads the names below a folder. Symbolic links to folders are followed, but not far through each other, and not
 * back to a folder that the link lies in; folders that can't be read count as empty.
 */
export async function walk(folder: string, options: WalkOptions = {}): Promise<Walk> {
  const excludes = new Set(options.excludes ?? []);
  const { maxEntries = MAX_ENTRIES } = options;
  let entries = 0;
  let truncated = false;
  const limit = pLimit(CONCURRENT_READS);

  async function visit(
    directory: string,
    real: string,
    ancestors: readonly string[],
    depth: number,
    links: number,
  ): Promise<Folder> {
    if (options.signal?.aborted) throw new CancelledError();
    const node = { path: directory, name: path.basename(directory), folders: [] as Folder[], files: [] as string[] };
    const children = await limit(() => (entries > maxEntries ? [] : namesIn(directory)));
    entries += children.length;
    if (entries > maxEntries || depth > MAX_DEPTH) {
      truncated = true;
      return node;
    }
    if (depth > 0 && children.some((child) => ENVIRONMENT_MARKS.has(child.name))) return node;

    const chain = [...ancestors, real];
    const folders: Promise<Folder>[] = [];
    for (const child of children) {
      if (excludes.has(child.name) || isPassedOver(child.name)) continue;
      if (child.isFile()) {
        if (!NEVER_LISTED.has(child.name)) node.files.push(child.name);
        continue;
      }
      const childPath = path.join(directory, child.name);
      if (child.isDirectory()) folders.push(visit(childPath, path.join(real, child.name), chain, depth + 1, links));
      else if (child.isSymbolicLink()) {
        const target = await resolveLink(childPath);
        if (target?.isFolder) {
          const leadsBack = chain.some((ancestor) => contains(target.path, ancestor));
          if (!leadsBack && links < MAX_NESTED_LINKS)
            folders.push(visit(childPath, target.path, chain, depth + 1, links + 1));
        } else if (target) node.files.push(child.name);
      }
    }
    node.folders = await Promise.all(folders);
    node.files.sort();
    node.folders.sort((a, b) => (a.name < b.name ? -1 : 1));
    return node;
  }

  const root = await visit(folder, await realpath(folder), [], 0, 0);
  return { root, truncated };
}

/** What to say of a walk that stopped at one of its limits. */
export function remarkOnLimits({ root, truncated }: Walk): Skipped[] {
  if (!truncated) return [];
  const reason = 'Too many files, or folders in folders: only a part was searched. Open or name a smaller folder.';
  return [{ path: root.path, reason }];
}

function namesIn(directory: string): Promise<Dirent[]> {
  return readdir(directory, { withFileTypes: true }).catch(() => []);
}

/** Whether a folder is the other one or lies above it: a link there would lead back here. */
function contains(folder: string, other: string): boolean {
  return other === folder || other.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);
}

async function resolveLink(link: string): Promise<{ path: string; isFolder: boolean } | undefined> {
  try {
    const target = await realpath(link);
    const kind = await stat(target);
    if (!kind.isDirectory() && !kind.isFile()) return undefined;
    return { path: target, isFolder: kind.isDirectory() };
  } catch {
    // A broken link, or one that leads to itself.
    return undefined;
  }
}
