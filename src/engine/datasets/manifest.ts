import path from 'node:path';
import { InputError } from '../errors.ts';
import type { Folder } from '../files/walk.ts';
import type { DatasetLayout } from './dataset.ts';
import { idWithin } from './folders.ts';
import { ImageFinder, ImageIndex } from './imageIndex.ts';
import { LabelledImages } from './labelledImages.ts';
import { type ManifestRow, type ManifestTable, openManifest } from './manifestTable.ts';
import { isSplitName, splitWithin } from './splitNames.ts';

const TABLE = /\.(csv|tsv|jsonl|ndjson|json)$/i;
/** Folders beside the images that hold tables. */
const TABLE_FOLDER = /^(annotations?|labels?|metadata|meta|lists?|splits?|csv|data)$/i;
const MAX_TABLES = 24;
/** So many rows are looked at to see whether they name images that are there. */
const LOOKED_AT = 32;

interface Manifest {
  readonly table: ManifestTable;
  /** The split that its name or its folder's name tells. */
  readonly split: string | undefined;
  readonly finder: ImageFinder;
}

/**
 * Images listed in a table, one per row, with a column for the file and one for the class: CSV, TSV, JSON Lines or a
 * JSON array, `labels.csv` beside `images/`, `train.csv` and `val.csv`, or Hugging Face's `metadata.csv` with `file_name`
 * (https://huggingface.co/docs/datasets/image_dataset). Splits are told by a column (`split`), by the names of the tables
 * or of the folders that they lie in. A JSON row may name several classes in a list.
 */
export const manifest: DatasetLayout = {
  format: 'manifest',

  async recognise(folder, asked) {
    const index = new LazyIndex(folder);
    const found: Manifest[] = [];
    for (const { parent, name } of tablesIn(folder)) {
      const file = path.join(parent.path, name);
      const table = await openManifest(
        file,
        (image) => index.images.find(image, idWithin(folder, parent.path)) !== undefined,
      );
      if (!table || index.images.size === 0) continue;
      const split = splitWithin(path.parse(name).name) ?? (isSplitName(parent.name) ? parent.name : undefined);
      const preferred = [idWithin(folder, parent.path), ...(split === undefined ? [] : [split, `images/${split}`])];
      const finder = new ImageFinder(folder, index.images, preferred);
      // Where a folder beside has the table and the images, that folder is the dataset.
      const elsewhere = asked || split === parent.name || parent === folder ? undefined : parent.path + path.sep;
      if (table.problem || (asked && table.certain) || (await namesImages(table, finder, elsewhere))) {
        found.push({ table, split, finder });
      }
    }
    const { chosen, left } = choose(found);
    const [first] = chosen;
    if (!first) return undefined;
    const tables = chosen.map(({ table }) => idWithin(folder, table.file)).join(', ');
    return {
      task: 'image-classification',
      reason: `images listed in ${tables} (image: ${first.table.imageColumn}, class: ${first.table.labelColumn})`,
      open: async (signal) => {
        const gathered = new LabelledImages(folder, this.format);
        for (const { table, split, finder } of chosen) {
          if (table.problem) throw new InputError(table.problem);
          for await (const row of table.rows(signal)) addRow(gathered, row, split, finder);
        }
        const dataset = gathered.dataset(undefined, signal);
        const others = left.map(({ table }) => `${idWithin(folder, table.file)} was left out: it lists images, too.`);
        return { ...dataset, warnings: [...others, ...dataset.warnings] };
      },
    };
  },
};

/** The index of the images below a folder, made only when there is a table that may name them. */
class LazyIndex {
  readonly #folder: Folder;
  #images: ImageIndex | undefined;

  constructor(folder: Folder) {
    this.#folder = folder;
  }

  get images(): ImageIndex {
    this.#images ??= new ImageIndex(this.#folder);
    return this.#images;
  }
}

function addRow(gathered: LabelledImages, row: ManifestRow, split: string | undefined, finder: ImageFinder): void {
  if (row.problem !== undefined) gathered.skip(row.problem, row.where);
  else if (row.classes.length === 0) gathered.skip('have no class', `${row.where}: ${row.image}`);
  else gathered.addFile(row.split ?? split ?? 'all', row.image, row.classes, row.where, finder);
}

/** The tables that may belong to the folder: in it, in folders for tables and in folders of splits. */
function tablesIn(folder: Folder): { parent: Folder; name: string }[] {
  const parents = [
    folder,
    ...folder.folders.filter((child) => TABLE_FOLDER.test(child.name) || isSplitName(child.name)),
  ];
  return parents
    .flatMap((parent) => parent.files.filter((name) => TABLE.test(name)).map((name) => ({ parent, name })))
    .slice(0, MAX_TABLES);
}

/** @param elsewhere a folder in which the images must not lie */
async function namesImages(table: ManifestTable, finder: ImageFinder, elsewhere?: string): Promise<boolean> {
  let seen = 0;
  try {
    for await (const row of table.rows()) {
      const image = row.problem === undefined ? finder.find(row.image) : undefined;
      if (image !== undefined && (elsewhere === undefined || !image.startsWith(elsewhere))) return true;
      seen += 1;
      if (seen >= LOOKED_AT) return false;
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  }
  return false;
}

/** The tables that make up the dataset: one for each split, or the first where their names tell no splits. */
function choose(found: readonly Manifest[]): { chosen: Manifest[]; left: Manifest[] } {
  const named = found.filter(({ split }) => split !== undefined);
  const chosen =
    named.length > 0
      ? named.filter(({ split }, index) => named.findIndex((other) => other.split === split) === index)
      : found.slice(0, 1);
  return { chosen, left: found.filter((entry) => !chosen.includes(entry)) };
}
