import path from 'node:path';
import type { Folder } from '../../files/walk.ts';
import type { DatasetLayout } from '../dataset.ts';
import { fileIn, imagesBelow, locate } from '../folders.ts';
import { LabelledImages } from '../labelledImages.ts';
import { linesOf } from '../tables/lines.ts';

const SPLITS = [
  { split: 'train', list: 'Training_01.txt' },
  { split: 'test', list: 'Testing_01.txt' },
];

/**
 * SUN397 as unpacked from SUN397.tar.gz and Partitions.zip (https://vision.princeton.edu/projects/2010/SUN/): scenes in
 * folders by their first letter, `a/abbey/sun_aaa….jpg`, some in two levels, `a/apartment_building/outdoor`;
 * `ClassName.txt` with lines such as `/a/abbey`; and ten partitions, of which the first is the usual one:
 * `Training_01.txt` and `Testing_01.txt` with lines such as `/a/abbey/sun_aaa….jpg`. The partitions may lie in a folder
 * of their own; without them all images are one split. Without `ClassName.txt` the folder has to be called `SUN397`.
 */
export const sun397: DatasetLayout = {
  format: 'sun397',

  async recognise(folder, asked) {
    // Partitions.zip, which has no folder, is unpacked beside as often as in it.
    const inside = folder.folders.find(isSun397);
    const around = { ...folder, folders: folder.folders.filter((child) => child !== inside) };
    const isBeside = inside !== undefined && listsIn(inside).length === 0 && listsIn(around).length > 0;
    const root = isBeside ? inside : locate(folder, asked, isSun397);
    if (!root) return undefined;
    const lists = listsIn(isBeside ? around : root);
    return {
      task: 'image-classification',
      // Then there may be other datasets beside it, too.
      ...(isBeside && lists[0] && { path: lists[0].file }),
      reason: `SUN397: scenes in folders by their first letter${placed(root, 'ClassName.txt') ? ' and ClassName.txt' : ''}${lists.length > 0 ? ', partition 1' : ''}`,
      open: async (signal) => {
        const gathered = new LabelledImages(root, this.format);
        for (const { split, file } of lists) {
          await gathered.addList(split, file, (line) => [line.replace(/^\//, ''), sceneOf(line)], signal);
        }
        if (lists.length === 0) {
          for (const { relative } of imagesBelow(root))
            gathered.addFile('all', relative, [sceneOf(relative)], relative);
        }
        const names = placed(root, 'ClassName.txt');
        const classes = names ? (await linesOf(names, signal)).map(withoutLetter) : undefined;
        const dataset = gathered.dataset(classes, signal);
        return isBeside ? { ...dataset, path: folder.path } : dataset;
      },
    };
  },
};

/** `/a/apartment_building/outdoor/sun_x.jpg` shows `apartment_building/outdoor`. */
function sceneOf(image: string): string {
  return path.posix.dirname(withoutLetter(image));
}

function withoutLetter(name: string): string {
  return name.replace(/^\/?\w\//, '');
}

/** The lists of a partition's splits. */
function listsIn(place: Folder): { split: string; file: string }[] {
  return SPLITS.flatMap(({ split, list }) => {
    const file = placed(place, list);
    return file ? [{ split, file }] : [];
  });
}

/** A list that lies in the folder or in one of its own inside. */
function placed(root: Folder, list: string): string | undefined {
  const places = [root, ...root.folders.filter((child) => child.name.length > 1)];
  return places.map((place) => fileIn(place, list)).find((file) => file !== undefined);
}

function isSun397(folder: Folder): boolean {
  const letters = folder.folders.filter((child) => /^[a-z]$/.test(child.name) && child.folders.length > 0);
  const isNamed = /^sun-?397$/i.test(folder.name) && letters.length > 1;
  return letters.length > 0 && (isNamed || placed(folder, 'ClassName.txt') !== undefined);
}
