import path from 'node:path';
import { formatCount } from '../../protocol/format.ts';
import { CancelledError, InputError } from '../errors.ts';
import type { Folder } from '../files/walk.ts';
import type { Dataset, ImageSource, Sample } from './dataset.ts';
import { idWithin } from './folders.ts';
import { ImageIndex } from './imageIndex.ts';
import { fileImage } from './images.ts';
import { PassedOver } from './passedOver.ts';
import { SampleNames } from './sampleNames.ts';
import { readLines } from './tables/lines.ts';

/** So many are held in a gigabyte or two; nobody needs them all to rank models. */
const MAX_IMAGES = 5_000_000;

interface Labelled {
  readonly split: string;
  readonly id: string;
  /** Whether a row before has named the image. */
  readonly again: boolean;
  readonly file: string;
  readonly image: ImageSource;
  readonly classes: readonly string[];
  readonly where: string;
}

/** Gathers the images of a classification dataset with the names of their classes, while annotations are read. */
export class LabelledImages {
  readonly #root: Folder;
  readonly #format: string;
  readonly #images: ImageIndex;
  readonly #passedOver = new PassedOver();
  readonly #all: Labelled[] = [];
  readonly #names = new SampleNames();

  /** @param images where the paths in the annotations start; the dataset's folder when left out */
  constructor(root: Folder, format: string, images: Folder = root) {
    this.#root = root;
    this.#format = format;
    this.#images = new ImageIndex(images);
  }

  /**
   * A row of the annotations that names an image file.
   * @param where file and line, for messages
   * @param images finds the image by its name
   */
  addFile(
    split: string,
    name: string,
    classes: readonly string[],
    where: string,
    images?: { find(name: string, split: string): string | undefined },
  ): void {
    const file = images ? images.find(name, split) : this.#images.find(name);
    if (file !== undefined)
      this.add(split, { id: idWithin(this.#root, file), file, image: fileImage(file) }, classes, where);
    else this.skip('name images that are not there', `${where}: ${name}`);
  }

  /** A row of the annotations whose image was found. */
  add(
    split: string,
    { id, file, image }: { id: string; file: string; image: ImageSource },
    classes: readonly string[],
    where: string,
  ): void {
    this.#passedOver.row();
    if (this.#all.length >= MAX_IMAGES) {
      throw new InputError(
        `${this.#root.path}: more than ${formatCount(MAX_IMAGES)} labelled images; name a folder with fewer of them.`,
      );
    }
    const name = this.#names.unique(id);
    this.#all.push({ split, id: name, again: name !== id, file, image, classes, where });
  }

  /** A row of the annotations that can't be used, and why: `name images that are not there`. */
  skip(reason: string, where: string): void {
    this.#passedOver.row();
    this.#passedOver.add(reason, where);
  }

  /**
   * The rows of a list of images, one per line.
   * @param parse gives the image's path and its classes, nothing for a comment, or `undefined` for a line that can't be
   * understood
   */
  async addList(
    split: string,
    list: string,
    parse: (text: string) => readonly [image: string, ...classes: string[]] | readonly [] | undefined,
    signal?: AbortSignal,
  ): Promise<void> {
    const name = path.basename(list);
    for await (const { line, text } of readLines(list, signal)) {
      const row = parse(text.trim());
      const [image, ...classes] = row ?? [];
      if (image !== undefined) this.addFile(split, image, classes, `${name}:${line}`);
      else if (!row) this.skip('can not be understood', `${name}:${line}: ${text}`);
    }
  }

  /**
   * The dataset.
   * @param classes in the order published; when left out those that occur, in order of their code points or numbers
   * @throws InputError when no image is left
   */
  dataset(classes?: readonly string[], signal?: AbortSignal): Dataset {
    if (signal?.aborted) throw new CancelledError();
    const names = classes ?? sortedClasses(this.#all.flatMap((labelled) => labelled.classes));
    const indices = new Map(names.map((name, index) => [name, index]));
    const multiLabel = this.#all.some((labelled) => labelled.classes.length > 1);
    const splits = new Map<string, Sample[]>();
    let repeated = 0;
    for (const { split, id, again, file, image, classes: own, where } of this.#all) {
      const labels = own.map((name) => indices.get(name)).filter((label) => label !== undefined);
      const [label] = labels;
      if (label === undefined) {
        this.#passedOver.add(
          own.length > 0 ? 'have a class that is not listed' : 'have no class',
          [where, ...own].join(': '),
        );
        continue;
      }
      if (again) repeated += 1;
      const sample = { id, file, image, label, ...(multiLabel ? { labels } : {}) };
      const samples = splits.get(split);
      if (samples) samples.push(sample);
      else splits.set(split, [sample]);
    }
    const warnings = this.#passedOver.warnings();
    if (repeated > 0) {
      warnings.push(
        `Rows that name an image again: ${formatCount(repeated)}; each is a sample of its own, so a list of objects in images is none of classes.`,
      );
    }
    if (splits.size === 0) {
      throw new InputError(
        `${this.#root.path}: no labelled image is left (${warnings.join('; ') || 'the annotations are empty'}). Check that the dataset is complete.`,
      );
    }
    return {
      path: this.#root.path,
      format: this.#format,
      task: 'image-classification',
      classes: names,
      splits,
      warnings,
    };
  }
}

/** The different names in order of their code points, or of their values when all are whole numbers. */
function sortedClasses(names: Iterable<string>): string[] {
  const distinct = [...new Set(names)].sort();
  return distinct.every((name) => /^\d{1,15}$/.test(name)) ? distinct.sort((a, b) => Number(a) - Number(b)) : distinct;
}
