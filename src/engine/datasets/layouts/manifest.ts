import path from 'node:path';
import { InputError } from '../../errors.ts';
import { namedClasses, requireClass } from '../classNames.ts';
import type { DatasetLayout, Sample } from '../dataset.ts';
import { classNamesBeside } from '../datasetCard.ts';
import { idWithin } from '../folders.ts';
import { ImageFinder, ImageIndex } from '../imageIndex.ts';
import { LabelledImages } from '../labelledImages.ts';
import { type ManifestRow, type ManifestTable, openManifest } from '../manifestTable.ts';
import { isSplitName } from '../splitNames.ts';
import { namesOf, remarksOn, type TableFiles, tablesIn, tablesTogether } from '../tableFiles.ts';
import { firstRowsOf } from '../tables/firstRows.ts';

/** Lists without columns are called by their split, or lists; numbers behind images may also tell their split (CelebA). */
const TABLE = /\.(csv|tsv|jsonl|ndjson|json)$|^(?!.*partition).*(train|val|dev|test|list|annotation)[^/]*\.txt$/i;
/** So many rows are looked at to see whether they name images that are there. */
const LOOKED_AT = 32;

interface Manifest {
  readonly files: TableFiles;
  /** The first shard. */
  readonly table: ManifestTable;
  readonly finder: ImageFinder;
}

/**
 * Images listed in a table, one per row, with a column for the file and one for the class: CSV, TSV, JSON Lines or a
 * JSON array, `labels.csv` beside `images/`, `train.csv` and `val.csv`, or Hugging Face's `metadata.csv` with `file_name`
 * (https://huggingface.co/docs/datasets/image_dataset), and lists with a path and a class per line, `train.txt`. Splits are
 * told by a column (`split`), by the names of the tables or of the folders that they lie in. A JSON row may name several
 * classes in a list.
 */
export const manifest: DatasetLayout = {
  format: 'manifest',

  async recognise(folder, asked) {
    const index = new ImageIndex(folder);
    const found: Manifest[] = [];
    const { tables, others } = tablesIn(folder, TABLE);
    for (const files of tables) {
      const { parent, split } = files;
      const place = idWithin(folder, parent.path);
      const preferred = [place, ...(split === undefined ? [] : [split, `images/${split}`])];
      const finder = new ImageFinder(folder, index, preferred);
      // Any number may be that of an image of COCO.
      const isImage = (cell: string) => !/^\d+$/.test(cell) && finder.find(cell) !== undefined;
      const table = await openManifest(files.files[0], isImage);
      if (!table || index.size === 0) continue;
      // Where a folder beside has the table and the images, that folder is the dataset.
      const elsewhere = asked || split === parent.name || parent === folder ? undefined : parent.path + path.sep;
      if (table.problem || (asked && table.certain) || (await namesImages(table, finder, asked, elsewhere))) {
        found.push({ files, table, finder });
      }
    }
    return tablesTogether(found).map(({ path: named, tables: set }) => ({
      task: 'image-classification',
      path: named,
      reason: `images listed in ${namesOf(set)} (image: ${set[0].table.imageColumn}, class: ${set[0].table.labelColumn})`,
      open: async (signal) => {
        const gathered = new LabelledImages(folder, this.format);
        const fractions = new Set<string>();
        for (const { files, table: shard, finder } of set) {
          if (shard.problem) throw new InputError(shard.problem);
          for (const file of files.files) {
            const table =
              file === shard.file ? shard : await openManifest(file, (name) => finder.find(name) !== undefined);
            if (!table)
              throw new InputError(`${path.basename(file)}: no columns for images and classes; keep it elsewhere.`);
            for await (const row of table.rows(signal)) addRow(row, files.split, { gathered, finder, fractions });
          }
        }
        const dataset = gathered.dataset(undefined, signal);
        const [{ files, table }] = set;
        const declared = (await classNamesBeside(folder)).get(table.labelColumn);
        const numbered = await namedClasses(dataset.classes, declared, [files.parent, folder], signal);
        const classes = namedByFolders(numbered, [...dataset.splits.values()].flat());
        return { ...dataset, classes, warnings: [...remarksOn(set, others), ...dataset.warnings] };
      },
    }));
  },
};

/** The names of numbered classes where the images of each lie in a folder of their own: `clipart/zebra/1.jpg 344`. */
function namedByFolders(classes: readonly string[], samples: readonly Sample[]): readonly string[] {
  if (!classes.every((name) => /^\d+$/.test(name))) return classes;
  const folders = new Map<number, string>();
  for (const { file, label, labels = [] } of samples) {
    const folder = path.basename(path.dirname(file));
    const isOther = folders.has(label) && folders.get(label) !== folder;
    if (isOther || labels.length > 1 || /^\d+$/.test(folder) || isSplitName(folder)) return classes;
    folders.set(label, folder);
  }
  const names = classes.flatMap((_, label) => folders.get(label) ?? []);
  return new Set(names).size === classes.length ? names : classes;
}

interface Gathering {
  readonly gathered: LabelledImages;
  readonly finder: ImageFinder;
  readonly fractions: Set<string>;
}

function addRow(row: ManifestRow, inName: string | undefined, { gathered, finder, fractions }: Gathering): void {
  if (row.problem !== undefined) gathered.skip(row.problem, row.where);
  else if (row.classes.length === 0) gathered.skip('have no class', `${row.where}: ${row.image}`);
  else {
    for (const name of row.classes) requireClass(name, fractions, row.where);
    gathered.addFile(row.split ?? inName ?? 'all', row.image, row.classes, row.where, finder);
  }
}

/**
 * @param asked whether a person named the folder, who is told when the table is read why none of its rows is understood
 * @param elsewhere a folder in which the images must not lie
 */
async function namesImages(
  table: ManifestTable,
  finder: ImageFinder,
  asked: boolean,
  elsewhere?: string,
): Promise<boolean> {
  const rows = await firstRowsOf(table.rows(), LOOKED_AT);
  const isThere = (row: ManifestRow) => {
    const image = row.problem === undefined ? finder.find(row.image) : undefined;
    return image !== undefined && (elsewhere === undefined || !image.startsWith(elsewhere));
  };
  return rows.some(isThere) || (asked && rows.length > 0 && rows.every(({ problem }) => problem !== undefined));
}
