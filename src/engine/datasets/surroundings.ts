import { stat } from 'node:fs/promises';
import path from 'node:path';
import { requireFolder } from '../files/paths.ts';
import { type Folder, type Walk, walk } from '../files/walk.ts';

/** A folder around what was named with more in it is somebody's home, say. COCO has 450,000 images. */
const MAX_ENTRIES = 600_000;

/** What a person named, and the folders around it. */
export interface Surroundings {
  readonly named: string;
  readonly isFile: boolean;
  /** The folder that was named, or that holds the file. */
  readonly nearest: Walk;
  /**
   * The folder so many above the nearest, walked when it is asked for, and once; undefined where it is a whole disk or holds too
   * much to be looked through.
   */
  folder(above: number): Promise<Folder | undefined>;
}

/** @throws InputError when there is no such file or folder */
export async function surroundingsOf(named: string, signal: AbortSignal | undefined): Promise<Surroundings> {
  const isFile = (await stat(named).catch(() => undefined))?.isFile() ?? false;
  if (!isFile) await requireFolder(named);
  const cancelling = signal ? { signal } : {};
  const nearest = await walk(isFile ? path.dirname(named) : named, cancelling);
  const around = async (inside: Folder | undefined) => {
    const parent = inside && path.dirname(inside.path);
    if (parent === undefined || parent === path.parse(parent).root) return undefined;
    const walked = await walk(parent, { maxEntries: MAX_ENTRIES, ...cancelling });
    return walked.truncated ? undefined : walked.root;
  };
  const folders: (Folder | undefined)[] = [nearest.root];
  const folder = async (above: number) => {
    while (folders.length <= above) folders.push(await around(folders.at(-1)));
    return folders[above];
  };
  return { named, isFile, nearest, folder };
}
