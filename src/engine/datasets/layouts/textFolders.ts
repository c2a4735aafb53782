import path from 'node:path';
import { formatCount } from '../../../protocol/format.ts';
import { IMAGE } from '../../files/imageNames.ts';
import type { Folder } from '../../files/walk.ts';
import { AnnotatedSamples } from '../annotatedSamples.ts';
import { readTogether } from '../annotationFiles.ts';
import type { DatasetLayout } from '../dataset.ts';
import { idWithin, locate } from '../folders.ts';
import { isSplitName, splitWithin } from '../splitNames.ts';
import { textIn, withTexts } from '../textFiles.ts';

const TEXT = /\.txt$/i;
/** 20 Newsgroups names its messages by numbers alone. */
const NUMBER = /^\d+$/;
/** Texts about the others, which lie among them. */
const ABOUT =
  /^(read[-_ ]?me|licen[cs]e|copying|notice|authors|contributors|changelog|changes|history|todo|install|requirements|version|credits|citation)\b/i;
/** Folders of texts in repositories, and of datasets of other kinds, whose names are no classes. */
const NO_CLASS =
  /^(docs?|documentation|notes?|licen[cs]es?|logs?|scripts?|src|sources?|tests?|examples?|samples?|templates?|prompts?|configs?|configuration|data|assets|resources|images?|labels?(_\d)?|annotations?|calib|velodyne|masks?|boxes|(in|out)(put)?s?|expected|actual|targets?|questions?|answers?|references?|transcripts?|misc|archive|meta(data)?|lists?|splits?)$/i;
/** IMDb has 50,000 reviews without a label beside the others. */
const UNLABELLED = /^unsup(ervised)?$/i;
/** So many classes are looked into for words; tables of numbers have the same ending. */
const CLASSES_LOOKED_AT = 4;
/** Some may be empty. */
const TEXTS_LOOKED_AT = 4;
const MIN_SHARE_OF_LETTERS = 0.5;

interface Part {
  readonly split: string;
  readonly folder: Folder;
  readonly classes: readonly Folder[];
}

/**
 * Texts in one folder per class, `train/pos/0_9.txt`, as IMDb's aclImdb (https://ai.stanford.edu/~amaas/data/sentiment/),
 * 20 Newsgroups (`20news-bydate-train/alt.atheism/49960`, http://qwone.com/~jason/20Newsgroups/) and, without splits,
 * BBC News (`bbc/tech/001.txt`) have them. A search takes folders for classes only where the same ones are in a training
 * split, or where their texts are numbered, so that the notes of a repository are no dataset.
 */
export const textFolders: DatasetLayout = {
  format: 'text-folders',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => partsOf(candidate, asked).length > 0);
    if (!root) return undefined;
    const all = partsOf(root, asked);
    if (!(await holdWords(all))) return undefined;
    const sets = readTogether(all.map((part) => ({ ...part, file: part.folder.path })));
    return sets.map(({ path: named, files: parts }) => ({
      task: 'text-classification',
      ...(sets.length > 1 && { path: named }),
      reason: reasonOf(parts),
      open: async (signal) => {
        const samples = new AnnotatedSamples(root, this.format, 'text-classification');
        const texts = parts.flatMap(({ split, classes }) =>
          classes.flatMap(({ name: label, path: place, files }) =>
            textsAmong(files).map((where) => ({ split, label, where, file: path.join(place, where) })),
          ),
        );
        for await (const { item, text } of withTexts(texts, ({ file }) => file, signal)) {
          const id = idWithin(root, item.file);
          if (text === '') samples.skip('are empty or can’t be read', id);
          else samples.add({ ...item, id, text });
        }
        return samples.dataset();
      },
    }));
  },
};

function reasonOf(parts: readonly Part[]): string {
  const classes = parts.flatMap((part) => part.classes);
  const texts = classes.reduce((count, { files }) => count + textsAmong(files).length, 0);
  const names = new Set(classes.map(({ name }) => name));
  const places = parts.filter(({ split }) => split !== 'all').map(({ folder }) => folder.name);
  const where = places.length > 0 ? ` in ${places.join(', ')}` : '';
  return `texts in one folder per class: ${names.size} class folders${where}, ${formatCount(texts)} texts`;
}

function partsOf(folder: Folder, asked: boolean): Part[] {
  const splits = folder.folders.flatMap((child): Part[] => {
    const split = isSplitName(child.name) ? child.name : splitWithin(child.name);
    const classes = split === undefined ? [] : classesOf(child);
    return split === undefined || classes.length < 2 ? [] : [{ split, folder: child, classes }];
  });
  if (splits.length > 0) return asked || areSplitsOfOne(splits, folder) ? splits : [];
  const classes = classesOf(folder);
  if (classes.length < 2) return [];
  // A split by itself, such as the cases of a repository's tests, was no dataset with the others.
  const part = { split: 'all', folder, classes };
  return asked || (!isSplitName(folder.name) && looksWhole(part)) ? [part] : [];
}

/** Whether hardly anything but numbered texts in class folders is there. */
function looksWhole({ folder, classes }: Part): boolean {
  const mostly = classes.length >= 0.9 * folder.folders.length && !folder.files.some((file) => IMAGE.test(file));
  return mostly && classes.every(isNumbered);
}

/** Whether all have the same classes; beside one that is not for training nothing may be, as is in a repository. */
function areSplitsOfOne(parts: readonly Part[], { folders, files }: Folder): boolean {
  const [first] = [...parts.filter(({ split }) => /^train/i.test(split)), ...parts];
  const names = new Set(first?.classes.map(({ name }) => name));
  const isAlone = parts.length === 1 && !/^train/i.test(first?.split ?? '');
  if (isAlone) return folders.length === 1 && files.every((file) => TEXT.test(file)) && parts.every(looksWhole);
  return parts.every(({ classes }) => classes.filter(({ name }) => names.has(name)).length >= classes.length / 2);
}

/** Folders of hardly anything but texts. */
function classesOf(folder: Folder): Folder[] {
  return folder.folders.filter(({ name, files, folders }) => {
    const about = files.filter((file) => ABOUT.test(file)).length;
    const texts = textsAmong(files).length;
    const mostly = texts > 1 && texts >= 0.9 * (files.length - about);
    return folders.length === 0 && mostly && !UNLABELLED.test(name) && !NO_CLASS.test(name);
  });
}

function textsAmong(files: readonly string[]): string[] {
  return files.filter((file) => (TEXT.test(file) || NUMBER.test(file)) && !ABOUT.test(file));
}

function isNumbered({ files }: Folder): boolean {
  const texts = textsAmong(files);
  return texts.filter((name) => /\d/.test(name)).length >= 0.9 * texts.length;
}

/** Whether the first texts of some classes hold more letters than digits and signs. */
async function holdWords(parts: readonly Part[]): Promise<boolean> {
  for (const { path: place, files } of parts.flatMap(({ classes }) => classes).slice(0, CLASSES_LOOKED_AT)) {
    const texts = textsAmong(files).slice(0, TEXTS_LOOKED_AT);
    const text = texts.map((file) => textIn(path.join(place, file))).join('');
    const letters = text.match(/\p{L}/gu)?.length ?? 0;
    if (letters > 0 && letters >= MIN_SHARE_OF_LETTERS * text.replace(/\s/g, '').length) return true;
  }
  return false;
}
