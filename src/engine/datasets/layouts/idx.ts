import { open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { constants, gunzip, gunzipSync } from 'node:zlib';
import { formatCount } from '../../../protocol/format.ts';
import { InputError, messageOf } from '../../errors.ts';
import type { Folder } from '../../files/walk.ts';
import type { DatasetLayout, ImageSource } from '../dataset.ts';
import { fileIn, locate } from '../folders.ts';
import { pixelsWithin } from '../images.ts';
import { LabelledImages } from '../labelledImages.ts';
import { linesOf } from '../tables/lines.ts';

/** `train-images-idx3-ubyte.gz`, `t10k-images.idx3-ubyte`, `emnist-letters-train-images-idx3-ubyte.gz`. */
const IMAGES = /^((?:.*-)?)(train|t10k|test|val|validation)-images[-.]idx3-ubyte(\.gz)?$/i;

const IMAGES_MAGIC = 0x0803;
const LABELS_MAGIC = 0x0801;
const IMAGES_HEADER = 16;
const LABELS_HEADER = 8;
const MAX_SIDE = 4096;
const MAX_LABEL = 255;
/** What is compressed has to be unpacked in memory as a whole; all images of EMNIST take 550 MB. */
const MAX_UNPACKED_BYTES = 768 * 1024 * 1024;

/** Labels of Fashion-MNIST as its README names them. */
const FASHION = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];

const unpack = promisify(gunzip);

interface Part {
  readonly split: string;
  readonly images: string;
  readonly labels: string;
}

/**
 * MNIST and the datasets that took over its files (Fashion-MNIST, KMNIST, EMNIST): for each split one file of images
 * and one of labels in the IDX format (http://yann.lecun.com/exdb/mnist/), `train-images-idx3-ubyte` and
 * `train-labels-idx1-ubyte`, `t10k-…` for the test images, compressed with gzip or not. Classes are the labels' numbers
 * unless their names are known: by EMNIST's `…-mapping.txt`, or for Fashion-MNIST by its documentation.
 */
export const idx: DatasetLayout = {
  format: 'idx',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => setsIn(candidate).size > 0);
    if (!root) return undefined;
    const [[prefix, parts] = ['', []], ...others] = setsIn(root);
    return {
      task: 'image-classification',
      reason: `IDX files as of MNIST: ${parts.map(({ images }) => path.basename(images)).join(', ')} and their labels`,
      open: async (signal) => {
        const names = await namesFor(root, prefix);
        const gathered = new LabelledImages(root, this.format);
        for (const part of parts) await addPart(gathered, part, names);
        const dataset = gathered.dataset(names, signal);
        const left = others.map(([name]) => `${name}* was left out: it is a dataset of its own. Move it to a folder.`);
        return { ...dataset, warnings: [...left, ...dataset.warnings] };
      },
    };
  },
};

/** The splits by what their files' names start with, which tells the sets of EMNIST apart. */
function setsIn(folder: Folder): Map<string, Part[]> {
  const sets = new Map<string, Part[]>();
  const files = filesIn(folder);
  for (const [name, file] of files) {
    const [, prefix = '', split] = IMAGES.exec(name) ?? [];
    if (!split) continue;
    // One of the two may be unpacked.
    const stem = name.replace(/images([-.])idx3/i, 'labels$1idx1').replace(/\.gz$/i, '');
    const labels = files.get(stem) ?? files.get(`${stem}.gz`);
    if (!labels) continue;
    // Where somebody unpacked the images and kept the packed ones, either will do.
    const parts = (sets.get(prefix) ?? []).filter((part) => part.split !== split);
    sets.set(prefix, [...parts, { split, images: file, labels }]);
  }
  return sets;
}

/** The files of a folder by their names, and those in folders of the same names, as archives of single files unpack. */
function filesIn({ path: place, files, folders }: Folder): Map<string, string> {
  const wrapped = folders.flatMap((child) => {
    const file = fileIn(child, child.name);
    return file === undefined ? [] : [[child.name, file] as const];
  });
  return new Map([...wrapped, ...files.map((name) => [name, path.join(place, name)] as const)]);
}

