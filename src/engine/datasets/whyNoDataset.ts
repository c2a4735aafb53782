import path from 'node:path';
import { formatCount } from '../../protocol/format.ts';
import { isArchive, remarkOnPacked } from '../files/archives.ts';
import { IMAGE } from '../files/imageNames.ts';
import { requireFolder } from '../files/paths.ts';
import type { Folder } from '../files/walk.ts';
import { type Role, rolesByName } from './columnNames.ts';
import { countImages, filesNamed, idWithin, remarkOnFormats } from './folders.ts';
import { type OpenedTables, openTables } from './openedTables.ts';
import { shortened } from './passedOver.ts';
import type { Surroundings } from './surroundings.ts';
import { isTraining, type TableFiles } from './tableFiles.ts';
import type { Table } from './tables/rows.ts';
import { damageOf } from './tarFile.ts';

const EXPECTED =
  'Expected images in one folder per class (<class>/*.png, or train/<class>/*.png), or another layout that the documentation of the tasks lists.';
const EXPECTED_OF_FILES =
  'Expected a table with a row per sample, or annotations in a layout that the documentation of the tasks lists.';
/** A shard of a WebDataset is no archive to unpack, but a part of what lies around it. */
const SHARD = /\.tar$/i;
/** So many folders are looked into, the nearest first, and so deep, as archives wrap folders in folders. */
const MAX_LOOKED_AT = 96;
const MAX_DEPTH = 4;
/** So far above what was named a dataset is looked for: `train/pos/0_9.txt`. */
const MAX_ABOVE = 3;
const MAX_COLUMNS = 12;
/** What tables of images have columns for. */
const OF_IMAGES: readonly (readonly Role[])[] = [
  ['image', 'label'],
  ['image', 'caption'],
  ['image', 'question', 'answer'],
];

/** The paths that name the datasets of a folder itself. */
type DatasetsOf = (folder: Folder) => Promise<readonly string[]>;

/**
 * What to say of a file or folder that is no dataset, and what to name instead: datasets inside, such as a hub's
 * configurations of one, one that it is a part of, what holds a dataset, or what comes close and can't be understood.
 * @throws InputError when it is an archive
 */
export async function whyNoDataset(surroundings: Surroundings, datasetsOf: DatasetsOf): Promise<string> {
  const { named, isFile } = surroundings;
  const { root } = surroundings.nearest;
  if (isFile && isArchive(named) && !SHARD.test(named)) await requireFolder(named);
  const reason = isFile ? undefined : await reasonWithin(root, datasetsOf);
  if (reason !== undefined) return `${named}: no dataset here, ${reason}`;
  const around = await datasetAround(surroundings, datasetsOf);
  if (around !== undefined) return `${named}: no dataset here, but ${around}`;
  if (isFile) return `${named}: no dataset here${await reasonOfFile(named, root)}`;
  return `${named}: no dataset here${countImages(root) === 0 ? ' and no images' : ''}. ${remarkOnImages(root) ?? EXPECTED}`;
}

async function reasonWithin(root: Folder, datasetsOf: DatasetsOf): Promise<string | undefined> {
  const inside = await datasetsInside(root, datasetsOf);
  if (inside.length > 0) return `but in ${inside.join(', ')}: name one of them.`;
  const archive = root.files.find(isArchive);
  if (archive !== undefined) {
    const damage = await damageOfShard(path.join(root.path, archive));
    return damage ?? `but an archive. Unpack ${archive} first.${remarkOnPacked(archive)}`;
  }
  const arrow = arrowBelow(root, MAX_DEPTH);
  if (arrow !== undefined) {
    return `but files of Hugging Face’s datasets library, ${idWithin(root, arrow)} for one, which are not read. Save them as parquet: datasets.Dataset.from_file(file).to_parquet("train.parquet").`;
  }
  return reasonOfTables(await openTables(root));
}

/** What `save_to_disk` and the cache of the library write. */
function arrowBelow(folder: Folder, depth: number): string | undefined {
  const inside = depth === 0 ? [] : folder.folders;
  return (
    filesNamed(folder, /\.arrow$/i)[0] ??
    inside.map((child) => arrowBelow(child, depth - 1)).find((file) => file !== undefined)
  );
}

