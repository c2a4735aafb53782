import { appendFile, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { cifarBinary } from '../../../../../src/engine/datasets/layouts/cifarBinary.ts';
import { cifarPython } from '../../../../../src/engine/datasets/layouts/cifarPython.ts';
import { idx } from '../../../../../src/engine/datasets/layouts/idx.ts';
import { InputError } from '../../../../../src/engine/errors.ts';
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

/** Images of two pixels, each with its number in both; and their labels. */
function idxFiles(labels: readonly number[]): { images: Buffer; labels: Buffer } {
  const images = Buffer.from([0, 0, 8, 3, 0, 0, 0, labels.length, 0, 0, 0, 1, 0, 0, 0, 2]);
  const pixels = Buffer.from(labels.flatMap((_, number) => [number, number]));
  return {
    images: Buffer.concat([images, pixels]),
    labels: Buffer.from([0, 0, 8, 1, 0, 0, 0, labels.length, ...labels]),
  };
}

describe('idx', () => {
  it('reads MNIST, its digits as classes', async () => {
    const dataset = await openFolder(idx, miniature('mnist'));
    expect(dataset).toMatchObject({ format: 'idx', task: 'image-classification' });
    expect(dataset.classes).toEqual([...'0123456789']);
    expect(splitSizes(dataset)).toEqual({ t10k: 10, train: 20 });
    const sample = dataset.splits.get('train')?.[13];
    expect([sample?.id, sample?.label]).toEqual(['train/13', 3]);
    expect(await pixelOf(sample)).toEqual({ width: 28, height: 28, pixel: [13] });
  });

  it('reads compressed files, and names the classes of Fashion-MNIST', async () => {
    const recognition = await recogniseFolder(idx, miniature('fashion-mnist'), false);
    expect(recognition?.reason).toBe(
      'IDX files as of MNIST: t10k-images-idx3-ubyte.gz, train-images-idx3-ubyte.gz and their labels',
    );
    const dataset = await openFolder(idx, miniature('fashion-mnist'));
    expect(classNames(dataset, 't10k').slice(0, 2)).toEqual(['T-shirt/top', 'Trouser']);
    expect((await pixelOf(dataset.splits.get('train')?.[19])).pixel).toEqual([19]);
  });

  it('takes one of the datasets of EMNIST, with its mapping, and tells of the others', async () => {
    const { images, labels } = idxFiles([1, 61]);
    const folder = await folderWith({
      'emnist-letters-train-images-idx3-ubyte': images,
      'emnist-letters-train-labels-idx1-ubyte': labels,
      'emnist-letters-mapping.txt': '1 65 97\n61 122\n',
      'emnist-mnist-train-images-idx3-ubyte': images,
      'emnist-mnist-train-labels-idx1-ubyte': labels,
    });
    const dataset = await openFolder(idx, folder);
    expect(classNames(dataset, 'train')).toEqual(['A', 'z']);
    expect(dataset.warnings).toEqual(['emnist-mnist-* was left out: it is a dataset of its own. Move it to a folder.']);
  });

  it('takes files of which some are unpacked', async () => {
    const { images, labels } = idxFiles([1, 2]);
    const folder = await folderWith({
      'train-images-idx3-ubyte': images,
      'train-images-idx3-ubyte.gz': gzipSync(images),
      'train-labels-idx1-ubyte.gz': gzipSync(labels),
    });
    expect(classNames(await openFolder(idx, folder), 'train')).toEqual(['1', '2']);
  });

  it('is not recognised by images without labels', async () => {
    const folder = await folderWith({ 'train-images-idx3-ubyte': idxFiles([1]).images });
    expect(await recogniseFolder(idx, folder)).toBeUndefined();
  });

  const { images, labels } = idxFiles([1, 2, 3]);
  const huge = Buffer.from([0, 0, 8, 3, 0x7f, 0xff, 0xff, 0xff, 0, 0, 16, 0, 0, 0, 16, 0]);
  it.each([
    [
      'cut images',
      images.subarray(0, 20),
      labels,
      "train-images-idx3-ubyte: its size doesn't fit 3 images; download it again.",
    ],
    [
      'labels of other images',
      images,
      idxFiles([1]).labels,
      'train-labels-idx1-ubyte: 1 labels for 3 images of 2 x 1 in train-images-idx3-ubyte; download both again.',
    ],
    [
      'labels that are fewer than they claim',
      images,
      Buffer.from([0, 0, 8, 1, 0, 0, 0, 4, 1, 2, 3]),
      "train-labels-idx1-ubyte: its size doesn't fit 4 labels; download it again.",
    ],
    [
      'labels that are images',
      images,
      images,
      'train-labels-idx1-ubyte: not a file of labels in the IDX format; download it again.',
    ],
    [
      'images that are none',
      labels,
      labels,
      'train-images-idx3-ubyte: not a file of images in the IDX format; download it again.',
    ],
    [
      'a claim of billions of images',
      huge,
      labels,
      "train-images-idx3-ubyte: its size doesn't fit 2,147,483,647 images; download it again.",
    ],
  ])('refuses %s', async (_, first, second, message) => {
    const folder = await folderWith({ 'train-images-idx3-ubyte': first, 'train-labels-idx1-ubyte': second });
    await expect(openFolder(idx, folder)).rejects.toThrow(new InputError(message));
  });

  it('reads no labels that are larger than any', async () => {
    const folder = await folderWith({ 'train-images-idx3-ubyte': images, 'train-labels-idx1-ubyte': labels });
    await truncate(path.join(folder, 'train-labels-idx1-ubyte'), 1024 ** 3);
    await expect(openFolder(idx, folder)).rejects.toThrow('train-labels-idx1-ubyte: larger than any file of labels');
  });

  it('tells of a compressed file that ends early', async () => {
    const cut = gzipSync(labels).subarray(0, 20);
    const folder = await folderWith({
      'train-images-idx3-ubyte.gz': gzipSync(images),
      'train-labels-idx1-ubyte.gz': cut,
    });
    await expect(openFolder(idx, folder)).rejects.toThrow(
      "train-labels-idx1-ubyte.gz: can't be unpacked (unexpected end of file); download it again.",
    );
  });
});

it('idx reads files in folders of their own names, once where they lie beside, too', async () => {
  const { images, labels } = idxFiles([1, 2]);
  const wrapped = {
    'train-images-idx3-ubyte/train-images-idx3-ubyte': images,
    'train-labels-idx1-ubyte/train-labels-idx1-ubyte': labels,
  };
  expect(splitSizes(await openFolder(idx, await folderWith(wrapped)))).toEqual({ train: 2 });
  const both = { ...wrapped, 'train-images.idx3-ubyte': images, 'train-labels.idx1-ubyte': labels };
  expect(splitSizes(await openFolder(idx, await folderWith(both)))).toEqual({ train: 2 });
});

describe.each([
  { layout: cifarBinary, ten: 'cifar-10-batches-bin', hundred: 'cifar-100-binary', end: '.bin' },
  { layout: cifarPython, ten: 'cifar-10-batches-py', hundred: 'cifar-100-python', end: '' },
])('$ten and $hundred', ({ layout, ten, hundred, end }) => {
  it('reads CIFAR-10 with its five batches as one split', async () => {
    const dataset = await openFolder(layout, miniature(ten));
    expect(dataset.classes).toHaveLength(10);
    expect(splitSizes(dataset)).toEqual({ train: 20, test: 4 });
    const sample = dataset.splits.get('train')?.[9];
    expect([sample?.id, dataset.classes[sample?.label ?? -1]]).toEqual([`data_batch_3${end}/1`, 'truck']);
    const image = await sample?.image?.read();
    if (!image || image instanceof Uint8Array) throw new Error('no pixels');
    expect([image.width, image.height, image.channels]).toEqual([32, 32, 3]);
    // White, then the colour of truck 9.
    expect([...image.pixels.subarray(0, 6)]).toEqual([255, 255, 255, (9 * 40) % 256, 180, 100]);
    expect([...image.pixels.subarray(-3)]).toEqual([(9 * 40) % 256, 180, 100]);
  });

  it('reads CIFAR-100 with its fine classes', async () => {
    const dataset = await openFolder(layout, miniature(hundred));
    expect(dataset.classes).toEqual(['apple', 'aquarium_fish', 'baby', 'bear']);
    expect(splitSizes(dataset)).toEqual({ test: 4, train: 8 });
    expect(classNames(dataset, 'test')).toEqual(dataset.classes);
  });

  it('does without missing batches', async () => {
    const folder = await copyOfMiniature(ten);
    for (const number of [1, 2, 3, 4]) await rm(path.join(folder, `data_batch_${number}${end}`));
    expect(splitSizes(await openFolder(layout, folder))).toEqual({ train: 4, test: 4 });
  });
});

it('CIFAR in its binary version has the label of every image, however many there are', async () => {
  const record = 1 + 3 * 32 * 32;
  const labels = Array.from({ length: 1001 }, (_, index) => index % 3);
  const images = Buffer.alloc(labels.length * record);
  for (const [index, label] of labels.entries()) images[index * record] = label;
  const folder = await folderWith({ 'batches.meta.txt': 'a\nb\nc\n', 'data_batch_1.bin': images });
  const dataset = await openFolder(cifarBinary, folder);
  expect(dataset.splits.get('train')?.map(({ label }) => label)).toEqual(labels);
});

describe('damaged CIFAR', () => {
  it('of the binary version is refused by the size of a file, and labels without a name are told of', async () => {
    const folder = await copyOfMiniature('cifar-10-batches-bin');
    await appendFile(path.join(folder, 'test_batch.bin'), 'x');
    await expect(openFolder(cifarBinary, folder)).rejects.toThrow(
      'test_batch.bin: 12293 bytes are no whole number of images of 3073; download it again.',
    );
    await writeFile(path.join(folder, 'test_batch.bin'), Buffer.alloc(3073, 77));
    expect((await openFolder(cifarBinary, folder)).warnings).toEqual([
      '1 of 21 rows have a class without a name; the first: test_batch.bin: image 1: 77',
    ]);
  });

  it('of the python version is refused, and what its pickles call is named and not run', async () => {
    const folder = await copyOfMiniature('cifar-10-batches-py');
    const batch = path.join(folder, 'data_batch_1');
    await writeFile(batch, 'cposix\nsystem\n(S"touch /tmp/hacked"\ntR.');
    await expect(openFolder(cifarPython, folder)).rejects.toThrow(
      'data_batch_1: its pickle calls "posix.system", which is no part of a batch of CIFAR; nothing was run.',
    );
    await writeFile(batch, '(lp0\n.');
    await expect(openFolder(cifarPython, folder)).rejects.toThrow(
      'data_batch_1: no dict of a batch of CIFAR; download it again.',
    );
    await truncate(path.join(folder, 'data_batch_2'), 5000);
    await rm(batch);
    await expect(openFolder(cifarPython, folder)).rejects.toThrow(/^data_batch_2: its pickle ends early\. /);
  });
});

describe('copies of CIFAR that were pickled again', () => {
  it('are read in every protocol, with names as bytes, and pixels in any writing', async () => {
    const dataset = await openFolder(cifarPython, miniature('cifar-10-pickled-again'));
    expect(splitSizes(dataset)).toEqual({ train: 12, test: 2 });
    expect(dataset.classes).toHaveLength(10);
    const samples = [...dataset.splits.values()].flat();
    expect(samples.map(({ label }) => label)).toEqual(samples.map((_, index) => index % 2));
    const images = await Promise.all(samples.map(({ image }) => image?.read()));
    const written = samples.findIndex(({ id }) => id === 'data_batch_4/0');
    expect(images[written]).toMatchObject({ width: 32, height: 32, channels: 3 });
    for (const [index, image] of images.entries()) expect(image).toEqual(images[written + (index % 2)]);
    const first = await pixelOf(samples[0]);
    expect(first.pixel).toEqual([0, 0, 100]);
  });

  it('are refused where the pixels are cut', async () => {
    const folder = await copyOfMiniature('cifar-10-pickled-again');
    const batch = path.join(folder, 'data_batch_2');
    const bytes = await readFile(batch);
    // Two characters of the text become one that no byte stands for.
    bytes[bytes.indexOf(Buffer.from([0xc3, 0xbf]))] = 0x41;
    await writeFile(batch, bytes);
    await expect(openFolder(cifarPython, folder)).rejects.toThrow(
      'data_batch_2: no pixels of 32 x 32 for its 2 labels; download it again.',
    );
  });
});
