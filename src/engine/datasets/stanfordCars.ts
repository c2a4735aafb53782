import path from 'node:path';
import { InputError } from '../errors.ts';
import type { Folder } from '../files/walk.ts';
import type { DatasetLayout } from './dataset.ts';
import { below, countImages, fileIn, locate } from './folders.ts';
import { LabelledImages } from './labelledImages.ts';
import { numberIn, readMat, textIn } from './matFile.ts';
import { grouped } from './passedOver.ts';

const SPLITS = [
  { split: 'train', images: 'cars_train', list: 'cars_train_annos.mat' },
  // The file of the devkit tells no classes of the test images; this one came later, beside the devkit.
  { split: 'test', images: 'cars_test', list: 'cars_test_annos_withlabels.mat' },
];
/** All images in one list, which tells their split and the names of the classes, too. */
const WHOLE = { images: 'car_ims', list: 'cars_annos.mat' };

interface List {
  /** Undefined where each entry tells its own. */
  readonly split: string | undefined;
  readonly images: Folder;
  readonly list: string;
}

/**
 * Stanford Cars as unpacked from cars_train.tgz, cars_test.tgz and car_devkit.tgz
 * (https://ai.stanford.edu/~jkrause/cars/car_dataset.html): `cars_train/00001.jpg`, the images' files and classes in
 * `devkit/cars_train_annos.mat` and, for the test images, in `cars_test_annos_withlabels.mat`, and the names of the
 * classes in `devkit/cars_meta.mat`. Or as unpacked from car_ims.tgz beside cars_annos.mat: `car_ims/000001.jpg`.
 */
export const stanfordCars: DatasetLayout = {
  format: 'stanford-cars',

  async recognise(folder, asked) {
    const root = locate(folder, asked, isStanfordCars);
    if (!root) return undefined;
    const splits = splitsOf(root);
    const counts = splits.map(({ split, images }) => `${grouped(countImages(images))} ${split ?? 'car'} images`);
    return {
      task: 'image-classification',
      reason: `Stanford Cars: ${counts.join(', ')} and ${splits[0]?.split === undefined ? WHOLE.list : 'the devkit'}`,
      open: async (signal) => {
        const names = await namesOf(root);
        const gathered = new LabelledImages(root, this.format);
        for (const { split, images, list } of splits) {
          const listName = path.basename(list);
          const annotations = (await readMat(list)).get('annotations');
          if (annotations?.kind !== 'structs') {
            throw new InputError(`${listName}: no struct array "annotations"; download the devkit again.`);
          }
          for (const [index, struct] of annotations.structs.entries()) {
            const where = `${listName}: entry ${index + 1}`;
            const whole = textIn(struct, 'relative_im_path');
            const own = textIn(struct, 'fname');
            const image = split === undefined ? whole : own && `${images.name}/${own}`;
            const name = names[(numberIn(struct, 'class') ?? 0) - 1];
            const told = numberIn(struct, 'test') === 1 ? 'test' : 'train';
            if (image && name) gathered.addFile(split ?? told, image, [name], where);
            else gathered.skip('have no image or class', where);
          }
        }
        return gathered.dataset(names, signal);
      },
    };
  },
};

async function namesOf(root: Folder): Promise<string[]> {
  const meta = annotationFile(root, 'cars_meta.mat') ?? annotationFile(root, WHOLE.list);
  const names = meta ? (await readMat(meta)).get('class_names') : undefined;
  if (names?.kind !== 'cells') {
    throw new InputError(`${path.basename(meta ?? '')}: no cell array "class_names"; download it again.`);
  }
  return names.cells.map((cell) => (cell.kind === 'text' ? cell.text : ''));
}

function splitsOf(root: Folder): List[] {
  const known = (kind: { split?: string; images: string; list: string }): List[] => {
    const images = below(root, kind.images);
    const list = annotationFile(root, kind.list);
    return images && list ? [{ split: kind.split, images, list }] : [];
  };
  const apart = SPLITS.flatMap(known);
  return apart.length > 0 ? apart : known(WHOLE);
}

function annotationFile(root: Folder, name: string): string | undefined {
  return fileIn(below(root, 'devkit'), name) ?? fileIn(root, name);
}

function isStanfordCars(folder: Folder): boolean {
  const [first] = splitsOf(folder);
  return first !== undefined && (first.split === undefined || annotationFile(folder, 'cars_meta.mat') !== undefined);
}
