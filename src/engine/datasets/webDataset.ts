import path from 'node:path';
import { CancelledError, InputError } from '../errors.ts';
import type { Folder } from '../files/walk.ts';
import type { DatasetLayout } from './dataset.ts';
import { fileIn, idWithin, locate } from './folders.ts';
import { IMAGE, imageWithin } from './images.ts';
import { LabelledImages } from './labelledImages.ts';
import { isSplitName, splitWithin } from './splitNames.ts';
import { decodeText } from './tables/encoding.ts';
import { isRecord, parseJson } from './tables/jsonl.ts';
import { linesOf } from './tables/lines.ts';
import { type TarEntry, TarFile } from './tarFile.ts';

/** Names of the field that tells the class in a sample's JSON, the first one counts. */
const LABEL_FIELDS = ['class_name', 'label_name', 'classname', 'label', 'class', 'cls', 'category', 'target'];
const LABEL_FILE = /^(cls|cls\.txt|class|class\.txt|label|label\.txt|target)$/;
/** Lists of the names of the classes that numbers stand for. */
const NAME_LISTS = ['classnames.txt', 'classes.txt', 'class_names.txt'];
const MAX_LABEL_BYTES = 1024 * 1024;
/** So many files of a shard are looked at to see what it holds. */
const LOOKED_AT = 64;
/** So many shards, for the first one may be damaged. */
const SHARDS_LOOKED_AT = 3;

interface Shard {
  readonly split: string;
  readonly file: string;
}

/** The files of a shard whose names are the same up to the first dot. */
interface Group {
  readonly key: string;
  image?: TarEntry;
  /** An image with a longer ending, `seg.png` or `depth.png`, which counts where there is no other. */
  other?: TarEntry;
  label?: TarEntry;
  json?: TarEntry;
}

/**
 * WebDataset: tar archives in which files of the same name up to the first dot are one sample, `000000.jpg` with
 * `000000.cls` (the class as a number or a name) or with `000000.json` (https://github.com/webdataset/webdataset). Splits
 * are told by the names of the archives or of the folders around them, `train/0000.tar`; names of numbered classes by
 * `classnames.txt`. The archives stay packed.
 */
export const webDataset: DatasetLayout = {
  format: 'webdataset',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => shardsOf(candidate).length > 0);
    const shards = root ? shardsOf(root) : [];
    if (!root || !(await anyHoldsLabelledImages(shards.slice(0, SHARDS_LOOKED_AT)))) return undefined;
    return {
      task: 'image-classification',
      reason: `WebDataset: ${shards.length} tar archive${shards.length === 1 ? '' : 's'} of images with their classes (.cls or .json)`,
      open: async (signal) => {
        const names = NAME_LISTS.map((name) => fileIn(root, name)).find((file) => file !== undefined);
        const classes = names ? await linesOf(names, signal) : [];
        const gathered = new LabelledImages(root, this.format);
        const damages: string[] = [];
        for (const shard of shards) {
          const damage = await addShard(gathered, root, shard, classes, signal);
          if (damage !== undefined) damages.push(damage);
        }
        const listed = classes.length > 0 ? classes : undefined;
        const dataset = gathered.dataset(listed, signal);
        return { ...dataset, warnings: [...damages, ...dataset.warnings] };
      },
    };
  },
};

function shardsOf(folder: Folder): Shard[] {
  const inside = (parent: Folder, split?: string) =>
    parent.files
      .filter((name) => /\.tar$/i.test(name))
      .map((name) => ({ split: split ?? splitWithin(name) ?? 'all', file: path.join(parent.path, name) }));
  const splits = folder.folders.filter((child) => isSplitName(child.name));
  return [...inside(folder), ...splits.flatMap((child) => inside(child, child.name))];
}

/** Adds the samples of a shard. What comes before damage is kept, and the damage told. */
async function addShard(
  gathered: LabelledImages,
  root: Folder,
  { split, file }: Shard,
  classes: readonly string[],
  signal?: AbortSignal,
): Promise<string | undefined> {
  const tar = await TarFile.open(file);
  const [name, id] = [path.basename(file), idWithin(root, file)];
  try {
    for await (const group of groupsOf(tar)) {
      if (signal?.aborted) throw new CancelledError();
      const where = `${name}: ${group.key}`;
      const found = group.image ?? group.other;
      if (leadsOut(group.key)) gathered.skip('have a name that leads out of the archive', where);
      else if (!found) gathered.skip('have no image', where);
      else {
        const label = labelOf(tar, group);
        const image = imageWithin(file, found.offset, found.size);
        if (label === undefined) gathered.skip('have no class', where);
        else gathered.add(split, { id: `${id}/${group.key}`, file, image }, [nameOf(label, classes)], where);
      }
    }
    return undefined;
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  } finally {
    await tar.close();
  }
}

/** The samples of an archive; where it is damaged, those before the damage. */
async function* groupsOf(tar: TarFile, maxFiles = Number.POSITIVE_INFINITY): AsyncGenerator<Group> {
  let group: Group | undefined;
  let files = 0;
  try {
    for await (const entry of tar.entries()) {
      files += 1;
      if (files > maxFiles) break;
      const base = path.posix.basename(entry.name);
      const dot = base.indexOf('.');
      if (dot <= 0) continue;
      const key = entry.name.slice(0, entry.name.length - base.length + dot);
      const kind = base.slice(dot + 1).toLowerCase();
      if (group?.key !== key) {
        if (group) yield group;
        group = { key };
      }
      if (IMAGE.test(`.${kind}`)) {
        if (kind.includes('.')) group.other ??= entry;
        else group.image ??= entry;
      } else if (LABEL_FILE.test(kind)) group.label = entry;
      else if (kind === 'json') group.json = entry;
    }
  } catch (error) {
    if (group) yield group;
    throw error;
  }
  if (group) yield group;
}

function labelOf(tar: TarFile, { label, json }: Group): string | undefined {
  const entry = label ?? json;
  if (!entry || entry.size > MAX_LABEL_BYTES) return undefined;
  const text = decodeText(tar.read(entry.offset, entry.size), tar.file).trim();
  if (label) return text === '' ? undefined : text;
  const sample = parseJson(text);
  if (!isRecord(sample)) return undefined;
  const value = LABEL_FIELDS.map((field) => sample[field]).find((found) => found !== undefined && found !== null);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function nameOf(label: string, classes: readonly string[]): string {
  return /^\d+$/.test(label) ? (classes[Number(label)] ?? label) : label;
}

function leadsOut(name: string): boolean {
  return name.startsWith('/') || name.split('/').includes('..');
}

async function anyHoldsLabelledImages(shards: readonly Shard[]): Promise<boolean> {
  for (const { file } of shards) if (await holdsLabelledImages(file)) return true;
  return false;
}

async function holdsLabelledImages(file: string): Promise<boolean> {
  const tar = await TarFile.open(file);
  try {
    for await (const group of groupsOf(tar, LOOKED_AT)) {
      if ((group.image ?? group.other) && labelOf(tar, group) !== undefined) return true;
    }
    return false;
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  } finally {
    await tar.close();
  }
}
