import path from 'node:path';
import { InputError } from '../errors.ts';
import type { Folder } from '../files/walk.ts';
import { AnnotatedSamples, placeIn, textOf } from './annotatedSamples.ts';
import { type AnnotationKind, KINDS } from './annotationKinds.ts';
import { namedClasses, requireClass } from './classNames.ts';
import type { DatasetLayout, ImageSource, Recognition } from './dataset.ts';
import { classNamesBeside } from './datasetCard.ts';
import { fileIn, idWithin, locate } from './folders.ts';
import { classesIn, featuresOf } from './huggingFaceFeatures.ts';
import { ImageFinder, ImageIndex } from './imageIndex.ts';
import { type OpenedTables, openTables } from './openedTables.ts';
import { holdsPaths, imageInCell, pathIn } from './parquetImages.ts';
import { PixelBoxes } from './pixelBoxes.ts';
import { splitInCell } from './splitNames.ts';
import {
  firstRows,
  isHeader,
  isNumbering,
  type Role,
  type Roles,
  rolesByContent,
  rolesByMarks,
  rolesByName,
  withEachImage,
} from './tableColumns.ts';
import {
  inTableFolder,
  isTraining,
  namesOf,
  remarksOn,
  type TableFiles,
  type Tables,
  tablesIn,
  tablesTogether,
} from './tableFiles.ts';
import { openTable, TABLE, type Table, type TableRow } from './tables/rows.ts';
import { areTexts } from './tables/texts.ts';

/** In so few rows each may have a class of its own. */
const FEW_ROWS = 8;
interface TableWithRoles {
  readonly table: Table;
  readonly roles: Roles;
}

/** A table in which the columns that a kind needs were found, by its first shard. */
interface Found extends TableWithRoles {
  readonly files: TableFiles;
  readonly finder: ImageFinder | undefined;
  readonly namesOf: (role: Role) => readonly string[] | undefined;
}

/**
 * Tables with a row per sample, as CSV, TSV, JSON Lines, JSON or parquet, told by the names of their columns, or by what
 * stands in them where there is no header: captions, questions on images, questions on passages (Hugging Face's `squad`
 * among them), classes of texts. A table per split, `train.csv`, `data/test-00000-of-00001.parquet`, or one for all, which
 * may tell the split of each row in a column.
 */
export const annotationTables: readonly DatasetLayout[] = KINDS.map((kind) => ({
  format: kind.format,

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => tablesOf(candidate, kind, asked).tables.length > 0);
    if (!root) return undefined;
    const ofImages = kind.roles.includes('image');
    const images = new LazyImages(root);
    const { tables, others } = tablesOf(root, kind, asked);
    const own = new Set(tables.map(({ name }) => name));
    const opened = await openTables(root);
    const found: Found[] = [];
    for (const { files, table } of opened.tables) {
      if (!own.has(files.name)) continue;
      const isImage = (name: string) => ofImages && images.finderFor(files).find(name) !== undefined;
      const finder = ofImages ? images.finderFor(files) : undefined;
      const likely = await columnsIn(table, kind, asked, isImage);
      const entry = likely && finder ? await withImages(likely, kind, finder) : likely;
      if (!entry || (!asked && !(await namesClassesAgain(entry, kind)))) continue;
      if (finder && kind.roles.includes('question') && (await asksForDescriptions(entry, kind))) continue;
      found.push({ files, ...entry, finder, namesOf: await classNames(root, entry) });
    }
    if (found.length === 0) return asked ? refusal(kind, opened, images.any) : undefined;
    return tablesTogether(found).map(({ path: named, tables: set }) => ({
      task: kind.task,
      path: named,
      reason: `${kind.reason}: ${namesOf(set)} (${kind.roles.map((role) => `${role}: ${columnNames(set[0], role)}`).join(', ')})`,
      open: async (signal, counting) => {
        // What was meant for training can't be replaced by what was not.
        const damage = opened.problems.find(({ files }) => isTraining(files));
        if (damage && !found.some(({ files }) => isTraining(files))) throw damage.error;
        const samples = new AnnotatedSamples(root, this.format, kind.task, ['images', 'train'], counting);
        const boxes = kind.roles.includes('box') && !counting ? new PixelBoxes(samples) : undefined;
        for (const table of set) await addTable(samples, kind, table, boxes, signal);
        await boxes?.flush();
        const dataset = samples.dataset();
        const problems = opened.problems.map(({ error }) => error.message);
        const remarks = [...problems, ...remarksOn(set, others), ...(boxes?.remarks ?? [])];
        const holdSamples = set.filter(
          ({ table, roles, finder }) => !finder || inCells(table, roles.get('image')?.[0]),
        );
        const places = holdSamples.map(({ files: { parent } }) => parent.path);
        return {
          ...dataset,
          // Of some tables no row may be used.
          folders: new Set([...places, ...(dataset.folders ?? [])]),
          classes: await namedClasses(dataset.classes, undefined, [set[0].files.parent, root], signal),
          warnings: [...remarks, ...dataset.warnings],
        };
      },
    }));
  },
}));

