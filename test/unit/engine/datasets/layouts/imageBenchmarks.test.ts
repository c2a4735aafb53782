import { appendFile, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Dataset, DatasetLayout } from '../../../../../src/engine/datasets/dataset.ts';
import { caltech101 } from '../../../../../src/engine/datasets/layouts/caltech101.ts';
import { dtd } from '../../../../../src/engine/datasets/layouts/dtd.ts';
import { fgvcAircraft } from '../../../../../src/engine/datasets/layouts/fgvcAircraft.ts';
import { flowers102 } from '../../../../../src/engine/datasets/layouts/flowers102.ts';
import { food101 } from '../../../../../src/engine/datasets/layouts/food101.ts';
import { oxfordPets } from '../../../../../src/engine/datasets/layouts/oxfordPets.ts';
import { stanfordCars } from '../../../../../src/engine/datasets/layouts/stanfordCars.ts';
import { sun397 } from '../../../../../src/engine/datasets/layouts/sun397.ts';
import { voc } from '../../../../../src/engine/datasets/layouts/voc.ts';
import { findDatasets, openDataset } from '../../../../../src/engine/datasets/open.ts';
import { walk } from '../../../../../src/engine/files/walk.ts';
import {
  classNames,
  copyOfMiniature,
  miniature,
  openFolder,
  pixelOf,
  recogniseFolder,
  splitSizes,
} from '../../../../helpers/miniatures.ts';
import { temporaryFolder } from '../../../../helpers/temporaryFolder.ts';

interface Expected {
  readonly layout: DatasetLayout;
  readonly folder: string;
  readonly reason: string;
  readonly classes: readonly string[];
  readonly splits: Readonly<Record<string, number>>;
  /** The second image of the first split: where it is, what is on it, its red and green. */
  readonly second: readonly [id: string, name: string, red: number, green: number];
}

const BENCHMARKS: readonly Expected[] = [
  {
    layout: fgvcAircraft,
    folder: 'fgvc-aircraft-2013b',
    reason: 'FGVC-Aircraft: 12 images and images_variant_*.txt',
    classes: ['707-320', 'A340-200', 'F/A-18'],
    splits: { train: 6, val: 3, test: 3 },
    second: ['data/images/1000001.jpg', 'A340-200', 40, 20],
  },
  {
    layout: caltech101,
    folder: 'caltech-101',
    reason: 'Caltech-101: 3 categories in 101_ObjectCategories',
    classes: ['Faces_easy', 'accordion', 'yin_yang'],
    splits: { all: 9 },
    second: ['Faces_easy/image_0002.jpg', 'Faces_easy', 40, 40],
  },
  {
    layout: stanfordCars,
    folder: 'stanford_cars',
    reason: 'Stanford Cars: 6 train images, 3 test images and cars_train_annos.mat, cars_test_annos_withlabels.mat',
    classes: ['AM General Hummer SUV 2000', 'Acura RL Sedan 2012', 'Ram C/V Cargo Van Minivan 2012'],
    splits: { train: 6, test: 3 },
    second: ['cars_train/00002.jpg', 'Acura RL Sedan 2012', 40, 20],
  },
  {
    layout: stanfordCars,
    folder: 'stanford_cars_annos',
    reason: 'Stanford Cars: 9 car images and cars_annos.mat',
    classes: ['AM General Hummer SUV 2000', 'Acura RL Sedan 2012', 'Ram C/V Cargo Van Minivan 2012'],
    splits: { train: 6, test: 3 },
    second: ['car_ims/000002.jpg', 'Acura RL Sedan 2012', 40, 20],
  },
  {
    layout: dtd,
    folder: 'dtd',
    reason: 'the Describable Textures Dataset: 3 textures in images, partition 1 in labels',
    classes: ['banded', 'blotchy', 'zigzagged'],
    splits: { train: 6, val: 6, test: 6 },
    second: ['images/banded/banded_0002.jpg', 'banded', 0, 40],
  },
  {
    layout: food101,
    folder: 'food-101',
    reason: 'Food-101: 2 dishes in images, lists of the splits in meta',
    classes: ['apple_pie', 'baby_back_ribs'],
    splits: { train: 6, test: 2 },
    second: ['images/apple_pie/2.jpg', 'apple_pie', 0, 20],
  },
  {
    layout: oxfordPets,
    folder: 'oxford-iiit-pet',
    reason: 'Oxford-IIIT Pets: 12 images, lists of the splits in annotations',
    classes: ['Abyssinian', 'Egyptian_Mau', 'american_bulldog'],
    splits: { trainval: 9, test: 3 },
    second: ['images/Abyssinian_2.jpg', 'Abyssinian', 0, 40],
  },
  {
    layout: sun397,
    folder: 'SUN397',
    reason: 'SUN397: scenes in folders by their first letter and ClassName.txt, partition 1',
    classes: ['abbey', 'apartment_building/outdoor', 'zoo'],
    splits: { train: 6, test: 3 },
    second: ['a/abbey/sun_abfirwhrqgejnyt.jpg', 'abbey', 0, 20],
  },
  {
    layout: voc,
    folder: 'VOCdevkit',
    reason: 'PASCAL VOC: 8 images in JPEGImages, 3 classes in ImageSets/Main',
    classes: ['car', 'dog', 'person'],
    splits: { train: 4, val: 2, test: 2 },
    second: ['JPEGImages/000002.jpg', 'dog', 40, 20],
  },
];

