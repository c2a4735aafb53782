import path from 'node:path';
import { CancelledError, InputError } from '../../errors.ts';
import { IMAGE } from '../../files/imageNames.ts';
import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples, textOf } from '../annotatedSamples.ts';
import type { Dataset, DatasetLayout, ImageSource, Recognition } from '../dataset.ts';
import { fileIn, idWithin, locate } from '../folders.ts';
import { imageWithin } from '../images.ts';
import { LabelledImages } from '../labelledImages.ts';
import { isSplitName, splitWithin } from '../splitNames.ts';
import { decodeText } from '../tables/encoding.ts';
import { isRecord, parseJson } from '../tables/jsonl.ts';
import { linesOf } from '../tables/lines.ts';
import { areTexts } from '../tables/texts.ts';
import { type TarEntry, TarFile } from '../tarFile.ts';

/** Names of the field that tells the class in a sample's JSON, the first one counts. */
const LABEL_FIELDS = ['class_name', 'label_name', 'classname', 'label', 'class', 'cls', 'category', 'target'];
const CAPTION_FIELDS = ['caption', 'text', 'txt'];
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
  text?: TarEntry;
  json?: TarEntry;
}

/**
 * WebDataset: tar archives in which files of the same name up to the first dot are one sample, `000000.jpg` with
 * `000000.cls` (the class as a number or a name), with `000000.txt` (a caption) or with `000000.json`, which may hold either
 * (https://github.com/webdataset/webdataset). Splits are told by the names of the archives or of the folders around them,
 * `train/0000.tar`; names of numbered classes by `classnames.txt`. The archives stay packed.
 */
export const webDataset: DatasetLayout = {
  format: 'webdataset',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => shardsOf(candidate).length > 0);
    const shards = root ? shardsOf(root) : [];
    const [first] = shards;
    if (!root || !first) return undefined;
    const { classes, captions } = await contentOf(shards.slice(0, SHARDS_LOOKED_AT));
    const archives = `WebDataset: ${shards.length} tar archive${shards.length === 1 ? '' : 's'} of images with their`;
    const ofClasses: Recognition = {
      task: 'image-classification',
      path: first.file,
      reason: `${archives} classes (.cls or .json)`,
      open: (signal) => openClasses(root, this.format, shards, signal),
    };
    const ofCaptions: Recognition = {
      task: 'image-captioning',
      path: first.file,
      reason: `${archives} captions (.txt or .json)`,
      open: (signal, counting) => openCaptions(root, this.format, shards, signal, counting),
    };
    return [...(classes ? [ofClasses] : []), ...(captions ? [ofCaptions] : [])];
  },
};

async function openClasses(
  root: Folder,
  format: string,
  shards: readonly Shard[],
  signal: AbortSignal | undefined,
): Promise<Dataset> {
  const list = NAME_LISTS.map((name) => fileIn(root, name)).find((file) => file !== undefined);
  const classes = list ? await linesOf(list, signal) : [];
  const gathered = new LabelledImages(root, format);
  const ids = new Map(shards.map(({ file }) => [file, idWithin(root, file)]));
  const damages = await readShards(shards, gathered, signal, ({ split, file, key, where, image, tar, group }) => {
    const label = labelOf(tar, group);
    if (label === undefined) gathered.skip('have no class', where);
    else gathered.add(split, { id: `${ids.get(file)}/${key}`, file, image }, [nameOf(label, classes)], where);
  });
  const dataset = gathered.dataset(classes.length > 0 ? classes : undefined, signal);
  return { ...dataset, folders: foldersOf(shards), warnings: [...damages, ...dataset.warnings] };
}

async function openCaptions(
  root: Folder,
  format: string,
  shards: readonly Shard[],
  signal: AbortSignal | undefined,
  counting: boolean | undefined,
): Promise<Dataset> {
  const samples = new AnnotatedSamples(root, format, 'image-captioning', [], counting);
  const damages = await readShards(shards, samples, signal, ({ split, file, key, where, image, tar, group }) => {
    const text = captionOf(tar, group);
    if (text === undefined) samples.skip('have no caption', where);
    else samples.add({ split, file, where, id: key, image, target: { kind: 'text', text } });
  });
  const dataset = samples.dataset();
  return { ...dataset, folders: foldersOf(shards), warnings: [...damages, ...dataset.warnings] };
}

