import path from 'node:path';
import { InputError } from '../../errors.ts';
import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples, placeIn, textOf } from '../annotatedSamples.ts';
import { columnsFor, freeTextOf, type TableWithRoles } from '../annotationColumns.ts';
import { type AnnotationKind, KINDS } from '../annotationKinds.ts';
import { namedClasses, requireClass } from '../classNames.ts';
import { type Role, rolesByName } from '../columnNames.ts';
import type { Dataset, DatasetLayout, Recognition } from '../dataset.ts';
import { classNamesBeside } from '../datasetCard.ts';
import { fileIn, locate } from '../folders.ts';
import { classesIn, featuresOf } from '../huggingFaceFeatures.ts';
import { type ImageFinder, ImageIndex } from '../imageIndex.ts';
import { type OpenedTables, openTables } from '../openedTables.ts';
import { PixelBoxes } from '../pixelBoxes.ts';
import { splitInCell } from '../splitNames.ts';
import {
  inTableFolder,
  isTraining,
  namesOf,
  remarksOn,
  type TableFiles,
  type Tables,
  tablesIn,
  tablesTogether,
} from '../tableFiles.ts';
import { finderFor, imageOf, inCells } from '../tableImages.ts';
import { openTable, TABLE, type Table } from '../tables/rows.ts';

/** A table of a kind, told by its first shard. */
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
    const images = new ImageIndex(root);
    const { tables, others } = tablesOf(root, kind, asked);
    const own = new Set(tables.map(({ name }) => name));
    const opened = await openTables(root);
    const found: Found[] = [];
    for (const { files, table } of opened.tables) {
      if (!own.has(files.name)) continue;
      const finder = ofImages ? finderFor(root, images, files) : undefined;
      const entry = await columnsFor(kind, table, finder, asked);
      if (entry) found.push({ files, ...entry, finder, namesOf: await classNames(root, entry) });
    }
    if (found.length === 0) return asked ? refusal(kind, opened, images.size > 0) : undefined;
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
        const whole = samples.dataset();
        const dataset = withoutRepeated(whole);
        const repeated = set.filter(({ files }) => files.split === undefined && dataset !== whole);
        const problems = opened.problems.map(({ error }) => error.message);
        const remarks = [...problems, ...remarksOn(set, others), ...(boxes?.remarks ?? [])];
        for (const { files } of repeated)
          remarks.push(`${files.name} holds the other tables’ samples again, and is left out.`);
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

/**
 * A dataset without the split of a table that tells none, where those beside have as many samples together: copies keep
 * all of them in one table, too (DAQUAR's `data.csv` beside `data_train.csv` and `data_eval.csv`).
 */
function withoutRepeated(dataset: Dataset): Dataset {
  const { all, ...apart } = Object.fromEntries(dataset.sizes ?? []);
  const others = Object.values(apart);
  if (all === undefined || others.length < 2 || others.reduce((sum, size) => sum + size, 0) !== all) return dataset;
  const splits = new Map([...dataset.splits].filter(([split]) => split !== 'all'));
  return { ...dataset, splits, sizes: new Map(Object.entries(apart)) };
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