/** The tables that belong to a folder. Without a dataset card, texts in a folder for data are that folder's. */
function tablesOf(folder: Folder, kind: AnnotationKind, asked: boolean): Tables {
  const found = tablesIn(folder, TABLE);
  if (asked || kind.roles.includes('image') || fileIn(folder, 'README.md') !== undefined) return found;
  return { ...found, tables: found.tables.filter((files) => !inTableFolder(files)) };
}

/** The images below a folder, looked for once a table may name some. */
class LazyImages {
  readonly #root: Folder;
  readonly #finders = new Map<TableFiles, ImageFinder>();
  #index: ImageIndex | undefined;

  constructor(root: Folder) {
    this.#root = root;
  }

  get #images(): ImageIndex {
    this.#index ??= new ImageIndex(this.#root);
    return this.#index;
  }

  get any(): boolean {
    return this.#images.size > 0;
  }

  finderFor(files: TableFiles): ImageFinder {
    const { parent, split } = files;
    const splits = split === undefined ? [] : [split, `images/${split}`];
    const preferred = [idWithin(this.#root, parent.path), ...splits, 'images', 'train'];
    const finder = this.#finders.get(files) ?? new ImageFinder(this.#root, this.#images, preferred);
    this.#finders.set(files, finder);
    return finder;
  }
}

/** The columns of the kind by their names, else by what stands in them; below a header only where a person asked. */
async function columnsIn(
  table: Table,
  kind: AnnotationKind,
  asked: boolean,
  isImage: (name: string) => boolean,
): Promise<TableWithRoles | undefined> {
  const { roles: needed } = kind;
  const named = rolesByName(table.columns, needed);
  if (needed.includes('caption')) {
    if (isOfParts(table)) return undefined;
    const answers = named ? undefined : await captionsAsAnswers(table, kind);
    if (answers) return answers;
  }
  if (named) return { table, roles: named };
  const marked = kind.format === 'text-table' ? await rolesByMarks(table) : undefined;
  if (marked) return { table, roles: marked };
  const { withoutHeader: bare } = table;
  if (!bare || isHeader(table.columns)) return undefined;
  for (const read of asked || isNumbering(table.columns) ? [bare, table] : [bare]) {
    const roles = await rolesByContent(read, needed, isImage);
    if (roles) return { table: read, roles };
  }
  return undefined;
}

/** Whether the texts are of parts of the images, for they stand beside boxes. */
function isOfParts({ columns }: Table): boolean {
  return rolesByName(columns, ['image', 'box', 'expression']) !== undefined;
}

/** Captions that are the answers to a question which asks for them, as in copies that language models are evaluated with. */
async function captionsAsAnswers(table: Table, kind: AnnotationKind): Promise<TableWithRoles | undefined> {
  const roles = rolesByName(table.columns, ['image', 'question', 'answer']);
  if (!roles || !(await asksForDescriptions({ table, roles }, kind))) return undefined;
  const captions = new Map<Role, readonly string[]>([...roles, ['caption', roles.get('answer') ?? []]]);
  captions.delete('question');
  captions.delete('answer');
  return { table, roles: captions };
}

function freeTextOf({ freeText }: AnnotationKind, roles: Roles): string | undefined {
  return freeText && roles.get(freeText)?.at(-1);
}

/** Whether a table of classes names one again in its first rows: lists of other things have texts and labels, too. */
async function namesClassesAgain(entry: TableWithRoles, kind: AnnotationKind): Promise<boolean> {
  const [label] = entry.roles.get('label') ?? [];
  if (label === undefined) return true;
  const rows = await firstRows(entry.table, [label], freeTextOf(kind, entry.roles));
  return rows.length < FEW_ROWS || new Set(rows.map((values) => String(values[label]))).size < rows.length;
}

/** Whether the first rows all ask the same, for a caption say, and the answers are sentences or differ throughout. */
async function asksForDescriptions(entry: TableWithRoles, kind: AnnotationKind): Promise<boolean> {
  const [[question = ''] = [], [answer = ''] = []] = [entry.roles.get('question'), entry.roles.get('answer')];
  const rows = await firstRows(entry.table, [question, answer], freeTextOf(kind, entry.roles));
  const questions = new Set(rows.map((values) => values[question]));
  const answers = rows.map((values) => String(values[answer] ?? '')).filter((text) => text !== '');
  const differ = rows.length >= FEW_ROWS && new Set(answers).size === answers.length;
  return rows.length > 1 && questions.size === 1 && (differ || isOfParts(entry.table) || areTexts(answers));
}

/**
 * The columns where the one of the images holds some, or names some that are there: paths may be those of another place, as
 * in TextCaps, where the number of the image stands beside.
 */
async function withImages(
  { table, roles }: TableWithRoles,
  kind: AnnotationKind,
  finder: ImageFinder,
): Promise<TableWithRoles | undefined> {
  for (const each of withEachImage(table.columns, roles)) {
    const entry = { table, roles: each };
    const [column = ''] = each.get('image') ?? [];
    if (inCells(table, column)) return entry;
    const rows = await firstRows(entry.table, [column], freeTextOf(kind, entry.roles));
    if (rows.some((values) => finder.find(imageNamed(values[column]) ?? '') !== undefined)) return entry;
  }
  return undefined;
}

/** Whether a column holds the images themselves; only parquet files do. */
function inCells({ parquet }: Table, name: string | undefined): boolean {
  const column = parquet?.columns.find((other) => other.name === name);
  if (!parquet || !column || holdsPaths(parquet, column)) return false;
  return column.kind === 'bytes' || column.kind === 'list' || column.fields.includes('bytes');
}

function imageNamed(cell: unknown): string | undefined {
  return typeof cell === 'number' || typeof cell === 'bigint' ? String(cell) : pathIn(cell)?.trim();
}

async function classNames(root: Folder, { table, roles }: TableWithRoles): Promise<Found['namesOf']> {
  const features = table.parquet ? featuresOf(table.parquet) : new Map<string, never>();
  const card = await classNamesBeside(root);
  return (role) => {
    const [column = '', ...others] = roles.get(role) ?? [];
    return others.length > 0 ? roles.get(role) : (features.get(column)?.names ?? card.get(column));
  };
}

function columnNames({ table, roles }: Found, role: Role): string {
  const [first, ...others] = roles.get(role) ?? [];
  if (role === 'label' && others.length > 0) return `a column for each, ${first} and so on`;
  const names = [first, ...others].join(' and ');
  return table.withoutHeader || table.parquet || !/^\d/.test(names) ? names : `column ${names}`;
}

async function addTable(
  samples: AnnotatedSamples,
  kind: AnnotationKind,
  { files, table: first, roles, finder, namesOf }: Found,
  boxes: PixelBoxes | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const [image = ''] = roles.get('image') ?? [];
  const [splitColumn = ''] = roles.get('split') ?? [];
  const freeText = freeTextOf(kind, roles);
  const fractions = new Set<string>();
  for (const file of files.files) {
    const table = file === first.file ? first : await shardLike(first, file);
    const ownImages = inCells(table, image);
    const columns = [...roles].flatMap(([role, names]) => (role === 'image' && ownImages ? [] : names));
    for (const name of columns) requireColumn(table, name);
    for await (const row of table.rows(columns, { freeText, signal })) {
      const { line, values } = row;
      const where = placeIn(file, line);
      const split = splitInCell(splitColumn, values[splitColumn]) ?? files.split ?? 'all';
      const of = (role: Role) => (roles.get(role) ?? []).map((name) => values[name]);
      const annotations = row.problem === undefined ? kind.annotations({ of, namesOf }) : [];
      if (annotations.length === 0) samples.skip(row.problem ?? lacking(kind, of), where);
      const source = finder && imageOf(table, image, row, ownImages, finder);
      for (const [index, { box, text, context, target, label }] of annotations.entries()) {
        if (typeof label === 'string' && kind.roles.includes('label')) requireClass(label, fractions, where);
        const id = `${where}:${index}`;
        // Not spread, which takes as long as all the rest.
        const annotation = { split, file, where, id, image: source, finder, text, context, target, label };
        if (finder && source === undefined) samples.skip('name no image', where);
        else if (box && boxes) await boxes.add(annotation, box);
        else samples.add(annotation);
      }
    }
  }
}

async function shardLike(first: Table, file: string): Promise<Table> {
  const table = await openTable(file);
  if (!table) throw new InputError(`${path.basename(file)}: it has no columns; keep it in another folder.`);
  return first.withoutHeader || first.parquet ? table : (table.withoutHeader ?? table);
}

function requireColumn({ file, columns, parquet, withoutHeader }: Table, name: string): void {
  // Rows of JSON may leave out what they have no value for.
  if (columns.includes(name) || !(parquet || withoutHeader)) return;
  throw new InputError(`${path.basename(file)}: no column ${name}; keep files of one dataset in a folder.`);
}

function imageOf(
  table: Table,
  column: string,
  { line, values }: TableRow,
  ownImages: boolean,
  finder: ImageFinder,
): string | ImageSource | undefined {
  if (ownImages && table.parquet) return imageInCell(table.parquet, column, line - 1, finder);
  return imageNamed(values[column]);
}

function lacking({ roles }: AnnotationKind, of: (role: Role) => readonly unknown[]): string {
  if (!roles.includes('label')) return `lack a cell (${roles.join(', ')})`;
  const [label] = of('label');
  return classesIn(label).length === 0 || of('text').some((cell) => textOf(cell) !== undefined)
    ? 'have no class'
    : 'have no text';
}

/** Why a folder that a person named can't be read: a damaged table, or one whose columns are not told apart. */
function refusal(
  kind: AnnotationKind,
  { tables, problems }: OpenedTables,
  anyImages: boolean,
): Recognition | undefined {
  const mixed = tables.find(({ table: { columns } }) => {
    const [only = ''] = columns.length === 1 ? columns : [];
    return rolesByName(only.split(/[^\p{L}\p{N}_]+/u), kind.roles) !== undefined;
  });
  const [damage] = tables.length === 0 && !anyImages && kind.format === 'text-table' ? problems : [];
  const problem = mixed
    ? new InputError(
        `${path.basename(mixed.table.file)}:1: one column, ${JSON.stringify(mixed.table.columns[0])}; separate the columns with commas, tabs, semicolons or bars.`,
      )
    : damage?.error;
  return problem && { task: kind.task, reason: 'a table that can not be read', open: () => Promise.reject(problem) };
}
