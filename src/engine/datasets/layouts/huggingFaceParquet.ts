import path from 'node:path';
import { InputError } from '../../errors.ts';
import type { Folder } from '../../files/walk.ts';
import { requireClass } from '../classNames.ts';
import { haveOtherTask } from '../columnNames.ts';
import type { Dataset, DatasetLayout, Recognition } from '../dataset.ts';
import { classNamesBeside } from '../datasetCard.ts';
import { countImages, fileIn, idWithin, locate } from '../folders.ts';
import { classesIn, featuresOf } from '../huggingFaceFeatures.ts';
import { ImageFinder, ImageIndex } from '../imageIndex.ts';
import { LabelledImages } from '../labelledImages.ts';
import { holdsPaths, imageInCell, pathIn } from '../parquetImages.ts';
import {
  inTableFolder,
  isTraining,
  namesOf,
  remarksOn,
  type TableFiles,
  tablesIn,
  tablesTogether,
} from '../tableFiles.ts';
import type { ParquetColumn, ParquetTable } from '../tables/parquet.ts';

const PARQUET = /\.parquet$/i;
const IMAGE_COLUMNS = ['image', 'img', 'images', 'picture', 'photo', 'image_path', 'file_name', 'path', 'file'];
const LABEL_COLUMNS = ['label', 'labels', 'fine_label', 'class', 'classes', 'category', 'target', 'class_name'];
const USABLE: ReadonlySet<ParquetColumn['kind']> = new Set(['number', 'fraction', 'boolean', 'text', 'list']);

interface Columns {
  readonly image: ParquetColumn;
  readonly label: string;
  /** Names of the classes that the numbers in the column stand for. */
  readonly names: readonly string[];
}

/**
 * Parquet files as the Hugging Face Hub keeps datasets in them (https://huggingface.co/docs/hub/datasets-adding):
 * `data/train-00000-of-00001.parquet`, or `default/train/0000.parquet` after an automatic conversion. A column holds the
 * images, `image: {bytes, path}` (bytes alone or paths alone are taken, too), another one the classes. Their names are in
 * the metadata of the file under `huggingface`, or in the dataset card README.md.
 */
export const huggingFaceParquet: DatasetLayout = {
  format: 'hf-parquet',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => tablesIn(candidate, PARQUET).tables.length > 0);
    if (!root) return undefined;
    const { tables, others } = tablesIn(root, PARQUET);
    const looked = await lookInto(root, tables, asked);
    const { found, problems } = looked;
    const problem = asked ? problemOf(looked) : undefined;
    if (problem) return damaged(problem.error);
    return tablesTogether(found).map(({ path: named, tables: set }) => {
      const { image, label } = set[0].columns;
      const shards = set.reduce((count, { files }) => count + files.files.length, 0);
      return {
        task: 'image-classification',
        path: named,
        reason: `parquet as of the Hugging Face Hub: ${shards === 1 ? '1 file' : `${shards} files`}, ${namesOf(set)}; images in ${image.name}, classes in ${label}`,
        open: async (signal) => {
          const dataset = await openSet(root, this.format, set, signal);
          const remarks = [...problems.map(({ error }) => error.message), ...remarksOn(set, others)];
          return { ...dataset, warnings: [...remarks, ...dataset.warnings] };
        },
      };
    });
  },
};

interface Found {
  readonly files: TableFiles;
  readonly columns: Columns;
}

interface Looked {
  /** The tables of images and classes. */
  readonly found: readonly Found[];
  /** Those that are damaged. */
  readonly problems: readonly { readonly files: TableFiles; readonly error: InputError }[];
  /** Whether there are no others than these. */
  readonly allDamaged: boolean;
}

async function lookInto(root: Folder, tables: readonly TableFiles[], asked: boolean): Promise<Looked> {
  const found: Found[] = [];
  const problems: { files: TableFiles; error: InputError }[] = [];
  const card = await classNamesBeside(root);
  const imagesBeside = countImages(root) > 0;
  const isRoot = asked || fileIn(root, 'README.md') !== undefined;
  for (const files of tables) {
    // Only then, for a search starts faster without it.
    const { openParquet } = await import('../tables/parquet.ts');
    const table = await openParquet(files.files[0]).catch(unlessDamaged);
    if (table instanceof InputError) {
      problems.push({ files, error: table });
      continue;
    }
    const columns = columnsOf(table, card, imagesBeside);
    if (!columns) continue;
    // Without a dataset card, a folder of tables is the dataset itself, unless its images lie around it.
    if (isRoot || !inTableFolder(files) || holdsPaths(table, columns.image)) found.push({ files, columns });
  }
  return { found, problems, allDamaged: problems.length === tables.length };
}