async function damageOfShard(file: string): Promise<string | undefined> {
  const damage = SHARD.test(file) ? await damageOf(file) : undefined;
  return damage === undefined ? undefined : `for ${damage}`;
}

async function reasonOfFile(named: string, root: Folder): Promise<string> {
  const damage = await damageOfShard(named);
  if (damage !== undefined) return `, ${damage}`;
  if (isArchive(named)) await requireFolder(named);
  const { tables, problems } = await openTables(root);
  const isNamed = ({ files }: { files: TableFiles }) => files.files.includes(named);
  const reason = await reasonOfTables({ tables: tables.filter(isNamed), problems: problems.filter(isNamed) });
  return reason === undefined ? `. ${EXPECTED_OF_FILES}` : `, ${reason}`;
}

/** Why no table is one of samples: its images are not there, it is damaged, or its columns don't tell what they hold. */
async function reasonOfTables({ tables, problems }: OpenedTables): Promise<string | undefined> {
  for (const { files, table } of tables) {
    const image = OF_IMAGES.flatMap((roles) => rolesByName(table.columns, roles)?.get('image')?.[0] ?? [])[0];
    const first = image === undefined ? undefined : await firstCell(table, image);
    if (typeof first === 'string')
      return `for the images that ${files.name} names are not there; the first: ${shortened(first)}.`;
  }
  const [problem] = problems;
  if (problem) return `for ${problem.error.message}`;
  const unknown = tables.find(({ files }) => isTraining(files)) ?? tables[0];
  if (!unknown) return undefined;
  const columns = unknown.table.columns.slice(0, MAX_COLUMNS).join(', ');
  return `for the columns of ${unknown.files.name} (${columns}) don’t tell what they hold. Call them text and label, image and label, image and caption, or question, answer and image or context.`;
}

async function firstCell(table: Table, column: string): Promise<unknown> {
  for await (const { values } of table.rows([column])) return values[column];
  return undefined;
}

async function datasetsInside(root: Folder, datasetsOf: DatasetsOf): Promise<string[]> {
  const found: string[] = [];
  let looked = 0;
  let level = root.folders;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const below: Folder[] = [];
    for (const child of level.slice(0, MAX_LOOKED_AT - looked)) {
      if ((await datasetsOf(child)).length > 0) found.push(idWithin(root, child.path));
      else below.push(...child.folders);
      looked += 1;
    }
    level = below;
  }
  return found;
}

/** What to say of a dataset in the folders around a file or folder, if there is one. */
export async function datasetAround(
  { named, isFile, folder }: Surroundings,
  datasetsOf: DatasetsOf,
): Promise<string | undefined> {
  const first = isFile ? 0 : 1;
  for (let above = first; above < first + MAX_ABOVE; above += 1) {
    const root = await folder(above);
    if (!root) return undefined;
    const found = await datasetsOf(root);
    if (found.length === 0) continue;
    const around = await notWholeBeside(named, root, found, datasetsOf);
    return around.length > 0 ? `there is one around it: name ${around.join(' or ')}.` : undefined;
  }
  return undefined;
}

/** Of the datasets of a folder those that don't lie whole in a folder beside what was named, which is no part of them then. */
async function notWholeBeside(
  named: string,
  root: Folder,
  found: readonly string[],
  datasetsOf: DatasetsOf,
): Promise<readonly string[]> {
  const beside = root.folders.filter((child) => !isIn(named, child)).slice(0, MAX_LOOKED_AT);
  const whole: Folder[] = [];
  for (const child of beside) if ((await datasetsOf(child)).length > 0) whole.push(child);
  return found.filter((place) => !whole.some((child) => place === root.path || isIn(place, child)));
}

function isIn(file: string, folder: Folder): boolean {
  return file === folder.path || file.startsWith(folder.path + path.sep);
}

function remarkOnImages(root: Folder): string | undefined {
  const unread = remarkOnFormats(root);
  if (unread !== undefined) return unread;
  const images = root.files.filter((name) => IMAGE.test(name)).length;
  return images === 0
    ? undefined
    : `Its images (${formatCount(images)}) have no classes; name the folder above it that holds all classes, or their annotations.`;
}
