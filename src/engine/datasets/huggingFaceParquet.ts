import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { InputError } from '../errors.ts';
import type { Folder } from '../files/walk.ts';
import type { DatasetLayout, Recognition } from './dataset.ts';
import { classNamesInCard } from './datasetCard.ts';
import { below, countImages, fileIn, idWithin, locate } from './folders.ts';
import { ImageFinder, ImageIndex } from './imageIndex.ts';
import { LabelledImages } from './labelledImages.ts';
import { isSplitName, splitWithin } from './splitNames.ts';
import { headOf } from './tables/csv.ts';
import { isRecord, parseJson } from './tables/jsonl.ts';
import { openParquet, type ParquetColumn, type ParquetTable } from './tables/parquet.ts';

const PARQUET = /\.parquet$/i;
/** `train-00000-of-00001.parquet`, with a hash before the ending in older repositories. */
const SHARD = /^(.+?)-\d{5}-of-\d{5}(-[0-9a-f]+)?\.parquet$/i;
const IMAGE_COLUMNS = ['image', 'img', 'images', 'picture', 'photo', 'image_path', 'file_name', 'path', 'file'];
const LABEL_COLUMNS = ['label', 'labels', 'fine_label', 'class', 'classes', 'category', 'target', 'class_name'];
const CARD_BYTES = 256 * 1024;

interface Shard {
  readonly split: string;
  readonly file: string;
}

interface Columns {
  readonly image: ParquetColumn;
  readonly label: string;
  /** Names of the classes that the numbers in the column stand for. */
  readonly names: readonly string[];
}

/**
 * Parquet files as the Hugging Face Hub keeps datasets in them (https://huggingface.co/docs/hub/datasets-adding):
 * `data/train-00000-of-00001.parquet`, or `train/0000.parquet` after an automatic conversion. A column holds the images,
 * `image: {bytes, path}` (bytes alone or paths alone are taken, too), another one the classes. Their names are in the
 * metadata of the file under `huggingface`, or in the dataset card README.md.
 */
export const huggingFaceParquet: DatasetLayout = {
  format: 'hf-parquet',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => shardsOf(candidate, asked).length > 0);
    const shards = root ? shardsOf(root, asked) : [];
    const [first] = shards;
    if (!root || !first) return undefined;
    const table = await openParquet(first.file).catch(unlessDamaged);
    if (table instanceof InputError) return asked ? damaged(table) : undefined;
    const columns = columnsOf(table, await cardOf(root), countImages(root) > 0);
    if (!columns) return undefined;
    const splits = [...new Set(shards.map(({ split }) => split))].join(', ');
    const files = shards.length === 1 ? '1 file' : `${shards.length} files`;
    return {
      task: 'image-classification',
      reason: `parquet as of the Hugging Face Hub: ${files} (${splits}), images in ${columns.image.name}, classes in ${columns.label}`,
      open: async (signal) => {
        const gathered = new LabelledImages(root, this.format);
        const index = new ImageIndex(root);
        for (const shard of shards) {
          const finder = new ImageFinder(root, index, [idWithin(root, path.dirname(shard.file))]);
          await addShard(gathered, root, shard, columns, finder, signal);
        }
        return gathered.dataset(columns.names.length > 0 ? columns.names : undefined, signal);
      },
    };
  },
};

/** The files of a dataset: in the folder, in folders of splits in it, or in `data` beside a dataset card. */
function shardsOf(folder: Folder, asked: boolean): Shard[] {
  const inside = (parent: Folder, split?: string) =>
    parent.files
      .filter((name) => PARQUET.test(name))
      .map((name) => {
        const own = SHARD.exec(name)?.[1] ?? splitWithin(name);
        return { split: split ?? own ?? 'all', file: path.join(parent.path, name) };
      });
  const data = asked || fileIn(folder, 'README.md') !== undefined ? below(folder, 'data') : undefined;
  const splits = folder.folders.filter((child) => isSplitName(child.name));
  return [...inside(folder), ...(data ? inside(data) : []), ...splits.flatMap((child) => inside(child, child.name))];
}

