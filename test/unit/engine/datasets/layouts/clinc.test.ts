import { describe, expect, it } from 'vitest';
import { chooseSplit, openDataset } from '../../../../../src/engine/datasets/open.ts';
import { folderWith, splitSizes } from '../../../../helpers/miniatures.ts';

const FULL = {
  oos_val: [['what "is", é', 'oos']],
  val: [['how much, please', 'balance']],
  train: [
    ['say hi in french', 'translate'],
    ['my balance', 'balance'],
    ['no class', ''],
    ['again say hi', 'translate'],
  ],
  oos_train: [['who am i', 'oos']],
};

describe('CLINC', () => {
  it('is lists of pairs by their splits, those out of scope apart', async () => {
    const folder = await folderWith({ 'data/data_full.json': JSON.stringify(FULL) });
    const dataset = await openDataset(folder, 'auto');
    expect(dataset).toMatchObject({ format: 'clinc', classes: ['balance', 'oos', 'translate'] });
    expect(dataset.warnings).toEqual([
      '1 of 7 rows are no pairs of text and class; the first: data_full.json:3 of train',
    ]);
    expect(splitSizes(dataset)).toEqual({ train: 3, val: 1, oos_train: 1, oos_val: 1 });
    expect(chooseSplit(dataset).samples.map(({ text, label }) => [text, dataset.classes[label]])).toEqual([
      ['say hi in french', 'translate'],
      ['my balance', 'balance'],
      ['again say hi', 'translate'],
    ]);
  });

  it('has versions, which are a choice', async () => {
    const files = { 'data_full.json': JSON.stringify(FULL), 'data_small.json': JSON.stringify({ train: FULL.train }) };
    const dataset = await openDataset(await folderWith(files), 'auto');
    expect(dataset.path).toMatch(/data_full.json$/);
    expect(dataset.warnings[0]).toContain('data_small.json');
  });
});
