import { access, stat } from 'node:fs/promises';
import path from 'node:path';
import { InputError } from '../errors.ts';
import { isArchive, remarkOnPacked } from './archives.ts';

/** Files and folders that mark the root of a repository or Python project. */
const WORKSPACE_MARKERS = ['.git', '.vscode', 'pyproject.toml', 'setup.py', 'requirements.txt', 'environment.yml'];

/** How a file is called in reports: its path relative to the workspace with forward slashes, else its whole path. */
export function idOf(file: string, workspace: string): string {
  return (isBelow(file, workspace) ? path.relative(workspace, file) : file).split(path.sep).join('/');
}

function isBelow(file: string, folder: string): boolean {
  const relative = path.relative(folder, file);
  const [first] = relative.split(path.sep);
  // What lies on another drive is named as a whole.
  return relative !== '' && first !== '..' && !path.isAbsolute(relative);
}

/**
 * The workspace that a dataset lies in: the nearest folder above it that looks like the root of a project, else the
 * current folder if the dataset lies in it, else the folder that the dataset lies in.
 */
export async function findWorkspace(dataset: string): Promise<string> {
  for (let folder = path.dirname(dataset); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    for (const marker of WORKSPACE_MARKERS) {
      const found = await access(path.join(folder, marker)).then(
        () => true,
        () => false,
      );
      if (found) return folder;
    }
  }
  return isBelow(dataset, process.cwd()) ? process.cwd() : path.dirname(dataset);
}

/** Throws an InputError unless the path is a folder. */
export async function requireFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (!found) throw new InputError(`${folder}: no such folder. Check the path.`);
  if (found.isFile() && isArchive(folder)) {
    throw new InputError(
      `${folder}: an archive. Unpack it, and name the folder that comes out.${remarkOnPacked(folder)}`,
    );
  }
  if (!found.isDirectory()) throw new InputError(`${folder}: not a folder. Name the folder that holds it instead.`);
}
