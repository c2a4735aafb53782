import path from 'node:path';
import type { Folder } from '../../files/walk.ts';
import type { DatasetLayout } from '../dataset.ts';
import { below, fileIn, locate } from '../folders.ts';
import { LabelledImages } from '../labelledImages.ts';
import { readJsonMembers } from '../tables/json.ts';
import { linesOf } from '../tables/lines.ts';

const SPLITS = ['train', 'test'];

/**
 * Food-101 as unpacked from food-101.tar.gz (https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/):
 * `images/apple_pie/1005649.jpg`, the names of the classes in `meta/classes.txt`, and `meta/train.txt` and
 * `meta/test.txt` with lines such as `apple_pie/1005649`, or `meta/train.json` and `meta/test.json` with the same by class.
 */
export const food101: DatasetLayout = {
  format: 'food-101',

  async recognise(folder, asked) {
    const root = locate(folder, asked, isFood101);
    const images = root && below(root, 'images');
    if (!root || !images) return undefined;
    return {
      task: 'image-classification',
      reason: `Food-101: ${images.folders.length} dishes in images, lists of the splits in meta`,
      open: async (signal) => {
        const meta = below(root, 'meta');
        const gathered = new LabelledImages(root, this.format, images);
        for (const split of SPLITS) {
          const list = fileIn(meta, `${split}.txt`);
          const json = fileIn(meta, `${split}.json`);
          if (list) await gathered.addList(split, list, (line) => [`${line}.jpg`, path.posix.dirname(line)], signal);
          else if (json) await addJson(gathered, split, json, signal);
        }
        const names = fileIn(meta, 'classes.txt');
        return gathered.dataset(names ? await linesOf(names, signal) : undefined, signal);
      },
    };
  },
};

/** The same lists by class: `{"apple_pie": ["apple_pie/1005649", …], …}`. */
async function addJson(gathered: LabelledImages, split: string, file: string, signal?: AbortSignal): Promise<void> {
  for await (const members of readJsonMembers(file, { signal })) {
    for (const { name, value } of members) {
      const where = `${path.basename(file)}: ${name}`;
      const images = Array.isArray(value) ? value.filter((image) => typeof image === 'string') : [];
      if (images.length === 0) gathered.skip('list no images', where);
      for (const image of images) gathered.addFile(split, `${image}.jpg`, [name], where);
    }
  }
}

function isFood101(folder: Folder): boolean {
  const meta = below(folder, 'meta');
  return (
    (below(folder, 'images')?.folders.length ?? 0) > 0 &&
    SPLITS.some(
      (split) => fileIn(meta, `${split}.json`) || (fileIn(meta, 'classes.txt') && fileIn(meta, `${split}.txt`)),
    )
  );
}
