import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { textFolders } from '../../../../../src/engine/datasets/layouts/textFolders.ts';
import { findDatasets, openDataset } from '../../../../../src/engine/datasets/open.ts';
import { walk } from '../../../../../src/engine/files/walk.ts';
import { folderWith, miniature, openFolder, recogniseFolder, splitSizes } from '../../../../helpers/miniatures.ts';

/** Folders of texts, each as named with what its files are called. */
function textsIn(...folders: (readonly [folder: string, ...names: string[]])[]): Promise<string> {
  const files = folders.flatMap(([folder, ...names]) =>
    names.map((name): [string, string] => [`${folder}/${name}`, `Some words about ${folder}.`]),
  );
  return folderWith(Object.fromEntries(files));
}

describe('texts in class folders', () => {
  it('are 20 Newsgroups, whose messages have no ending and are in Latin-1', async () => {
    const recognition = await recogniseFolder(textFolders, miniature('20news-bydate'), false);
    expect(recognition?.reason).toBe(
      'texts in one folder per class: 3 class folders in 20news-bydate-test, 20news-bydate-train, 15 texts',
    );
    const dataset = await openFolder(textFolders, miniature('20news-bydate'));
    expect(dataset.classes).toEqual(['alt.atheism', 'rec.autos', 'sci.space']);
    expect(splitSizes(dataset)).toEqual({ test: 6, train: 9 });
    expect(dataset.splits.get('train')?.[0]?.text).toContain('A café, on alt.atheism 49960.');
  });

  it.each([
    [
      'without splits',
      [
        ['bbc/business', '001.txt', '002.txt'],
        ['bbc/tech', '001.txt', '002.txt', '003.txt'],
      ],
    ],
    [
      'with the README of a class',
      [
        ['a/pos', '1.txt', '2.txt', 'README.txt', 'LICENSE'],
        ['a/neg', '1.txt', '2.txt'],
      ],
    ],
    [
      'in other scripts',
      [
        ['a/スポーツ', '1.txt', '2.txt'],
        ['a/経済', '1.txt', '2.txt'],
      ],
    ],
  ] as const)('are found %s', async (_, folders) => {
    const { datasets } = await findDatasets((await walk(await textsIn(...folders))).root);
    expect(datasets.map(({ dataset }) => [dataset.task, dataset.classes.length])).toEqual([['text-classification', 2]]);
    const texts = [...(datasets[0]?.dataset.splits.values() ?? [])].flat();
    expect(texts.some(({ file }) => /README|LICENSE/.test(file))).toBe(false);
  });

  it.each([
    [
      'docs and notes',
      [
        ['docs', 'install.txt', 'usage.txt'],
        ['notes', 'monday.txt', 'tuesday.txt'],
      ],
    ],
    [
      'numbered docs and notes',
      [
        ['docs', '1.txt', '2.txt'],
        ['notes', '1.txt', '2.txt'],
      ],
    ],
    [
      'poems and recipes',
      [
        ['poems', 'autumn.txt', 'spring.txt'],
        ['recipes', 'bread.txt', 'soup.txt'],
      ],
    ],
    [
      'cases of a test',
      [
        ['test/first', '1.txt', '2.txt'],
        ['test/second', '1.txt', '2.txt'],
        ['src', 'main.py'],
      ],
    ],
    [
      'inputs and outputs',
      [
        ['cases/in', '1.txt', '2.txt'],
        ['cases/out', '1.txt', '2.txt'],
      ],
    ],
    [
      'readmes and licences',
      [
        ['left', 'README.txt', 'LICENSE.txt'],
        ['right', 'README.txt', 'LICENSE.txt'],
      ],
    ],
    [
      'splits of different classes',
      [
        ['train/a', '1.txt', '2.txt'],
        ['train/b', '1.txt', '2.txt'],
        ['test/c', '1.txt', '2.txt'],
        ['test/d', '1.txt', '2.txt'],
      ],
    ],
  ] as const)('are not %s', async (_, folders) => {
    const { datasets } = await findDatasets((await walk(await textsIn(...folders))).root);
    expect(datasets).toEqual([]);
  });

  it('may be empty, which is counted', async () => {
    const folder = await textsIn(['train/neg', '1_1.txt', '2_1.txt'], ['train/pos', '1_9.txt', '2_9.txt']);
    for (const file of ['neg/1_1.txt', 'pos/1_9.txt']) await writeFile(path.join(folder, 'train', file), ' ');
    const [found] = (await findDatasets((await walk(folder)).root)).datasets;
    expect(found?.dataset.warnings).toEqual(['2 of 4 rows are empty or can’t be read; the first: train/neg/1_1.txt']);
  });

  it('are no boxes in text files', async () => {
    const boxes = '0 0.5 0.5 0.1 0.2\n1 0.25 0.5 0.1 0.2\n';
    const folder = await folderWith({
      'train/a/1.txt': boxes,
      'train/a/2.txt': boxes,
      'train/b/1.txt': boxes,
      'train/b/2.txt': boxes,
    });
    expect(await recogniseFolder(textFolders, folder, false)).toBeUndefined();
  });

  it('are taken where a person names the folder, but notes are not', async () => {
    const poems = await textsIn(['poems', 'autumn.txt', 'spring.txt'], ['recipes', 'bread.txt', 'soup.txt']);
    expect((await openDataset(poems, 'auto')).classes).toEqual(['poems', 'recipes']);
    const notes = await textsIn(['docs', 'a.txt', 'b.txt'], ['notes', 'c.txt', 'd.txt']);
    await expect(openDataset(notes, 'auto')).rejects.toThrow('no dataset here');
  });

  it('are a split by themselves only where they are numbered and nothing else is there', async () => {
    const formats = async (...folders: (readonly [string, ...string[]])[]) =>
      (await findDatasets((await walk(await textsIn(...folders))).root)).datasets.map(({ dataset }) => [
        ...dataset.splits.keys(),
      ]);
    const [pos, neg] = [
      ['test/pos', '1_9.txt', '2_9.txt'],
      ['test/neg', '1_1.txt', '2_1.txt'],
    ] as const;
    expect(await formats(pos, neg)).toEqual([['test']]);
    expect(await formats(pos, neg, ['test/helpers', 'a.py'])).toEqual([]);
    expect(await formats(pos, neg, ['src', 'a.py'])).toEqual([]);
    expect(await formats(['test/cases', 'a.txt', 'b.txt'], ['test/errors', 'c.txt', 'd.txt'])).toEqual([]);
  });

  it('are a choice where there are several folders for a split', async () => {
    const folder = await textsIn(
      ['a-train/x', '1.txt', '2.txt'],
      ['a-train/y', '1.txt', '2.txt'],
      ['a-test/x', '1.txt', '2.txt'],
      ['a-test/y', '1.txt', '2.txt'],
      ['b-train/x', '1.txt', '2.txt', '3.txt'],
      ['b-train/y', '1.txt', '2.txt'],
    );
    const dataset = await openDataset(folder, 'auto');
    expect(splitSizes(dataset)).toEqual({ test: 4, train: 4 });
    const other = path.join(folder, 'b-train');
    expect(dataset.warnings).toEqual([expect.stringContaining(`can be named instead: ${other}.`)]);
    const { datasets } = await findDatasets((await walk(folder)).root);
    expect(datasets.map((found) => splitSizes(found.dataset))).toEqual([{ test: 4, train: 4 }, { train: 5 }]);
  });
});
