import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Skipped } from '../../protocol/report.ts';
import { CancelledError, InputError } from '../errors.ts';
import { idOf } from '../files/paths.ts';
import { type Folder, walk } from '../files/walk.ts';
import type { Checkpoint } from './checkpoint.ts';
import { openOnnx } from './onnx/reader.ts';

/** A reader for each kind of checkpoint file. */
const READERS = new Map([['.onnx', openOnnx]]);

/** Paths of the files below a walked folder that may be checkpoints, by their ending. */
function findCheckpointFiles(folder: Folder): string[] {
  const here = folder.files.filter(isCheckpoint).map((name) => path.join(folder.path, name));
  return [...here, ...folder.folders.flatMap(findCheckpointFiles)];
}

/**
 * Paths of the checkpoints that a person named: files as they are, folders searched.
 * @throws InputError for a path that does not exist or is no checkpoint
 */
export async function resolveCheckpoints(paths: readonly string[], signal?: AbortSignal): Promise<string[]> {
  const files: string[] = [];
  for (const named of paths) {
    const found = await stat(named).catch(() => undefined);
    if (!found) throw new InputError(`${named}: no such file or folder. Check the path of the checkpoint.`);
    if (found.isDirectory()) files.push(...findCheckpointFiles((await walk(named, signal ? { signal } : {})).root));
    else files.push(named);
  }
  return [...new Set(files.map((file) => path.resolve(file)))];
}

/** The checkpoint files of a workspace and of further folders; a folder that can't be searched is told apart. */
export async function findCheckpoints(
  workspace: Folder,
  folders: readonly string[],
  signal?: AbortSignal,
): Promise<{ files: string[]; skipped: Skipped[] }> {
  const files = new Set(findCheckpointFiles(workspace));
  const skipped: Skipped[] = [];
  for (const folder of folders) {
    try {
      for (const file of await resolveCheckpoints([folder], signal)) files.add(file);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      skipped.push({ path: folder, reason: reasonOf(error, folder) });
    }
  }
  return { files: [...files], skipped };
}

/** Opens each file; what can't be ranked is told apart, with the reason. */
export async function openCheckpoints(
  files: readonly string[],
  workspace: string,
  signal?: AbortSignal,
): Promise<{ checkpoints: Checkpoint[]; skipped: Skipped[] }> {
  const checkpoints: Checkpoint[] = [];
  const skipped: Skipped[] = [];
  for (const file of files) {
    if (signal?.aborted) throw new CancelledError();
    try {
      checkpoints.push(await openCheckpoint(file, workspace));
    } catch (error) {
      skipped.push({ path: file, reason: reasonOf(error, file) });
    }
  }
  return { checkpoints, skipped };
}

/** @throws InputError saying why the file can't be ranked */
export async function openCheckpoint(file: string, workspace: string): Promise<Checkpoint> {
  const open = READERS.get(path.extname(file).toLowerCase());
  if (!open) {
    throw new InputError(
      `${file}: not a kind of checkpoint that can be read (${[...READERS.keys()].join(', ')}). Export it to ONNX.`,
    );
  }
  return open(file, idOf(file, workspace));
}

/** The message of an error about a file, without the path that the report shows anyway. */
export function reasonOf(error: unknown, file: string): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.startsWith(`${file}: `) ? message.slice(file.length + 2) : message;
}

function isCheckpoint(name: string): boolean {
  return READERS.has(path.extname(name).toLowerCase());
}
