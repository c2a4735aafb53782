import { appendFile, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../../../src/engine/datasets/dataset.ts';
import { classFolders } from '../../../../../src/engine/datasets/layouts/classFolders.ts';
import { LAYOUTS } from '../../../../../src/engine/datasets/layouts.ts';
import { chooseSplit, findDatasets, openDataset } from '../../../../../src/engine/datasets/open.ts';
import { walk } from '../../../../../src/engine/files/walk.ts';
import {
  copyOfMiniature,
  folderWith,
  miniature,
  pixelOf,
  recogniseFolder,
  splitSizes,
} from '../../../../helpers/miniatures.ts';

/** Format, task, number of classes and samples per split of each miniature. */
const MINIATURES: Readonly<
  Record<string, [format: string, task: string, classes: number, splits: Record<string, number>]>
> = {
  'coco-captions': ['coco-captions', 'image-captioning', 0, { train: 12, val: 6 }],
  rsicd: ['karpathy-captions', 'image-captioning', 0, { train: 3, val: 3 }],
  flickr8k: ['flickr-captions', 'image-captioning', 0, { train: 8, dev: 2, test: 2 }],
  flickr30k: ['flickr-captions', 'image-captioning', 0, { all: 4 }],
  'captions-jsonl': ['caption-table', 'image-captioning', 0, { train: 4 }],
  'captions-json': ['caption-table', 'image-captioning', 0, { train: 8 }],
  'flickr-style': ['flickr-style', 'image-captioning', 0, { train: 4 }],
  'vqa-v2': ['vqa-v2', 'visual-question-answering', 3, { train: 9 }],
  'CLEVR_v1.0': ['clevr', 'visual-question-answering', 3, { train: 6, val: 3 }],
  'coco-qa': ['coco-qa', 'visual-question-answering', 3, { train: 6, test: 3 }],
  daquar: ['daquar', 'visual-question-answering', 2, { train: 6, test: 2 }],
  'vqa-json': ['question-table', 'visual-question-answering', 3, { train: 6 }],
  'vqa-parquet': ['question-table', 'visual-question-answering', 3, { train: 6 }],
  'squad1.1': ['squad', 'text-question-answering', 0, { dev: 9, train: 9 }],
  'squad2.0': ['squad', 'text-question-answering', 0, { train: 12 }],
  'squad-parquet': ['passage-table', 'text-question-answering', 0, { train: 6 }],
  'refcoco-data': ['refcoco', 'referring-expression-comprehension', 0, { train: 8, testA: 4 }],
  'refcoco+-data': ['refcoco', 'referring-expression-comprehension', 0, { train: 8, testA: 4 }],
  'refcocog-data': ['refcoco', 'referring-expression-comprehension', 0, { train: 8, testA: 4 }],
  aclImdb: ['text-folders', 'text-classification', 2, { train: 6, test: 4 }],
  'text-csv': ['text-table', 'text-classification', 2, { train: 6 }],
  'text-jsonl': ['text-table', 'text-classification', 2, { train: 6 }],
};

describe('the layouts of captions, questions, expressions and texts', () => {
  it.each(Object.entries(MINIATURES))(
    'know %s, and no other layout does',
    async (name, [format, task, classes, splits]) => {
      const formats: string[] = [];
      for (const layout of LAYOUTS) {
        if (layout !== classFolders && (await recogniseFolder(layout, miniature(name)))) formats.push(layout.format);
      }
      expect(formats).toEqual([format]);
      const dataset = await openDataset(miniature(name), 'auto');
      expect(dataset).toMatchObject({ format, task });
      expect(dataset.classes).toHaveLength(classes);
      // A search counts without making the samples.
      expect(Object.fromEntries(dataset.sizes ?? [])).toEqual(splits);
      expect(splitSizes(dataset)).toEqual(splits);
      const samples = [...dataset.splits.values()].flat();
      expect(dataset.folders).toEqual(new Set(samples.map(({ file }) => path.dirname(file))));
      const ids = samples.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
    },
  );

  it('are found side by side in a search', async () => {
    const { root } = await walk(path.dirname(miniature('x')));
    const { datasets } = await findDatasets(root);
    const formats = new Map(
      datasets.map(({ dataset, path: named }) => [path.relative(root.path, named).split(path.sep)[0], dataset.format]),
    );
    for (const [name, [format]] of Object.entries(MINIATURES))
      expect([name, formats.get(name)]).toEqual([name, format]);
  });

  it('give images, texts and targets as annotated', async () => {
    const coco = await first('coco-captions');
    expect(coco).toMatchObject({ label: -1, target: { kind: 'text', text: 'A red square, as plain as can be.' } });
    expect(await pixelOf(coco)).toMatchObject({ width: 8, height: 8 });
    expect(await first('flickr30k')).toMatchObject({ target: { text: 'A red square, as plain as can be.' } });
    expect(await first('daquar')).toMatchObject({ text: 'what is on the left side of the desk', label: 0 });
    expect(await first('vqa-v2')).toMatchObject({ text: 'What colour is it?', label: 1 });
    expect(await pixelOf(await first('vqa-parquet'))).toMatchObject({ width: 8 });
    expect(await first('squad1.1')).toMatchObject({
      text: 'What is the Amazon?',
      context: expect.stringContaining('6,400 km'),
      target: { kind: 'text', text: 'a river' },
    });
    const unanswerable = (await openDataset(miniature('squad2.0'), 'auto')).splits.get('train')?.at(3);
    expect(unanswerable).toMatchObject({ text: 'Who owns it?', target: { text: 'unanswerable' } });
    expect(await first('refcoco-data')).toMatchObject({
      text: 'the left square',
      target: { kind: 'box', box: [0, 0, 0.5, 0.3125] },
    });
    expect(await first('text-csv')).toMatchObject({ text: 'A good film, and a "classic".', label: 1 });
  });

  it('count what names nothing that is there', async () => {
    const { warnings } = await openDataset(miniature('coco-captions'), 'auto');
    expect(warnings).toEqual([
      '2 of 20 rows name images that the file does not list; the first: captions_train2014.json:13',
    ]);
    const folder = await copyOfMiniature('CLEVR_v1.0');
    await rm(path.join(folder, 'images/train/CLEVR_train_000002.png'));
    const dataset = await openDataset(folder, 'auto');
    expect(splitSizes(dataset)).toEqual({ train: 5, val: 3 });
    expect(dataset.warnings).toEqual([
      '1 of 9 rows name images that are not there; the first: CLEVR_train_questions.json:3: CLEVR_train_000002.png',
    ]);
  });

  it('know DAQUAR’s questions wherever they name their image', async () => {
    const folder = await copyOfMiniature('daquar');
    const questions = [
      'what is on the left side of the image1 ?',
      'how many chairs are in the image2?',
      'what is in image3 on the table ?',
      'is there a lamp on the right of image4',
      'what colour is the bed in image5?',
    ];
    const lines = questions.flatMap((question, n) => [question, `answer ${n % 2}`]);
    await writeFile(
      path.join(folder, 'qa.894.raw.train.txt'),
      `\uFEFF${['chair', ...lines, questions[0]].join('\r\n')}`,
    );
    const dataset = await openDataset(folder, 'auto');
    const samples = dataset.splits.get('train') ?? [];
    expect(samples.map(({ text }) => text)).toEqual([
      'what is on the left side of the image ?',
      'how many chairs are',
      'what is in image on the table ?',
      'is there a lamp on the right of image',
      'what colour is the bed',
    ]);
    expect(samples.map(({ file }) => path.basename(file, '.png'))).toEqual([1, 2, 3, 4, 5].map((n) => `image${n}`));
    expect(dataset.warnings).toEqual([
      '1 of 9 rows are answers without a question; the first: qa.894.raw.train.txt:1',
      '1 of 9 rows have no answer; the first: qa.894.raw.train.txt:12',
    ]);
  });

  it('keep questions and answers of COCO-QA together where a list has an empty line', async () => {
    const folder = await copyOfMiniature('coco-qa');
    const lines = async (list: string) => (await readFile(path.join(folder, 'train', list), 'utf8')).split('\n');
    const [questions, answers] = [await lines('questions.txt'), await lines('answers.txt')];
    const expected = questions.flatMap((question, row) =>
      row === 1 || row === 3 ? [] : `${question} ${answers[row]}`,
    );
    const without = (row: number, list: string[]) =>
      list.map((text, index) => (index === row ? ' ' : text)).join('\r\n');
    await writeFile(path.join(folder, 'train/questions.txt'), without(1, questions));
    await writeFile(path.join(folder, 'train/answers.txt'), without(3, answers));
    const { splits, classes, warnings } = await openDataset(folder, 'auto');
    const pairs = splits.get('train')?.map(({ text, label }) => `${text} ${classes[label]}`);
    expect(pairs).toEqual(expected.filter((pair) => pair.trim() !== ''));
    expect(pairs).toHaveLength(4);
    expect(warnings).toEqual(['2 of 9 rows have an empty line in one of the lists; the first: questions.txt:2']);
  });

  it('give samples their own ids where annotations repeat them', async () => {
    const folder = await copyOfMiniature('squad1.1');
    for (const file of ['train-v1.1.json', 'dev-v1.1.json']) {
      const text = await readFile(path.join(folder, file), 'utf8');
      await writeFile(path.join(folder, file), text.replace(/"id": "[^"]*"/g, '"id": "same"'));
    }
    const ids = [...(await openDataset(folder, 'auto')).splits.values()].flat().map(({ id }) => id);
    expect(new Set(ids).size).toBe(18);
  });

  it('count articles and passages of SQuAD without questions, and questions without words or answers', async () => {
    const folder = await copyOfMiniature('squad1.1');
    await rm(path.join(folder, 'dev-v1.1.json'));
    const answers = [{ text: 'c' }];
    const qas = [{ question: 'b', answers }, { answers }, { question: 'e', answers: [] }];
    const article = { paragraphs: [{ context: 'a', qas }, { context: 'd' }] };
    await writeFile(path.join(folder, 'train-v1.1.json'), JSON.stringify({ data: [7, article] }));
    expect((await openDataset(folder, 'auto')).warnings).toEqual([
      '1 of 5 rows are no articles with paragraphs; the first: train-v1.1.json:1',
      '1 of 5 rows have no question; the first: train-v1.1.json:2',
      '1 of 5 rows have no answer; the first: train-v1.1.json:2',
      '1 of 5 rows are no passages with questions; the first: train-v1.1.json:2',
    ]);
  });

  it('find images of COCO by their numbers, as in the downloads of 2017', async () => {
    const folder = await copyOfMiniature('vqa-v2');
    await mkdir(path.join(folder, 'train2017'));
    for (const name of await readdir(path.join(folder, 'train2014'))) {
      await rename(
        path.join(folder, 'train2014', name),
        path.join(folder, 'train2017', name.replace('COCO_train2014_', '')),
      );
    }
    expect(splitSizes(await openDataset(folder, 'auto'))).toEqual({ train: 9 });
  });

  it('take no image of COCO for another one with its number', async () => {
    const folder = await copyOfMiniature('coco-captions');
    const captions = [{ raw: 'Nobody took this picture.' }];
    const images = [{ filename: '0.jpg', split: 'train', sentences: captions }];
    await writeFile(path.join(folder, 'dataset_flickr30k.json'), JSON.stringify({ images }));
    await expect(openDataset(path.join(folder, 'dataset_flickr30k.json'), 'auto')).rejects.toThrow(
      'nothing can be used (1 of 1 rows name images that are not there',
    );
  });

  it('read captions of COCO that come before their images in the file', async () => {
    const folder = await copyOfMiniature('coco-captions');
    const file = path.join(folder, 'annotations/captions_train2014.json');
    const { images, annotations, ...rest } = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ annotations, ...rest, images }));
    expect(splitSizes(await openDataset(folder, 'auto'))).toEqual({ train: 12, val: 6 });
  });

  it('find COCO-QA’s lists in a folder of their own, and RefCOCO’s beside the folder of its images', async () => {
    const folder = await copyOfMiniature('coco-qa');
    const whole = splitSizes(await openDataset(folder, 'auto'));
    for (const split of ['train', 'test']) {
      await cp(path.join(folder, split), path.join(folder, 'cocoqa-2015-06', split), { recursive: true });
      await rm(path.join(folder, split), { recursive: true });
    }
    expect(splitSizes(await openDataset(folder, 'auto'))).toEqual(whole);
    const home = await folderWith({ 'coco2014/readme.txt': '' });
    await cp(miniature('refcoco-data'), path.join(home, 'refer/data'), { recursive: true });
    const images = (await readdir(home, { recursive: true })).filter((name) => /\.jpe?g$/i.test(name));
    await mkdir(path.join(home, 'coco2014/train2014'));
    for (const image of images) {
      await rename(path.join(home, image), path.join(home, 'coco2014/train2014', path.basename(image)));
    }
    const { datasets } = await findDatasets((await walk(home)).root);
    expect(datasets.map(({ dataset }) => [dataset.format, Object.fromEntries(dataset.sizes ?? [])])).toEqual([
      ['refcoco', { train: 8, testA: 4 }],
    ]);
  });

  it('know files of the structure of COCO’s by what they hold, whatever they are called', async () => {
    const image = await readFile(miniature('captions-jsonl/images/0.png'));
    const file = (split: string, captions: readonly string[], first = 'images') => {
      const images = captions.map((_, id) => ({ id: `${id}`, file_name: `${split}_${id}.png` }));
      const annotations = captions.map((caption, id) => ({ caption, image_id: id, id, is_precanned: false }));
      const lists = first === 'images' ? { info: {}, images, annotations } : { annotations, images };
      return JSON.stringify(lists);
    };
    const folder = await folderWith({
      'annotations/train.json': file('train', ['One "dog".', 'Two']),
      'annotations/val.json': file('val', ['三只狗'], 'annotations'),
      'annotations/test.json': file('test', []),
      'annotations/instances_val.json': JSON.stringify({ images: [], annotations: [{ image_id: 1, caption: 'x' }] }),
      'train/train_0.png': image,
      'train/train_1.png': image,
      'val/val_0.png': image,
    });
    const dataset = await openDataset(folder, 'auto');
    expect(dataset).toMatchObject({ format: 'coco-captions', warnings: [] });
    expect(splitSizes(dataset)).toEqual({ train: 2, val: 1 });
    expect([...dataset.splits.values()].flat().map(({ target }) => target)).toEqual(
      ['One "dog".', 'Two', '三只狗'].map((text) => ({ kind: 'text', text })),
    );
    const { datasets } = await findDatasets((await walk(folder)).root);
    expect(datasets.map(({ dataset: found }) => found.format)).toEqual(['coco-captions']);
  });

  it('leave tables of other columns than Flickr’s to their names', async () => {
    const folder = await copyOfMiniature('flickr30k');
    await rm(path.join(folder, 'results.csv'));
    const [name] = await readdir(path.join(folder, 'flickr30k_images'));
    await writeFile(
      path.join(folder, 'captions.csv'),
      `image,caption,split\n${name},A dog.,train\n${name},Two.,test\n`,
    );
    const { format, splits } = await openDataset(folder, 'auto');
    expect(format).toBe('caption-table');
    expect([...splits].map(([split, samples]) => [split, samples[0]?.target])).toEqual([
      ['train', { kind: 'text', text: 'A dog.' }],
      ['test', { kind: 'text', text: 'Two.' }],
    ]);
  });

  it('have the splits of Flickr30k Entities', async () => {
    const rows = ['1.jpg#0\tone', '2.jpg#0\ttwo', '3.jpg#0\tthree'].join('\n');
    const images = Object.fromEntries(['1', '2', '3'].map((name) => [`flickr30k-images/${name}.jpg`, '']));
    const files = { ...images, 'results_20130124.token': rows, 'train.txt': '3\n1\n', 'val.txt': '2\n' };
    expect(splitSizes(await openDataset(await folderWith(files), 'auto'))).toEqual({ train: 2, val: 1 });
    const other = await folderWith({ ...files, 'val.txt': 'a text of words' });
    expect(splitSizes(await openDataset(other, 'auto'))).toEqual({ train: 2 });
  });

  it('keep commas in captions of Flickr8k that are not within quotes', async () => {
    const folder = await copyOfMiniature('flickr30k');
    await rm(path.join(folder, 'results.csv'));
    const rows = ['image,caption', '0.jpg,A child, a ball and a dog .', '1.jpg,"A sign says ""stop"", here ."'];
    await writeFile(path.join(folder, 'captions.txt'), `\uFEFF${rows.join('\r\n')}\r\n`);
    const dataset = await openDataset(folder, 'auto');
    expect(dataset.splits.get('all')?.map(({ target }) => target)).toEqual([
      { kind: 'text', text: 'A child, a ball and a dog .' },
      { kind: 'text', text: 'A sign says "stop", here .' },
    ]);
  });

  it('hold a random part of more samples than the memory should, and count all', async () => {
    const article = (n: number) => ({
      paragraphs: [{ context: `${n}${'x'.repeat(1e6)}`, qas: [{ question: `${n}?`, answers: [{ text: 'a' }] }] }],
    });
    const folder = await folderWith({ 'train.json': '' });
    const file = path.join(folder, 'train.json');
    await writeFile(file, `{"data": [${JSON.stringify(article(0))}`);
    for (let n = 1; n < 140; n += 1) await appendFile(file, `, ${JSON.stringify(article(n))}`);
    await appendFile(file, ']}');
    const dataset = await openDataset(folder, 'auto');
    const held = dataset.splits.get('train') ?? [];
    expect(held.length).toBeGreaterThan(40);
    expect(held.length).toBeLessThan(100);
    expect(chooseSplit(dataset).size).toBe(140);
    expect(dataset.warnings).toEqual([`${held.length} of 140 samples, drawn at random, are used: memory is bounded.`]);
  });

  it('refuse a list of expressions that becomes far larger in memory', async () => {
    const folder = await copyOfMiniature('refcoco-data');
    const dictionaries = Buffer.concat([Buffer.from([0x80, 2]), Buffer.alloc(100_000, '}'), Buffer.from('.')]);
    await writeFile(path.join(folder, 'refcoco/refs(unc).p'), dictionaries);
    await expect(openDataset(folder, 'auto')).rejects.toThrow(
      'refs(unc).p: its pickle holds far more than a list of referring expressions',
    );
  });

  it('take no path out of the dataset', async () => {
    const folder = await copyOfMiniature('captions-jsonl');
    await cp(path.join(folder, 'images/0.png'), path.join(path.dirname(folder), 'secret.png'));
    await writeFile(
      path.join(folder, 'train.jsonl'),
      '{"image": "../secret.png", "caption": "a"}\n{"image": "1.png", "caption": "b"}\n',
    );
    const dataset = await openDataset(folder, 'auto');
    expect(splitSizes(dataset)).toEqual({ train: 1 });
    expect(dataset.warnings.join()).toContain('train.jsonl:1: ../secret.png');
  });

  it('leave rare answers out, and count them', async () => {
    const questions = Array.from(
      { length: 1200 },
      (_, n) => `{"image": "a.png", "question": "q${n}", "answer": "${n < 150 ? 'yes' : n}"}`,
    );
    const png = await readFile(miniature('captions-jsonl/images/0.png'));
    const dataset = await openDataset(await folderWith({ 'a.png': png, 'train.jsonl': questions.join('\n') }), 'auto');
    expect(dataset.classes).toHaveLength(1000);
    expect(Object.fromEntries(dataset.sizes ?? [])).toEqual({ train: 1149 });
    expect(splitSizes(dataset)).toEqual({ train: 1149 });
    expect(dataset.warnings.join()).toContain('51 samples have none of the 1,000 most frequent answers');
  });

  it.each([
    ['refs that call something', 'refcoco-data/refcoco/refs(unc).p', 'cposix\nsystem\n(S"id"\ntR.', 'posix.system'],
    [
      'JSON that ends early',
      'squad1.1/train-v1.1.json',
      '{"data": [{"paragraphs": [{"context": "a',
      'train-v1.1.json: not JSON',
    ],
    ['lists of different lengths', 'coco-qa/train/answers.txt', 'red\n', 'answers.txt: ends after 1 rows'],
    ['lists that are longer', 'coco-qa/train/answers.txt', 'red\n'.repeat(9), 'questions.txt: ends after 6 rows'],
    [
      'image names that call something',
      'flickr-style/FlickrStyle_v0.9/humor/train.p',
      'cposix\nsystem\n(S"id"\ntR.',
      'posix.system',
    ],
    [
      'fewer captions than image names',
      'flickr-style/FlickrStyle_v0.9/humor/funny_train.txt',
      'A dog .\n',
      '1 captions, but train.p has 4 image names',
    ],
  ])('refuse %s with the reason', async (_, file, content, reason) => {
    const [name = '', ...rest] = file.split('/');
    const folder = await copyOfMiniature(name);
    await writeFile(path.join(folder, ...rest), content);
    await expect(openDataset(folder, 'auto')).rejects.toThrow(reason);
  });

  async function first(name: string) {
    const dataset: Dataset = await openDataset(miniature(name), 'auto');
    return [...dataset.splits].find(([split]) => split === 'train' || split === 'all')?.[1][0];
  }
});
