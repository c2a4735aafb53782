import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { classFolders } from '../../../../src/engine/datasets/classFolders.ts';
import type { Dataset } from '../../../../src/engine/datasets/dataset.ts';
import { findDatasets, LAYOUTS, openDataset } from '../../../../src/engine/datasets/open.ts';
import { walk } from '../../../../src/engine/files/walk.ts';
import {
  copyOfMiniature,
  folderWith,
  miniature,
  pixelOf,
  recogniseFolder,
  splitSizes,
} from '../../../helpers/miniatures.ts';

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
      expect(splitSizes(dataset)).toEqual(splits);
      const ids = [...dataset.splits.values()].flat().map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
    },
  );

  it('are found side by side in a search', async () => {
    const { root } = await walk(path.dirname(miniature('x')));
    const { datasets } = await findDatasets(root);
    const formats = new Map(
      datasets.map(({ dataset }) => [path.relative(root.path, dataset.path).split(path.sep)[0], dataset.format]),
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
    ['lists of different lengths', 'coco-qa/train/answers.txt', 'red\n', 'must be equally long'],
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
