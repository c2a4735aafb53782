import type { Folder } from '../../files/walk.ts';
import type { DatasetLayout } from '../dataset.ts';
import { below, fileIn, filesOfSplits, locate } from '../folders.ts';
import { LabelledImages } from '../labelledImages.ts';
import { linesOf } from '../tables/lines.ts';

/** What the images are labelled with, the finest first, and the files that list the classes. */
const LEVELS = [
  { level: 'variant', names: 'variants.txt' },
  { level: 'family', names: 'families.txt' },
  { level: 'manufacturer', names: 'manufacturers.txt' },
];
const SPLITS = ['train', 'val', 'test'];

/**
 * FGVC-Aircraft as unpacked from fgvc-aircraft-2013b.tar.gz (https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/):
 * in the folder `data` there are `images/1025794.jpg`, `variants.txt`, and `images_variant_train.txt`, `…_val.txt` and
 * `…_test.txt` with lines such as `1025794 707-320`. Where the variants are missing, families or manufacturers are taken.
 */
export const fgvcAircraft: DatasetLayout = {
  format: 'fgvc-aircraft',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => dataOf(candidate) !== undefined);
    const data = root && dataOf(root);
    const images = data && below(data, 'images');
    const level = data && levelOf(data);
    if (!root || !images || !level) return undefined;
    return {
      task: 'image-classification',
      reason: `FGVC-Aircraft: ${images.files.length} images and images_${level.level}_*.txt`,
      open: async (signal) => {
        const gathered = new LabelledImages(root, this.format, images);
        for (const { split, file } of listsOf(data, level.level)) {
          await gathered.addList(split, file, parse, signal);
        }
        const names = fileIn(data, level.names);
        return gathered.dataset(names ? await linesOf(names, signal) : undefined, signal);
      },
    };
  },
};

function parse(line: string): readonly [image: string, ...classes: string[]] | undefined {
  const [, image, name] = /^(\S+)\s+(.+)$/.exec(line) ?? [];
  return image && name ? [`${image}.jpg`, name] : undefined;
}

/** The folder with the lists and the images: the folder's `data`, or the folder itself. */
function dataOf(folder: Folder): Folder | undefined {
  return [below(folder, 'data'), folder].find(
    (candidate) => candidate && below(candidate, 'images') && levelOf(candidate),
  );
}

function levelOf(data: Folder): { level: string; names: string } | undefined {
  return LEVELS.find(({ level }) => listsOf(data, level).length > 0);
}

/** The lists of the splits; the one of training and validation images together only where it is the only one of them. */
function listsOf(data: Folder, level: string): { split: string; file: string }[] {
  const lists = (splits: readonly string[]) => filesOfSplits(data, splits, (split) => `images_${level}_${split}.txt`);
  const apart = lists(SPLITS);
  return apart.some(({ split }) => split === 'train') ? apart : lists(['trainval', 'test']);
}
