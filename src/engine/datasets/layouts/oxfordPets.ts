import { formatCount } from '../../../protocol/format.ts';
import type { Folder } from '../../files/walk.ts';
import type { DatasetLayout } from '../dataset.ts';
import { below, countImages, filesOfSplits, locate } from '../folders.ts';
import { LabelledImages } from '../labelledImages.ts';
import { headOf } from '../tables/csv.ts';

const SPLITS = ['trainval', 'test'];
/** Of all images, with comments above. */
const WHOLE = 'list.txt';
/** `Abyssinian_100 1 1 1`: image, class, species (1 cat, 2 dog), number within the species. */
const LINE = /^((\S+)_\d+)\s+\d+\s+[12]\s+\d+$/;

/**
 * Oxford-IIIT Pets as unpacked from images.tar.gz and annotations.tar.gz (https://www.robots.ox.ac.uk/~vgg/data/pets/):
 * `images/Abyssinian_100.jpg`, and `annotations/trainval.txt` and `test.txt` with lines such as
 * `Abyssinian_100 1 1 1`; copies may have `list.txt` alone, which tells no splits. The breed is the name of the image up to
 * its number.
 */
export const oxfordPets: DatasetLayout = {
  format: 'oxford-pets',

  async recognise(folder, asked) {
    const root = locate(folder, asked, hasFiles);
    const images = root && below(root, 'images');
    if (!root || !images || !(await looksRight(root))) return undefined;
    const lists = listsOf(root);
    const told = lists.some(({ split }) => split === 'all') ? 'their list' : 'lists of the splits';
    return {
      task: 'image-classification',
      reason: `Oxford-IIIT Pets: ${formatCount(countImages(images))} images, ${told} in annotations`,
      open: async (signal) => {
        const gathered = new LabelledImages(root, this.format, images);
        for (const { split, file } of lists) await gathered.addList(split, file, parse, signal);
        return gathered.dataset(undefined, signal);
      },
    };
  },
};

function parse(line: string): readonly [image: string, breed: string] | readonly [] | undefined {
  if (line.startsWith('#')) return [];
  const [, image, breed] = LINE.exec(line) ?? [];
  return image && breed ? [`${image}.jpg`, breed] : undefined;
}

function hasFiles(folder: Folder): boolean {
  return below(folder, 'images') !== undefined && listsOf(folder).length > 0;
}

function listsOf(folder: Folder): { split: string; file: string }[] {
  const annotations = below(folder, 'annotations');
  const apart = filesOfSplits(annotations, SPLITS, (split) => `${split}.txt`);
  return apart.length > 0 ? apart : filesOfSplits(annotations, ['all'], () => WHOLE);
}

async function looksRight(folder: Folder): Promise<boolean> {
  const [first] = listsOf(folder);
  return first !== undefined && (await headOf(first.file)).split('\n').some((line) => LINE.test(line.trim()));
}