async function addShard(
  gathered: LabelledImages,
  root: Folder,
  { split, file }: Shard,
  { image, label, names }: Columns,
  finder: ImageFinder,
  signal?: AbortSignal,
): Promise<void> {
  const table = await openParquet(file);
  const id = idWithin(root, file);
  const wanted = image.kind === 'text' ? [label, image.name] : [label];
  for (const name of wanted) {
    if (table.columns.some((column) => column.name === name)) continue;
    throw new InputError(`${path.basename(file)}: no column ${name}; keep files of one dataset in a folder.`);
  }
  for await (const { row, values } of table.rowsOf(wanted, signal)) {
    const where = `${path.basename(file)}: row ${row + 1}`;
    const classes = classesOf(values[label], names);
    const named = values[image.name];
    if (classes.length === 0) gathered.skip('have no class', where);
    else if (image.kind !== 'text') {
      const source = { read: () => imageIn(table, image.name, row, finder) };
      gathered.add(split, { id: `${id}/${row}`, file, image: source }, classes, where);
    } else if (typeof named === 'string') gathered.addFile(split, named, classes, where, finder);
    else gathered.skip('name no image', where);
  }
}

/** The bytes in a row, or those of the file that it names. */
async function imageIn(table: ParquetTable, column: string, row: number, finder: ImageFinder): Promise<Uint8Array> {
  const value = await table.cell(column, row);
  const bytes = isRecord(value) && !(value instanceof Uint8Array) ? value.bytes : value;
  // A copy, for the bytes lie within those of many rows.
  if (bytes instanceof Uint8Array) return Uint8Array.from(bytes);
  const named = isRecord(value) ? value.path : undefined;
  const file = typeof named === 'string' ? finder.find(named) : undefined;
  if (file === undefined) throw new Error(`row ${row + 1} holds no image`);
  return readFile(file);
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
    ({ kind, fields }) =>
      (kind === 'text' && imagesBeside) || kind === 'bytes' || (kind === 'struct' && fields.includes('bytes')),
  );
  const image = declared[0] ?? byName(IMAGE_COLUMNS, likely);
  const withNames = table.columns.filter(({ name }) => features.get(name)?.type === 'ClassLabel' || card.has(name));
  const usable = table.columns.filter(({ kind }) => kind === 'number' || kind === 'text' || kind === 'list');
  const label = byName(LABEL_COLUMNS, withNames) ?? withNames[0] ?? byName(LABEL_COLUMNS, usable);
  if (!image || !label || image === label) return undefined;
  return { image, label: label.name, names: features.get(label.name)?.names ?? card.get(label.name) ?? [] };
}

/** What the library `datasets` says of the columns: their types, and the names of classes, in a list or not. */
function featuresOf(table: ParquetTable): Map<string, { type: string; names: string[] | undefined }> {
  const metadata = parseJson(table.note('huggingface') ?? '');
  const info = isRecord(metadata) ? metadata.info : undefined;
  const features = isRecord(info) && isRecord(info.features) ? info.features : {};
  const described = new Map<string, { type: string; names: string[] | undefined }>();
  for (const [name, feature] of Object.entries(features)) {
    const listed = Array.isArray(feature) ? feature[0] : isRecord(feature) ? (feature.feature ?? feature) : undefined;
    if (!isRecord(listed) || typeof listed._type !== 'string') continue;
    const names = Array.isArray(listed.names) ? listed.names.map(String) : undefined;
    described.set(name, { type: listed._type, names });
  }
  return described;
}

/** A number stands for a name, -1 for no class; a list holds several classes. */
function classesOf(value: unknown, names: readonly string[]): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => classesOf(item, names));
  if (value instanceof Uint8Array) return classesOf(Buffer.from(value).toString('utf8'), names);
  if (typeof value === 'string') return value === '' ? [] : [value];
  if (typeof value !== 'number' && typeof value !== 'bigint') return [];
  return value < 0 ? [] : [names[Number(value)] ?? String(value)];
}

async function cardOf(root: Folder): Promise<ReadonlyMap<string, readonly string[]>> {
  const card = fileIn(root, 'README.md');
  return card ? classNamesInCard(await headOf(card, CARD_BYTES)) : new Map();
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
