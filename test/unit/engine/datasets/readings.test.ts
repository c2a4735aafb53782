import { readdirSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { chooseSplit, findDatasets, openDataset, summarizeDataset } from '../../../../src/engine/datasets/open.ts';
import { walk } from '../../../../src/engine/files/walk.ts';
import { copyOfMiniature, folderWith, miniature, splitSizes } from '../../../helpers/miniatures.ts';

/** Each dataset that a search finds, by its path in the folder. */
async function found(folder: string): Promise<Record<string, Record<string, number>>> {
  const { datasets, skipped } = await findDatasets((await walk(folder)).root);
  expect(skipped).toEqual([]);
  return Object.fromEntries(
    datasets.map((dataset) => [path.relative(folder, dataset.path), summarizeDataset(dataset, folder).splits]),
  );
}

/** A dataset as its folder is read by default, and what else the warning says can be named. */
async function byDefault(folder: string) {
  const dataset = await openDataset(folder, 'auto');
  const offered = dataset.warnings.flatMap((warning) => /can be named instead: (.*)\.$/.exec(warning)?.[1] ?? []);
  return {
    dataset,
    path: path.relative(folder, dataset.path),
    others: offered.flatMap((paths) => paths.split(', ').map((other) => path.relative(folder, other))),
  };
}

describe('several files of one split are a choice, never merged', () => {
  it('SQuAD 1.1 and 2.0', async () => {
    const folder = await copyOfMiniature('squad1.1');
    await cp(miniature('squad2.0/train-v2.0.json'), path.join(folder, 'train-v2.0.json'));
    expect(await found(folder)).toEqual({ 'train-v1.1.json': { dev: 9, train: 9 }, 'train-v2.0.json': { train: 12 } });
    expect(await byDefault(folder)).toMatchObject({ path: 'train-v1.1.json', others: ['train-v2.0.json'] });
    const second = await openDataset(path.join(folder, 'train-v2.0.json'), 'auto');
    expect(splitSizes(second)).toEqual({ train: 12 });
    expect(second.warnings).toEqual([]);
    await expect(openDataset(folder, 'image-captioning')).rejects.toThrow(
      `${folder}: its task is text-question-answering, not image-captioning. Choose that, or auto.`,
    );
  });

  it('COCO captions of 2014 and 2017, chosen by a file two folders down', async () => {
    const folder = await copyOfMiniature('coco-captions');
    const annotations = path.join(folder, 'annotations');
    await cp(path.join(annotations, 'captions_train2014.json'), path.join(annotations, 'captions_train2017.json'));
    expect(await found(folder)).toEqual({
      'annotations/captions_train2014.json': { train: 12, val: 6 },
      'annotations/captions_train2017.json': { train: 12 },
    });
    const { path: chosen, others } = await byDefault(folder);
    expect([chosen, ...others]).toEqual(['annotations/captions_train2014.json', 'annotations/captions_train2017.json']);
    expect(splitSizes(await openDataset(path.join(annotations, 'captions_train2017.json'), 'auto'))).toEqual({
      train: 12,
    });
  });

  it('the questions of VQA v1 and v2, each with its own answers', async () => {
    const folder = await copyOfMiniature('vqa-v2');
    const [questions, answers] = ['OpenEnded_mscoco_train2014_questions.json', 'mscoco_train2014_annotations.json'];
    for (const file of [questions, answers]) {
      const text = await readFile(path.join(folder, `v2_${file}`), 'utf8');
      await writeFile(path.join(folder, file), text.replaceAll('"red"', '"green"'));
    }
    const { dataset, others } = await byDefault(folder);
    expect(others).toEqual([questions]);
    expect(dataset.classes).toEqual(['1', 'red', 'yes']);
    expect((await openDataset(path.join(folder, questions), 'auto')).classes).toEqual(['1', 'green', 'yes']);
  });

  it('the questions of OK-VQA, of which only the answers of each person are there', async () => {
    const folder = await copyOfMiniature('vqa-v2');
    const file = path.join(folder, 'v2_mscoco_train2014_annotations.json');
    const { annotations } = JSON.parse(await readFile(file, 'utf8'));
    const given = annotations.map(({ question_id, multiple_choice_answer: chosen }: Record<string, unknown>) => ({
      question_id,
      answers: ['none', chosen, chosen].map((answer) => ({ answer })),
    }));
    const { classes } = await openDataset(folder, 'auto');
    await writeFile(file, JSON.stringify({ annotations: given }));
    expect((await openDataset(folder, 'auto')).classes).toEqual(classes);
  });

  it('COCO-QA beside VQA, about the same images', async () => {
    const folder = await copyOfMiniature('vqa-v2');
    await cp(miniature('coco-qa'), folder, { recursive: true });
    const questions = 'v2_OpenEnded_mscoco_train2014_questions.json';
    expect(await found(folder)).toEqual({ [questions]: { train: 9 }, train: { train: 6, test: 3 } });
    expect(await byDefault(folder)).toMatchObject({ path: questions, others: ['train'] });
    expect((await openDataset(path.join(folder, 'train'), 'auto')).format).toBe('coco-qa');
  });

  it('the full and the reduced set of DAQUAR', async () => {
    const folder = await copyOfMiniature('daquar');
    await cp(path.join(folder, 'qa.894.raw.test.txt'), path.join(folder, 'qa.37.raw.train.txt'));
    expect(await byDefault(folder)).toMatchObject({ path: 'qa.894.raw.train.txt', others: ['qa.37.raw.train.txt'] });
    expect(splitSizes(await openDataset(path.join(folder, 'qa.37.raw.train.txt'), 'auto'))).toEqual({ train: 2 });
  });

  it('the conditions of CLEVR-CoGenT, which are splits', async () => {
    const folder = await copyOfMiniature('CLEVR_v1.0');
    for (const [old, split] of [
      ['train', 'trainA'],
      ['val', 'valA'],
      ['val', 'valB'],
      ['val', 'testA'],
    ] as const) {
      const text = await readFile(path.join(folder, `questions/CLEVR_${old}_questions.json`), 'utf8');
      await writeFile(path.join(folder, `questions/CLEVR_${split}_questions.json`), text);
    }
    await rm(path.join(folder, 'questions/CLEVR_train_questions.json'));
    await rm(path.join(folder, 'questions/CLEVR_val_questions.json'));
    const dataset = await openDataset(folder, 'auto');
    expect(splitSizes(dataset)).toEqual({ trainA: 6, valA: 3, valB: 3 });
    expect(chooseSplit(dataset).name).toBe('trainA');
  });

  it('files whose names tell no split', async () => {
    const text = await readFile(miniature('squad1.1/train-v1.1.json'));
    expect(await found(await folderWith({ 'a.json': text, 'b.json': text }))).toEqual({
      'a.json': { all: 9 },
      'b.json': { all: 9 },
    });
  });
});

describe('datasets side by side are a choice', () => {
  /** RefCOCO, RefCOCO+ and RefCOCOg with the images of one of them, as the archives unpack. */
  async function refs(): Promise<string> {
    const folder = await copyOfMiniature('refcoco-data');
    for (const name of ['refcoco+', 'refcocog']) {
      await cp(miniature(`${name}-data/${name}`), path.join(folder, name), { recursive: true });
    }
    return folder;
  }

  it('RefCOCO, RefCOCO+ and RefCOCOg', async () => {
    const folder = await refs();
    expect(Object.keys(await found(folder))).toEqual(['refcoco', 'refcoco+', 'refcocog']);
    expect(await byDefault(folder)).toMatchObject({ path: 'refcoco', others: ['refcoco+', 'refcocog'] });
    expect(await byDefault(path.dirname(folder))).toMatchObject({ path: path.join(path.basename(folder), 'refcoco') });
  });

  it.each(['refcoco', 'refcoco+', 'refcocog'])('%s by itself, with its images beside it', async (name) => {
    const dataset = await openDataset(path.join(await refs(), name), 'auto');
    expect(path.basename(dataset.path)).toBe(name);
    expect(splitSizes(dataset)).toEqual({ train: 8, testA: 4 });
    expect(dataset.warnings).toEqual([]);
  });

  it('divisions into splits, UNC’s and UMD’s before Google’s', async () => {
    const folder = await refs();
    await cp(path.join(folder, 'refcoco/refs(unc).p'), path.join(folder, 'refcoco/refs(google).p'));
    await cp(path.join(folder, 'refcocog/refs(umd).p'), path.join(folder, 'refcocog/refs(google).p'));
    const { datasets } = await findDatasets((await walk(folder)).root);
    expect(datasets.map(({ reason }) => reason.split(' ')[2])).toEqual([
      'refcoco/refs(unc).p',
      'refcoco/refs(google).p',
      'refcoco+/refs(unc).p',
      'refcocog/refs(umd).p',
      'refcocog/refs(google).p',
    ]);
    const google = path.join(folder, 'refcoco/refs(google).p');
    expect((await openDataset(google, 'auto')).path).toBe(google);
    const { dataset } = await byDefault(path.join(folder, 'refcocog'));
    expect(dataset.warnings[0]).toContain('Read as referring expressions: refcocog/refs(umd).p');
    expect(dataset.warnings[0]).toContain('refcocog/refs(google).p');
  });

  it('the styles of FlickrStyle10K', async () => {
    const folder = miniature('flickr-style');
    const [humor, romantic] = ['FlickrStyle_v0.9/humor', 'FlickrStyle_v0.9/romantic'];
    expect(await found(folder)).toEqual({ [humor]: { train: 4 }, [romantic]: { train: 4 } });
    const { dataset, path: chosen, others } = await byDefault(folder);
    expect([chosen, ...others]).toEqual([humor, romantic]);
    expect(dataset.splits.get('train')?.[2]).toMatchObject({
      file: path.join(folder, 'flickr30k_images/100022.jpg'),
      target: { text: 'A dog runs in the snow to find its bones 2 .' },
    });
    const second = await openDataset(path.join(folder, romantic), 'auto');
    expect(second.splits.get('train')?.[3]).toMatchObject({
      target: { text: 'A dog runs in the snow with its café love 3 .' },
    });
  });

  it('FlickrStyle10K, its lists of images called after the style or not', async () => {
    const folder = await copyOfMiniature('flickr-style');
    const humor = path.join(folder, 'FlickrStyle_v0.9/humor');
    await rename(path.join(humor, 'train.p'), path.join(humor, 'funny_train.p'));
    expect(Object.keys(await found(folder))).toEqual(['FlickrStyle_v0.9/humor', 'FlickrStyle_v0.9/romantic']);
  });

  it('FlickrStyle10K and the captions of the images that it uses', async () => {
    const folder = await copyOfMiniature('flickr-style');
    await writeFile(path.join(folder, 'results.csv'), 'image_name| comment_number| comment\n100020.jpg| 0| A dog.\n');
    expect(Object.keys(await found(folder))).toEqual([
      'FlickrStyle_v0.9/humor',
      'FlickrStyle_v0.9/romantic',
      'results.csv',
    ]);
  });

  it('Karpathy’s files, which one archive unpacks, those with images first', async () => {
    const folder = await copyOfMiniature('rsicd');
    await mkdir(path.join(folder, 'caption_datasets'));
    const text = await readFile(path.join(folder, 'dataset_rsicd.json'), 'utf8');
    await rename(path.join(folder, 'dataset_rsicd.json'), path.join(folder, 'caption_datasets/dataset_flickr8k.json'));
    expect(splitSizes(await openDataset(folder, 'auto'))).toEqual({ train: 3, val: 3 });
    await writeFile(path.join(folder, 'caption_datasets/dataset_coco.json'), text.replaceAll('airport_', 'COCO_'));
    expect(await byDefault(folder)).toMatchObject({
      path: 'caption_datasets/dataset_flickr8k.json',
      others: ['caption_datasets/dataset_coco.json'],
    });
  });
});

describe('annotations in folders of their own beside the images', () => {
  it.each([
    ['coco-captions', 'annotations', 'annotations_trainval2014/annotations', { train: 12, val: 6 }],
    ['vqa-v2', 'v2_OpenEnded_mscoco_train2014_questions.json', 'v2_Questions_Train_mscoco/', { train: 9 }],
    ['flickr30k', 'results.csv', 'flickr30k/', { all: 4 }],
    ['refcoco-data', 'refcoco', 'annotations/refcoco', { train: 8, testA: 4 }],
  ])('of %s: %s in %s', async (name, from, to, splits) => {
    const folder = await copyOfMiniature(name);
    const target = path.join(folder, to.endsWith('/') ? to + from : to);
    await mkdir(path.dirname(target), { recursive: true });
    await cp(path.join(folder, from), target, { recursive: true });
    await rm(path.join(folder, from), { recursive: true });
    expect(Object.values(await found(folder))).toEqual([splits]);
    expect(splitSizes(await openDataset(folder, 'auto'))).toEqual(splits);
    expect(splitSizes(await openDataset(path.dirname(target), 'auto'))).toEqual(splits);
  });
});

describe('a search', () => {
  it.each(readdirSync(miniature('')))('counts in %s what a ranking reads', async (name) => {
    const { datasets } = await findDatasets((await walk(miniature(name))).root);
    for (const found of datasets) {
      const { splits, classes } = summarizeDataset(found, miniature(''));
      const dataset = await openDataset(found.path, found.dataset.task);
      expect({ splits, classes }).toEqual({ splits: splitSizes(dataset), classes: dataset.classes.length });
    }
  });

  it('goes on in the folders beside annotations, but not in those that they are about', async () => {
    const folder = await copyOfMiniature('refcoco-data');
    await cp(miniature('dtd'), path.join(folder, 'textures'), { recursive: true });
    await cp(miniature('vqa-json'), path.join(folder, 'vqa-json'), { recursive: true });
    await cp(miniature('squad2.0/train-v2.0.json'), path.join(folder, 'train-v2.0.json'));
    expect(Object.keys(await found(folder)).sort()).toEqual(['', 'textures', 'vqa-json']);
  });

  it('goes on beside texts of which one file can’t be read', async () => {
    const folder = await copyOfMiniature('squad2.0');
    await writeFile(path.join(folder, 'train-v1.1.json'), '{"data": [{"paragraphs": [{"context": "a"');
    await cp(miniature('dtd'), path.join(folder, 'textures'), { recursive: true });
    const { datasets, skipped } = await findDatasets((await walk(folder)).root);
    expect(skipped.map((entry) => path.relative(folder, entry.path))).toEqual(['train-v1.1.json']);
    expect(datasets.map(({ path: named }) => path.relative(folder, named))).toEqual(['train-v2.0.json', 'textures']);
  });
});

describe('a dataset that takes long to read', () => {
  it('is found without its counts', async () => {
    const folder = await copyOfMiniature('squad1.1');
    await cp(miniature('squad2.0/train-v2.0.json'), path.join(folder, 'train-v2.0.json'));
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(AbortSignal.abort());
    onTestFinished(() => timeout.mockRestore());
    const { datasets, skipped } = await findDatasets((await walk(folder)).root);
    expect(skipped).toEqual([]);
    expect(datasets.map((dataset) => summarizeDataset(dataset, folder))).toMatchObject([
      {
        id: 'train-v1.1.json',
        format: 'squad',
        task: 'text-question-answering',
        samples: null,
        classes: null,
        splits: {},
      },
      {
        id: 'train-v2.0.json',
        format: 'squad',
        task: 'text-question-answering',
        samples: null,
        classes: null,
        splits: {},
      },
    ]);
  });
});

describe('a file that a person named', () => {
  it('is read as its folder would be', async () => {
    const rows = Array.from({ length: 10 }, (_, row) => `text ${row},class ${row}\n`);
    const file = path.join(await folderWith({ 'rare.csv': `text,label\n${rows.join('')}` }), 'rare.csv');
    expect((await openDataset(file, 'auto')).classes).toHaveLength(10);
    expect((await findDatasets((await walk(path.dirname(file))).root)).datasets).toEqual([]);
  });

  it('is the first shard of a WebDataset, which stands for all', async () => {
    const file = miniature('webdataset/train-000000.tar');
    const { path: named, splits } = await openDataset(file, 'auto');
    expect(named).toBe(file);
    expect([...splits].map(([split, { length }]) => [split, length])).toEqual([
      ['train', 8],
      ['val', 2],
    ]);
  });
});
