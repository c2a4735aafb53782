import path from 'node:path';
import type { Folder } from '../files/walk.ts';
import { idWithin } from './folders.ts';
import { isSplitName, splitWithin } from './splitNames.ts';

/** Folders of a dataset that hold its tables. */
const TABLE_FOLDER = /^(annotations?|labels?|metadata|meta|lists?|splits?|csv|data)$/i;
/** Names of the one configuration that most datasets on the Hugging Face Hub have. */
const CONFIGURATION = /^(default|plain_text)$/i;
/** What the Hub converts only a part of. */
const PARTIAL = /^partial-/i;
/** `train-00000-of-00002`, with a hash behind it in older repositories of the Hub. */
const SHARD = /^(.+?)[-_.]\d+[-_.]of[-_.](\d+)(-[0-9a-f]+)?$/i;
/** The Hub's conversion to parquet numbers the files in a folder per split; Spark numbers them wherever they are. */
const NUMBER = /^\d+$/;
const PART = /^part-\d+/;
const MAX_TABLES = 24;

/** A table: one file, or the shards of one. */
export interface TableFiles {
  /** Relative to the dataset: `data/train.csv`, or `data/train-*.parquet` of several shards. */
  readonly name: string;
  /** The split that the names of file and folder tell. */
  readonly split: string | undefined;
  readonly parent: Folder;
  readonly files: readonly [string, ...string[]];
  /** The number of shards that the names tell; 1 for a file that is no shard. */
  readonly shards: number;
}

/** The tables of a folder. */
export interface Tables {
  /** Those that are looked into. */
  readonly tables: readonly TableFiles[];
  /** What is beyond them, where there are too many. */
  readonly others: readonly { readonly files: TableFiles }[];
}

/**
 * The tables that may belong to a dataset: in its folder, in folders of splits and of tables in it, and in folders of
 * splits in these. Shards of one table are one; those whose names tell a split come first.
 * @param ending which files are tables
 */
export function tablesIn(folder: Folder, ending: RegExp): Tables {
  const tables = placesIn(folder).flatMap(({ parent, split }) => {
    const shards = new Map<string, { stem: string; files: [string, ...string[]] }>();
    for (const file of parent.files) {
      if (!ending.test(file)) continue;
      const { name, ext } = path.parse(file);
      const stem = stemOf(name, split !== undefined);
      const key = stem === name ? file : `${stem}*${ext.toLowerCase()}`;
      const before = shards.get(key);
      if (before) before.files.push(path.join(parent.path, file));
      else shards.set(key, { stem, files: [path.join(parent.path, file)] });
    }
    return [...shards.values()].map(({ stem, files }): TableFiles => {
      const [first] = files;
      const shown =
        files.length === 1 ? path.basename(first) : `${stem}${stem === '' ? '' : '-'}*${path.extname(first)}`;
      const shard = SHARD.exec(path.parse(first).name);
      return {
        name: idWithin(folder, path.join(parent.path, shown)),
        split: splitWithin(stem) ?? split ?? shard?.[1],
        parent,
        files,
        shards: Math.max(files.length, Number(shard?.[2] ?? 1)),
      };
    });
  });
  const named = tables.filter(({ split }) => split !== undefined);
  const sorted = [...named, ...tables.filter(({ split }) => split === undefined)];
  return { tables: sorted.slice(0, MAX_TABLES), others: sorted.slice(MAX_TABLES).map((files) => ({ files })) };
}

/** Whether a table lies in a folder for tables, not in the dataset's own or in one of a split. */
export function inTableFolder({ name }: TableFiles): boolean {
  const [first = '', ...rest] = name.split('/');
  return rest.length > 0 && TABLE_FOLDER.test(first);
}

interface Place {
  readonly parent: Folder;
  readonly split: string | undefined;
}

function placesIn(folder: Folder): Place[] {
  const inside = folder.folders.filter(({ name }) => CONFIGURATION.test(name) || TABLE_FOLDER.test(name));
  const places = [folder, ...inside].flatMap((parent): Place[] => [
    { parent, split: undefined },
    ...parent.folders.flatMap((child) => {
      const name = child.name.replace(PARTIAL, '');
      return isSplitName(name) ? [{ parent: child, split: name }] : [];
    }),
  ]);
  return places.filter(({ parent }, index) => places.findIndex((other) => other.parent === parent) === index);
}

/** The name without what numbers the shard. */
function stemOf(name: string, inSplit: boolean): string {
  if ((inSplit && NUMBER.test(name)) || PART.test(name)) return '';
  return SHARD.exec(name)?.[1] ?? name;
}

/**
 * Which of the tables make up the dataset: one for each split. Where no name tells the training split, the first table
 * without a split comes before them. What else there is may be copies, versions or folds of these, and is left out.
 */
export function oneForEachSplit<Found extends { readonly files: TableFiles }>(
  found: readonly Found[],
): { chosen: Found[]; left: Found[] } {
  const splitOf = ({ files }: Found) => files.split?.toLowerCase();
  const named = found.filter(
    (table, index) =>
      splitOf(table) !== undefined && found.findIndex((other) => splitOf(other) === splitOf(table)) === index,
  );
  const trains = named.some(({ files }) => isTraining(files));
  const unnamed = found.filter((table) => splitOf(table) === undefined);
  const chosen = trains ? named : [...unnamed.slice(0, 1), ...named];
  return { chosen, left: found.filter((table) => !chosen.includes(table)) };
}

export function isTraining({ split }: TableFiles): boolean {
  return split !== undefined && /^train/i.test(split);
}

const MAX_SHOWN = 5;

interface OfFiles {
  readonly files: TableFiles;
}

/** Names of the tables that were chosen, and of those that were not: `test.csv, train.csv (without old.csv)`. */
export function choiceOf(chosen: readonly OfFiles[], left: readonly OfFiles[]): string {
  const names = chosen.map(({ files }) => files.name).join(', ');
  return left.length === 0 ? names : `${names} (without ${namesOf(left)})`;
}

/** What to say of tables that were left out, and of shards that are not there. */
export function remarksOn(chosen: readonly OfFiles[], left: readonly OfFiles[]): string[] {
  const remarks = chosen
    .filter(({ files: { files, shards } }) => files.length < shards)
    .map(({ files: { name, files, shards } }) => `${name}: only ${files.length} of its ${shards} shards are here.`);
  if (left.length === 0) return remarks;
  const were = left.length === 1 ? 'was' : 'were';
  remarks.push(
    `${namesOf(left)} ${were} left out: one table is read for each split. To rank on another, put it into a folder of its own.`,
  );
  return remarks;
}

function namesOf(tables: readonly OfFiles[]): string {
  const names = tables.slice(0, MAX_SHOWN).map(({ files }) => files.name);
  if (tables.length > MAX_SHOWN) names.push(`${tables.length - MAX_SHOWN} more`);
  return names.join(', ');
}
