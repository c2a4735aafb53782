import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { cocoInstances } from '../../../../../src/engine/datasets/layouts/cocoInstances.ts';
import { findDatasets, openDataset } from '../../../../../src/engine/datasets/open.ts';
import { walk } from '../../../../../src/engine/files/walk.ts';
import {
  copyOfMiniature,
  folderWith,
  openFolder,
  recogniseFolder,
  splitSizes,
} from '../../../../helpers/miniatures.ts';

/** An object in an image: the numbers of the image and of the category. */
type Instance = readonly [image: number, category: number];

/** COCO's captions and images of 2014 in small, with these objects of the training images beside. */
async function withInstances(instances: readonly Instance[]): Promise<string> {
  const folder = await copyOfMiniature('coco-captions');
  const images = [0, 1, 5].map((id) => ({ id, file_name: `COCO_train2014_00000000000${id}.jpg` }));
  const annotations = instances.map(([image, category], id) => ({
    segmentation: [[1, 2, 3, 4]],
    image_id: image,
    bbox: [0, 0, 4, 4],
    category_id: category,
    id,
  }));
  const categories = ['person', 'dog'].map((name, index) => ({ supercategory: 'x', id: [1, 18][index], name }));
  const file = path.join(folder, `annotations/instances_train2014.json`);
  await writeFile(file, JSON.stringify({ info: {}, images, annotations, categories }));
  return folder;
}

describe('COCO’s objects', () => {
  it('are the classes of their images, each once', async () => {
    const folder = await withInstances([
      [0, 18],
      [0, 18],
      [1, 1],
      [0, 1],
    ]);
    expect((await recogniseFolder(cocoInstances, folder))?.reason).toBe(
      'COCO’s objects as classes: instances_train2014.json with 9 images',
    );
    const dataset = await openFolder(cocoInstances, folder);
    expect([dataset.classes, dataset.warnings, splitSizes(dataset)]).toEqual([['dog', 'person'], [], { train: 2 }]);
    expect(dataset.splits.get('train')?.map(({ id, label, labels }) => [id, label, labels])).toEqual([
      ['train2014/COCO_train2014_000000000000.jpg', 0, [0, 1]],
      ['train2014/COCO_train2014_000000000001.jpg', 1, [1]],
    ]);
  });

  it('are a second reading beside captions, and the only one without', async () => {
    const folder = await withInstances([
      [0, 1],
      [5, 18],
    ]);
    const both = await openDataset(folder, 'auto');
    expect(both.format).toBe('coco-captions');
    expect(both.warnings[0]).toContain('it can also be read as image-classification');
    expect((await openDataset(folder, 'image-classification')).format).toBe('coco-instances');
    const named = path.join(folder, 'annotations/instances_train2014.json');
    expect((await openDataset(named, 'auto')).format).toBe('coco-instances');
    const { datasets, skipped } = await findDatasets((await walk(folder)).root);
    expect(skipped).toEqual([]);
    expect(datasets.map(({ dataset }) => dataset.format)).toEqual(['coco-captions', 'coco-instances']);
    for (const year of ['train2014', 'val2014']) await rm(path.join(folder, `annotations/captions_${year}.json`));
    expect((await openDataset(folder, 'auto')).format).toBe('coco-instances');
  });

  it('are read from files of the same structure, one for all splits or one in the folder of each', async () => {
    const file = (name: string) =>
      JSON.stringify({
        images: [{ id: 7, file_name: `${name}.jpg` }],
        annotations: [{ image_id: 7, category_id: 0 }],
        categories: [{ id: 0, name }],
      });
    const images = { 'train/cat.jpg': '', 'valid/dog.jpg': '' };
    const ofSplits = { 'train/_annotations.coco.json': file('cat'), 'valid/_annotations.coco.json': file('dog') };
    const roboflow = await openDataset(await folderWith({ ...images, ...ofSplits }), 'auto');
    expect([roboflow.format, roboflow.classes, splitSizes(roboflow)]).toEqual([
      'coco-instances',
      ['cat', 'dog'],
      { train: 1, valid: 1 },
    ]);
    const beside = { 'train2019.json': file('cat'), 'val2019.json': file('dog') };
    const iNaturalist = await openDataset(await folderWith({ ...images, ...beside }), 'auto');
    expect(splitSizes(iNaturalist)).toEqual({ train: 1, val: 1 });
  });

  it('are passed over where the file lists no such image or category, or the image is not there', async () => {
    const folder = await withInstances([
      [0, 1],
      [1, 18],
      [7, 1],
      [1, 3],
      [5, 1],
    ]);
    await rm(path.join(folder, 'train2014/COCO_train2014_000000000005.jpg'));
    const dataset = await openFolder(cocoInstances, folder);
    expect(splitSizes(dataset)).toEqual({ train: 2 });
    expect(dataset.warnings).toEqual([
      '1 of 5 rows name images that the file does not list; the first: instances_train2014.json:3',
      '1 of 5 rows have no category that the file lists; the first: instances_train2014.json:4',
      '1 of 5 rows name images that are not there; the first: instances_train2014.json:5: COCO_train2014_000000000005.jpg',
    ]);
  });
});