describe.each(BENCHMARKS)('$folder', ({ layout, folder, reason, classes, splits, second }) => {
  it('is read as its archive unpacks', async () => {
    expect(await recogniseFolder(layout, miniature(folder))).toMatchObject({ task: 'image-classification', reason });
    const dataset = await openFolder(layout, miniature(folder));
    expect(dataset).toMatchObject({ format: layout.format, task: 'image-classification', classes });
    expect(splitSizes(dataset)).toEqual(splits);
    const [id, name, red, green] = second;
    const sample = [...dataset.splits.values()][0]?.[1];
    expect(sample?.id).toBe(id);
    expect(dataset.classes[sample?.label ?? -1]).toBe(name);
    const { width, height, pixel } = await pixelOf(sample);
    expect([width, height]).toEqual([8, 8]);
    // JPEG loses a little.
    expect(Math.abs((pixel[0] ?? 0) - red)).toBeLessThan(4);
    expect(Math.abs((pixel[1] ?? 0) - green)).toBeLessThan(4);
  });

  it('is found from the folder around it when a person names that, and only then', async () => {
    const root = await temporaryFolder();
    await cp(miniature(folder), path.join(root, 'downloads', folder), { recursive: true });
    expect((await openFolder(layout, root)).classes).toEqual(classes);
    expect(await recogniseFolder(layout, root, false)).toBeUndefined();
  });
});

describe('Oxford Flowers-102', () => {
  it('has 102 named classes, of which the miniature has three', async () => {
    const dataset = await openFolder(flowers102, miniature('flowers-102'));
    expect(dataset.classes).toHaveLength(102);
    expect(splitSizes(dataset)).toEqual({ train: 3, val: 3, test: 3 });
    expect(classNames(dataset, 'train')).toEqual(['pink primrose', 'passion flower', 'blackberry lily']);
    expect(dataset.splits.get('val')?.map(({ id }) => id)).toEqual([2, 5, 8].map((n) => `jpg/image_0000${n}.jpg`));
    expect((await recogniseFolder(flowers102, miniature('flowers-102'), false))?.reason).toBe(
      'Oxford Flowers-102: 9 images in jpg, imagelabels.mat and setid.mat',
    );
  });

  it('is one split without setid.mat, and refused where that tells none', async () => {
    const folder = await copyOfMiniature('flowers-102');
    const sets = path.join(folder, 'setid.mat');
    await rm(sets);
    expect(splitSizes(await openFolder(flowers102, folder))).toEqual({ all: 9 });
    await cp(path.join(folder, 'imagelabels.mat'), sets);
    await expect(openFolder(flowers102, folder)).rejects.toThrow(
      'no labelled image is left (the annotations are empty)',
    );
  });
});

