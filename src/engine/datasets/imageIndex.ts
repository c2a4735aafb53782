import path from 'node:path';
import { IMAGE } from '../files/imageNames.ts';
import type { Folder } from '../files/walk.ts';
import { below, idWithin, imagesBelow } from './folders.ts';
import { splitKind } from './splitNames.ts';

/**
 * The images that are really there, found by the paths that annotations name them by. As nothing but what the walk saw
 * is found, no annotation leads out of the folder. Costs nothing until an image is asked for.
 */
export class ImageIndex {
  readonly #folder: Folder;
  #entered: Map<string, ReadonlyMap<string, string>> | undefined;
  #folded: Map<string, string> | undefined;
  #named: Map<string, string[]> | undefined;
  #repeatsNames: boolean | undefined;

  constructor(folder: Folder) {
    this.#folder = folder;
  }

  /** By the paths of their folders and their names: paths of all of them would be made and compared letter by letter. */
  get #files(): ReadonlyMap<string, ReadonlyMap<string, string>> {
    if (this.#entered) return this.#entered;
    this.#entered = new Map();
    enter(this.#folder, '', this.#entered);
    return this.#entered;
  }

  get size(): number {
    return [...this.#files.values()].reduce((count, { size }) => count + size, 0);
  }

  /** The image at exactly this path relative to the folder, or to a folder in it. */
  at(relative: string, base = ''): string | undefined {
    const end = relative.lastIndexOf('/');
    if (end < 0) return this.#files.get(base)?.get(relative);
    if (end === 0) return undefined;
    return this.#files.get(joined(base, relative.slice(0, end)))?.get(relative.slice(end + 1));
  }

  /**
   * The image at a path relative to the folder, or to a folder in it.
   * @param relative absolute paths and those that lead out of the folder find nothing
   */
  find(relative: string, base = ''): string | undefined {
    const exact = this.at(relative, base);
    if (exact !== undefined) return exact;
    const normal = normalized(relative, base);
    return normal === undefined ? undefined : (this.at(normal) ?? this.#byFoldedPath().get(fold(normal)));
  }

  /** Whether any image is called so, in small letters. */
  hasName(folded: string): boolean {
    return this.#byName().has(folded);
  }

  /** The paths of the images that end as a relative path does, with the folders that they start in. */
  endingWith(relative: string): { base: string; file: string }[] {
    const normal = normalized(relative);
    if (normal === undefined) return [];
    const end = `/${fold(normal)}`;
    const depth = normal.split('/').length;
    return (this.#byName().get(lastPart(end)) ?? []).flatMap((place) => {
      const file = this.at(place);
      const base = place.split('/').slice(0, -depth).join('/');
      return file !== undefined && fold(`/${place}`).endsWith(end) ? [{ base, file }] : [];
    });
  }

  /** Whether images in folders of different splits have the same name, as `train/0001.jpg` and `test/0001.jpg`. */
  get repeatsNames(): boolean {
    this.#repeatsNames ??=
      this.#files.size > 1 &&
      [...this.#byName().values()].some((places) => new Set(places.flatMap((place) => splitOf(place) ?? [])).size > 1);
    return this.#repeatsNames;
  }

  /** Paths relative to the folder, and the files there. */
  *#all(): Generator<[relative: string, file: string]> {
    for (const [folder, files] of this.#files) for (const [name, file] of files) yield [joined(folder, name), file];
  }

  /** By paths that differ in the case of letters or in how accents are encoded; the first of equals. */
  #byFoldedPath(): ReadonlyMap<string, string> {
    if (this.#folded) return this.#folded;
    const folded = new Map<string, string>();
    for (const [relative, file] of this.#all()) {
      const key = fold(relative);
      if (!folded.has(key)) folded.set(key, file);
    }
    this.#folded = folded;
    return folded;
  }

  /** The paths of the images by their last part. */
  #byName(): ReadonlyMap<string, readonly string[]> {
    if (this.#named) return this.#named;
    const named = new Map<string, string[]>();
    for (const [relative] of this.#all()) {
      const name = fold(lastPart(relative));
      const places = named.get(name);
      if (places) places.push(relative);
      else named.set(name, [relative]);
    }
    this.#named = named;
    return named;
  }
}

function enter(folder: Folder, relative: string, entered: Map<string, ReadonlyMap<string, string>>): void {
  const files = new Map<string, string>();
  // Once for all of them, as there may be very many.
  const start = path.join(folder.path, path.sep);
  for (const name of folder.files) if (IMAGE.test(name)) files.set(name, start + name);
  if (files.size > 0) entered.set(relative, files);
  for (const child of folder.folders) enter(child, joined(relative, child.name), entered);
}

/** Endings that annotations leave out, `0001` for `0001.jpg`; or none. */
const ENDINGS = ['', '.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.gif'];
const COMPLETE = [''];
/**
 * Images of COCO are named by their number in twelve digits, from 2017 on without the year before it, or told by the
 * number alone; `36979.jpg` is one of Flickr30k.
 */
const COCO_NAME = /^(?:COCO_[a-z]+\d{4}_)?(\d{12})(?:\.jpe?g)?$|^(\d{1,11})$/i;
const ABSOLUTE = /^(\/|[a-z]:\/)/i;
const COCO_FILE = /(?:^|[/_])(\d{12})\.[a-z]+$/i;

/**
 * Finds the images that a table names, whose paths may start anywhere: in the folders that are preferred, at the dataset,
 * or in any folder of it, with or without ending; those of COCO also by their numbers. Paths that start above the dataset or
 * were written on another machine (`/content/data/images/1.jpg`) are followed from where they go on in it, which is the same
 * place for all of them.
 */
export class ImageFinder {
  readonly #index: ImageIndex;
  /** Folders to look in first, with the splits that they tell. */
  readonly #bases: readonly Base[];
  readonly #root: Folder;
  #cocoNumbers: Map<number, string> | undefined;
  /** What paths start with before they go on in the dataset. */
  #outside: string | undefined;
  #last: { readonly name: string; readonly split: string; readonly file: string | undefined } | undefined;

  /** @param preferred folders to look in first, relative to the dataset */
  constructor(root: Folder, index: ImageIndex, preferred: readonly string[]) {
    const there = preferred.flatMap((base) => (base === '' ? '' : (pathBelow(root, base) ?? [])));
    this.#bases = [...new Set([...there, ''])].map((base) => ({ base, of: splitOf(base) }));
    this.#index = index;
    this.#root = root;
  }

  /** @param split of the sample: where names come again in the folders of other splits, none of theirs is meant */
  find(name: string, split = ''): string | undefined {
    // Annotations of one image often stand together.
    if (name !== this.#last?.name || split !== this.#last.split) {
      this.#last = { name, split, file: this.#search(name, split) };
    }
    return this.#last.file;
  }

  #search(name: string, split: string): string | undefined {
    if (name.length > MAX_PATH) return undefined;
    const endings = IMAGE.test(name) ? COMPLETE : ENDINGS;
    // Nearly all are found without normalising a path.
    for (const ending of endings) {
      for (const { base, of } of this.#bases) {
        const file = this.#index.at(name + ending, base);
        if (file !== undefined && this.#isMeant(of, split)) return file;
      }
    }
    const last = fold(lastPart(name.replaceAll('\\', '/')));
    for (const ending of endings) {
      const file = this.#index.hasName(last + ending) ? this.#inAnyFolder(name + ending, split) : undefined;
      if (file !== undefined) return file;
    }
    const [, padded, number = padded] = COCO_NAME.exec(path.posix.basename(name)) ?? [];
    const file = number === undefined ? undefined : this.#byCocoNumber().get(Number(number));
    return file ?? this.#fromOutside(name.replaceAll('\\', '/'), endings);
  }

  #fromOutside(name: string, endings: readonly string[]): string | undefined {
    const parts = name.split('/');
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

  #inAnyFolder(relative: string, split: string): string | undefined {
    for (const { base, of } of this.#bases) {
      const file = this.#index.find(relative, base);
      if (file !== undefined && this.#isMeant(of, split)) return file;
    }
    const ending = this.#index.endingWith(relative).map(({ base, file }) => ({ of: splitOf(base), file }));
    const meant = ending.filter(({ of }) => this.#isMeant(of, split));
    // Whoever tells no split has labels of training images.
    return (meant.find(({ of }) => of === 'train') ?? meant[0])?.file;
  }

  /** @param other what the folder tells */
  #isMeant(other: Split, split: string): boolean {
    if (other === undefined) return true;
    const own = splitKind(split);
    return own === undefined || own === other || !this.#index.repeatsNames;
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

/** The path of a folder in the letters that the disk has it in. */
function pathBelow(root: Folder, base: string): string | undefined {
  const folder = below(root, base);
  return folder && idWithin(root, folder.path);
}

type Split = ReturnType<typeof splitKind>;

interface Base {
  readonly base: string;
  readonly of: Split;
}

/** The split that the folders of a path tell. */
function splitOf(relative: string): Split {
  return relative.split('/').flatMap((part) => splitKind(part) ?? [])[0];
}

function joined(base: string, relative: string): string {
  return base === '' ? relative : `${base}/${relative}`;
}

function normalized(relative: string, base = ''): string | undefined {
  if (relative.length > MAX_PATH) return undefined;
  const slashed = relative.replaceAll('\\', '/');
  return path.posix.isAbsolute(slashed) ? undefined : path.posix.normalize(joined(base, slashed));
}

function lastPart(relative: string): string {
  return relative.slice(relative.lastIndexOf('/') + 1);
}

/** File systems allow no longer ones. */
const MAX_PATH = 4096;

function fold(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
