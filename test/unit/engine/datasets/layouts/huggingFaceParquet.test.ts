import { copyFile, cp, mkdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { classNamesInCard } from '../../../../../src/engine/datasets/datasetCard.ts';
import { huggingFaceParquet } from '../../../../../src/engine/datasets/layouts/huggingFaceParquet.ts';
import { findDatasets } from '../../../../../src/engine/datasets/open.ts';
import { openParquet } from '../../../../../src/engine/datasets/tables/parquet.ts';
import { InputError } from '../../../../../src/engine/errors.ts';
import { walk } from '../../../../../src/engine/files/walk.ts';
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

describe('Hugging Face parquet', () => {
  it('gives the images in its cells, with the names of the classes in its metadata', async () => {
    const recognition = await recogniseFolder(huggingFaceParquet, miniature('hf-parquet'), false);
    expect(recognition?.reason).toBe(
      'parquet as of the Hugging Face Hub: 2 files, data/test-00000-of-00001.parquet, data/train-00000-of-00001.parquet; images in img, classes in label',
    );
    const dataset = await openFolder(huggingFaceParquet, miniature('hf-parquet'));
    expect(dataset).toMatchObject({ format: 'hf-parquet', classes: ['airplane', 'automobile', 'bird'], warnings: [] });
    expect(splitSizes(dataset)).toEqual({ test: 3, train: 12 });
    const train = dataset.splits.get('train') ?? [];
    expect(train.map(({ label }) => label)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
    // One in each of the three row groups, in no order and all at once.
    const pixels = await Promise.all([11, 0, 7].map((row) => pixelOf(train[row])));
    expect(pixels.map(({ pixel }) => pixel[1])).toEqual([220, 0, 140]);
  });

  it('takes paths of images that lie beside, with the names of the classes in the dataset card', async () => {
    const dataset = await openFolder(huggingFaceParquet, miniature('hf-parquet-paths'));
    expect(dataset.classes).toEqual(['healthy', 'rotten: brown']);
    expect(dataset.splits.get('train')?.map(({ id }) => id)).toEqual([0, 1, 2, 3].map((n) => `images/${n}.png`));
  });

  it('lies in a folder of its own beside the images that it names', async () => {
    const folder = await copyOfMiniature('hf-parquet-paths');
    await rename(path.join(folder, 'train'), path.join(folder, 'data'));
    await rm(path.join(folder, 'README.md'));
    const { datasets } = await findDatasets((await walk(folder)).root);
    expect(datasets.map(({ dataset, path: named }) => [named, splitSizes(dataset)])).toEqual([[folder, { all: 4 }]]);
    await cp(miniature('hf-parquet/data'), path.join(folder, 'data'), { recursive: true });
    await rm(path.join(folder, 'data', '0000.parquet'));
    const inCells = await findDatasets((await walk(folder)).root);
    expect(inCells.datasets.map(({ path: named }) => named)).toEqual([path.join(folder, 'data')]);
  });

  it('tells of rows whose image is missing', async () => {
    const folder = await copyOfMiniature('hf-parquet-paths');
    await rm(path.join(folder, 'images', '2.png'));
    const dataset = await openFolder(huggingFaceParquet, folder);
    expect(dataset.warnings).toEqual([
      '1 of 4 rows name images that are not there; the first: 0000.parquet: row 3: images/2.png',
    ]);
  });

  it('goes without the names of the classes, and finds its files in the folder that was named', async () => {
    const folder = await copyOfMiniature('hf-parquet-paths');
    await rm(path.join(folder, 'README.md'));
    expect(classNames(await openFolder(huggingFaceParquet, folder), 'train')).toEqual(['0', '1', '0', '1']);
    const data = await openFolder(huggingFaceParquet, miniature('hf-parquet/data'));
    expect(splitSizes(data)).toEqual({ test: 3, train: 12 });
  });

  it('takes the names of the classes from the dataset card around the folder of a configuration', async () => {
    const folder = await folderWith({});
    const configuration = path.join(folder, 'full');
    await cp(miniature('hf-parquet-paths'), configuration, { recursive: true });
    await rename(path.join(configuration, 'README.md'), path.join(folder, 'README.md'));
    for (const named of [folder, configuration]) {
      const dataset = await openFolder(huggingFaceParquet, named);
      expect(dataset.classes).toEqual(['healthy', 'rotten: brown']);
    }
  });

  it('takes the first of the images that a cell lists', async () => {
    const dataset = await openFolder(huggingFaceParquet, miniature('hf-parquet-lists'));
    expect(classNames(dataset, 'train')).toEqual(['cat', 'dog', 'cat', 'dog', 'cat', 'dog']);
    expect(await pixelOf(dataset.splits.get('train')?.[3])).toEqual({ width: 8, height: 8, pixel: [40, 60, 100] });
  });

  it('takes whole numbers for classes that are kept with fractions', async () => {
    const dataset = await openFolder(huggingFaceParquet, miniature('hf-parquet-floats'));
    expect(classNames(dataset, 'train')).toEqual(['0', '1', '0', '1', '1']);
    expect(dataset.warnings).toEqual(['1 of 6 rows have no class; the first: train.parquet: row 5']);
  });

  it('leaves configurations beside each other to their folders', async () => {
    const folder = await folderWith({});
    for (const name of ['one', 'two']) {
      await mkdir(path.join(folder, name));
      await copyFile(miniature('hf-parquet/data/test-00000-of-00001.parquet'), path.join(folder, name, 'x.parquet'));
    }
    expect(await recogniseFolder(huggingFaceParquet, folder)).toBeUndefined();
    expect(splitSizes(await openFolder(huggingFaceParquet, path.join(folder, 'one')))).toEqual({ all: 3 });
  });

  it('goes on beside a damaged file, unless that is the one to train on', async () => {
    const folder = await copyOfMiniature('hf-parquet');
    const file = path.join(folder, 'data', 'test-00000-of-00001.parquet');
    await truncate(file, 1000);
    const message =
      'test-00000-of-00001.parquet: not a readable parquet file (it does not end as a parquet file does); download or write it again.';
    for (const asked of [true, false]) {
      const found = await (await recogniseFolder(huggingFaceParquet, folder, asked))?.open();
      expect(found?.warnings).toEqual([message]);
      expect([...(found?.splits.keys() ?? [])]).toEqual(['train']);
    }
    const train = path.join(folder, 'data', 'train-00000-of-00001.parquet');
    await rename(train, path.join(folder, 'data', 'val-00000-of-00001.parquet'));
    await rename(file, train);
    await expect(openFolder(huggingFaceParquet, folder)).rejects.toThrow(
      new InputError(message.replace('test', 'train')),
    );
    await rm(path.join(folder, 'data', 'val-00000-of-00001.parquet'));
    await rename(train, file);
    await expect(openFolder(huggingFaceParquet, folder)).rejects.toThrow(new InputError(message));
  });

  it('is refused where Git LFS keeps it elsewhere', async () => {
    const folder = await folderWith({ 'train.parquet': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n' });
    await expect(openFolder(huggingFaceParquet, folder)).rejects.toThrow(
      new InputError('train.parquet: a Git LFS pointer, not the table itself; run "git lfs pull".'),
    );
  });

  it('is refused for a codec that it does not know', async () => {
    const folder = await copyOfMiniature('hf-parquet');
    const file = path.join(folder, 'data', 'train-00000-of-00001.parquet');
    await writeFile(file, withCodec(await readFile(file), 3));
    await rm(path.join(folder, 'data', 'test-00000-of-00001.parquet'));
    await expect(openFolder(huggingFaceParquet, folder)).rejects.toThrow(
      'train-00000-of-00001.parquet: the column label is compressed with LZO; write it again with snappy, zstd or gzip.',
    );
  });

  it('is read where LZ4 wrote a byte for a page of nothing, as for the paths of images that have none', async () => {
    const file = path.join(await folderWith({ 'a.parquet': LZ4 }), 'a.parquet');
    const rows = (await openParquet(file)).rowsOf(['image', 'label']);
    const read = [];
    for await (const { values } of rows) read.push(values);
    expect(read).toEqual([
      { image: { bytes: Uint8Array.of(1, 2), path: null }, label: 0n },
      { image: { bytes: Uint8Array.of(3), path: null }, label: 1n },
    ]);
  });

  it('does not fall for footers that claim too much', async () => {
    const claim = Buffer.from('PAR1\xff\xff\xff\x7fPAR1', 'latin1');
    const file = path.join(await folderWith({ 'a.parquet': claim }), 'a.parquet');
    await expect(openParquet(file)).rejects.toThrow(
      'a.parquet: not a readable parquet file (its footer is larger than any); download or write it again.',
    );
  });
});

/** Two images without paths, as pyarrow 26 writes them with `compression="lz4", store_schema=False`. */
const LZ4 = Buffer.from(
  [
    'UEFSMRUEFRYVGEwVBBUAEgAAsAIAAAABAgEAAAADFQAVEhUULBUEFRAVBhUGHAAAAJACAAAABAIBAwIVBBUAFQJMFQAVABIAAAAV',
    'ABUOFRAsFQQVEBUGFQYcAAAAcAIAAAAEAQAVBBUgFRpMFQQVABIAABMAAQCAAQAAAAAAAAAVABUSFRQsFQQVEBUGFQYcAAAAkAIA',
    'AAAEAQEDAhUEGVw1ABgGc2NoZW1hFQQANQIYBWltYWdlFQQAFQwlAhgFYnl0ZXMAFQwlAhgEcGF0aCUATBwAAAAVBCUCGAVsYWJl',
    'bAAWBBkcGTwmABwVDBk1AAYQGSgFaW1hZ2UFYnl0ZXMVDhYEFmoWbiY8JggpLBUEFQAVAgAVABUQFQIAPBYGGQYZNgAABAAAACYA',
    'HBUMGTUABhAZKAVpbWFnZQRwYXRoFQ4WBBZQFlQmlAEmdiksFQQVABUCABUAFRAVAgA8FgAZBhk2AAQAAAAAJgAcFQQZNQAGEBkY',
    'BWxhYmVsFQ4WBBZ0FnAmgAImygEpLBUEFQAVAgAVABUQFQIAPCkGGSYABAAAABauAhYEJggWsgIAKCBwYXJxdWV0LWNwcC1hcnJv',
    'dyB2ZXJzaW9uIDI2LjAuMRk8HAAAHAAAHAAAAEEBAABQQVIx',
  ].join(''),
  'base64',
);

/** The same file, claiming for every column in its footer that it is compressed by another codec than snappy. */
function withCodec(content: Buffer, codec: number): Buffer {
  const copy = Buffer.from(content);
  const start = copy.length - 8 - copy.readUInt32LE(copy.length - 8);
  for (const path of ['bytes', 'path', 'label']) {
    // In a column's metadata its path (the last name of it here) is followed by the codec: field 4, a zigzag number.
    for (let at = copy.indexOf(path, start); at >= 0; at = copy.indexOf(path, at + 1)) {
      const field = at + path.length;
      if (copy[field] === 0x15 && copy[field + 1] === 2) copy[field + 1] = codec * 2;
    }
  }
  return copy;
}

describe('classNamesInCard', () => {
  it('reads the names of each column, in quotes or not', () => {
    const card = [
      ...['---', 'dataset_info:', '- config_name: default', '  features:', '  - name: "fine_label"', '    dtype:'],
      ...['      class_label:', '        names:', "          '0': it''s", "          '1': 'it''s: quoted'"],
      ...[
        '  - name: coarse',
        '    dtype:',
        '      class_label:',
        '        names:',
        '          0: 猫',
        '          7: no',
      ],
      ...['  splits:', '  - name: train', "    '0': nothing", '---', '- name: outside', '  names:', "   '0': x"],
    ];
    expect([...classNamesInCard(card.join('\r\n'))]).toEqual([
      ['fine_label', ["it''s", "it's: quoted"]],
      ['coarse', ['猫']],
    ]);
    expect(classNamesInCard('# No card')).toEqual(new Map());
  });
});
