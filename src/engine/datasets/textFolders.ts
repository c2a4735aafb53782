import { open } from 'node:fs/promises';
import path from 'node:path';
import type { Folder } from '../files/walk.ts';
import { AnnotatedSamples } from './annotatedSamples.ts';
import type { DatasetLayout } from './dataset.ts';
import { idWithin, locate } from './folders.ts';
import { grouped } from './passedOver.ts';
import { isSplitName } from './splitNames.ts';

const TEXT = /\.txt$/i;
/** Networks read some hundred words; a review or an article has more. */
const MAX_BYTES = 20_000;
/** IMDb has 50,000 reviews without a label beside the others. */
const UNLABELLED = /^unsup$/i;

/**
 * Texts in one folder per class, `train/pos/0_9.txt`, as IMDb's aclImdb (https://ai.stanford.edu/~amaas/data/sentiment/)
 * and 20 Newsgroups have them.
 */
export const textFolders: DatasetLayout = {
  format: 'text-folders',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => partsOf(candidate).length > 0);
    if (!root) return undefined;
    const parts = partsOf(root);
    const texts = parts.flatMap(({ classes }) => classes).reduce((count, { files }) => count + files.length, 0);
    const names = [...new Set(parts.flatMap(({ classes }) => classes.map(({ name }) => name)))].sort();
    return {
      task: 'text-classification',
      reason: `texts in one folder per class: ${names.length} class folders, ${grouped(texts)} texts`,
      open: async (signal) => {
        const samples = new AnnotatedSamples(root, this.format, 'text-classification');
        for (const { split, classes } of parts) {
          for (const { name: label, path: place, files } of classes) {
            for (const name of files.filter((file) => TEXT.test(file))) {
              signal?.throwIfAborted();
              const file = path.join(place, name);
              const [id, where] = [idWithin(root, file), name];
              const text = await textIn(file).catch(() => undefined);
              if (text === undefined || text === '') samples.skip('are empty or can’t be read', id);
              else samples.add({ split, file, where, id, text, label });
            }
          }
        }
        return samples.dataset();
      },
    };
  },
};

function partsOf(folder: Folder): { split: string; classes: readonly Folder[] }[] {
  const splits = folder.folders.filter((child) => isSplitName(child.name));
  const parts = splits.map((child) => ({ split: child.name, classes: classesOf(child) }));
  const filled = parts.filter(({ classes }) => classes.length > 1);
  if (filled.length > 0) return filled;
  const classes = splits.length > 0 ? [] : classesOf(folder);
  return classes.length > 1 ? [{ split: 'all', classes }] : [];
}

/** Folders of hardly anything but texts. */
function classesOf(folder: Folder): Folder[] {
  return folder.folders.filter(({ name, files, folders }) => {
    const texts = files.filter((file) => TEXT.test(file)).length;
    return folders.length === 0 && texts > 1 && texts >= 0.9 * files.length && !UNLABELLED.test(name);
  });
}

async function textIn(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
    return buffer
      .toString('utf8', 0, bytesRead)
      .replace(/^\uFEFF/, '')
      .trim();
  } finally {
    await handle.close();
  }
}
