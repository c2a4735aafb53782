import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { voc } from '../../../../../src/engine/datasets/layouts/voc.ts';
import { copyOfMiniature, folderWith, miniature, openFolder, splitSizes } from '../../../../helpers/miniatures.ts';

describe('PASCAL VOC', () => {
  it('gives every class of an image, hard ones aside', async () => {
    const { splits } = await openFolder(voc, miniature('VOCdevkit/VOC2007'));
    expect(splits.get('train')?.map(({ label, labels }) => [label, labels])).toEqual([
      [0, [0, 2]],
      [1, [1]],
      [2, [2]],
      [0, [0]],
    ]);
  });

  it('tells of images with hard classes only, and takes trainval where train is missing', async () => {
    const folder = await copyOfMiniature('VOCdevkit/VOC2007');
    const main = path.join(folder, 'ImageSets', 'Main');
    for (const name of ['car', 'dog', 'person']) await rm(path.join(main, `${name}_train.txt`));
    await rm(path.join(main, 'train.txt'));
    await writeFile(path.join(main, 'dog_trainval.txt'), '000001 -1\r\n000002  0\r\nwhat is this\r\n');
    await writeFile(path.join(main, 'person_trainval.txt'), '000001  1\r\n000002  0\r\n');
    const dataset = await openFolder(voc, folder);
    expect(splitSizes(dataset)).toEqual({ trainval: 2, test: 2 });
    expect(dataset.warnings).toEqual([
      '1 of 9 rows can not be understood; the first: dog_trainval.txt:3: what is this',
      '4 of 9 rows name images without any class that is easy to see; the first: car_trainval.txt:2: 000002',
    ]);
  });
});

describe('PASCAL VOC without the lists of its classes', () => {
  const object = (name: string, inside = '') => `<object>\n\t<name>${name}</name>${inside}</object>`;
  const annotation = (...objects: string[]) =>
    `<annotation><filename>x.jpg</filename><!-- ${object('hidden')} -->${objects.join('\r\n')}</annotation>\r\n`;
  const FILES = {
    'JPEGImages/000001.jpg': '',
    'JPEGImages/000002.jpg': '',
    'JPEGImages/000003.JPG': '',
    'JPEGImages/000004.png': '',
    'Annotations/000001.xml': annotation(object('dog'), object('cat', '<difficult>1</difficult>'), object('dog')),
    'Annotations/000002.xml': annotation(object('person', '<part><name>head</name></part>'), object('cat')),
    'Annotations/000003.xml': annotation(object('cow', '<difficult>1</difficult>')),
    'Annotations/000004.xml': annotation(object('sheep'), object('cat')).slice(0, -20),
  };
  const read = async (files: Readonly<Record<string, string>>) => {
    const dataset = await openFolder(voc, await folderWith(files));
    const samples = [...dataset.splits].flatMap(([split, all]) => all.map((sample) => ({ split, ...sample })));
    const rows = samples.map(({ split, id, label, labels = [label] }) => [
      `${split} ${path.basename(id)}`,
      ...labels.map((index) => dataset.classes[index]),
    ]);
    return { rows, warnings: dataset.warnings };
  };

  it('takes the objects of all annotations where there is no list at all', async () => {
    expect(await read({ ...FILES, 'Annotations/000003.xml': annotation(object('cow')) })).toEqual({
      rows: [
        ['all 000001.jpg', 'dog'],
        ['all 000002.jpg', 'person', 'cat'],
        ['all 000003.JPG', 'cow'],
      ],
      warnings: ['1 of 4 rows have no annotation of objects that can be understood; the first: 000004.xml: 000004'],
    });
  });

  it('takes the splits from lists of images', async () => {
    const lists = {
      'ImageSets/Main/train.txt': '000001\r\n000002\r\n',
      'ImageSets/Main/val.txt': '000003\n000009\n',
      'ImageSets/Main/trainval.txt': '000001\n000002\n000003\n',
    };
    const { rows, warnings } = await read({ ...FILES, ...lists });
    expect(rows).toEqual([
      ['train 000001.jpg', 'dog'],
      ['train 000002.jpg', 'person', 'cat'],
    ]);
    expect(warnings).toEqual([
      '1 of 4 rows name images without any class that is easy to see; the first: val.txt:1: 000003',
      '1 of 4 rows have no annotation of objects that can be understood; the first: val.txt:2: 000009',
    ]);
  });

  it('reads the one split by its lists of classes, and the other by its annotations', async () => {
    const lists = {
      'ImageSets/Main/dog_trainval.txt': '000001  1\n000002 -1\n',
      'ImageSets/Main/bird_trainval.txt': '000001 -1\n000002  1\n',
      'ImageSets/Main/trainval.txt': '000001\n000002\n',
      'ImageSets/Main/test.txt': '000002\n',
    };
    expect((await read({ ...FILES, ...lists })).rows).toEqual([
      ['trainval 000001.jpg', 'dog'],
      ['trainval 000002.jpg', 'bird'],
      ['test 000002.jpg#2', 'person', 'cat'],
    ]);
  });
});
