import { isArchive } from '../files/archives.ts';
import { type Folder, walk } from '../files/walk.ts';
import { idWithin, remarkOnFormats } from './folders.ts';
import { IMAGE } from './images.ts';
import { grouped } from './passedOver.ts';
import { tablesIn } from './tableFiles.ts';
import { openTable, TABLE } from './tables/rows.ts';

const EXPECTED =
  'Expected images in one folder per class (<class>/*.png, or train/<class>/*.png), or another layout that the documentation of the tasks lists.';
/** So many folders are looked into, the nearest first. */
const MAX_LOOKED_AT = 96;
/** As archives wrap folders in folders. */
const MAX_DEPTH = 3;
const MAX_COLUMNS = 8;

/**
 * Why a folder that a person named is no dataset: what there is instead, such as a hub's configurations of one, or what
 * comes close and can't be understood.
 */
export async function whyNoDataset(
  folder: string,
  isDataset: (folder: Folder) => Promise<boolean>,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { root } = await walk(folder, signal ? { signal } : {});
  const inside = await datasetsInside(root, isDataset);
  if (inside.length > 0) return `${folder}: no dataset here, but in ${inside.join(', ')}: name one of them.`;
  const archive = root.files.find(isArchive);
  if (archive !== undefined) return `${folder}: no dataset here, but an archive. Unpack ${archive} first.`;
  return `${folder}: no dataset here. ${(await comesClose(root)) ?? EXPECTED}`;
}

async function datasetsInside(root: Folder, isDataset: (folder: Folder) => Promise<boolean>): Promise<string[]> {
  const found: string[] = [];
  let looked = 0;
  let level = root.folders;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const below: Folder[] = [];
    for (const child of level.slice(0, MAX_LOOKED_AT - looked)) {
      if (await isDataset(child)) found.push(idWithin(root, child.path));
      else below.push(...child.folders);
      looked += 1;
    }
    level = below;
  }
  return found;
}

async function comesClose(root: Folder): Promise<string | undefined> {
  for (const { name, files } of tablesIn(root, TABLE).tables) {
    const table = await openTable(files[0]).catch(() => undefined);
    if (!table) continue;
    const columns = table.columns.slice(0, MAX_COLUMNS).map((column) => JSON.stringify(column));
    return `${name} is not understood: its columns are called ${columns.join(', ')}. Call them "image" and "label", "text" and "label", or as the documentation of the tasks says.`;
  }
  const unread = remarkOnFormats(root);
  if (unread !== undefined) return unread;
  const images = root.files.filter((name) => IMAGE.test(name)).length;
  return images === 0
    ? undefined
    : `Its images (${grouped(images)}) have no classes; name the folder above it that holds all classes, or their annotations.`;
}
