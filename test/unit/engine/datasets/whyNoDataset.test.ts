import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findDatasets, openDataset } from '../../../../src/engine/datasets/open.ts';
import { InputError } from '../../../../src/engine/errors.ts';
import { walk } from '../../../../src/engine/files/walk.ts';
import { copyOfMiniature, folderWith, miniature } from '../../../helpers/miniatures.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

describe('a file or folder that stands for no reading', () => {
  it.each(['annotations/captions_val2014.json', 'train2014/COCO_train2014_000000000000.jpg', 'train2014'])(
    '%s is told to be part of one',
    async (name) => {
      const [named, folder] = [miniature(`coco-captions/${name}`), miniature('coco-captions')];
      await expect(openDataset(named, 'auto')).rejects.toThrow(
        new InputError(`${named}: no dataset here, but there is one around it: name ${folder}.`),
      );
    },
  );

  it('is told to be part of several', async () => {
    const folder = await copyOfMiniature('squad1.1');
    await cp(miniature('squad2.0/train-v2.0.json'), path.join(folder, 'train-v2.0.json'));
    const named = [1, 2].map((version) => path.join(folder, `train-v${version}.${version === 1 ? 1 : 0}.json`));
    await expect(openDataset(path.join(folder, 'dev-v1.1.json'), 'auto')).rejects.toThrow(
      `there is one around it: name ${named.join(' or ')}.`,
    );
  });

  it('is not there', async () => {
    await expect(openDataset(miniature('coco-captions/nothing.json'), 'auto')).rejects.toThrow('no such folder');
  });

  it.each([
    ['reviews.csv', 'Id,Summary,Score\n1,good,5\n', ', for the columns of reviews.csv (Id, Summary, Score) don’t tell'],
    [
      'photos.csv',
      'image,label\na.jpg,cat\n',
      ', for the images that photos.csv names are not there; the first: a.jpg.',
    ],
    ['damaged.parquet', 'PAR1, and no more', ', for damaged.parquet: '],
    ['package.json', '{"name": "x", "files": ["dist"]}', '. Expected a table with a row per sample, or annotations'],
    ['notes.txt', 'hello\n', '. Expected a table with a row per sample, or annotations'],
  ])('is %s, which holds no samples', async (name, content, reason) => {
    const file = path.join(await folderWith({ [`a/b/${name}`]: content, 'a/b/other.csv': 'x,y\n1,2\n' }), 'a/b', name);
    await expect(openDataset(file, 'auto')).rejects.toThrow(`${file}: no dataset here${reason}`);
  });

  it('is a folder with a table whose columns say nothing beside its images', async () => {
    const folder = await folderWith({ 'images/1.png': '', 'train.csv': 'id_code,grade\n1,3\n' });
    await expect(openDataset(folder, 'auto')).rejects.toThrow(
      'no dataset here, for the columns of train.csv (id_code, grade) don’t tell what they hold. Call them',
    );
  });

  it('is an archive, or a further shard of a WebDataset', async () => {
    const folder = await folderWith({ 'a/b/code.tar': '', 'a/b/code.tar.gz': '' });
    for (const name of ['code.tar', 'code.tar.gz']) {
      await expect(openDataset(path.join(folder, 'a/b', name), 'auto')).rejects.toThrow('an archive. Unpack it');
    }
    const dataset = miniature('webdataset');
    await expect(openDataset(path.join(dataset, 'train-000001.tar'), 'auto')).rejects.toThrow(
      `no dataset here, but there is one around it: name ${dataset}.`,
    );
  });

  it('is a shard that has to be unpacked to a plain one', async () => {
    const folder = path.join(await folderWith({ 'a/b/0.tar.gz': '', 'a/b/1.tgz': '' }), 'a/b');
    const remedy = 'Of a shard of a WebDataset undo the compression alone (gunzip): a plain .tar is read as it is.';
    await expect(openDataset(folder, 'auto')).rejects.toThrow(`but an archive. Unpack 0.tar.gz first. ${remedy}`);
    await expect(openDataset(path.join(folder, '1.tgz'), 'auto')).rejects.toThrow(`that comes out. ${remedy}`);
  });

  it('is a shard that is damaged before its first sample', async () => {
    const shard = await readFile(miniature('webdataset/train-000000.tar'));
    const folder = path.join(await folderWith({ 'a/b/0.tar': shard.subarray(0, 600) }), 'a/b');
    const reason = 'no dataset here, for 0.tar: a damaged tar archive (it ends within a file); download it again.';
    for (const named of [folder, path.join(folder, '0.tar')]) {
      await expect(openDataset(named, 'auto')).rejects.toThrow(`${named}: ${reason}`);
    }
  });

  it('is a file of one that its folder stands for', async () => {
    for (const name of ['flickr-style/FlickrStyle_v0.9/humor/funny_train.txt', 'refcoco-data/refcoco/instances.json']) {
      const named = miniature(name);
      expect((await openDataset(named, 'auto')).path).toBe(path.dirname(named));
    }
  });

  it('is the text of a sample, or looks like a class', async () => {
    const [text, folder] = [miniature('aclImdb/train/pos/0_9.txt'), miniature('aclImdb')];
    await expect(openDataset(text, 'auto')).rejects.toThrow(`there is one around it: name ${folder}.`);
    const flickr = await copyOfMiniature('flickr30k');
    const images = path.join(flickr, 'flickr30k_images');
    await rename(images, `${images}-`);
    await mkdir(images);
    await rename(`${images}-`, path.join(images, 'flickr30k_images'));
    await expect(openDataset(images, 'auto')).rejects.toThrow(
      `only one class ("flickr30k_images"). But there is one around it: name ${flickr}.`,
    );
  });

  it('holds archives that were unpacked side by side, no classes', async () => {
    const folder = await temporaryFolder();
    for (const name of ['VOCtrainval_06-Nov-2007', 'VOCtest_06-Nov-2007']) {
      await cp(miniature('VOCdevkit'), path.join(folder, name, 'VOCdevkit'), { recursive: true });
    }
    await expect(openDataset(folder, 'auto')).rejects.toThrow(
      `${folder}: no dataset here, but in VOCtest_06-Nov-2007/VOCdevkit/VOC2007, VOCtrainval_06-Nov-2007/VOCdevkit/VOC2007`,
    );
  });

  it('is not told of a dataset that lies whole beside it', async () => {
    const data = await temporaryFolder();
    await cp(miniature('refcoco-data'), path.join(data, 'refcoco'), { recursive: true });
    const named = path.join(data, 'pictures');
    await mkdir(named);
    await writeFile(path.join(named, 'a.png'), 'a picture');
    await expect(openDataset(named, 'auto')).rejects.toThrow(
      `${named}: no dataset here. Its images (1) have no classes;`,
    );
  });

  it('was saved by the datasets library', async () => {
    const folder = await folderWith({ 'dataset_dict.json': '{}', 'train/data-00000-of-00001.arrow': 'ARROW1' });
    await expect(openDataset(folder, 'auto')).rejects.toThrow(
      `${folder}: no dataset here, but files of Hugging Face’s datasets library, train/data-00000-of-00001.arrow for one, which are not read. Save them as parquet: datasets.Dataset.from_file(file).to_parquet("train.parquet").`,
    );
  });

  it('has a table that can not be read', async () => {
    const folder = await folderWith({ 'train.csv': 'x'.repeat(3 * 1024 * 1024), 'a.png': 'a picture' });
    await expect(openDataset(folder, 'auto')).rejects.toThrow(
      `${folder}: no dataset here, for train.csv:1: this row takes more than 2 MB; a quote (") may not be closed,`,
    );
  });

  it('has a table whose images are elsewhere', async () => {
    const folder = await folderWith({ 'train.csv': 'image,caption\nhttp://x.org/a.jpg,one\nhttp://x.org/b.jpg,two\n' });
    await expect(openDataset(folder, 'auto')).rejects.toThrow(
      `${folder}: no dataset here, for the images that train.csv names are not there; the first: http://x.org/a.jpg.`,
    );
    const encoded = await folderWith({ 'train.csv': `image,label\n${'/9j/4AAQ'.repeat(100)},one\n` });
    await expect(openDataset(encoded, 'auto')).rejects.toThrow(/the first: (\/9j\/4AAQ){25}….$/);
  });

  it('has tables of unknown columns, which are named', async () => {
    const folder = await folderWith({ 'reviews.csv': 'Id,Summary,Score\n1,good,5\n2,bad,1\n' });
    await expect(openDataset(folder, 'auto')).rejects.toThrow(
      `${folder}: no dataset here, for the columns of reviews.csv (Id, Summary, Score) don’t tell what they hold. Call them text and label,`,
    );
  });
});