/** What keeps a dataset from being read: what was meant for training can't be replaced by what was not. */
function problemOf({ found, problems, allDamaged }: Looked): Looked['problems'][number] | undefined {
  const ofTraining = problems.find(({ files }) => isTraining(files));
  if (found.length === 0) return allDamaged ? (ofTraining ?? problems[0]) : undefined;
  return found.some(({ files }) => isTraining(files)) ? undefined : ofTraining;
}

async function openSet(
  root: Folder,
  format: string,
  set: readonly [Found, ...Found[]],
  signal: AbortSignal | undefined,
): Promise<Dataset> {
  const gathered = new LabelledImages(root, format);
  const fractions = new Set<string>();
  const index = new ImageIndex(root);
  for (const { files, columns } of set) {
    const finder = new ImageFinder(root, index, [idWithin(root, files.parent.path)]);
    for (const file of files.files) {
      const shard = { split: files.split ?? 'all', file };
      await addShard(gathered, root, shard, columns, { finder, fractions }, signal);
    }
  }
  const { names } = set[0].columns;
  return gathered.dataset(names.length > 0 ? names : undefined, signal);
}

async function addShard(
  gathered: LabelledImages,
  root: Folder,
  { split, file }: { split: string; file: string },
  { image, label, names }: Columns,
  { finder, fractions }: { finder: ImageFinder; fractions: Set<string> },
  signal?: AbortSignal,
): Promise<void> {
  const { openParquet } = await import('../tables/parquet.ts');
  const table = await openParquet(file);
  const id = idWithin(root, file);
  const paths = holdsPaths(table, image);
  const wanted = paths ? [label, image.name] : [label];
  for (const name of wanted) {
    if (table.columns.some((column) => column.name === name)) continue;
    throw new InputError(`${path.basename(file)}: no column ${name}; keep files of one dataset in a folder.`);
  }
  for await (const { row, values } of table.rowsOf(wanted, signal)) {
    const where = `${path.basename(file)}: row ${row + 1}`;
    const classes = classesIn(values[label], names);
    for (const name of classes) requireClass(name, fractions, where);
    const named = paths ? pathIn(values[image.name]) : undefined;
    if (classes.length === 0) gathered.skip('have no class', where);
    else if (named !== undefined) gathered.addFile(split, named, classes, where, finder);
    else if (paths) gathered.skip('name no image', where);
    else {
      const source = imageInCell(table, image.name, row, finder);
      gathered.add(split, { id: `${id}/${row}`, file, image: source }, classes, where);
    }
  }
}

/** Which columns hold images and classes: as the metadata of the file says, else by their names and kinds. */
function columnsOf(
  table: ParquetTable,
  card: ReadonlyMap<string, readonly string[]>,
  imagesBeside: boolean,
): Columns | undefined {
  const features = featuresOf(table);
  const byName = (wanted: readonly string[], columns: readonly ParquetColumn[]) =>
    wanted.flatMap((name) => columns.filter((column) => column.name.toLowerCase() === name))[0];
  const declared = table.columns.filter(({ name }) => features.get(name)?.type === 'Image');
  const likely = table.columns.filter(
    ({ kind, fields }) => (kind === 'text' && imagesBeside) || kind === 'bytes' || fields.includes('bytes'),
  );
  const image = declared[0] ?? byName(IMAGE_COLUMNS, likely);
  const withNames = table.columns.filter(({ name }) => features.get(name)?.type === 'ClassLabel' || card.has(name));
  const usable = table.columns.filter(({ kind }) => USABLE.has(kind));
  // Beside questions and captions, what isn't declared to be a class tells more of them.
  const likeliest = haveOtherTask(table.columns.map(({ name }) => name)) ? undefined : byName(LABEL_COLUMNS, usable);
  const label = byName(LABEL_COLUMNS, withNames) ?? withNames[0] ?? likeliest;
  if (!image || !label || image === label) return undefined;
  return { image, label: label.name, names: features.get(label.name)?.names ?? card.get(label.name) ?? [] };
}

function unlessDamaged(error: unknown): InputError {
  if (error instanceof InputError) return error;
  throw error;
}

function damaged(problem: InputError): Recognition {
  return {
    task: 'image-classification',
    reason: 'a parquet file that can not be read',
    open: () => Promise.reject(problem),
  };
}
