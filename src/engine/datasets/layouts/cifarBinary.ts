import { open } from 'node:fs/promises';
import path from 'node:path';
import { InputError } from '../../errors.ts';
import type { Folder } from '../../files/walk.ts';
import { CIFAR_IMAGE_BYTES, cifarImage } from '../cifarImages.ts';
import type { DatasetLayout } from '../dataset.ts';
import { fileIn, locate } from '../folders.ts';
import { LabelledImages } from '../labelledImages.ts';
import { linesOf } from '../tables/lines.ts';

const RECORDS_AT_ONCE = 500;

/** A flavour of the files: which there are, and how many bytes of labels come before the pixels, the last one counting. */
interface Flavour {
  readonly name: string;
  readonly train: RegExp;
  readonly test: RegExp;
  readonly names: string;
  readonly labelBytes: number;
}

const FLAVOURS: readonly Flavour[] = [
  {
    name: 'CIFAR-10',
    train: /^data_batch_\d+\.bin$/i,
    test: /^test_batch\.bin$/i,
    names: 'batches.meta.txt',
    labelBytes: 1,
  },
  {
    name: 'CIFAR-100',
    train: /^train\.bin$/i,
    test: /^test\.bin$/i,
    names: 'fine_label_names.txt',
    labelBytes: 2,
  },
];

/**
 * CIFAR-10 and CIFAR-100 as unpacked from their binary versions (https://www.cs.toronto.edu/~kriz/cifar.html):
 * `data_batch_1.bin` to `data_batch_5.bin`, `test_batch.bin` and the names of the classes in `batches.meta.txt`; or
 * `train.bin`, `test.bin` and `fine_label_names.txt`. An image is its label, in CIFAR-100 the coarse and then the fine
 * one, and 32 x 32 pixels: all red values, all green ones, all blue ones.
 */
export const cifarBinary: DatasetLayout = {
  format: 'cifar-binary',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => flavourOf(candidate) !== undefined);
    const flavour = root && flavourOf(root);
    if (!root || !flavour) return undefined;
    return {
      task: 'image-classification',
      reason: `${flavour.name} in its binary version: ${filesOf(root, flavour).length} files of images and ${flavour.names}`,
      open: async (signal) => {
        const names = fileIn(root, flavour.names);
        const classes = names ? await linesOf(names, signal) : [];
        const gathered = new LabelledImages(root, this.format);
        for (const { split, file } of filesOf(root, flavour)) {
          await addFile(gathered, split, file, flavour.labelBytes, classes);
        }
        return gathered.dataset(classes, signal);
      },
    };
  },
};

async function addFile(
  gathered: LabelledImages,
  split: string,
  file: string,
  labelBytes: number,
  classes: readonly string[],
): Promise<void> {
  const name = path.basename(file);
  const record = labelBytes + CIFAR_IMAGE_BYTES;
  const labels = await labelsIn(file, record, labelBytes - 1);
  for (const [index, label] of labels.entries()) {
    const where = `${name}: image ${index + 1}`;
    const image = cifarImage(file, index * record + labelBytes);
    const known = classes[label];
    if (known) gathered.add(split, { id: `${name}/${index}`, file, image }, [known], where);
    else gathered.skip('have a class without a name', `${where}: ${label}`);
  }
}

/** The byte at a place of every record; the records are read in pieces. */
async function labelsIn(file: string, record: number, at: number): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if (size === 0 || size % record !== 0) {
      const name = path.basename(file);
      throw new InputError(`${name}: ${size} bytes are no whole number of images of ${record}; download it again.`);
    }
    const labels = new Uint8Array(size / record);
    const piece = Buffer.alloc(record * RECORDS_AT_ONCE);
    for (let first = 0; first < labels.length; first += RECORDS_AT_ONCE) {
      const count = Math.min(RECORDS_AT_ONCE, labels.length - first);
      await handle.read(piece, 0, count * record, first * record);
      for (let index = 0; index < count; index += 1) labels[first + index] = piece[index * record + at] ?? 0;
    }
    return labels;
  } finally {
    await handle.close();
  }
}

function flavourOf(folder: Folder): Flavour | undefined {
  return FLAVOURS.find((flavour) => fileIn(folder, flavour.names) && filesOf(folder, flavour).length > 0);
}

function filesOf(folder: Folder, { train, test }: Flavour): { split: string; file: string }[] {
  return folder.files.flatMap((name) => {
    const split = train.test(name) ? 'train' : test.test(name) ? 'test' : undefined;
    return split ? [{ split, file: path.join(folder.path, name) }] : [];
  });
}
