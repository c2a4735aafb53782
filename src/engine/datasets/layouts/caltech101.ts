import { formatCount } from '../../../protocol/format.ts';
import type { Folder } from '../../files/walk.ts';
import type { DatasetLayout } from '../dataset.ts';
import { countImages, imagesBelow, locate } from '../folders.ts';
import { LabelledImages } from '../labelledImages.ts';

const NAME = '101_ObjectCategories';
const CLUTTER = 'BACKGROUND_Google';

/**
 * Caltech-101 as unpacked from caltech-101.zip and the archive in it (https://data.caltech.edu/records/mzrjq-6wc02):
 * `101_ObjectCategories/accordion/image_0001.jpg`. There are no splits. The folder BACKGROUND_Google holds clutter; it
 * is none of the 101 categories.
 */
export const caltech101: DatasetLayout = {
  format: 'caltech-101',

  async recognise(folder, asked) {
    const root = locate(folder, asked, isCaltech101);
    if (!root) return undefined;
    const categories = root.folders.filter((child) => child.name !== CLUTTER && countImages(child) > 0);
    return {
      task: 'image-classification',
      reason: `Caltech-101: ${categories.length} categories in ${root.name}`,
      open: async (signal) => {
        const gathered = new LabelledImages(root, this.format);
        for (const category of categories) {
          for (const { relative } of imagesBelow(category, `${category.name}/`)) {
            gathered.addFile('all', relative, [category.name], relative);
          }
        }
        const dataset = gathered.dataset(undefined, signal);
        const clutter = root.folders.find((child) => child.name === CLUTTER);
        const left = clutter
          ? [`${CLUTTER} was left out: ${formatCount(countImages(clutter))} images of no category`]
          : [];
        return { ...dataset, warnings: [...left, ...dataset.warnings] };
      },
    };
  },
};

function isCaltech101(folder: Folder): boolean {
  const categories = folder.folders.filter((child) => child.name !== CLUTTER);
  const known = folder.name === NAME || categories.length < folder.folders.length;
  return (
    known && categories.filter((child) => child.files.some((file) => /^image_\d+\.jpe?g$/i.test(file))).length >= 2
  );
}