describe('copies of the benchmarks', () => {
  /** The same samples by split, whatever folders they lie in. */
  const samplesOf = ({ classes, splits }: Dataset) =>
    [...splits].map(([split, samples]) => [
      split,
      samples.map(({ id, label }) => `${path.basename(id)} ${classes[label]}`).sort(),
    ]);

  it('may have Food-101’s splits as JSON alone', async () => {
    const folder = await copyOfMiniature('food-101');
    const whole = samplesOf(await openFolder(food101, folder));
    for (const list of ['train.txt', 'test.txt', 'classes.txt', 'labels.txt'])
      await rm(path.join(folder, 'meta', list));
    expect(samplesOf(await openFolder(food101, folder))).toEqual(whole);
    await writeFile(path.join(folder, 'meta/test.json'), '{"apple_pie": ["apple_pie/4", "apple_pie/9"], "x": 1}');
    expect((await openFolder(food101, folder)).warnings).toEqual([
      '1 of 9 rows name images that are not there; the first: test.json: apple_pie: apple_pie/9.jpg',
      '1 of 9 rows list no images; the first: test.json: x',
    ]);
  });

  it('may be unpacked into folders of the archives’ names', async () => {
    const folder = await copyOfMiniature('oxford-iiit-pet');
    const whole = samplesOf(await openFolder(oxfordPets, folder));
    for (const name of ['images', 'annotations']) {
      await rename(path.join(folder, name), path.join(folder, 'unpacked'));
      await mkdir(path.join(folder, name));
      await rename(path.join(folder, 'unpacked'), path.join(folder, name, name));
    }
    expect(samplesOf(await openFolder(oxfordPets, folder))).toEqual(whole);
    expect((await recogniseFolder(oxfordPets, folder))?.reason).toContain('12 images');
  });

  it('may have the list of all Oxford Pets alone', async () => {
    const folder = await copyOfMiniature('oxford-iiit-pet');
    for (const name of ['trainval.txt', 'test.txt']) await rm(path.join(folder, 'annotations', name));
    const dataset = await openDataset(folder, 'auto');
    expect([dataset.format, splitSizes(dataset), dataset.warnings]).toEqual(['oxford-pets', { all: 12 }, []]);
    expect((await recogniseFolder(oxfordPets, folder))?.reason).toBe(
      'Oxford-IIIT Pets: 12 images, their list in annotations',
    );
  });

  it('may have SUN397 without its list of classes', async () => {
    const folder = await copyOfMiniature('SUN397');
    const whole = samplesOf(await openFolder(sun397, folder));
    await rm(path.join(folder, 'ClassName.txt'));
    expect(samplesOf(await openFolder(sun397, folder))).toEqual(whole);
    const renamed = path.join(path.dirname(folder), 'scenes');
    await rename(folder, renamed);
    expect(await recogniseFolder(sun397, renamed)).toBeUndefined();
  });
});

describe('Caltech-101', () => {
  it('leaves the clutter out and says so', async () => {
    const { warnings } = await openFolder(caltech101, miniature('caltech-101'));
    expect(warnings).toEqual(['BACKGROUND_Google was left out: 3 images of no category']);
  });

  it('is known by its clutter when the folder has another name', async () => {
    const folder = await copyOfMiniature('caltech-101/101_ObjectCategories');
    const renamed = path.join(path.dirname(folder), 'objects');
    await rename(folder, renamed);
    expect(splitSizes(await openFolder(caltech101, renamed))).toEqual({ all: 9 });
  });
});

describe('FGVC-Aircraft', () => {
  it('falls back to families, and to training and validation images together', async () => {
    const folder = await copyOfMiniature('fgvc-aircraft-2013b');
    for (const split of ['train', 'val', 'test', 'trainval']) {
      await rm(path.join(folder, 'data', `images_variant_${split}.txt`));
    }
    await rm(path.join(folder, 'data', 'images_family_train.txt'));
    const dataset = await openFolder(fgvcAircraft, folder);
    expect(dataset.classes).toEqual(['Boeing 707', 'A340', 'F/A-18']);
    expect(splitSizes(dataset)).toEqual({ trainval: 9, test: 3 });
  });

  it('tells of images that are not there and of classes that are not listed', async () => {
    const folder = await copyOfMiniature('fgvc-aircraft-2013b');
    const list = path.join(folder, 'data', 'images_variant_train.txt');
    await rm(path.join(folder, 'data', 'images', '1000001.jpg'));
    await appendFile(list, '../../../etc/passwd A340-200\n1000002 Zeppelin\nnonsense\n');
    const dataset = await openFolder(fgvcAircraft, folder);
    expect(splitSizes(dataset)).toEqual({ train: 5, val: 3, test: 3 });
    expect(dataset.warnings).toEqual([
      '2 of 15 rows name images that are not there; the first: images_variant_train.txt:2: 1000001.jpg',
      '1 of 15 rows can not be understood; the first: images_variant_train.txt:9: nonsense',
      '1 of 15 rows have a class that is not listed; the first: images_variant_train.txt:8: Zeppelin',
    ]);
  });
});

describe('SUN397', () => {
  it('is one split where the partitions are missing, and finds them in a folder of their own', async () => {
    const folder = await copyOfMiniature('SUN397');
    await mkdir(path.join(folder, 'Partitions'));
    for (const name of ['Training_01.txt', 'Testing_01.txt']) {
      await rename(path.join(folder, name), path.join(folder, 'Partitions', name));
    }
    expect(splitSizes(await openFolder(sun397, folder))).toEqual({ train: 6, test: 3 });
    const around = await temporaryFolder();
    await cp(folder, path.join(around, 'SUN397'), { recursive: true });
    await rename(path.join(around, 'SUN397/Partitions'), path.join(around, 'Partitions'));
    const { datasets } = await findDatasets((await walk(around)).root);
    expect(datasets.map(({ path: found, dataset }) => [found, splitSizes(dataset)])).toEqual([
      [around, { train: 6, test: 3 }],
    ]);
    await rm(path.join(folder, 'Partitions'), { recursive: true });
    const dataset = await openFolder(sun397, folder);
    expect(splitSizes(dataset)).toEqual({ all: 9 });
    expect(dataset.classes).toEqual(['abbey', 'apartment_building/outdoor', 'zoo']);
  });
});

