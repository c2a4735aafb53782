import path from 'node:path';
import { InputError } from '../errors.ts';
import { IMAGE_ENDING } from '../files/imageNames.ts';
import { haveOtherTask, plainName } from './columnNames.ts';
import { classesIn } from './huggingFaceFeatures.ts';
import { SPLIT_COLUMNS, splitInCell } from './splitNames.ts';
import { type Delimiter, delimiterOf, headOf, readCsv, SEPARATORS } from './tables/csv.ts';
import { firstRowsOf } from './tables/firstRows.ts';
import { isRecord, type JsonRows } from './tables/jsonl.ts';
import { jsonRowsIn } from './tables/jsonRows.ts';
import { readLines } from './tables/lines.ts';
import { listedIn } from './tables/pythonLiterals.ts';
import { areTexts } from './tables/texts.ts';

/** A row that lists an image, or the reason why it doesn't. */
export type ManifestRow = { readonly where: string } & (
  | { readonly problem: string }
  | {
      readonly problem?: undefined;
      readonly image: string;
      readonly classes: readonly string[];
      readonly split?: string;
    }
);

/** A table whose columns were understood. */
export interface ManifestTable {
  readonly file: string;
  readonly imageColumn: string;
  readonly labelColumn: string;
  /** Whether the name of the column alone says that it names images. */
  readonly certain: boolean;
  /** Why the table can't be read, where it nearly can. */
  readonly problem?: string;
  rows(signal?: AbortSignal): AsyncGenerator<ManifestRow>;
}

/** Names of columns without spaces, signs and capitals, those that say most first. */
const IMAGE_COLUMNS = [
  ...['imagepath', 'imgpath', 'imagefile', 'imgfile', 'imagefilename', 'imagefilepath', 'imagename', 'imgname'],
  ...['image', 'images', 'img', 'photo', 'picture', 'filename', 'filenames', 'filepath', 'filepaths', 'file', 'path'],
  ...['paths', 'fname', 'imageid', 'imgid', 'id', 'idcode'],
];
/** Of these, the columns that name nothing but images. */
const CERTAIN = /^(image|img|photo|picture)/;
const CALLED_LABELS = [
  ...['classname', 'labelname', 'categoryname', 'label', 'labels', 'class', 'classes', 'category', 'categories'],
];
const LABEL_COLUMNS = [
  ...CALLED_LABELS,
  ...['target', 'species', 'breed', 'classid', 'labelid', 'categoryid', 'classidx', 'classindex'],
  ...['diagnosis', 'dx', 'articletype'],
];
/** So many rows of a table without a header are looked at to see what they hold. */
const LOOKED_AT = 32;
/** A column for each class, with a 1 where the image has it. */
type Marks = readonly { readonly key: number; readonly name: string }[];
const MARK = /^(-?1|0)(\.0+)?$/;

interface Columns<Key, Label = Key> {
  readonly image: Key;
  readonly label: Label;
  readonly split: { readonly key: Key; readonly name: string } | undefined;
}

/**
 * Looks at the beginning of a file for a table of images and their classes.
 * @param isImage whether a name without a column's name around it is one of an image that is there
 */
export async function openManifest(
  file: string,
  isImage: (name: string) => boolean,
): Promise<ManifestTable | undefined> {
  if (/\.txt$/i.test(file)) return listTable(file);
  if (!/\.(jsonl|ndjson|json)$/i.test(file)) return csvTable(file, isImage);
  const rows = await jsonRowsIn(file);
  return rows && jsonTable(file, rows);
}

/** Lines with an image and its class, `images/1.jpg 3`. More behind an image are boxes or something else. */
const LISTED = new RegExp(String.raw`^(.*${IMAGE_ENDING})[\s,;]+([^\s,;]+)$`, 'i');

async function listTable(file: string): Promise<ManifestTable | undefined> {
  let lines = 0;
  for await (const { text } of readLines(file)) {
    if (!LISTED.test(text.trim())) return undefined;
    lines += 1;
    if (lines >= LOOKED_AT) break;
  }
  if (lines === 0) return undefined;
  return { file, imageColumn: 'first', labelColumn: 'last', certain: false, rows: (signal) => listRows(file, signal) };
}

async function* listRows(file: string, signal?: AbortSignal): AsyncGenerator<ManifestRow> {
  for await (const { line, text } of readLines(file, signal)) {
    const where = `${path.basename(file)}:${line}`;
    const [, image, label] = LISTED.exec(text.trim()) ?? [];
    if (image === undefined || label === undefined)
      yield { where: `${where}: ${text}`, problem: 'can not be understood' };
    else yield row(where, image, [label], undefined);
  }
}

