import path from 'node:path';
import type { Folder } from '../files/walk.ts';
import { imagesBelow } from './folders.ts';
import { IMAGE } from './images.ts';
import { splitWithin } from './splitNames.ts';

/**
 * The images that are really there, found by the paths that annotations name them by. As nothing but what the walk saw
 * is found, no annotation leads out of the folder.
 */
export class ImageIndex {
  readonly #exact = new Map<string, string>();
  #folded: Map<string, string> | undefined;

  constructor(folder: Folder) {
    for (const { relative, file } of imagesBelow(folder)) this.#exact.set(relative, file);
  }

  get size(): number {
    return this.#exact.size;
  }

  /**
   * The image at a path relative to the folder, or to a folder in it.
   * @param relative absolute paths and those that lead out of the folder find nothing
   */
  find(relative: string, base = ''): string | undefined {
    if (relative.length > MAX_PATH) return undefined;
    const exact = this.#exact.get(base === '' ? relative : `${base}/${relative}`);
    if (exact !== undefined) return exact;
    const slashed = relative.replaceAll('\\', '/');
    if (path.posix.isAbsolute(slashed)) return undefined;
    const normal = path.posix.normalize(base === '' ? slashed : `${base}/${slashed}`);
    return this.#exact.get(normal) ?? this.#byFoldedPath().get(fold(normal));
  }

  /** By paths that differ in the case of letters or in how accents are encoded; the first of equals. */
  #byFoldedPath(): ReadonlyMap<string, string> {
    if (this.#folded) return this.#folded;
    const folded = new Map<string, string>();
    for (const [relative, file] of this.#exact) {
      const key = fold(relative);
      if (!folded.has(key)) folded.set(key, file);
    }
    this.#folded = folded;
    return folded;
  }
}

/** Endings that annotations leave out, `0001` for `0001.jpg`. */
const ENDINGS = ['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.gif'];
const MAX_BASES = 64;
/**
 * Images of COCO are named by their number in twelve digits, from 2017 on without the year before it, or told by the
 * number alone; `36979.jpg` is one of Flickr30k.
 */
const COCO_NAME = /^(?:COCO_[a-z]+\d{4}_)?(\d{12})(?:\.jpe?g)?$|^(\d{1,11})$/i;
const COCO_FILE = /(?:^|[/_])(\d{12})\.[a-z]+$/i;
const MAX_BASE_DEPTH = 3;
const ABSOLUTE = /^(\/|[a-z]:\/)/i;

/**
 * Finds the images that a table names, which may start anywhere: at the table, at the dataset, in `images` or `train`,
 * with or without ending; those of COCO also by their numbers. Paths that start above the dataset or were written on
 * another machine (`/content/data/images/1.jpg`) are followed from where they go on in it, which is the same place for
 * all of them.
 */
export class ImageFinder {
  readonly #index: ImageIndex;
  readonly #ways: { base: string; ending: string }[];
  readonly #root: Folder;
  #cocoNumbers: Map<number, string> | undefined;
  /** What paths start with before they go on in the dataset. */
  #outside: string | undefined;

  /**
   * @param preferred folders to look in first, relative to the dataset
   * @param split what the table is about: images of the same name may lie in the folders of several splits
   */
  constructor(root: Folder, index: ImageIndex, preferred: readonly string[], split?: string) {
    const folders = inOrderFor(split, foldersBelow(root, MAX_BASE_DEPTH));
    const bases = [...new Set([...preferred, '', ...folders])].slice(0, MAX_BASES);
    this.#index = index;
    this.#root = root;
    this.#ways = ['', ...ENDINGS].flatMap((ending) => bases.map((base) => ({ base, ending })));
  }

  find(name: string): string | undefined {
    const complete = IMAGE.test(name);
    for (const [position, way] of this.#ways.entries()) {
      if (complete && way.ending !== '') continue;
      const file = this.#index.find(name + way.ending, way.base);
      if (file === undefined) continue;
      // Where one image was found, the next one will be.
      if (position > 0) this.#ways.unshift(...this.#ways.splice(position, 1));
      return file;
    }
    const [, padded, number = padded] = COCO_NAME.exec(path.posix.basename(name)) ?? [];
    const file = number === undefined ? undefined : this.#byCocoNumber().get(Number(number));
    return file ?? this.#fromOutside(name.replaceAll('\\', '/'), complete ? [''] : ENDINGS);
  }

  #fromOutside(name: string, endings: readonly string[]): string | undefined {
    const parts = name.length > MAX_PATH ? [] : name.split('/');
    const isAbsolute = ABSOLUTE.test(name);
    for (let start = 1; start < parts.length; start += 1) {
      const outside = parts.slice(0, start).join('/');
      const isRoot = fold(parts[start - 1] ?? '') === fold(this.#root.name);
      // The name alone says too little: other folders have images of the same.
      const isPlausible = isRoot || (isAbsolute && start < parts.length - 1);
      if (!isPlausible || (this.#outside !== undefined && outside !== this.#outside)) continue;
      const inside = parts.slice(start).join('/');
      const file = endings.map((ending) => this.#index.find(inside + ending)).find((found) => found !== undefined);
      if (file === undefined) continue;
      this.#outside = outside;
      return file;
    }
    return undefined;
  }

  #byCocoNumber(): ReadonlyMap<number, string> {
    if (this.#cocoNumbers) return this.#cocoNumbers;
    const files = new Map<number, string>();
    for (const { relative, file } of imagesBelow(this.#root)) {
      const number = COCO_FILE.exec(relative)?.[1];
      if (number !== undefined) files.set(Number(number), file);
    }
    this.#cocoNumbers = files;
    return files;
  }
}

/** The folders of the split, then those of none; those of others only where it has none, training images first. */
function inOrderFor(split: string | undefined, folders: readonly string[]): string[] {
  const told = folders.map((folder) => ({ folder, told: kindOfSplit(splitWithin(folder)) }));
  const of = (kind: string | undefined) => told.flatMap((entry) => (entry.told === kind ? [entry.folder] : []));
  const own = split === undefined ? [] : of(kindOfSplit(splitWithin(split)));
  const others = own.length > 0 ? [] : [...of('train'), ...folders];
  return [...new Set([...own, ...of(undefined), ...others])];
}

/** `train`, `val` or `test`, in whatever words. */
function kindOfSplit(word: string | undefined): string | undefined {
  return word?.replace(/^(train|val|test).*/, '$1').replace('dev', 'val');
}

function foldersBelow(folder: Folder, depth: number, prefix = ''): string[] {
  if (depth === 0) return [];
  const names = folder.folders.map((child) => prefix + child.name);
  return [...names, ...folder.folders.flatMap((child) => foldersBelow(child, depth - 1, `${prefix}${child.name}/`))];
}

/** File systems allow no longer ones. */
const MAX_PATH = 4096;

function fold(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
