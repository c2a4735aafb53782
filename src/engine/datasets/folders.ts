import path from 'node:path';
import { formatCount } from '../../protocol/format.ts';
import { IMAGE, UNREAD_IMAGE } from '../files/imageNames.ts';
import type { Folder } from '../files/walk.ts';

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

/**
 * The folder at a path below, `images/train`, whatever the case of its letters; the inner one where it holds nothing but one
 * of the same name, as archives that were unpacked into a folder called after them.
 */
export function below(folder: Folder, relative: string): Folder | undefined {
  let current: Folder | undefined = folder;
  for (const name of relative.split('/')) {
    current = childOf(current, name);
    const [only, ...others]: readonly Folder[] = current?.folders ?? [];
    if (only?.name === current?.name && others.length === 0 && current?.files.length === 0) current = only;
  }
  return current;
}

function childOf(folder: Folder | undefined, name: string): Folder | undefined {
  const children = folder?.folders ?? [];
  return (
    children.find((child) => child.name === name) ??
    children.find((child) => child.name.toLowerCase() === name.toLowerCase())
  );
}

/** The path of a file directly inside, whatever the case of its letters. */
export function fileIn(folder: Folder | undefined, name: string): string | undefined {
  const found =
    folder?.files.find((file) => file === name) ??
    folder?.files.find((file) => file.toLowerCase() === name.toLowerCase());
  return folder && found ? path.join(folder.path, found) : undefined;
}

/** The files directly inside that tell what is in each split, those that are there. */
export function filesOfSplits(
  folder: Folder | undefined,
  splits: readonly string[],
  nameOf: (split: string) => string,
): { split: string; file: string }[] {
  return splits.flatMap((split) => {
    const file = fileIn(folder, nameOf(split));
    return file === undefined ? [] : [{ split, file }];
  });
}

/** The paths of the files directly inside whose names match. */
export function filesNamed(folder: Folder | undefined, name: RegExp): string[] {
  return folder?.files.filter((file) => name.test(file)).map((file) => path.join(folder.path, file)) ?? [];
}

/** The files below a folder that are images by their names, with forward slashes relative to it. */
export function* imagesBelow(folder: Folder, prefix = ''): Generator<{ relative: string; file: string }> {
  // Once for all of them, as there may be very many.
  const start = path.join(folder.path, path.sep);
  for (const name of folder.files) {
    if (IMAGE.test(name)) yield { relative: prefix + name, file: start + name };
  }
  for (const child of folder.folders) yield* imagesBelow(child, `${prefix}${child.name}/`);
}

/** The number of image files below a folder. */
export function countImages(folder: Folder): number {
  const here = folder.files.reduce((count, name) => count + (IMAGE.test(name) ? 1 : 0), 0);
  return folder.folders.reduce((count, child) => count + countImages(child), here);
}

/** What to say of images in formats that are not read: `12 images are .bmp, …`; nothing where there are none below. */
export function remarkOnFormats(folder: Folder): string | undefined {
  const endings = [...unreadImages(folder)].map((name) => path.extname(name).toLowerCase());
  const kinds = [...new Set(endings)].sort().join(' or ');
  return endings.length === 0
    ? undefined
    : `${formatCount(endings.length)} images are ${kinds}, which is not read; convert them to PNG or JPEG.`;
}

function* unreadImages(folder: Folder): Generator<string> {
  for (const name of folder.files) if (UNREAD_IMAGE.test(name)) yield name;
  for (const child of folder.folders) yield* unreadImages(child);
}

/** A file's path relative to the dataset with forward slashes: the name of the sample. */
export function idWithin(root: Pick<Folder, 'path'>, file: string): string {
  return path.relative(root.path, file).split(path.sep).join('/');
}
