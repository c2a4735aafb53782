import path from 'node:path';
import type { Folder } from '../files/walk.ts';
import { IMAGE } from './images.ts';

/** How deep below the folder that a person named its dataset may lie, as archives wrap folders in folders. */
const MAX_WRAPPERS = 3;

/**
 * Where a dataset of known structure lies: the folder itself or, when a person named the folder, the only one of that
 * structure nearest below it. (A search comes by the folders below on its own.)
 */
export function locate(folder: Folder, asked: boolean, isRoot: (folder: Folder) => boolean): Folder | undefined {
  if (isRoot(folder)) return folder;
  let level = asked ? folder.folders : [];
  for (let depth = 0; depth < MAX_WRAPPERS && level.length > 0; depth += 1) {
    const roots = level.filter(isRoot);
    if (roots.length > 0) return roots.length === 1 ? roots[0] : undefined;
    level = level.flatMap((child) => child.folders);
  }
  return undefined;
}

/** The folder at a path below, `images/train`, whatever the case of its letters. */
export function below(folder: Folder, relative: string): Folder | undefined {
  let current: Folder | undefined = folder;
  for (const name of relative.split('/')) {
    const children: readonly Folder[] = current?.folders ?? [];
    current =
      children.find((child) => child.name === name) ??
      children.find((child) => child.name.toLowerCase() === name.toLowerCase());
  }
  return current;
}

/** The path of a file directly inside, whatever the case of its letters. */
export function fileIn(folder: Folder | undefined, name: string): string | undefined {
  const found =
    folder?.files.find((file) => file === name) ??
    folder?.files.find((file) => file.toLowerCase() === name.toLowerCase());
  return folder && found ? path.join(folder.path, found) : undefined;
}

/** The files below a folder that are images by their names, with forward slashes relative to it. */
export function* imagesBelow(folder: Folder, prefix = ''): Generator<{ relative: string; file: string }> {
  for (const name of folder.files) {
    if (IMAGE.test(name)) yield { relative: prefix + name, file: path.join(folder.path, name) };
  }
  for (const child of folder.folders) yield* imagesBelow(child, `${prefix}${child.name}/`);
}

/** The number of image files below a folder. */
export function countImages(folder: Folder): number {
  const here = folder.files.reduce((count, name) => count + (IMAGE.test(name) ? 1 : 0), 0);
  return folder.folders.reduce((count, child) => count + countImages(child), here);
}

/** A file's path relative to the dataset with forward slashes: the name of the sample. */
export function idWithin(root: Folder, file: string): string {
  return path.relative(root.path, file).split(path.sep).join('/');
}
