import { describe, expect, it } from 'vitest';
import { fastText } from '../../../../../src/engine/datasets/layouts/fastText.ts';
import { openDataset } from '../../../../../src/engine/datasets/open.ts';
import { folderWith, openFolder, recogniseFolder, splitSizes } from '../../../../helpers/miniatures.ts';

describe('texts as fastText reads them', () => {
  it('have a class or several in front, or anywhere', async () => {
    const folder = await folderWith({
      'cooking.train':
        '__label__sauce __label__cheese How much does potato, "starch" cost?\r\n__label__food-safety Is it bad? __label__sauce\r\n\r\n__label__sauce\r\nno class\r\n',
      'cooking.valid': '__label__sauce Was\tkostet Käse?',
      'readme.txt': 'About cooking.',
    });
    const dataset = await openDataset(folder, 'auto');
    expect(dataset).toMatchObject({
      format: 'fasttext',
      task: 'text-classification',
      classes: ['cheese', 'food-safety', 'sauce'],
      warnings: [
        '1 of 5 rows have no text; the first: cooking.train:4',
        '1 of 5 rows have no class; the first: cooking.train:5',
      ],
    });
    expect(splitSizes(dataset)).toEqual({ train: 2, valid: 1 });
    expect([...dataset.splits.values()].flat().map(({ text, labels }) => [text, labels])).toEqual([
      ['How much does potato, "starch" cost?', [2, 0]],
      ['Is it bad?', [1, 2]],
      ['Was kostet Käse?', [2]],
    ]);
  });

  it('are read together by their splits, and as one where no name tells any', async () => {
    const lines = ['__label__2 Great CD: lovely Pat', '__label__1 Bad CD'].join('\n');
    const split = await openFolder(fastText, await folderWith({ 'a/train.ft.txt': lines, 'a/test.ft.txt': lines }));
    expect(splitSizes(split)).toEqual({ test: 2, train: 2 });
    expect(split.splits.get('train')?.map(({ label, labels }) => [label, labels])).toEqual([
      [1, undefined],
      [0, undefined],
    ]);
    expect(splitSizes(await openFolder(fastText, await folderWith({ 'reviews.txt': lines })))).toEqual({ all: 2 });
    expect(
      await recogniseFolder(fastText, await folderWith({ 'train.txt': 'a text with __label__1\n' })),
    ).toBeUndefined();
  });
});
