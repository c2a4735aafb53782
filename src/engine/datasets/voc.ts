import path from 'node:path';
import type { Folder } from '../files/walk.ts';
import type { DatasetLayout } from './dataset.ts';
import { below, locate } from './folders.ts';
import { LabelledImages } from './labelledImages.ts';
import { readLines } from './tables/lines.ts';

const LIST = /^(.+)_(train|val|trainval|test)\.txt$/;

/**
 * PASCAL VOC2007 (and the later years) as unpacked from VOCtrainval_06-Nov-2007.tar
 * (http://host.robots.ox.ac.uk/pascal/VOC/voc2007/): in `VOCdevkit/VOC2007` there are `JPEGImages/000012.jpg` and, for
 * every class and split, `ImageSets/Main/car_train.txt` with lines such as `000012  1`: 1 where the class is in the
 * image, -1 where it isn't, 0 where it is hard to see. An image has one class or more; hard ones don't count.
 */
export const voc: DatasetLayout = {
  format: 'pascal-voc',

  async recognise(folder, asked) {
    const root = locate(folder, asked, isVoc);
    const images = root && below(root, 'JPEGImages');
    const lists = root && listsOf(root);
    if (!root || !images || !lists) return undefined;
    const classes = [...new Set(lists.map(({ name }) => name))].sort();
    return {
      task: 'image-classification',
      reason: `PASCAL VOC: ${images.files.length} images in JPEGImages, ${classes.length} classes in ImageSets/Main`,
      open: async (signal) => {
        const gathered = new LabelledImages(root, this.format, images);
        for (const split of new Set(lists.map((list) => list.split))) {
          const found = new Map<string, { where: string; classes: string[] }>();
          for (const { name, list } of lists.filter((entry) => entry.split === split)) {
            await addList(found, name, list, gathered, signal);
          }
          for (const [image, { where, classes: own }] of found) {
            if (own.length > 0) gathered.addFile(split, `${image}.jpg`, own, where);
            else gathered.skip('name images without any class that is easy to see', `${where}: ${image}`);
          }
        }
        return gathered.dataset(classes, signal);
      },
    };
  },
};

async function addList(
  found: Map<string, { where: string; classes: string[] }>,
  name: string,
  list: string,
  gathered: LabelledImages,
  signal?: AbortSignal,
): Promise<void> {
  for await (const { line, text } of readLines(list, signal)) {
    const where = `${path.basename(list)}:${line}`;
    const [, image, presence] = /^(\S+)\s+(-1|0|1)$/.exec(text.trim()) ?? [];
    if (!image) {
      gathered.skip('can not be understood', `${where}: ${text}`);
      continue;
    }
    const entry = found.get(image) ?? { where, classes: [] };
    if (presence === '1') entry.classes.push(name);
    found.set(image, entry);
  }
}

function isVoc(folder: Folder): boolean {
  return below(folder, 'JPEGImages') !== undefined && listsOf(folder).length > 0;
}

/** The lists by class and split: training and validation images apart, and together only where they are not apart. */
function listsOf(folder: Folder): { name: string; split: string; list: string }[] {
  const main = below(folder, 'ImageSets/Main');
  const all = (main?.files ?? []).flatMap((file) => {
    const [, name, split] = LIST.exec(file) ?? [];
    return main && name && split ? [{ name, split, list: path.join(main.path, file) }] : [];
  });
  const splits = all.some(({ split }) => split === 'train') ? ['train', 'val', 'test'] : ['trainval', 'test'];
  return splits.flatMap((split) => all.filter((list) => list.split === split));
}