describe('annotations that lack what belongs to them', () => {
  it.each([
    [
      'vqa-v2',
      'v2_mscoco_train2014_annotations.json',
      'v2_OpenEnded_mscoco_train2014_questions.json: the file with its',
    ],
    [
      'refcoco-data',
      'refcoco/instances.json',
      'refcoco/refs(unc).p: instances.json, which has the boxes, is not there',
    ],
  ])('%s without %s', async (name, file, reason) => {
    const folder = await copyOfMiniature(name);
    await rm(path.join(folder, file));
    await expect(openDataset(folder, 'auto')).rejects.toThrow(reason);
    const { datasets, skipped } = await findDatasets((await walk(folder)).root);
    expect(datasets).toEqual([]);
    expect(skipped[0]?.reason).toContain(reason);
  });

  it('CLEVR’s questions of a test alone, which have no answers', async () => {
    const folder = await copyOfMiniature('CLEVR_v1.0');
    await rm(path.join(folder, 'questions'), { recursive: true });
    await mkdir(path.join(folder, 'questions'));
    const question = { image_filename: 'CLEVR_test_000000.png', question: 'Are there more cubes?' };
    const file = path.join(folder, 'questions/CLEVR_test_questions.json');
    await writeFile(file, JSON.stringify({ questions: [question] }));
    await expect(openDataset(folder, 'auto')).rejects.toThrow(
      'nothing can be used (1 of 1 rows have no answer; the first: CLEVR_test_questions.json:1)',
    );
  });
});
