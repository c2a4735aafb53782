import path from 'node:path';
import { formatCount } from '../../protocol/format.ts';
import type { Folder } from '../files/walk.ts';
import { readTogether } from './annotationFiles.ts';
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
/**
 * `train_0`, `train_1`, …: numbers behind a split that follow each other from 0 or 1. Where two splits have the same ones
 * they may be of a cross-validation, whose parts are never read together.
 */
const IN_SERIES =
  /^(.*(?<![a-z])(?:train(?:ing)?|val(?:id|idation)?|dev|test)(?:[-_]?(?:data|part|shard|chunk|file|split))?)[-_]?(\d+)$/i;
/** The Hub's conversion to parquet numbers the files in a folder per split; Spark numbers them wherever they are. */
const NUMBER = /^\d+$/;
const CONVERTED = /^\d{4}\.parquet$/;
const PART = /^part-\d+/;
/** Kaggle's pattern for predictions; the labels in it are made up. */
const SUBMISSION = /^sample[-_ ]?submission/i;
const MAX_TABLES = 24;

/** A table: one file, or the shards of one. */
export interface TableFiles {
  /** Relative to the dataset: `data/train.csv`, or `data/train-*.parquet` of several shards. */
  readonly name: string;
  /** The split that the names of file and folder tell. */
  readonly split: string | undefined;
  readonly parent: Folder;
  readonly files: readonly [string, ...string[]];
  /** The path that tells it from others: that of a file beside the folder of the split, without numbers of shards. */
  readonly whole: string;
  /** The number of shards that the names tell; 1 for a file that is no shard. */
  readonly shards: number;
}

/** The tables of a folder. */
export interface Tables {
  /** Those that are looked into. */
  readonly tables: readonly TableFiles[];
  /** The number of those beyond, where there are too many. */
  readonly others: number;
}

/**
 * The tables that may belong to a dataset: in its folder, in folders of splits and of tables in it, and in folders of
 * splits in these. Shards of one table are one; those whose names tell a split come first.
 * @param ending which files are tables
 */
export function tablesIn(folder: Folder, ending: RegExp): Tables {
  const known = tablesOf.get(folder) ?? new Map<RegExp, Tables>();
  tablesOf.set(folder, known);
  const tables = known.get(ending) ?? sortedTables(folder, ending);
  known.set(ending, tables);
  return tables;
}

/** Several layouts look for tables in the same folders, which may have many files. */
const tablesOf = new WeakMap<Folder, Map<RegExp, Tables>>();

/** The files in a folder whose names differ in the number of the shard alone. */
interface Shards {
  readonly place: Place;
  readonly stem: string;
  readonly split: string | undefined;
  readonly files: [string, ...string[]];
}

function sortedTables(folder: Folder, ending: RegExp): Tables {
  const all = placesIn(folder).flatMap((place) => shardsIn(place, ending));
  const sorted = [...all.filter(({ split }) => split !== undefined), ...all.filter(({ split }) => split === undefined)];
  return {
    tables: sorted.slice(0, MAX_TABLES).map((shards) => tableOf(folder, shards)),
    others: Math.max(0, sorted.length - MAX_TABLES),
  };
}

function shardsIn(place: Place, ending: RegExp): Shards[] {
  const tables = new Map<string, Shards>();
  const files = place.parent.files.filter((file) => ending.test(file) && !SUBMISSION.test(file));
  const series = seriesAmong(files);
  for (const file of files) {
    const { name, ext } = path.parse(file);
    const stem = series.get(file) ?? stemOf(name, place.split !== undefined);
    const key = stem === name ? file : `${stem}*${ext.toLowerCase()}`;
    const before = tables.get(key);
    const split = splitWithin(stem) ?? place.split ?? (stem === name || stem === '' ? undefined : stem);
    if (before) before.files.push(file);
    else tables.set(key, { place, stem, split, files: [file] });
  }
  return [...tables.values()];
}

/** The stems of the files that are numbered in a row. */
function seriesAmong(files: readonly string[]): Map<string, string> {
  const numbered = new Map<string, { stem: string; files: string[]; numbers: number[] }>();
  for (const file of files) {
    const { name, ext } = path.parse(file);
    const [, stem, number] = IN_SERIES.exec(name) ?? [];
    if (stem === undefined) continue;
    const entry = numbered.get(stem + ext) ?? { stem, files: [], numbers: [] };
    entry.files.push(file);
    entry.numbers.push(Number(number));
    numbered.set(stem + ext, entry);
  }
  const rows = [...numbered.values()].filter(({ numbers }) => {
    const [first = -1, ...others] = numbers.sort((a, b) => a - b);
    return first <= 1 && others.length > 0 && others.every((number, index) => number === first + index + 1);
  });
  const alike = (one: readonly number[], other: readonly number[]) => one.join() === other.join();
  const alone = rows.filter((row) => rows.every((other) => other === row || !alike(other.numbers, row.numbers)));
  return new Map(alone.flatMap(({ stem, files: own }) => own.map((file) => [file, stem] as const)));
}

