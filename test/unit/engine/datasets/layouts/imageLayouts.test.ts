import { cp } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { classFolders } from '../../../../../src/engine/datasets/layouts/classFolders.ts';
import { LAYOUTS } from '../../../../../src/engine/datasets/layouts.ts';
import { findDatasets } from '../../../../../src/engine/datasets/open.ts';
import { walk } from '../../../../../src/engine/files/walk.ts';
import { folderWith, miniature, openFolder, recogniseFolder, splitSizes } from '../../../../helpers/miniatures.ts';
import { temporaryFolder } from '../../../../helpers/temporaryFolder.ts';

const MINIATURES: Readonly<Record<string, string>> = {
  SUN397: 'sun397',
  VOCdevkit: 'pascal-voc',
  'caltech-101': 'caltech-101',
  'cifar-10-batches-bin': 'cifar-binary',
  'cifar-10-batches-py': 'cifar-python',
  'cifar-10-pickled-again': 'cifar-python',
  'cifar-100-binary': 'cifar-binary',
  'cifar-100-python': 'cifar-python',
  'class-folders': 'class-folders',
  dtd: 'dtd',
  'fashion-mnist': 'idx',
  'fgvc-aircraft-2013b': 'fgvc-aircraft',
  'flowers-102': 'flowers-102',
  'food-101': 'food-101',
  'hf-parquet': 'hf-parquet',
  'hf-parquet-floats': 'hf-parquet',
  'hf-parquet-lists': 'hf-parquet',
  'hf-parquet-paths': 'hf-parquet',
  manifest: 'manifest',
  'manifest-jsonl': 'manifest',
  'manifest-metadata': 'manifest',
  mnist: 'idx',
  'oxford-iiit-pet': 'oxford-pets',
  stanford_cars: 'stanford-cars',
  stanford_cars_annos: 'stanford-cars',
  webdataset: 'webdataset',
};

describe('the layouts of image classification', () => {
  it.each(Object.entries(MINIATURES))('know %s as %s, and no other layout does', async (name, format) => {
    const formats: string[] = [];
    for (const layout of LAYOUTS) {
      if (await recogniseFolder(layout, miniature(name))) formats.push(layout.format);
    }
    expect(formats).toEqual([format]);
  });

  it('find all of them in one workspace', async () => {
    const root = await temporaryFolder();
    for (const name of Object.keys(MINIATURES)) {
      await cp(miniature(name), path.join(root, 'data', name), { recursive: true });
    }
    const { datasets, skipped } = await findDatasets((await walk(root)).root);
    expect(skipped).toEqual([]);
    const found = datasets.map(({ dataset, path: named }) => [
      path.relative(path.join(root, 'data'), named),
      dataset.format,
    ]);
    const inner: Readonly<Record<string, string>> = {
      VOCdevkit: 'VOCdevkit/VOC2007',
      'caltech-101': 'caltech-101/101_ObjectCategories',
    };
    expect(found).toEqual(Object.entries(MINIATURES).map(([name, format]) => [inner[name] ?? name, format]));
  });
});

describe('class folders', () => {
  const files = (names: readonly string[]) => folderWith(Object.fromEntries(names.map((name) => [name, ''])));
  const ofClasses = (...names: string[]) => names.flatMap((name) => [`${name}/1.png`, `${name}/2.png`]);

  it.each([
    ['may be called train or mask', ofClasses('train', 'car', 'mask'), ['car', 'mask', 'train']],
    ['may be divided further', ofClasses('cat/2019', 'dog/2019', 'dog/2020'), ['cat', 'dog']],
    ['may hold their images in a folder', ofClasses('n01/images', 'n02/images'), ['n01', 'n02']],
    ['may be letters', ofClasses('a', 'b', 'c'), ['a', 'b', 'c']],
  ])('%s', async (_, names, classes) => {
    const folder = await files(names);
    expect(await recogniseFolder(classFolders, folder, false)).toBeDefined();
    const dataset = await openFolder(classFolders, folder);
    expect(dataset.classes).toEqual(classes);
    expect(splitSizes(dataset)).toEqual({ all: names.length });
  });

  it.each([
    ['folders of splits', ofClasses('cars_train', 'cars_test')],
    ['folders of parts', ofClasses('images', 'masks')],
    ['an index by letters', ofClasses('a/abbey', 'z/zoo')],
    ['a folder around a dataset', ofClasses('dataset/cat', 'dataset/dog')],
  ])('are not %s', async (_, names) => {
    expect(await recogniseFolder(classFolders, await files(names))).toBeUndefined();
  });

  it('are not datasets beside each other, when a search comes by', async () => {
    const folder = await files(ofClasses('pets/cat', 'pets/dog', 'flowers/rose', 'flowers/tulip'));
    expect(await recogniseFolder(classFolders, folder, false)).toBeUndefined();
  });
});
