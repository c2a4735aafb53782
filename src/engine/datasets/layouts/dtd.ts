import path from 'node:path';
import type { Folder } from '../../files/walk.ts';
import type { DatasetLayout } from '../dataset.ts';
import { below, filesOfSplits, imagesBelow, locate } from '../folders.ts';
import { LabelledImages } from '../labelledImages.ts';

const SPLITS = ['train', 'val', 'test'];

/**
 * The Describable Textures Dataset as unpacked from dtd-r1.0.1.tar.gz (https://www.robots.ox.ac.uk/~vgg/data/dtd/):
 * `images/banded/banded_0002.jpg` and ten partitions, of which the first is the usual one: `labels/train1.txt`,
 * `val1.txt` and `test1.txt` with lines such as `banded/banded_0002.jpg`.
 */
export const dtd: DatasetLayout = {
  format: 'dtd',

  async recognise(folder, asked) {
    const root = locate(folder, asked, isDtd);
    const images = root && below(root, 'images');
    if (!root || !images) return undefined;
    return {
      task: 'image-classification',
      reason: `the Describable Textures Dataset: ${images.folders.length} textures in images, partition 1 in labels`,
      open: async (signal) => {
        const gathered = new LabelledImages(root, this.format, images);
        for (const { split, file } of listsOf(root)) {
          await gathered.addList(split, file, (line) => [line, path.posix.dirname(line)], signal);
        }
        const classes = [
          ...new Set([...imagesBelow(images)].map(({ relative }) => path.posix.dirname(relative))),
        ].sort();
        return gathered.dataset(classes, signal);
      },
    };
  },
};

function isDtd(folder: Folder): boolean {
  return below(folder, 'images') !== undefined && listsOf(folder).length > 0;
}

/** The lists of the first partition. */
function listsOf(folder: Folder): { split: string; file: string }[] {
  return filesOfSplits(below(folder, 'labels'), SPLITS, (split) => `${split}1.txt`);
}
