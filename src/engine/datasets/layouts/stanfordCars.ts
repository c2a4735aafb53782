import path from 'node:path';
import { formatCount } from '../../../protocol/format.ts';
import { InputError } from '../../errors.ts';
import { IMAGE } from '../../files/imageNames.ts';
import type { Folder } from '../../files/walk.ts';
import type { DatasetLayout, Recognition } from '../dataset.ts';
import { below, countImages, fileIn, idWithin, locate } from '../folders.ts';
import { LabelledImages } from '../labelledImages.ts';
import { numberIn, readMat, textIn } from '../matFile.ts';

const SPLITS = [
  { split: 'train', images: 'cars_train', lists: ['cars_train_annos.mat', 'cardatasettrain.mat'] },
  // The file of the devkit tells no classes of the test images; this one came later, beside the devkit.
  { split: 'test', images: 'cars_test', lists: ['cars_test_annos_withlabels.mat', 'cardatasettest.mat'] },
];
/** All images in one list, which tells their split and the names of the classes, too. */
const WHOLE = { images: 'car_ims', lists: ['cars_annos.mat'] };
/** Where the lists and the names lie; copies keep the archive's folder around the devkit. */
const PLACES = ['devkit', 'car_devkit/devkit', 'car_devkit'];

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
 * classes in `devkit/cars_meta.mat`. Or as unpacked from car_ims.tgz beside cars_annos.mat: `car_ims/000001.jpg`. Kaggle's
 * copies have folders in folders of the same names, `cars_train/cars_train/00001.jpg`, and lists called
 * `cardatasettrain.mat`, for which either file tells the names.
 */
export const stanfordCars: DatasetLayout = {
  format: 'stanford-cars',

  async recognise(folder, asked) {
    const root = locate(folder, asked, isStanfordCars);
    if (!root) return withoutImages(locate(folder, asked, lacksImages));
    const splits = splitsOf(root);
    const counts = splits.map(({ split, images }) => `${formatCount(countImages(images))} ${split ?? 'car'} images`);
    return {
      task: 'image-classification',
      reason: `Stanford Cars: ${counts.join(', ')} and ${splits.map(({ list }) => path.basename(list)).join(', ')}`,
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
            const image = split === undefined ? whole : own && `${idWithin(root, images.path)}/${own}`;
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
  const file = namesFile(root);
  const names = file ? (await readMat(file)).get('class_names') : undefined;
  if (names?.kind !== 'cells') {
    throw new InputError(`${path.basename(file ?? '')}: no cell array "class_names"; download it again.`);
  }
  return names.cells.map((cell) => (cell.kind === 'text' ? cell.text : ''));
}

function splitsOf(root: Folder): List[] {
  const known = (kind: { split?: string; images: string; lists: readonly string[] }): List[] => {
    const images = imagesIn(root, kind.images);
    const list = annotationFile(root, kind.lists);
    return images && list ? [{ split: kind.split, images, list }] : [];
  };
  const apart = SPLITS.flatMap(known);
  return apart.length > 0 ? apart : known(WHOLE);
}

/** The folder of this name, or the one in it that is called the same. */
function imagesIn(root: Folder, name: string): Folder | undefined {
  return below(root, `${name}/${name}`) ?? below(root, name);
}

function annotationFile(root: Folder, names: readonly string[]): string | undefined {
  const places = [...PLACES.map((place) => below(root, place)), root];
  return places.flatMap((place) => names.flatMap((name) => fileIn(place, name) ?? []))[0];
}

function namesFile(root: Folder): string | undefined {
  return annotationFile(root, ['cars_meta.mat']) ?? annotationFile(root, WHOLE.lists);
}

function isStanfordCars(folder: Folder): boolean {
  return splitsOf(folder).length > 0 && namesFile(folder) !== undefined;
}

/** Whether the list of all images lies beside those of the splits, as in a copy on Kaggle. */
function lacksImages(folder: Folder): boolean {
  const ofSplits = SPLITS.flatMap(({ images }) => imagesIn(folder, images)?.files ?? []);
  return annotationFile(folder, WHOLE.lists) !== undefined && ofSplits.some((name) => IMAGE.test(name));
}

function withoutImages(root: Folder | undefined): Recognition | undefined {
  const reason = `cars_annos.mat: the images in ${WHOLE.images} that it names are not here, and those in cars_train and cars_test have other numbers`;
  const remedy = 'Unpack car_ims.tgz here, or car_devkit.tgz, which holds cars_train_annos.mat and cars_meta.mat.';
  return (
    root && {
      task: 'image-classification',
      reason: 'Stanford Cars without the images of its list',
      open: () => Promise.reject(new InputError(`${reason}. ${remedy}`)),
    }
  );
}