function tableOf(folder: Folder, { place: { parent, split: inSplit }, stem, split, files }: Shards): TableFiles {
  const [first, ...others] = files;
  const at = (name: string) => path.join(parent.path, name);
  const shown = others.length === 0 ? first : `${stem}${stem === '' ? '' : '-'}*${path.extname(first)}`;
  return {
    name: idWithin(folder, at(shown)),
    split,
    parent,
    files: [at(first), ...others.map(at)],
    whole: wholeOf(parent, first, stem, inSplit),
    shards: Math.max(files.length, Number(SHARD.exec(path.parse(first).name)?.[2] ?? 1)),
  };
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
  const ofTables = ({ name }: Folder) => CONFIGURATION.test(name) || TABLE_FOLDER.test(name);
  const inside = folder.folders.filter(ofTables);
  const places = [folder, ...inside].flatMap((parent): Place[] => [
    { parent, split: undefined },
    ...parent.folders.flatMap((child) => {
      const name = child.name.replace(PARTIAL, '');
      return isSplitName(name) || (isConverted(child) && !ofTables(child)) ? [{ parent: child, split: name }] : [];
    }),
  ]);
  return places.filter(({ parent }, index) => places.findIndex((other) => other.parent === parent) === index);
}

/** Whether the Hub converted a split to the files in a folder, whatever the split is called: `testdev/0000.parquet`. */
function isConverted({ files }: Folder): boolean {
  return files.length > 0 && files.every((file) => CONVERTED.test(file));
}

function wholeOf({ path: place }: Folder, file: string, stem: string, split: string | undefined): string {
  const name = stem + path.extname(file);
  return split === undefined ? path.join(place, name) : path.join(path.dirname(place), `${split} ${name}`);
}

/** The name without what numbers the shard. */
function stemOf(name: string, inSplit: boolean): string {
  if ((inSplit && NUMBER.test(name)) || PART.test(name)) return '';
  return SHARD.exec(name)?.[1] ?? name;
}

/** Whether the table is the training split's. */
export function isTraining({ split }: TableFiles): boolean {
  return split !== undefined && /^train/i.test(split);
}

/** Tables that are read as one dataset, one for each split. */
export interface TableSet<Found> {
  /** The file that stands for the others. */
  readonly path: string;
  /** Where none is for training, the one that tells no split comes first. */
  readonly tables: readonly [Found, ...Found[]];
}

/**
 * Sorts the tables that were found into those that are read together, never two of one split.
 * @returns those with training samples first, then those of most splits, then by their names
 */
export function tablesTogether<Found extends { readonly files: TableFiles }>(
  found: readonly Found[],
): TableSet<Found>[] {
  const entries = found.map((table) => ({
    table,
    file: table.files.whole,
    split: table.files.split?.toLowerCase() ?? 'all',
  }));
  const trainsIn = ({ files }: { files: readonly { table: Found }[] }) =>
    files.some(({ table }) => isTraining(table.files));
  const sets = readTogether(entries).sort(
    (a, b) => Number(trainsIn(b)) - Number(trainsIn(a)) || b.files.length - a.files.length,
  );
  return sets.flatMap((set) => {
    const trains = trainsIn(set);
    const isFirst = ({ split }: { split: string }) => !trains && split === 'all';
    const sorted = [...set.files.filter(isFirst), ...set.files.filter((entry) => !isFirst(entry))];
    const [first, ...others] = sorted.map(({ table }) => table);
    const named = set.files.find(({ file }) => file === set.path)?.table ?? first;
    return first && named ? [{ path: named.files.files[0], tables: [first, ...others] }] : [];
  });
}

/** The names of tables, for messages. */
export function namesOf(tables: readonly { readonly files: TableFiles }[]): string {
  return tables.map(({ files }) => files.name).join(', ');
}

/** What to say of shards that are not there, and of tables that nobody looked into. */
export function remarksOn(tables: readonly { readonly files: TableFiles }[], others: number): string[] {
  const remarks = tables
    .filter(({ files: { files, shards } }) => files.length < shards)
    .map(({ files: { name, files, shards } }) => `${name}: only ${files.length} of its ${shards} shards are here.`);
  if (others > 0) remarks.push(`${formatCount(others)} tables more than ${MAX_TABLES} were not looked into.`);
  return remarks;
}
