import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../../../src/engine/datasets/dataset.ts';
import { chooseSplit, findDatasets, openDataset, summarizeDataset } from '../../../../../src/engine/datasets/open.ts';
import { InputError } from '../../../../../src/engine/errors.ts';
import { type Folder, walk } from '../../../../../src/engine/files/walk.ts';
import { temporaryFolder } from '../../../../helpers/temporaryFolder.ts';

async function images(files: readonly string[]): Promise<string> {
  const root = await temporaryFolder();
  for (const file of files) {
    await mkdir(path.join(root, path.dirname(file)), { recursive: true });
    await writeFile(path.join(root, file), '');
  }
  return root;
}

const twoClasses = (prefix: string) =>
  ['cat/1.png', 'cat/2.JPG', 'dog/1.jpe', 'dog/2.webp'].map((name) => prefix + name);

describe('class folders', () => {
  it('are read with their splits, the training split first in line', async () => {
    const root = await images([...twoClasses('test/'), ...twoClasses('train/'), 'train/emu/1.png']);
    const dataset = await openDataset(root, 'auto');
    expect(dataset.classes).toEqual(['cat', 'dog', 'emu']);
    expect([...dataset.splits].map(([name, samples]) => [name, samples.length])).toEqual([
      ['test', 4],
      ['train', 5],
    ]);
    const { name, samples } = chooseSplit(dataset);
    expect(name).toBe('train');
    expect(samples.at(-1)).toMatchObject({ id: 'train/emu/1.png', file: path.join(root, 'train/emu/1.png'), label: 2 });
  });

  it('are read without splits, with images deeper below their class', async () => {
    const dataset = await openDataset(await images([...twoClasses(''), 'cat/more/3.png', 'cat/notes.txt']), 'auto');
    expect([...dataset.splits.keys()]).toEqual(['all']);
    expect(chooseSplit(dataset).samples.filter(({ label }) => label === 0)).toHaveLength(3);
  });

  it.each([
    ['an empty folder', [], 'no dataset here'],
    ['a folder with one class', ['cat/1.png'], 'only one class ("cat")'],
    ['a folder without images', ['cat/a.txt', 'dog/b.txt'], 'no dataset here'],
  ])('%s is refused with the reason', async (_, files, reason) => {
    const root = await images(files);
    await expect(openDataset(root, 'auto')).rejects.toThrow(InputError);
    await expect(openDataset(root, 'auto')).rejects.toThrow(reason);
  });

  it.each([
    [
      'datasets deeper inside',
      ['a/b/cat/1.png', 'a/b/cat/2.png', 'a/b/dog/1.png', 'a/b/dog/2.png'],
      'but in a/b: name',
    ],
    ['the images of a class', ['1.png', '2.png'], 'Its images (2) have no classes; name the folder above it'],
    ['images in a format that is not read', ['cat/1.heic', 'dog/2.HEIC'], '2 images are .heic, which is not read'],
  ])('%s in place of them are told', async (_, files, reason) => {
    const root = path.join(await images(files.map((file) => `here/${file}`)), 'here');
    await expect(openDataset(root, 'auto')).rejects.toThrow(reason);
  });

  it('are found beside images in formats that are not read, which are counted', async () => {
    const root = await images([...twoClasses(''), 'cat/3.jfif', 'cat/4.bmp', 'dog/3.jp2', 'dog/4.HEIC', 'emu/1.jxl']);
    const [only, ...others] = (await findDatasets((await walk(root)).root)).datasets;
    expect(others).toEqual([]);
    expect(only?.dataset.splits.get('all')).toHaveLength(6);
    expect(only?.dataset.warnings).toEqual([
      '3 images are .heic or .jp2 or .jxl, which is not read; convert them to PNG or JPEG.',
    ]);
  });

  it('are found with files about them in each class', async () => {
    const root = await images([...twoClasses(''), 'cat/README.md', 'dog/LICENSE', 'dog/license.txt']);
    expect((await findDatasets((await walk(root)).root)).datasets).toHaveLength(1);
  });

  it('are counted by a search with their small splits', async () => {
    const root = await images([...twoClasses('train/'), 'val/cat/1.png', 'val/dog/1.png', 'test/dog/1.png']);
    const [found] = (await findDatasets((await walk(root)).root)).datasets;
    const sizes = (dataset: Dataset | undefined) =>
      [...(dataset?.splits ?? [])].map(([name, { length }]) => [name, length]);
    expect(sizes(found?.dataset)).toEqual([
      ['test', 1],
      ['train', 4],
      ['val', 2],
    ]);
    expect(sizes(found?.dataset)).toEqual(sizes(await openDataset(root, 'auto')));
  });

  it('leave masks out that lie beside the images of a class', async () => {
    const classes = ['COVID', 'Normal'].flatMap((name) =>
      ['images/1.png', 'images/2.png', 'masks/1.png', 'masks/2.png'].map((file) => `${name}/${file}`),
    );
    const { splits, warnings } = await openDataset(await images(classes), 'auto');
    expect(splits.get('all')?.map(({ id }) => id)).toEqual(classes.filter((file) => file.includes('/images/')));
    expect(warnings).toEqual(['4 images in folders called masks were left out.']);
    const alone = ['mask/1.png', 'mask/2.png', 'face/1.png', 'face/masks/2.png'];
    expect((await openDataset(await images(alone), 'auto')).splits.get('all')).toHaveLength(3);
  });

  it('leave masks out that are called after the images beside them', async () => {
    const scans = ['benign', 'normal'].flatMap((name) =>
      ['(1).png', '(1)_mask.png', '(1)_mask_1.png', '(2).png'].map((file) => `${name}/${name} ${file}`),
    );
    const { splits, warnings } = await openDataset(await images([...scans, 'benign/face_mask.png']), 'auto');
    expect(splits.get('all')?.map(({ id }) => id)).toEqual([
      ...['benign/benign (1).png', 'benign/benign (2).png', 'benign/face_mask.png'],
      ...['normal/normal (1).png', 'normal/normal (2).png'],
    ]);
    expect(warnings).toEqual([
      '4 masks that are called after images beside them, such as benign (1)_mask.png, were left out.',
    ]);
  });

  it('are read with the splits in each of them', async () => {
    const root = await images(
      ['train/1.png', 'train/2.png', 'test/3.png'].flatMap((file) => [`cat/${file}`, `dog/${file}`]),
    );
    const dataset = await openDataset(root, 'auto');
    expect(dataset.classes).toEqual(['cat', 'dog']);
    const { name, samples } = chooseSplit(dataset);
    expect([name, samples.map(({ id, label }) => [id, label])]).toEqual([
      'train',
      [
        ['cat/train/1.png', 0],
        ['cat/train/2.png', 0],
        ['dog/train/1.png', 1],
        ['dog/train/2.png', 1],
      ],
    ]);
    expect(dataset.splits.get('test')).toHaveLength(2);
  });

  it('in versions of the same images are datasets of their own', async () => {
    const root = await images(['color', 'grayscale'].flatMap((version) => twoClasses(`${version}/`)));
    await expect(openDataset(root, 'auto')).rejects.toThrow('but in color, grayscale: name one of them');
    const { datasets } = await findDatasets((await walk(root)).root);
    expect(datasets.map(({ path: found }) => path.basename(found))).toEqual(['color', 'grayscale']);
  });

  it('in styles, each with more classes than these are, are datasets of their own', async () => {
    const styles = ['photo', 'sketch'].flatMap((style) =>
      ['dog', 'horse', 'house'].flatMap((name) => [`${style}/${name}/1.png`, `${style}/${name}/2.png`]),
    );
    const root = await images(styles);
    const { datasets } = await findDatasets((await walk(root)).root);
    expect(datasets.map(({ path: found }) => path.basename(found))).toEqual(['photo', 'sketch']);
    const { classes, warnings } = await openDataset(root, 'auto');
    expect(classes).toEqual(['photo', 'sketch']);
    expect(warnings).toEqual([expect.stringContaining('photo with all that is in dog, horse, house; if these are')]);
  });

  it('may have a list beside the images of each', async () => {
    const root = await images(
      ['cat', 'dog'].flatMap((name) => [`${name}/1.png`, `${name}/2.png`, `${name}/GT-${name}.csv`]),
    );
    const { datasets } = await findDatasets((await walk(root)).root);
    expect(datasets.map(({ path: found, dataset }) => [found, dataset.classes])).toEqual([[root, ['cat', 'dog']]]);
  });

  it.each([
    ['with splits', [...twoClasses('view/train/'), 'store/1.png'], 'but in view: name one of them'],
    ['of images', [...twoClasses('birds/images/'), 'segmentations/cat/1.png'], 'but in birds/images: name one of them'],
  ])('%s are no class of a folder around them', async (_, files, reason) => {
    await expect(openDataset(await images(files), 'auto')).rejects.toThrow(reason);
  });

  it('that look like datasets of their own are told', async () => {
    const root = await images([...twoClasses('pets/'), 'flowers/daisy/1.png', 'flowers/rose/1.png']);
    const { classes, warnings } = await openDataset(root, 'auto');
    expect(classes).toEqual(['flowers', 'pets']);
    expect(warnings).toEqual([expect.stringContaining('flowers with all that is in daisy, rose; if these are')]);
    const years = ['cat/2019/1.png', 'cat/2020/1.png', 'dog/2019/1.png', 'dog/2020/1.png'];
    expect((await openDataset(await images(years), 'auto')).warnings).toEqual([]);
    // Patients may be meant, or what their images show.
    const patients = ['10253', '10254', '10255'].flatMap((name) => [`${name}/0/1.png`, `${name}/1/2.png`]);
    const dataset = await openDataset(await images(patients), 'auto');
    expect(dataset.classes).toEqual(['10253', '10254', '10255']);
    expect(dataset.warnings).toEqual([expect.stringContaining('10253 with all that is in 0, 1; if these are')]);
  });

  it.each([
    ['splits in folders of their own', ['seg_train/seg_train/', 'seg_test/seg_test/', 'seg_pred/seg_pred/x/']],
    ['pieces', ['HAM10000_images_part_1/', 'HAM10000_images_part_2/']],
    ['numbered pieces', ['images_001/images/', 'images_002/images/']],
  ])('are not %s', async (name, folders) => {
    const inside = name.startsWith('splits') ? twoClasses('') : ['1.png', '2.png', '3.png'];
    const root = await images(folders.flatMap((folder) => inside.map((file) => folder + file)));
    await expect(openDataset(root, 'auto')).rejects.toThrow('no dataset here');
  });

  it('are found anywhere in a workspace, with hostile names', async () => {
    const hostile = ['<img src=x onerror=alert(1)>', 'it\'s "quoted"', '猫 и собака'];
    const files = hostile.flatMap((name) => [`deep/er/set/${name}/1.png`, `deep/er/set/${name}/2.png`]);
    const root = await images([...files, 'docs/images/a.png', 'docs/images/b.png', 'docs/text/c.md', 'src/a.py']);
    const { datasets } = await findDatasets((await walk(root)).root);
    expect(datasets.map((dataset) => summarizeDataset(dataset, root))).toEqual([
      {
        id: 'deep/er/set',
        name: 'set',
        path: path.join(root, 'deep/er/set'),
        format: 'class-folders',
        task: 'image-classification',
        reason: 'images in one folder per class: 3 class folders',
        samples: 6,
        classes: 3,
        splits: { all: 6 },
      },
    ]);
    expect(datasets[0]?.dataset.classes).toEqual([...hostile].sort());
  });

  it('are found however many there are', async () => {
    // As a walk gives them: names, of which nothing is opened.
    const files = Array.from({ length: 1000 }, (_, index) => `${index}.jpg`);
    const folder = (at: string, folders: readonly Folder[], own: readonly string[] = []): Folder => {
      return { path: at, name: path.basename(at), folders, files: own };
    };
    const classes = Array.from({ length: 200 }, (_, index) => folder(`/w/data/big/n${index}`, [], files));
    const root = folder('/w', [folder('/w/data', [folder('/w/data/big', classes)])]);
    const { datasets, skipped } = await findDatasets(root);
    expect(skipped).toEqual([]);
    expect(datasets).toMatchObject([{ dataset: { path: '/w/data/big' } }]);
    expect(datasets[0]?.dataset.splits.get('all')).toHaveLength(200_000);
  });

  it('do not take the pictures of a web site for a dataset', async () => {
    const site = ['a', 'b'].flatMap((page) => [`site/${page}/1.png`, `site/${page}/2.png`, `site/${page}/index.html`]);
    expect((await findDatasets((await walk(await images(site))).root)).datasets).toEqual([]);
  });
});