describe('Food-101 and DTD', () => {
  it('read lists with a byte order mark, Windows line breaks and endings in capitals', async () => {
    const folder = await copyOfMiniature('food-101');
    const list = path.join(folder, 'meta', 'train.txt');
    const text = await readFile(list, 'utf8');
    await writeFile(list, `\uFEFF${text.replaceAll('\n', '\r\n')}`);
    await rename(path.join(folder, 'images/apple_pie/1.jpg'), path.join(folder, 'images/apple_pie/1.JPG'));
    const dataset = await openFolder(food101, folder);
    expect(splitSizes(dataset)).toEqual({ train: 6, test: 2 });
    expect(dataset.splits.get('train')?.[0]?.id).toBe('images/apple_pie/1.JPG');
  });

  it('are refused when no image is left', async () => {
    const folder = await copyOfMiniature('dtd');
    await rm(path.join(folder, 'images'), { recursive: true });
    await mkdir(path.join(folder, 'images'));
    await expect(openFolder(dtd, folder)).rejects.toThrow(
      `${folder}: no labelled image is left (18 of 18 rows name images that are not there; the first: train1.txt:1: banded/banded_0001.jpg). Check that the dataset is complete.`,
    );
  });

  it('do without a missing split', async () => {
    const folder = await copyOfMiniature('dtd');
    await rm(path.join(folder, 'labels', 'train1.txt'));
    expect(splitSizes(await openFolder(dtd, folder))).toEqual({ val: 6, test: 6 });
  });
});

describe('Stanford Cars', () => {
  it('has no test split while the test labels are missing', async () => {
    const folder = await copyOfMiniature('stanford_cars');
    await rm(path.join(folder, 'cars_test_annos_withlabels.mat'));
    expect(splitSizes(await openFolder(stanfordCars, folder))).toEqual({ train: 6 });
  });

  it('may have folders in folders of the same names, and lists of other names, as copies have them', async () => {
    const folder = await copyOfMiniature('stanford_cars');
    for (const name of ['cars_train', 'cars_test', 'devkit']) {
      await rename(path.join(folder, name), path.join(folder, 'moved'));
      await mkdir(path.join(folder, name === 'devkit' ? 'car_devkit' : name));
      await rename(path.join(folder, 'moved'), path.join(folder, name === 'devkit' ? 'car_devkit' : name, name));
    }
    const nested = await openDataset(folder, 'auto');
    expect(splitSizes(nested)).toEqual({ train: 6, test: 3 });
    expect(nested.splits.get('train')?.[1]?.id).toBe('cars_train/cars_train/00002.jpg');
    await rename(path.join(folder, 'car_devkit/devkit/cars_train_annos.mat'), path.join(folder, 'cardatasettrain.mat'));
    await rm(path.join(folder, 'cars_test_annos_withlabels.mat'));
    await rm(path.join(folder, 'car_devkit'), { recursive: true });
    await cp(miniature('stanford_cars_annos/cars_annos.mat'), path.join(folder, 'cars_annos.mat'));
    const renamed = await openDataset(folder, 'auto');
    expect(splitSizes(renamed)).toEqual({ train: 6 });
    expect(renamed.classes).toEqual(nested.classes);
  });

  it('tells what is missing where the list of all images lies beside those of the splits', async () => {
    const folder = await copyOfMiniature('stanford_cars');
    await rm(path.join(folder, 'devkit'), { recursive: true });
    await rm(path.join(folder, 'cars_test_annos_withlabels.mat'));
    await cp(miniature('stanford_cars_annos/cars_annos.mat'), path.join(folder, 'cars_annos.mat'));
    const message =
      'cars_annos.mat: the images in car_ims that it names are not here, and those in cars_train and cars_test have other numbers. Unpack car_ims.tgz here, or car_devkit.tgz, which holds cars_train_annos.mat and cars_meta.mat.';
    await expect(openDataset(folder, 'auto')).rejects.toThrow(message);
    const { datasets, skipped } = await findDatasets((await walk(folder)).root);
    expect([datasets, skipped]).toEqual([[], [{ path: folder, reason: message }]]);
  });

  it('refuses a devkit that holds something else', async () => {
    const folder = await copyOfMiniature('stanford_cars');
    await cp(path.join(folder, 'devkit/cars_meta.mat'), path.join(folder, 'devkit/cars_train_annos.mat'));
    await expect(openFolder(stanfordCars, folder)).rejects.toThrow(
      'cars_train_annos.mat: no struct array "annotations"; download the devkit again.',
    );
  });
});