async function csvTable(file: string, isImage: (name: string) => boolean): Promise<ManifestTable | undefined> {
  const delimiter = delimiterOf(await headOf(file), file);
  const header = (await firstRowsOf(readCsv(file, delimiter), 1))[0]?.cells;
  if (!header) return undefined;
  const columns = await withNames(columnsAmong(header), file, delimiter, header);
  const describe = (key: number) => header[key]?.trim() ?? '';
  if (columns) {
    return {
      file,
      imageColumn: describe(columns.image),
      labelColumn: describe(columns.label),
      certain: CERTAIN.test(plainName(describe(columns.image))),
      rows: (signal) => csvRows(file, delimiter, columns, header.length, signal),
    };
  }
  const marked = await marksAmong(file, delimiter, header);
  if (marked) {
    return {
      file,
      imageColumn: describe(marked.image),
      labelColumn: `a column for each, ${marked.label[0]?.name} and so on`,
      certain: false,
      rows: (signal) => csvRows(file, delimiter, marked, header.length, signal),
    };
  }
  const words = header.length === 1 ? describe(0).split(/[^\p{L}\p{N}_]+/u) : [];
  if (columnsAmong(words)) {
    const problem = `${path.basename(file)}:1: one column, ${JSON.stringify(describe(0))}; separate the columns with commas, tabs, semicolons or bars.`;
    return { file, imageColumn: describe(0), labelColumn: describe(0), certain: true, problem, rows: noRows };
  }
  // Two columns without a header.
  const image = header.length === 2 ? header.findIndex((cell) => isImage(cell.trim())) : -1;
  if (image < 0) return undefined;
  const bare = { image, label: 1 - image, split: undefined };
  if (await holdsCaptions(file, delimiter, bare.label)) return undefined;
  return {
    file,
    imageColumn: `column ${image + 1}`,
    labelColumn: `column ${2 - image}`,
    certain: true,
    rows: (signal) => csvRows(file, delimiter, bare, undefined, signal),
  };
}

/** With the column of names, where one stands beside that of the classes' numbers: `Classes` beside `Labels`. */
async function withNames(
  columns: Columns<number> | undefined,
  file: string,
  delimiter: Delimiter,
  header: readonly string[],
): Promise<Columns<number> | undefined> {
  const known = header.map(plainName);
  const others = CALLED_LABELS.map((name) => known.indexOf(name)).filter((key) => key >= 0 && key !== columns?.label);
  if (!columns || others.length === 0) return columns;
  const rows = (await firstRowsOf(readCsv(file, delimiter), LOOKED_AT)).slice(1);
  const cellsOf = (key: number) => rows.map(({ cells }) => cells[key]?.trim() ?? '');
  const numbers = cellsOf(columns.label);
  const areNames = (key: number) => {
    const names = cellsOf(key);
    const pairs = names.map((name, row) => `${numbers[row]} ${name}`);
    const sizes = [names, numbers, pairs].map((cells) => new Set(cells).size);
    return names.some((name) => !/^\d*$/.test(name)) && sizes.every((size) => size === sizes[0]);
  };
  const label = numbers.every((cell) => /^\d*$/.test(cell)) ? others.find(areNames) : undefined;
  return label === undefined ? columns : { ...columns, label };
}

/** Where all columns but those of the images and splits hold nothing but 0 and 1, each stands for a class. */
async function marksAmong(
  file: string,
  delimiter: Delimiter,
  header: readonly string[],
): Promise<Columns<number, Marks> | undefined> {
  const known = header.map(plainName);
  const image = positionOf(IMAGE_COLUMNS, known);
  const split = splitAmong(header);
  const label = header.flatMap((name, key) =>
    key === image || key === split?.key ? [] : [{ key, name: name.trim() }],
  );
  if (image < 0 || label.length < 2) return undefined;
  const rows = (await firstRowsOf(readCsv(file, delimiter), LOOKED_AT)).slice(1);
  const areMarks = rows.every(({ cells }) => label.every(({ key }) => MARK.test(cells[key]?.trim() ?? '')));
  return areMarks && rows.length > 0 ? { image, label, split } : undefined;
}

/** Whether sentences stand beside the images, which are captions then. */
async function holdsCaptions(file: string, delimiter: Delimiter, column: number): Promise<boolean> {
  const rows = await firstRowsOf(readCsv(file, delimiter), LOOKED_AT);
  return areTexts(rows.map(({ cells }) => cells.slice(column).join(' ')));
}

/** Without a header there are an image and its class. */
const BARE_WIDTH = 2;

