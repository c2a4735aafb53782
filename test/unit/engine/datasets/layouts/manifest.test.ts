import { symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../../../src/engine/datasets/dataset.ts';
import { manifest } from '../../../../../src/engine/datasets/layouts/manifest.ts';
import { findDatasets, openDataset } from '../../../../../src/engine/datasets/open.ts';
import { InputError } from '../../../../../src/engine/errors.ts';
import { walk } from '../../../../../src/engine/files/walk.ts';
import {
  classNames,
  folderWith,
  miniature,
  openFolder,
  pixelOf,
  recogniseFolder,
  splitSizes,
} from '../../../../helpers/miniatures.ts';

const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#f00' } })
  .png()
  .toBuffer();

/** A folder with tables and with images of these names. */
function folderOf(tables: Readonly<Record<string, string>>, images: readonly string[]): Promise<string> {
  return folderWith({ ...tables, ...Object.fromEntries(images.map((name) => [name, png])) });
}

async function opened(tables: Readonly<Record<string, string>>, images: readonly string[]): Promise<Dataset> {
  return openFolder(manifest, await folderOf(tables, images));
}

const TWO = ['images/a.png', 'images/b.png'];

describe('manifests', () => {
  it('are one CSV for each split', async () => {
    const recognition = await recogniseFolder(manifest, miniature('manifest'), false);
    expect(recognition?.reason).toBe('images listed in test.csv, train.csv (image: image, class: label)');
    const dataset = await openFolder(manifest, miniature('manifest'));
    expect(dataset).toMatchObject({ format: 'manifest', task: 'image-classification', warnings: [] });
    expect(dataset.classes).toEqual(['cat', 'dog', 'großer Bär']);
    expect(splitSizes(dataset)).toEqual({ test: 3, train: 6 });
    const sample = dataset.splits.get('train')?.[5];
    expect([sample?.id, sample?.label]).toEqual(['images/005.png', 2]);
    expect(await pixelOf(sample)).toEqual({ width: 8, height: 8, pixel: [80, 100, 100] });
  });

  it('are JSON Lines with several classes, the images elsewhere and with endings in capitals', async () => {
    const dataset = await openFolder(manifest, miniature('manifest-jsonl'));
    expect(dataset.classes).toEqual(['indoor', 'outdoor', 'person']);
    expect(
      dataset.splits
        .get('all')
        ?.map(({ id, label, labels }) => [id, label, labels])
        .slice(3, 5),
    ).toEqual([
      ['train2014/IMG_3.JPG', 1, [1]],
      ['train2014/IMG_4.JPG', 0, [0, 2]],
    ]);
  });

  it('are an object of JSON with the class of each image, or all of them, by its name', async () => {
    const file = (cat: unknown, dog: unknown) => ({
      'labels.json': JSON.stringify({ 'a.png': cat, 'images/b.png': dog }),
    });
    expect(classNames(await opened(file('cat', 'dog'), TWO), 'all')).toEqual(['cat', 'dog']);
    expect(classNames(await opened(file(1, 0), TWO), 'all')).toEqual(['1', '0']);
    const dataset = await opened(file(['cat', 'a dog'], ['bird']), TWO);
    expect(dataset.classes).toEqual(['a dog', 'bird', 'cat']);
    expect(dataset.splits.get('all')?.map(({ labels }) => labels)).toEqual([[2, 0], [1]]);
    // As the tools of web pages list what they made of a file.
    expect(await recogniseFolder(manifest, await folderOf(file('a.1f3.png', 'b.2c4.png'), TWO))).toBeUndefined();
  });

  it('are a list in an object of JSON, and lists of classes in CSV', async () => {
    const rows = [
      { file: 'a.png', label: 'cat' },
      { file: 'b.png', label: 'dog' },
    ];
    expect(
      classNames(await opened({ 'x.json': JSON.stringify({ version: 1, annotations: rows }) }, TWO), 'all'),
    ).toEqual(['cat', 'dog']);
    const csv = `image,labels\na.png,"['cat', 'dog']"\nb.png,"['a bird']"\n`;
    const dataset = await opened({ 'x.csv': csv }, TWO);
    expect(dataset.classes).toEqual(['a bird', 'cat', 'dog']);
    expect(dataset.splits.get('all')?.map(({ labels }) => labels)).toEqual([[1, 2], [0]]);
  });

  it('are metadata.csv in the folders of the splits', async () => {
    const dataset = await openFolder(manifest, miniature('manifest-metadata'));
    expect(splitSizes(dataset)).toEqual({ test: 2, train: 4 });
    expect(dataset.splits.get('test')?.map(({ id }) => id)).toEqual(['test/0000.png', 'test/0001.png']);
  });

  it.each([
    ['commas', 'a.csv', 'image,label\nimages/a.png,cat\nimages/b.png,dog\n'],
    ['tabs', 'a.tsv', 'Filename\tClass\nimages/a.png\tcat\nimages/b.png\tdog'],
    ['tabs in a .csv', 'a.csv', 'path\tcategory\r\nimages/a.png\tcat\r\nimages/b.png\tdog\r\n'],
    ['semicolons', 'a.csv', 'img;target\nimages/a.png;cat\nimages/b.png;dog\n'],
    ['bars', 'a.csv', 'file|class_id|class_name\nimages/a.png|0|cat\nimages/b.png|1|dog\n'],
    ['quotes', 'a.csv', '"image","label"\n"images/a.png","cat"\n"images/b.png","dog"\n'],
    ['no header', 'a.csv', 'images/a.png,cat\nimages/b.png,dog\n'],
    ['neither header nor endings', 'TrainingLabels.csv', 'a,cat\nb,dog\n'],
    ['no endings', 'train_labels.csv', 'id,breed\na,cat\nb,dog\n'],
    ['a row of nothing, as spreadsheets leave', 'a.csv', 'image,label\na.png,cat\n \n,\nb.png,dog\n,\n'],
    ['numbers and names of images', 'a.csv', 'image_id,file_name,label\n17,a.png,cat\n18,b.png,dog\n'],
    ['the columns of APTOS', 'train.csv', 'id_code,diagnosis\na,cat\nb,dog\n'],
    ['the columns of HAM10000', 'a.csv', 'lesion_id,image_id,dx,dx_type\n1,a,cat,x\n2,b,dog,x\n'],
    ['numbers and names of classes', 'a.csv', 'filename,Classes,Labels\na.png,cat,0\nb.png,dog,1\n'],
    ['a column for each class', 'a.csv', 'image,cat,dog\na,1.0,0.0\nb,0.0,1.0\n'],
    ['a column for each class and the split', 'train.csv', 'ID,set,cat,dog\na,train,1,0\nb,train,-1,1\n'],
    ['Windows paths', 'a.csv', 'image,label\nimages\\a.png,cat\n.\\images\\b.png,dog\n'],
    ['a JSON array', 'a.json', '\uFEFF[{"image": "a.png", "label": "cat"},\n {"image": "b.png", "label": "dog"}]'],
    ['JSON Lines', 'a.jsonl', '{"file_name": "a.png", "label": "cat"}\n\n{"file_name": "b.png", "label": "dog"}\n'],
    ['JSON Lines as JSON', 'a.json', '{"image": "a.png", "label": "cat"}\n{"image": "b.png", "label": "dog"}\n'],
    ['a folder for tables', 'annotations/a.csv', 'image,label\n../images/a.png,cat\nb.png,dog\n'],
  ])('may be written with %s', async (_, name, text) => {
    const dataset = await opened({ [name]: text }, TWO);
    const [split = ''] = dataset.splits.keys();
    expect(dataset.splits.get(split)?.map(({ id }) => id)).toEqual(TWO);
    expect(classNames(dataset, split)).toEqual(['cat', 'dog']);
    expect(dataset.warnings).toEqual([]);
  });

  it('may tell the split in a column, and number the classes', async () => {
    const rows = ['image,label,split', 'images/a.png,10,train', 'images/b.png,9,val', 'images/a.png,9,test'];
    const dataset = await opened({ 'a.csv': rows.join('\n') }, TWO);
    expect(dataset.classes).toEqual(['9', '10']);
    expect(splitSizes(dataset)).toEqual({ train: 1, val: 1, test: 1 });
  });

  it.each([
    ['absolute', (root: string) => `${root}/images/`],
    ['absolute on another machine', () => '/content/drive/My Drive/pets/images/'],
    ['absolute on Windows', () => 'C:\\Users\\Ada\\pets\\images\\'],
    ['relative to the folder around it', (root: string) => `${path.basename(root)}/images/`],
    ['relative to a folder beside it', (root: string) => `../${path.basename(root)}/images/`],
  ])('may name images by paths that are %s', async (_, prefix) => {
    const root = await folderOf({}, TWO);
    const rows = ['image,label', `${prefix(root)}a.png,cat`, `${prefix(root)}b,dog`, `/elsewhere/images/a.png,cat`];
    await writeFile(path.join(root, 'a.csv'), rows.join('\n'));
    const dataset = await openDataset(root, 'auto');
    expect(dataset.splits.get('all')?.map(({ id }) => id)).toEqual(TWO);
    expect(dataset.warnings).toEqual([expect.stringContaining('1 of 3 rows name images that are not there')]);
  });

  it('name no image that only has the name of one elsewhere', async () => {
    const table = 'image,label\na.png,cat\n/data/val/b.png,dog\nval/b.png,dog\n';
    const dataset = await opened({ 'a.csv': table }, ['a.png', 'b.png']);
    expect(dataset.splits.get('all')?.map(({ id }) => id)).toEqual(['a.png']);
  });

  it('may mark several classes of an image, or none', async () => {
    const rows = ['image_id,healthy,rust,scab', 'a,0,1,1', 'b,1,0,0', 'a,0,0,0'];
    const dataset = await opened({ 'a.csv': rows.join('\n') }, TWO);
    expect(dataset.classes).toEqual(['healthy', 'rust', 'scab']);
    expect(dataset.splits.get('all')?.map(({ labels }) => labels)).toEqual([[1, 2], [0]]);
    expect(dataset.warnings).toEqual(['1 of 3 rows have no class; the first: a.csv:4: a']);
  });

  it.each(['Set', 'data set', 'phase', 'Usage', 'fold'])('may tell the split in a column called %s', async (name) => {
    const dataset = await opened({ 'a.csv': `image,label,${name}\na,cat,train\nb,dog,val\n` }, TWO);
    expect(splitSizes(dataset)).toEqual({ train: 1, val: 1 });
    const numbered = await opened({ 'a.csv': `image,label,${name}\na,cat,1\nb,dog,2\n` }, TWO);
    expect(splitSizes(numbered)).toEqual({ all: 2 });
  });

  it('may name an image again, which is told, and mark classes in lists', async () => {
    const boxes = 'filename,class,xmin\nimages/a.png,cat,1\nimages/a.png,dog,2\nimages/b.png,cat,3\n';
    const { splits, warnings } = await opened({ 'a.csv': boxes }, TWO);
    expect(splits.get('all')?.map(({ id }) => id)).toEqual(['images/a.png', 'images/a.png#2', 'images/b.png']);
    expect(warnings).toEqual([expect.stringMatching(/^Rows that name an image again: 1; each is a sample of its own/)]);
    const row = (image: string, labels: number[]) => JSON.stringify({ image, labels });
    const rows = [row('images/a.png', [0, 1, 0, 1]), row('images/b.png', [1, 0, 0, 0])];
    const marked = await opened({ 'a.jsonl': rows.join('\n') }, TWO);
    expect(marked.splits.get('all')?.map(({ labels }) => labels?.map((label) => marked.classes[label]))).toEqual([
      ['1', '3'],
      ['0'],
    ]);
  });

  it('are lists with an image and its class per line', async () => {
    const train = 'images/0.png 0\nimages/1 b.png\t1\n\nimages/2.png,1\nimages/3.png\n';
    const files = { 'images/0.png': png, 'images/1 b.png': png, 'images/2.png': png, 'images/3.png': png };
    const lists = { 'train.txt': train.replace('images/3.png\n', ''), 'val_list.txt': 'images/3.png 0\n' };
    const folder = await folderWith({ ...files, ...lists, 'classes.txt': 'cat\ndog\n' });
    const dataset = await openDataset(folder, 'auto');
    expect(dataset).toMatchObject({ format: 'manifest', classes: ['cat', 'dog'], warnings: [] });
    expect(classNames(dataset, 'train')).toEqual(['cat', 'dog', 'dog']);
    expect(splitSizes(dataset)).toEqual({ train: 3, val: 1 });
    // Boxes of objects, and paths alone, are no classes; numbers may be those of splits.
    const splits = await folderWith({ ...files, 'list_eval_partition.txt': lists['train.txt'] });
    expect((await findDatasets((await walk(splits)).root)).datasets).toEqual([]);
    for (const list of ['images/0.png 1,2,3,4,0\n', 'images/0.png\nimages/2.png\n', train]) {
      const other = await folderWith({ ...files, 'train.txt': list });
      expect((await findDatasets((await walk(other)).root)).datasets).toEqual([]);
    }
  });

  it('take no other column for the names of numbered classes', async () => {
    const rows = (column: string, ...names: string[]) =>
      ['image,label', 'a,0', 'b,1', 'a,0'].map((row, index) => `${row},${[column, ...names][index]}`).join('\n');
    const classes = async (csv: string) => (await opened({ 'a.csv': csv }, TWO)).classes;
    expect(await classes(rows('class', 'cat', 'dog', 'cat'))).toEqual(['cat', 'dog']);
    expect(await classes(rows('class', 'cat', 'dog', 'bird'))).toEqual(['0', '1']);
    expect(await classes(rows('diagnosis', 'nevus', 'melanoma', 'nevus'))).toEqual(['0', '1']);
  });

  it('name numbered classes by the folders of their images, where each has one', async () => {
    const files = ['sketch/cat/1.png', 'sketch/cat/2.png', 'sketch/dog/1.png'];
    const list = (...labels: number[]) => files.map((file, row) => `${file} ${labels[row]}\n`).join('');
    expect((await opened({ 'train.txt': list(7, 7, 5) }, files)).classes).toEqual(['dog', 'cat']);
    expect((await opened({ 'train.txt': list(7, 5, 5) }, files)).classes).toEqual(['5', '7']);
    const splits = { 'list.txt': 'train/1.png 0\ntest/2.png 1\n' };
    expect((await opened(splits, ['train/1.png', 'test/2.png'])).classes).toEqual(['0', '1']);
  });

  it('take the names of numbered classes from a list beside them', async () => {
    const tables = { 'a.csv': 'image,label\na,1\nb,0\n', 'classes.txt': 'cat\r\ndog\r\n' };
    const dataset = await opened(tables, TWO);
    expect(dataset.classes).toEqual(['cat', 'dog']);
    expect(classNames(dataset, 'all')).toEqual(['dog', 'cat']);
  });

  it('take the names of numbered classes from the dataset card', async () => {
    const card = ['---', '  - name: label', '    dtype:', '      class_label:', '        names:', "          '0': cat"];
    const tables = {
      'a.csv': 'image,label\na,1\nb,0\n',
      'README.md': [...card, "          '1': dog", '---'].join('\n'),
    };
    expect(classNames(await opened(tables, TWO), 'all')).toEqual(['dog', 'cat']);
  });

  it('are refused where the labels are measurements', async () => {
    const rows = Array.from({ length: 30 }, (_, row) => `a,${row / 7}`);
    await expect(opened({ 'a.csv': `image,label\n${rows.join('\n')}` }, TWO)).rejects.toThrow(
      /^a\.csv:\d+: more than 20 different numbers with fractions are no classes but measurements/,
    );
  });

  it('may tell images to validate with by true and false', async () => {
    const dataset = await opened({ 'a.csv': 'name,fname,label,is_valid\n1,a,cat,False\n2,b,dog,True\n' }, TWO);
    expect(splitSizes(dataset)).toEqual({ train: 1, valid: 1 });
  });

  it('prefer the images of the split among images of the same name', async () => {
    const tables = { 'train.csv': 'image,label\n1.png,cat\n2.png,dog', 'test.csv': 'image,label\n1.png,cat' };
    const dataset = await opened(tables, ['test/1.png', 'train/1.png', 'train/2.png']);
    expect(dataset.splits.get('test')?.map(({ id }) => id)).toEqual(['test/1.png']);
    expect(dataset.splits.get('train')?.map(({ id }) => id)).toEqual(['train/1.png', 'train/2.png']);
  });

  it.each([
    ['the name of the table', 'train.csv', ['test_images/', 'train_images/'], 'train_images/'],
    ['the name of the table, deeper', 'val_labels.csv', ['data/test/', 'data/train/', 'data/valid/'], 'data/valid/'],
    ['neither, as Kaggle has it', 'labels.csv', ['test/', 'train/'], 'train/'],
  ])('name images of the split that is told by %s', async (_, table, folders, own) => {
    const images = folders.flatMap((folder) => [`${folder}1.png`, `${folder}2.png`]);
    const dataset = await opened({ [table]: 'id,label\n1,cat\n2,dog\n' }, images);
    expect([...dataset.splits.values()].flat().map(({ id }) => id)).toEqual([`${own}1.png`, `${own}2.png`]);
  });

  it('name images of the split that a column tells, and none of another', async () => {
    const rows = ['image,label,split', '1.png,cat,val', '1.png,dog,train', '2.png,dog,val'];
    const dataset = await opened({ 'a.csv': rows.join('\n') }, ['train/1.png', 'train/2.png', 'val/1.png']);
    const ids = [...dataset.splits].map(([split, samples]) => [split, ...samples.map(({ id }) => id)]);
    expect(ids).toEqual([
      ['val', 'val/1.png'],
      ['train', 'train/1.png'],
    ]);
    expect(dataset.warnings).toEqual(['1 of 3 rows name images that are not there; the first: a.csv:4: 2.png']);
  });

  it('count the rows that they pass over, and show the first', async () => {
    const rows = [
      'image,label',
      'images/a.png,cat',
      'images/gone.png,cat',
      '/etc/passwd,cat',
      '../../outside.png,dog',
      'images/b.png,',
      'images/b.png',
      ',dog',
      'images/b.png,"dog, brown"',
    ];
    const dataset = await opened({ 'a.csv': rows.join('\n') }, TWO);
    expect(dataset.classes).toEqual(['cat', 'dog, brown']);
    expect(dataset.warnings).toEqual([
      '3 of 8 rows name images that are not there; the first: a.csv:3: images/gone.png',
      '1 of 8 rows have no class; the first: a.csv:6: images/b.png',
      '1 of 8 rows have fewer values than there are columns; the first: a.csv:7: images/b.png',
      '1 of 8 rows name no image; the first: a.csv:8',
    ]);
  });

  it('pass over lines that are not JSON', async () => {
    const rows = [
      '{"image": "a.png", "label": 1}',
      '{"image": "b.png", ',
      '{"image": 7}',
      '{"image": "b.png", "label": 0}',
    ];
    const dataset = await opened({ 'a.jsonl': rows.join('\n') }, TWO);
    expect(splitSizes(dataset)).toEqual({ all: 2 });
    expect(dataset.warnings).toEqual([
      '1 of 4 rows are not JSON; the first: a.jsonl:2',
      '1 of 4 rows have no class; the first: a.jsonl:3: 7',
    ]);
  });

  it('are a choice where there are several', async () => {
    const table = 'image,label\nimages/a.png,cat\nimages/b.png,dog';
    const folder = await folderOf({ 'a.csv': table, 'b.csv': `${table}\nimages/b.png,cow` }, TWO);
    const dataset = await openDataset(folder, 'auto');
    expect(splitSizes(dataset)).toEqual({ all: 2 });
    expect(dataset.warnings).toEqual([expect.stringContaining(`can be named instead: ${path.join(folder, 'b.csv')}.`)]);
    expect((await openDataset(path.join(folder, 'b.csv'), 'auto')).classes).toEqual(['cat', 'cow', 'dog']);
  });

  it('reach images behind a link', async () => {
    const elsewhere = await folderOf({}, ['a.png', 'b.png']);
    const folder = await folderOf({ 'a.csv': 'image,label\nimages/a.png,cat\nimages/b.png,dog' }, []);
    await symlink(elsewhere, path.join(folder, 'images'));
    expect(splitSizes(await openFolder(manifest, folder))).toEqual({ all: 2 });
  });

  it.each([
    [
      'another delimiter in the rows',
      { 'a.csv': 'image,label\nimages/a.png;cat\nimages/b.png;dog\n' },
      'a.csv:2: 1 value where the header names 2 columns, separated by commas; separate them in the same way throughout.',
    ],
    [
      'another delimiter in the rows below names that may be those of other files',
      { 'a.csv': 'filename,label\na.png;cat\nb.png;dog\n' },
      'a.csv:2: 1 value where the header names 2 columns, separated by commas; separate them in the same way throughout.',
    ],
    [
      'an unknown delimiter',
      { 'a.csv': 'image^label\nimages/a.png^cat\n' },
      'a.csv:1: one column, "image^label"; separate the columns with commas, tabs, semicolons or bars.',
    ],
    [
      'a quote that stays open',
      { 'a.csv': 'image,label\nimages/a.png,cat\nimages/b.png,"dog\nimages/b.png,dog\n' },
      'a.csv:3: a quote (") is opened in this row and never closed; close or remove it.',
    ],
    [
      'JSON that ends early',
      { 'a.json': '[{"image": "a.png", "label": 1}, {"image": ' },
      'a.json: not JSON after entry 1 (it ends early); save it again as JSON.',
    ],
    [
      'a line without end',
      { 'a.jsonl': `{"image": "a.png", "label": 1}\n"${'x'.repeat(9 * 1024 * 1024)}` },
      'a.jsonl:2: more than 8 MB in one line; break it up.',
    ],
  ])('are refused for %s', async (_, tables, message) => {
    await expect(opened(tables, TWO)).rejects.toThrow(new InputError(message));
  });

  it('are refused when they name no image that is there', async () => {
    await expect(opened({ 'a.csv': 'image,label\nx.png,cat\ny.png,dog\n' }, TWO)).rejects.toThrow(
      'no labelled image is left (2 of 2 rows name images that are not there; the first: a.csv:2: x.png)',
    );
  });

  it.each([
    ['captions', 'image,caption,label\nimages/a.png,a cat,1\n'],
    ['other images', 'image,label\nx.png,cat\n'],
    ['no classes', 'image,width\nimages/a.png,8\n'],
    ['numbers', 'image,width,height\nimages/a.png,1,8\n'],
    ['no images', 'text,label\nfine,1\n'],
    ['one endless line', 'x'.repeat(100_000)],
  ])('are not seen in a table of %s that a search comes by', async (_, text) => {
    expect(await recogniseFolder(manifest, await folderOf({ 'a.csv': text }, TWO), false)).toBeUndefined();
  });

  it('are not Kaggle’s patterns for predictions', async () => {
    const pattern = { 'sample_submission.csv': 'id,label\na,0.5\nb,0.5\n' };
    const images = ['test/a.png', 'test/b.png', 'train/cat/1.png', 'train/dog/1.png'];
    expect(await openDataset(await folderOf(pattern, images), 'auto')).toMatchObject({ classes: ['cat', 'dog'] });
    const table = { 'train.csv': 'id,label\n1,cat\n2,dog\n' };
    const flat = ['test/a.png', 'test/b.png', 'train/1.png', 'train/2.png'];
    const dataset = await openDataset(await folderOf({ ...pattern, ...table }, flat), 'auto');
    expect(dataset.classes).toEqual(['cat', 'dog']);
    expect(splitSizes(dataset)).toEqual({ train: 2 });
  });

  it('leave a dataset in a folder beside to that folder', async () => {
    const folder = await folderOf({ 'data/a.csv': 'image,label\na.png,cat\nb.png,dog' }, ['data/a.png', 'data/b.png']);
    expect(await recogniseFolder(manifest, folder, false)).toBeUndefined();
    expect(await recogniseFolder(manifest, path.join(folder, 'data'), false)).toBeDefined();
    expect(splitSizes(await openFolder(manifest, folder))).toEqual({ all: 2 });
  });
});
