import path from 'node:path';
import { splitWithin, withoutSplit } from './splitNames.ts';

export interface AnnotationFile {
  readonly file: string;
  readonly split: string;
}

/** Annotation files that are read as one dataset. */
interface FileSet<T> {
  /** The file that stands for the others: the one of the training samples. */
  readonly path: string;
  readonly files: readonly T[];
}

const TRAIN = /^train/i;

/**
 * Sorts annotation files into those that are read together. Files of different splits are; where there are several of
 * one split, `train-v1.1.json` and `train-v2.0.json`, they are never merged, and only those go together whose names
 * differ in the split alone.
 * @returns the sets with training samples first, then by their names
 */
export function readTogether<T extends AnnotationFile>(files: readonly T[]): FileSet<T>[] {
  const sets = new Map<string, T[]>();
  const oneOfEach = new Set(files.map(({ split }) => split)).size === files.length;
  for (const file of files) {
    const name = oneOfEach ? '' : path.join(path.dirname(file.file), withoutSplit(path.basename(file.file)));
    const repeated = sets.get(name)?.some(({ split }) => split === file.split) ?? false;
    const key = repeated ? file.file : name;
    sets.set(key, [...(sets.get(key) ?? []), file]);
  }
  return [...sets.values()]
    .flatMap((set) => {
      const named = set.find(({ split }) => TRAIN.test(split)) ?? set[0];
      return named ? [{ path: named.file, files: set, trains: TRAIN.test(named.split) }] : [];
    })
    .sort((a, b) => Number(b.trains) - Number(a.trains) || (a.path < b.path ? -1 : 1));
}

/** Those that a look into tells to be of a kind; one after the other, for there may be many. */
export async function lookedThrough<T>(files: readonly T[], isOfKind: (file: T) => Promise<boolean>): Promise<T[]> {
  const ofKind: T[] = [];
  for (const file of files) if (await isOfKind(file)) ofKind.push(file);
  return ofKind;
}

/** A file with the split that its name tells, else `all`. */
export function withSplit(file: string): AnnotationFile {
  return { file, split: splitWithin(path.basename(file)) ?? 'all' };
}

/** The names of files, for messages. */
export function namesOf(files: readonly { readonly file: string }[]): string {
  return files.map(({ file }) => path.basename(file)).join(', ');
}
