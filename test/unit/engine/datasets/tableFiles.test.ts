import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseSplit, findDatasets, openDataset } from '../../../../src/engine/datasets/open.ts';
import { walk } from '../../../../src/engine/files/walk.ts';
import { folderWith, miniature, splitSizes } from '../../../helpers/miniatures.ts';
import { opened, textsOf } from '../../../helpers/tables.ts';

describe('the splits of tables', () => {
  const table = (...rows: string[]) => `text,label\n${rows.join('\n')}\n`;

  it('come one from each file; several files of one split are a choice', async () => {
    const folder = await folderWith({
      'data.csv': table('a,x', 'b,y'),
      'other.csv': table('c,x', 'd,y', 'e,z'),
      'test.csv': table('e,x', 'f,y'),
      'train.csv': table('g,x', 'h,y'),
      'train_old.csv': table('i,x', 'j,y'),
    });
    const dataset = await openDataset(folder, 'auto');
    expect(splitSizes(dataset)).toEqual({ test: 2, train: 2 });
    expect(textsOf(dataset, 'train')).toEqual(['g', 'h']);
    const others = ['train_old.csv', 'data.csv', 'other.csv'].map((name) => path.join(folder, name)).join(', ');
    expect(dataset.warnings).toEqual([expect.stringContaining(`can be named instead: ${others}.`)]);
    const { datasets } = await findDatasets((await walk(folder)).root);
    expect(datasets.map(({ path: place, dataset: { sizes } }) => [path.basename(place), sizes?.size])).toEqual([
      ['train.csv', 2],
      ['train_old.csv', 1],
      ['data.csv', 1],
      ['other.csv', 1],
    ]);
    expect((await openDataset(path.join(folder, 'other.csv'), 'auto')).classes).toEqual(['x', 'y', 'z']);
  });

  it('go together by their names where there are several of each, in shards and folders, too', async () => {
    const rows = [table('a,x', 'b,y'), table('c,x', 'd,y')];
    const dataset = await opened({
      'train-00000-of-00002.csv': rows[0] ?? '',
      'train-00001-of-00002.csv': rows[1] ?? '',
      'test-00000-of-00001.csv': rows[0] ?? '',
      'old_train.csv': rows[0] ?? '',
    });
    expect(splitSizes(dataset)).toEqual({ test: 2, train: 4 });
    const folders = await opened({
      'train/metadata.csv': rows[0] ?? '',
      'test/metadata.csv': rows[1] ?? '',
      'train/other.csv': rows[0] ?? '',
    });
    expect(splitSizes(folders)).toEqual({ test: 2, train: 2 });
  });

  it('leave tables beyond a number unread, and say so', async () => {
    const names = Array.from({ length: 30 }, (_, n) => [`train_${n}x.csv`, table('a,x', 'b,y')]);
    const dataset = await opened(Object.fromEntries(names));
    expect(dataset.warnings[1]).toBe('6 tables more than 24 were not looked into.');
  });

  it('rank on the table without a name for a split where no other is for training', async () => {
    const dataset = await opened({ 'data.csv': table('a,x', 'b,y'), 'test.csv': table('c,x', 'd,y') });
    expect(chooseSplit(dataset).name).toBe('all');
  });

  it('may stand in a column', async () => {
    const rows = ['text,label,Split', 'a,x,test', 'b,y,train', 'c,x,train', 'd,y,unlabelled', 'e,y,', 'f,x,0'];
    const dataset = await opened({ 'data.csv': rows.join('\n') });
    expect(splitSizes(dataset)).toEqual({ test: 1, train: 2, unlabelled: 1, all: 2 });
  });

  it('have all their shards, however many', async () => {
    const shards = Array.from({ length: 60 }, (_, shard) => [
      `train-${String(shard).padStart(5, '0')}-of-00060.csv`,
      table(`text ${shard},${shard % 2}`),
    ]);
    const dataset = await opened({ ...Object.fromEntries(shards), 'test-00000-of-00001.csv': table('a,0', 'b,1') });
    expect(splitSizes(dataset)).toEqual({ test: 2, train: 60 });
    expect(dataset.warnings).toEqual([]);
  });

  it('are folders of numbered files, whatever they are called, also those without a row to use', async () => {
    const parquet = await readFile(miniature('imdb/plain_text/train-00000-of-00002.parquet'));
    const unlabelled = await readFile(miniature('imdb/plain_text/unsupervised-00000-of-00001.parquet'));
    const folder = await folderWith({
      'default/train/0000.parquet': parquet,
      'default/unsupervised/0000.parquet': unlabelled,
      'default/testdev/0000.parquet': unlabelled,
    });
    const { datasets, skipped } = await findDatasets((await walk(folder)).root);
    expect(skipped).toEqual([]);
    expect(datasets.map(({ dataset }) => Object.fromEntries(dataset.sizes ?? []))).toEqual([{ train: 6 }]);
  });

  it('may be numbered from 0 or 1, but not for a cross-validation or where numbers are left out', async () => {
    const two = table('a,x', 'b,y');
    const files = (...names: string[]) => Object.fromEntries(names.map((name) => [`${name}.csv`, two]));
    const sizes = async (...names: string[]) => splitSizes(await opened(files(...names)));
    expect(await sizes('train_0', 'train_1', 'train_2', 'test_0')).toEqual({ train: 6, test: 2 });
    expect(await sizes('train-part-01', 'train-part-02')).toEqual({ train: 4 });
    expect(await sizes('train_1', 'test_1', 'train_2', 'test_2')).toEqual({ train: 2, test: 2 });
    expect(await sizes('train_0', 'train_2')).toEqual({ train: 2 });
    expect(await sizes('train_v1', 'train_v2')).toEqual({ train: 2 });
    expect(await sizes('train_2014', 'train_2015')).toEqual({ train: 2 });
  });

  it('are told by folders, too', async () => {
    const row = (text: string, label: string) => JSON.stringify({ text, label });
    const dataset = await opened({
      'data/train/0000.jsonl': row('a', 'x'),
      'data/train/0001.jsonl': row('b', 'y'),
      'data/test/0000.jsonl': row('c', 'x'),
    });
    expect(splitSizes(dataset)).toEqual({ test: 1, train: 2 });
  });
});