async function addPart(
  gathered: LabelledImages,
  { split, images, labels }: Part,
  names: readonly string[] | undefined,
): Promise<void> {
  const { count, width, height, imageAt } = await openImages(images);
  const name = path.basename(labels);
  const bytes = await contentOf(labels);
  if (bytes.length < LABELS_HEADER || bytes.readUInt32BE(0) !== LABELS_MAGIC) {
    throw new InputError(`${name}: not a file of labels in the IDX format; download it again.`);
  }
  const values = bytes.subarray(LABELS_HEADER);
  const announced = bytes.readUInt32BE(4);
  if (values.length !== announced) {
    throw new InputError(`${name}: its size doesn't fit ${formatCount(announced)} labels; download it again.`);
  }
  if (values.length !== count) {
    throw new InputError(
      `${name}: ${formatCount(values.length)} labels for ${formatCount(count)} images of ${width} x ${height} in ${path.basename(images)}; download both again.`,
    );
  }
  for (const [index, label] of values.entries()) {
    const where = `${name}: label ${index + 1}`;
    gathered.add(
      split,
      { id: `${split}/${index}`, file: images, image: imageAt(index) },
      [names?.[label] ?? String(label)],
      where,
    );
  }
}

async function openImages(
  file: string,
): Promise<{ count: number; width: number; height: number; imageAt: (index: number) => ImageSource }> {
  const name = path.basename(file);
  const header = await headerOf(file);
  if (header.length < IMAGES_HEADER || header.readUInt32BE(0) !== IMAGES_MAGIC) {
    throw new InputError(`${name}: not a file of images in the IDX format; download it again.`);
  }
  const [count, height, width] = [4, 8, 12].map((at) => header.readUInt32BE(at));
  if (!count || !height || !width || height > MAX_SIDE || width > MAX_SIDE) {
    throw new InputError(`${name}: ${count} images of ${width} x ${height} pixels can't be; download it again.`);
  }
  const size = width * height;
  const expected = IMAGES_HEADER + count * size;
  const found = await unpackedSize(file);
  if (found !== (isPacked(file) ? expected % 2 ** 32 : expected)) {
    throw new InputError(`${name}: its size doesn't fit ${formatCount(count)} images; download it again.`);
  }
  if (!isPacked(file)) {
    const shape = { width, height, channels: 1 } as const;
    return { count, width, height, imageAt: (index) => pixelsWithin(file, IMAGES_HEADER + index * size, shape) };
  }
  if (expected > MAX_UNPACKED_BYTES) {
    throw new InputError(`${name}: too large to be unpacked in memory; unpack it with gunzip.`);
  }
  // Unpacked when the first image is asked for, and kept, for no image can be reached without those before it.
  let unpacked: Promise<Buffer> | undefined;
  const imageAt = (index: number): ImageSource => ({
    read: async () => {
      unpacked ??= contentOf(file);
      const start = IMAGES_HEADER + index * size;
      return { pixels: (await unpacked).subarray(start, start + size), width, height, channels: 1 };
    },
  });
  return { count, width, height, imageAt };
}

/** The names that the labels stand for, from 0, where they are known. */
async function namesFor(root: Folder, prefix: string): Promise<readonly string[] | undefined> {
  const mapping = fileIn(root, `${prefix}mapping.txt`);
  // `10 65`: the label 10 stands for the character of code 65. Letters of EMNIST start with label 1.
  if (mapping) {
    const codes = new Map(
      (await linesOf(mapping)).map((line): [number, number] => {
        const [label = 0, code = 0] = line.split(/\s+/).map(Number);
        return [label, code];
      }),
    );
    return Array.from({ length: Math.min(MAX_LABEL, Math.max(...codes.keys())) + 1 }, (_, label) => {
      const code = codes.get(label);
      return code === undefined ? String(label) : String.fromCharCode(code);
    });
  }
  return root.path
    .split(path.sep)
    .slice(-3)
    .some((name) => /fashion/i.test(name))
    ? FASHION
    : undefined;
}

function isPacked(file: string): boolean {
  return /\.gz$/i.test(file);
}

async function contentOf(file: string): Promise<Buffer> {
  if ((await stat(file)).size > MAX_UNPACKED_BYTES) {
    throw new InputError(
      `${path.basename(file)}: larger than any file of labels or compressed images; download it again.`,
    );
  }
  try {
    const bytes = await readFile(file);
    return isPacked(file) ? await unpack(bytes, { maxOutputLength: MAX_UNPACKED_BYTES }) : bytes;
  } catch (error) {
    const reason = messageOf(error);
    throw new InputError(`${path.basename(file)}: can't be unpacked (${reason}); download it again.`);
  }
}

/** The first bytes, unpacked. */
async function headerOf(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(1024), 0, 1024, 0);
    const head = buffer.subarray(0, bytesRead);
    return isPacked(file) ? gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH }) : head;
  } catch {
    return Buffer.alloc(0);
  } finally {
    await handle.close();
  }
}

/** The size of the content, which a gzip file ends with (modulo 2^32). */
async function unpackedSize(file: string): Promise<number> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if (!isPacked(file)) return size;
    const end = Buffer.alloc(4);
    await handle.read(end, 0, 4, Math.max(0, size - 4));
    return end.readUInt32LE(0);
  } finally {
    await handle.close();
  }
}
