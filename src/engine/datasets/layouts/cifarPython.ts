import path from 'node:path';
import { CancelledError, InputError } from '../../errors.ts';
import { FileBytes } from '../../files/byteSource.ts';
import { UnreadableError } from '../../files/unreadable.ts';
import type { Folder } from '../../files/walk.ts';
import { readPickleAt } from '../../pickle/readPickle.ts';
import { type GlobalMeaning, PickleObject, type PickleValue } from '../../pickle/values.ts';
import { CIFAR_IMAGE_BYTES, cifarImage } from '../cifarImages.ts';
import type { DatasetLayout } from '../dataset.ts';
import { fileIn, locate } from '../folders.ts';
import { LabelledImages } from '../labelledImages.ts';
import { dividedBytes, type PickledBytes, WithoutLongStrings } from '../pickledPixels.ts';
import { headOf } from '../tables/csv.ts';

/** A flavour of the files: which there are, and what the dicts in them call the classes. */
interface Flavour {
  readonly name: string;
  readonly train: RegExp;
  readonly test: RegExp;
  readonly meta: string;
  readonly names: string;
  readonly labels: string;
}

const FLAVOURS: readonly Flavour[] = [
  {
    name: 'CIFAR-10',
    train: /^data_batch_\d+$/,
    test: /^test_batch$/,
    meta: 'batches.meta',
    names: 'label_names',
    labels: 'labels',
  },
  {
    name: 'CIFAR-100',
    train: /^train$/,
    test: /^test$/,
    meta: 'meta',
    names: 'fine_label_names',
    labels: 'fine_labels',
  },
];

/** All there may be of names and labels, and of pixels, which are counted but not read. */
const MAX_PICKLE_BYTES = 1024 * 1024 * 1024;

/** What a pickled array of numpy names, whose content is not looked at here, and what Python 3 makes bytes with. */
const GLOBALS: ReadonlyMap<string, GlobalMeaning> = new Map<string, GlobalMeaning>([
  ...[
    'numpy.core.multiarray._reconstruct',
    'numpy._core.multiarray._reconstruct',
    'numpy.core.numeric._frombuffer',
    'numpy._core.numeric._frombuffer',
    'numpy.ndarray',
    'numpy.dtype',
  ].map((name): [string, GlobalMeaning] => [name, () => new PickleObject(name)]),
  // Text and `latin1`. The names in these files are in ASCII, and the same as bytes and as text.
  ['_codecs.encode', ([text = null]) => text],
]);

/**
 * CIFAR-10 and CIFAR-100 as unpacked from their python versions (https://www.cs.toronto.edu/~kriz/cifar.html): pickles
 * of dicts with the pixels as one array of numpy (`data`) and the classes (`labels`, in CIFAR-100 `fine_labels`), in
 * `data_batch_1` to `data_batch_5` and `test_batch`, or in `train` and `test`; the names of the classes in
 * `batches.meta` or `meta`. Copies that were pickled again may be in any protocol. Nothing in the pickles is run, and the
 * pixels are read image by image.
 */
export const cifarPython: DatasetLayout = {
  format: 'cifar-python',

  async recognise(folder, asked) {
    const root = locate(folder, asked, (candidate) => flavourOf(candidate) !== undefined);
    const flavour = root && flavourOf(root);
    const meta = root && flavour && fileIn(root, flavour.meta);
    if (!root || !flavour || !meta || !(await headOf(meta)).includes(flavour.names)) return undefined;
    const files = filesOf(root, flavour);
    return {
      task: 'image-classification',
      reason: `${flavour.name} in its python version: ${files.length} pickled batches and ${flavour.meta}`,
      open: async (signal) => {
        const names = readPickled(meta, (dict) => dict.get(flavour.names));
        const classes = Array.isArray(names) ? names.flatMap((name) => nameOf(name) ?? []) : [];
        const gathered = new LabelledImages(root, this.format);
        for (const { split, file } of files) {
          if (signal?.aborted) throw new CancelledError();
          addBatch(gathered, split, file, flavour.labels, classes);
        }
        return gathered.dataset(classes, signal);
      },
    };
  },
};

function addBatch(
  gathered: LabelledImages,
  split: string,
  file: string,
  key: string,
  classes: readonly string[],
): void {
  const name = path.basename(file);
  const { labels, pixels } = readPickled(file, (dict, source) => labelsAndPixels(name, dict.get(key), source, key));
  for (const [index, label] of labels.entries()) {
    const where = `${name}: image ${index + 1}`;
    const known = typeof label === 'number' ? classes[label] : undefined;
    const { offset, written } = pixels.part(index);
    const image = cifarImage(file, offset, written);
    if (known) gathered.add(split, { id: `${name}/${index}`, file, image }, [known], where);
    else gathered.skip('have a class without a name', `${where}: ${String(label)}`);
  }
}

function labelsAndPixels(
  name: string,
  labels: PickleValue | undefined,
  source: WithoutLongStrings,
  key: string,
): { labels: readonly PickleValue[]; pixels: PickledBytes } {
  if (!Array.isArray(labels)) throw new InputError(`${name}: no list ${JSON.stringify(key)}; download it again.`);
  for (const range of source.skipped) {
    const pixels = dividedBytes(source, range, labels.length, CIFAR_IMAGE_BYTES);
    if (pixels) return { labels, pixels };
  }
  throw new InputError(`${name}: no pixels of 32 x 32 for its ${labels.length} labels; download it again.`);
}

/**
 * Reads the dict in a pickle, but for strings as long as an image and longer.
 * @param use gets the values by their names, and the file with the places of those strings
 */
function readPickled<T>(file: string, use: (dict: Map<string, PickleValue>, source: WithoutLongStrings) => T): T {
  const name = path.basename(file);
  const bytes = new FileBytes(file);
  try {
    const source = new WithoutLongStrings(bytes, CIFAR_IMAGE_BYTES - 1);
    const options = { globals: GLOBALS, expected: 'a batch of CIFAR', memoryBytes: MAX_PICKLE_BYTES };
    const { value } = readPickleAt(source, 0, bytes.size, options);
    if (!(value instanceof Map)) throw new InputError(`${name}: no dict of a batch of CIFAR; download it again.`);
    return use(new Map([...value].map(([key, content]) => [nameOf(key) ?? '', content])), source);
  } catch (error) {
    if (error instanceof UnreadableError) throw error.about(name);
    throw error;
  } finally {
    bytes.close();
  }
}

/** A name that is text, or bytes as Python 2 and who reads its pickles with `encoding='bytes'` have it. */
function nameOf(value: PickleValue): string | undefined {
  return value instanceof Uint8Array
    ? Buffer.from(value).toString('utf8')
    : typeof value === 'string'
      ? value
      : undefined;
}

function flavourOf(folder: Folder): Flavour | undefined {
  return FLAVOURS.find((flavour) => fileIn(folder, flavour.meta) && filesOf(folder, flavour).length > 0);
}

function filesOf(folder: Folder, { train, test }: Flavour): { split: string; file: string }[] {
  return folder.files.flatMap((name) => {
    const split = train.test(name) ? 'train' : test.test(name) ? 'test' : undefined;
    return split ? [{ split, file: path.join(folder.path, name) }] : [];
  });
}