/** @param width number of columns that the header names; `undefined` where there is no header */
async function* csvRows(
  file: string,
  delimiter: Delimiter,
  columns: Columns<number, number | Marks>,
  width: number | undefined,
  signal?: AbortSignal,
): AsyncGenerator<ManifestRow> {
  const name = path.basename(file);
  let isHeader = width !== undefined;
  let good = 0;
  let short: string | undefined;
  for await (const { line, cells } of readCsv(file, delimiter, signal)) {
    if (isHeader) {
      isHeader = false;
      continue;
    }
    const where = `${name}:${line}`;
    const image = cells[columns.image]?.trim() ?? '';
    const classes = classesAmong(cells, columns.label);
    if (cells.slice(width ?? BARE_WIDTH).some((cell) => cell.trim() !== '')) {
      yield { where: `${where}: ${cells.join(delimiter)}`, problem: 'have more values than there are columns' };
      continue;
    }
    if (!classes) {
      short ??= `${where}: ${cells.length} value${cells.length === 1 ? '' : 's'} where the header names ${width} columns, separated by ${SEPARATORS[delimiter]}; separate them in the same way throughout.`;
      yield { where: `${where}: ${cells.join(delimiter)}`, problem: 'have fewer values than there are columns' };
      continue;
    }
    good += 1;
    const split = columns.split && splitInCell(columns.split.name, cells[columns.split.key]);
    yield row(where, image, classes, split);
  }
  if (good === 0 && short !== undefined && width !== undefined) throw new InputError(short);
}

/** The classes of a row, which may be none; nothing where the row ends before them. */
function classesAmong(cells: readonly string[], label: number | Marks): readonly string[] | undefined {
  if (typeof label === 'number') {
    const name = cells[label]?.trim();
    return name === '' ? [] : name === undefined ? undefined : classesIn(listedIn(name) ?? name);
  }
  if (label.some(({ key }) => cells[key] === undefined)) return undefined;
  return label.flatMap(({ key, name }) => (Number(cells[key]) === 1 ? [name] : []));
}

async function* noRows(): AsyncGenerator<ManifestRow> {}

async function jsonTable(file: string, values: JsonRows): Promise<ManifestTable | undefined> {
  const [first] = await firstRowsOf(values(), 1);
  const names = isRecord(first?.value) ? Object.keys(first.value) : [];
  const columns = columnsAmong(names);
  const [image, label] = [names[columns?.image ?? -1], names[columns?.label ?? -1]];
  if (!columns || image === undefined || label === undefined) return undefined;
  const keys = { image, label, split: columns.split && { key: columns.split.name, name: columns.split.name } };
  return {
    file,
    imageColumn: image,
    labelColumn: label,
    certain: CERTAIN.test(plainName(image)),
    rows: (signal) => jsonRows(file, values, keys, signal),
  };
}

async function* jsonRows(
  file: string,
  values: JsonRows,
  keys: Columns<string>,
  signal?: AbortSignal,
): AsyncGenerator<ManifestRow> {
  for await (const { line, value } of values(signal)) {
    const where = `${path.basename(file)}:${line}`;
    const image = isRecord(value) ? value[keys.image] : undefined;
    if (!isRecord(value) || (typeof image !== 'string' && typeof image !== 'number')) {
      yield { where, problem: value === undefined ? 'are not JSON' : 'name no image' };
      continue;
    }
    const split = keys.split && splitInCell(keys.split.name, value[keys.split.key]);
    yield row(where, String(image), classesIn(value[keys.label]), split);
  }
}

function row(where: string, image: string, classes: readonly string[], split: string | undefined): ManifestRow {
  if (image === '') return { where, problem: 'name no image' };
  return { where, image, classes, ...(split !== undefined && { split }) };
}

/** Which columns are which, by their names. */
function columnsAmong(names: readonly string[]): Columns<number> | undefined {
  if (haveOtherTask(names)) return undefined;
  const known = names.map(plainName);
  const image = positionOf(IMAGE_COLUMNS, known);
  const label = positionOf(LABEL_COLUMNS, known);
  if (image < 0 || label < 0) return undefined;
  return { image, label, split: splitAmong(names) };
}

function splitAmong(names: readonly string[]): Columns<number>['split'] {
  const key = positionOf(SPLIT_COLUMNS, names.map(plainName));
  return key < 0 ? undefined : { key, name: names[key]?.trim() ?? '' };
}

/** Where the first of the wanted names stands, or −1. */
function positionOf(wanted: readonly string[], names: readonly string[]): number {
  return names.indexOf(wanted.find((name) => names.includes(name)) ?? '-');
}