function shardsOf(folder: Folder): Shard[] {
  const inside = (parent: Folder, split?: string) =>
    parent.files
      .filter((name) => /\.tar$/i.test(name))
      .map((name) => ({ split: split ?? splitWithin(name) ?? 'all', file: path.join(parent.path, name) }));
  const splits = folder.folders.filter((child) => isSplitName(child.name));
  return [...inside(folder), ...splits.flatMap((child) => inside(child, child.name))];
}

/** Of all shards: what lies beside one that gave no sample is no dataset of its own. */
function foldersOf(shards: readonly Shard[]): ReadonlySet<string> {
  return new Set(shards.map(({ file }) => path.dirname(file)));
}

/** A sample with an image. */
interface PackedSample extends Shard {
  readonly key: string;
  readonly where: string;
  readonly image: ImageSource;
  readonly tar: TarFile;
  readonly group: Group;
}

/** Visits the samples of all shards. @returns what is damaged; what comes before is kept */
async function readShards(
  shards: readonly Shard[],
  gathered: { skip(reason: string, where: string): void },
  signal: AbortSignal | undefined,
  visit: (sample: PackedSample) => void,
): Promise<string[]> {
  const damages: string[] = [];
  for (const { split, file } of shards) {
    const tar = await TarFile.open(file);
    try {
      for await (const group of groupsOf(tar)) {
        if (signal?.aborted) throw new CancelledError();
        const { key } = group;
        const where = `${path.basename(file)}: ${key}`;
        const found = group.image ?? group.other;
        if (leadsOut(key)) gathered.skip('have a name that leads out of the archive', where);
        else if (!found) gathered.skip('have no image', where);
        else {
          const image = imageWithin(file, found.offset, found.size);
          visit({ split, file, key, where, image, tar, group });
        }
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      damages.push(error.message);
    } finally {
      await tar.close();
    }
  }
  return damages;
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
      else if (kind === 'txt') group.text = entry;
      else if (kind === 'json') group.json = entry;
    }
  } catch (error) {
    if (group) yield group;
    throw error;
  }
  if (group) yield group;
}

function labelOf(tar: TarFile, { label, json }: Group): string | undefined {
  if (label) return textOf(textIn(tar, label));
  const value = fieldOf(textIn(tar, json), LABEL_FIELDS);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function captionOf(tar: TarFile, { text, json }: Group): string | undefined {
  return textOf(text ? textIn(tar, text) : fieldOf(textIn(tar, json), CAPTION_FIELDS));
}

function textIn(tar: TarFile, entry: TarEntry | undefined): string | undefined {
  if (!entry || entry.size > MAX_LABEL_BYTES) return undefined;
  return decodeText(tar.read(entry.offset, entry.size), tar.file);
}

/** The first of the fields that an object in JSON has. */
function fieldOf(json: string | undefined, fields: readonly string[]): unknown {
  const sample = parseJson(json ?? '');
  if (!isRecord(sample)) return undefined;
  return fields.map((field) => sample[field]).find((found) => found !== undefined && found !== null);
}

function nameOf(label: string, classes: readonly string[]): string {
  return /^\d+$/.test(label) ? (classes[Number(label)] ?? label) : label;
}

function leadsOut(name: string): boolean {
  return name.startsWith('/') || name.split('/').includes('..');
}

/** What the first samples of the first shard that tells hold beside their images. */
async function contentOf(shards: readonly Shard[]): Promise<{ classes: boolean; captions: boolean }> {
  for (const { file } of shards) {
    const labels: string[] = [];
    const captions: string[] = [];
    const tar = await TarFile.open(file);
    try {
      for await (const group of groupsOf(tar, LOOKED_AT)) {
        if (!(group.image ?? group.other)) continue;
        labels.push(labelOf(tar, group) ?? '');
        captions.push(captionOf(tar, group) ?? '');
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
    } finally {
      await tar.close();
    }
    const texts = captions.filter((caption) => caption !== '');
    const classes = labels.some((label) => label !== '');
    if (classes || texts.length > 0) return { classes, captions: areTexts(texts) };
  }
  return { classes: false, captions: false };
}
