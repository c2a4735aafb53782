import { readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { webDataset } from '../../../../../src/engine/datasets/layouts/webDataset.ts';
import { openDataset } from '../../../../../src/engine/datasets/open.ts';
import { type TarEntry, TarFile } from '../../../../../src/engine/datasets/tarFile.ts';
import {
  classNames,
  copyOfMiniature,
  folderWith,
  miniature,
  openFolder,
  pixelOf,
  recogniseFolder,
  splitSizes,
} from '../../../../helpers/miniatures.ts';

async function tarOf(files: readonly (readonly [name: string, content: string])[]): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of files) archive.entry({ name }, content);
  archive.finalize();
  return buffer(archive);
}

describe('WebDataset', () => {
  it('reads images and classes out of shards, splits by their names', async () => {
    const recognition = await recogniseFolder(webDataset, miniature('webdataset'), false);
    expect(recognition?.reason).toBe('WebDataset: 3 tar archives of images with their classes (.cls or .json)');
    const dataset = await openFolder(webDataset, miniature('webdataset'));
    expect(dataset).toMatchObject({ format: 'webdataset', classes: ['daisy', 'tulip'], warnings: [] });
    expect(splitSizes(dataset)).toEqual({ train: 8, val: 2 });
    const train = dataset.splits.get('train') ?? [];
    expect(train.map(({ label }) => label)).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
    expect(train.slice(2, 5).map(({ id }) => id)).toEqual([
      'train-000000.tar/000002',
      `train-000000.tar/${'ä'.repeat(80)}3`,
      'train-000001.tar/000004',
    ]);
    const { width, pixel } = await pixelOf(train[3]);
    expect(width).toBe(8);
    expect(Math.abs((pixel[1] ?? 0) - 60)).toBeLessThan(4);
  });

  it('reads shards in folders of splits, with classes by name', async () => {
    const tar = await tarOf([
      ['a/1.jpg', 'x'],
      ['a/1.cls', 'cat\n'],
      ['b/1.seg.png', 'mask'],
      ['b/1.png', 'photo'],
      ['b/1.json', '{"class_name": "dog", "label": 3}'],
    ]);
    const dataset = await openFolder(webDataset, await folderWith({ 'train/0.tar': tar, 'test/0.tar': tar }));
    expect(splitSizes(dataset)).toEqual({ test: 2, train: 2 });
    expect(classNames(dataset, 'train')).toEqual(['cat', 'dog']);
    expect(dataset.splits.get('train')?.map(({ id }) => id)).toEqual(['train/0.tar/a/1', 'train/0.tar/b/1']);
    const bytes = await dataset.splits.get('train')?.[1]?.image?.read();
    expect(Buffer.from(bytes instanceof Uint8Array ? bytes : []).toString()).toBe('photo');
  });

  it('reads captions beside the images, or in their JSON, and says what else they may be', async () => {
    const tar = await tarOf([
      ['1.jpg', 'x'],
      ['1.txt', 'A dog, on the grass.\n'],
      ['1.json', '{"caption": "another one of these", "url": "u"}'],
      ['2.jpg', 'y'],
      ['2.json', '{"caption": "Eine Katze sitzt auf dem Tisch, müde."}'],
      ['3.jpg', 'z'],
      ['4.jpg', 'z'],
      ['4.txt', 'Two men on a bench.'],
    ]);
    const folder = await folderWith({ '00000.tar': tar });
    const dataset = await openDataset(folder, 'auto');
    expect(dataset).toMatchObject({ task: 'image-captioning', format: 'webdataset' });
    expect(dataset.splits.get('all')?.map(({ id, target }) => [id, target])).toEqual([
      ['00000.tar#1', { kind: 'text', text: 'A dog, on the grass.' }],
      ['00000.tar#2', { kind: 'text', text: 'Eine Katze sitzt auf dem Tisch, müde.' }],
      ['00000.tar#4', { kind: 'text', text: 'Two men on a bench.' }],
    ]);
    expect(dataset.warnings).toEqual(['1 of 4 rows have no caption; the first: 00000.tar: 3']);
    const named = await tarOf([
      ['1.jpg', 'x'],
      ['1.cls', '0'],
      ['1.txt', 'a photo of a cat'],
      ['2.jpg', 'x'],
      ['2.cls', '1'],
    ]);
    const both = await openDataset(await folderWith({ '0.tar': named }), 'auto');
    expect(both.task).toBe('image-classification');
    expect(both.warnings).toEqual([expect.stringContaining('it can also be read as image-captioning')]);
  });

  it('finds its shards in the folder inside, as the Hub keeps them', async () => {
    const tar = await tarOf(['1.jpg', '1.cls', '2.jpg', '2.cls'].map((name) => [name, '0'] as const));
    const folder = await folderWith({ 'data/train-0.tar': tar, 'README.md': '' });
    const dataset = await openFolder(webDataset, folder);
    expect([dataset.path, splitSizes(dataset)]).toEqual([path.join(folder, 'data'), { train: 2 }]);
    expect(await recogniseFolder(webDataset, folder, false)).toBeUndefined();
  });

  it('passes over names that lead out of the archive, and samples without image or class', async () => {
    const tar = await tarOf([
      ['1.jpg', 'x'],
      ['1.cls', '0'],
      ['../../evil.jpg', 'x'],
      ['../../evil.cls', '0'],
      ['2.cls', '1'],
      ['3.jpg', 'x'],
      ['3.json', '{"label": '],
    ]);
    const dataset = await openFolder(webDataset, await folderWith({ '0.tar': tar }));
    expect(splitSizes(dataset)).toEqual({ all: 1 });
    expect(dataset.warnings).toEqual([
      '1 of 4 rows have a name that leads out of the archive; the first: 0.tar: ../../evil',
      '1 of 4 rows have no image; the first: 0.tar: 2',
      '1 of 4 rows have no class; the first: 0.tar: 3',
    ]);
  });

  it('keeps what comes before damage, and tells of it', async () => {
    const folder = await copyOfMiniature('webdataset');
    await truncate(path.join(folder, 'train-000000.tar'), 512 * 6);
    const second = path.join(folder, 'train-000001.tar');
    const content = await readFile(second);
    await writeFile(second, content.fill(1, 512 * 3 + 100, 512 * 9));
    const dataset = await openFolder(webDataset, folder);
    expect(dataset.warnings.slice(0, 2)).toEqual([
      'train-000000.tar: a damaged tar archive (it ends within a file); download it again.',
      expect.stringMatching(
        /^train-000001\.tar: a damaged tar archive \(byte \d+ is no header\); download it again\.$/,
      ),
    ]);
    expect(dataset.splits.get('val')).toHaveLength(2);
  });

  it.each([
    ['header', 512 * 4 + 100, { all: 1 }],
    ['file', 512 * 7 + 100, { all: 2 }],
  ])('tells of an archive that ends within a %s', async (part, length, splits) => {
    const tar = await tarOf(['1.jpg', '1.cls', '2.jpg', '2.cls'].map((name) => [name, '0'] as const));
    const dataset = await openFolder(webDataset, await folderWith({ 'a.tar': tar.subarray(0, length) }));
    expect(splitSizes(dataset)).toEqual(splits);
    expect(dataset.warnings).toEqual([`a.tar: a damaged tar archive (it ends within a ${part}); download it again.`]);
  });

  it.each([
    ['images alone', [['1.jpg', 'x']]],
    [
      'images with captions',
      [
        ['1.jpg', 'x'],
        ['1.txt', 'a cat'],
        ['1.json', '{"caption": "a cat"}'],
      ],
    ],
    ['checkpoints', [['model.pth', 'x']]],
  ] as const)('is not an archive of %s', async (_, files) => {
    const folder = await folderWith({ '0.tar': await tarOf(files) });
    expect(await recogniseFolder(webDataset, folder)).toBeUndefined();
  });

  it('is not a file that only has the name of an archive', async () => {
    const folder = await folderWith({ '0.tar': 'x'.repeat(5000), '1.tar': '' });
    expect(await recogniseFolder(webDataset, folder)).toBeUndefined();
  });
});

describe('TarFile', () => {
  it('passes over folders and links', async () => {
    const archive = pack();
    archive.entry({ name: 'folder', type: 'directory' });
    archive.entry({ name: 'link', type: 'symlink', linkname: '/etc/passwd' });
    archive.entry({ name: 'x'.repeat(300) }, 'hello');
    archive.finalize();
    const tar = await TarFile.open(path.join(await folderWith({ 'a.tar': await buffer(archive) }), 'a.tar'));
    const entries: TarEntry[] = [];
    for await (const entry of tar.entries()) entries.push(entry);
    expect(entries.map(({ name, size }) => [name, size])).toEqual([['x'.repeat(300), 5]]);
    expect(String(await tar.read(entries[0]?.offset ?? 0, 5))).toBe('hello');
    await tar.close();
  });
});
