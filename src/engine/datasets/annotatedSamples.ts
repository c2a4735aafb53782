import path from 'node:path';
import { formatCount } from '../../protocol/format.ts';
import type { Task } from '../../protocol/tasks.ts';
import { InputError } from '../errors.ts';
import type { Folder } from '../files/walk.ts';
import type { Dataset, ImageSource, Sample, Target } from './dataset.ts';
import { idWithin } from './folders.ts';
import { ImageFinder, ImageIndex } from './imageIndex.ts';
import { fileImage } from './images.ts';
import { PassedOver } from './passedOver.ts';
import { SampleNames } from './sampleNames.ts';
import { Reservoir } from './sampling.ts';

/** What an annotation says of one sample. */
export interface Annotation {
  readonly split: string;
  /** File of the annotation and the line or entry in it, for messages. */
  readonly file: string;
  readonly where: string;
  /** Tells the sample from others of the same image; where annotations give two the same, they are told apart. */
  readonly id: string;
  /** As the annotation names it, or where the annotation's file holds it; undefined for tasks without images. */
  readonly image?: string | ImageSource | undefined;
  /** Finds the image that is named, where it is to be looked for in other folders than those of the dataset. */
  readonly finder?: ImageFinder | undefined;
  readonly text?: string | undefined;
  readonly context?: string | undefined;
  readonly target?: Target | undefined;
  /** The class by its name; all of them where there are several. */
  readonly label?: string | readonly string[] | undefined;
}

/** The answers of visual question answering that are classes; the paper's and VQA's own baselines take as many. */
const MAX_CLASSES = 1000;
const MAX_SPLITS = 100;
/** More than the published datasets have; what is larger stands in memory by a random part. */
const ROOM = { items: 1_000_000, characters: 128 * 1024 * 1024 };

/** What is kept of a sample: what is counted, and what it is made of when somebody asks for it. */
interface Held {
  readonly split: string;
  readonly label: Annotation['label'];
  readonly annotation?: Annotation;
  /** The image's file that the annotation names. */
  readonly found?: string | undefined;
}

/** Gathers the samples of annotation files: texts, and images that are really there. */
export class AnnotatedSamples {
  readonly #root: Folder;
  readonly #format: string;
  readonly #task: Task;
  readonly #counting: boolean;
  readonly #held = new Reservoir<Held>(ROOM);
  #last: Held | undefined;
  /** Samples of each split, held or not. */
  readonly #sizes = new Map<string, number>();
  readonly #passedOver = new PassedOver();
  /** Of the samples' files: images, or annotations where there are none. */
  readonly #folders = new Set<string>();
  #lastFile = '';
  #lastFolder: string | undefined;
  readonly #finder: ImageFinder;
  /** What samples of the same image share, by its file. */
  readonly #images = new Map<string, { readonly id: string; readonly image: ImageSource }>();

  /**
   * @param imageFolders where the images are looked for first, relative to the dataset
   * @param counting whether nobody will ask for the samples
   */
  constructor(root: Folder, format: string, task: Task, imageFolders: readonly string[] = [], counting = false) {
    this.#root = root;
    this.#format = format;
    this.#task = task;
    this.#counting = counting;
    this.#finder = new ImageFinder(root, new ImageIndex(root), imageFolders);
  }

  /** Whether an image of this name is there. */
  hasImage(name: string): boolean {
    return this.#finder.find(name) !== undefined;
  }

  add(annotation: Annotation): void {
    const { split, file, where, image, finder = this.#finder, target } = annotation;
    const found = typeof image === 'string' ? finder.find(image, split) : undefined;
    if (typeof image === 'string' && found === undefined) {
      this.skip('name images that are not there', `${where}: ${image}`);
      return;
    }
    if (!this.#sizes.has(split) && this.#sizes.size === MAX_SPLITS) {
      this.skip(`name more than ${MAX_SPLITS} splits`, where);
      return;
    }
    this.#passedOver.row();
    this.#sizes.set(split, (this.#sizes.get(split) ?? 0) + 1);
    const source = found ?? file;
    this.#noteFolder(source);
    // Of captions and the like there is nothing more to count.
    if (this.#counting && annotation.label === undefined) return;
    const { label = '' } = annotation;
    const labels = typeof label === 'string' ? label.length : label.reduce((sum, name) => sum + name.length, 0);
    const answer = labels + (target?.kind === 'text' ? target.text.length : 0);
    const name = source.length - this.#root.path.length;
    const characters = name + annotation.id.length + (annotation.text?.length ?? 0) + answer;
    this.#held.add(this.#heldOf(annotation, found), characters, annotation.context);
  }

  #noteFolder(file: string): void {
    // Annotations of one image often stand together, and images in one folder.
    if (file === this.#lastFile) return;
    this.#lastFile = file;
    const last = this.#lastFolder;
    if (last !== undefined && file.lastIndexOf(path.sep) === last.length && file.startsWith(last)) return;
    this.#lastFolder = path.dirname(file);
    this.#folders.add(this.#lastFolder);
  }

  #heldOf(annotation: Annotation, found: string | undefined): Held {
    const { split, label } = annotation;
    if (!this.#counting) return { split, label, annotation, found };
    if (this.#last?.split !== split || this.#last.label !== label) this.#last = { split, label };
    return this.#last;
  }

  /** @param reason what such rows do: `have no caption` */
  skip(reason: string, where: string): void {
    this.#passedOver.row();
    this.#passedOver.add(reason, where);
  }

  /** @throws InputError when nothing is left */
  dataset(): Dataset {
    const held = this.#held.items;
    const classes = mostFrequent(held);
    const labels = new Map(classes.map((name, index) => [name, index]));
    const sizes = held.length === 0 ? this.#sizes : new Map<string, number>();
    let rare = 0;
    for (const { split, label } of held) {
      if (label !== undefined && !namesIn({ label }).some((name) => labels.has(name))) rare += 1;
      else sizes.set(split, (sizes.get(split) ?? 0) + 1);
    }
    const warnings = this.#passedOver.warnings();
    if (rare > 0) {
      warnings.push(
        `${formatCount(rare)} samples have none of the ${formatCount(MAX_CLASSES)} most frequent answers and were left out.`,
      );
    }
    if (sizes.size === 0) {
      const [first = 'it holds no annotations'] = warnings;
      throw new InputError(`${this.#root.path}: nothing can be used (${first}). Check the annotations and the images.`);
    }
    if (this.#held.overflowed) {
      const all = [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
      warnings.unshift(
        `${formatCount(held.length)} of ${formatCount(all)} samples, drawn at random, are used: memory is bounded.`,
      );
    }
    const build = () => this.#splits(labels);
    let splits: Map<string, Sample[]> | undefined;
    return {
      path: this.#root.path,
      format: this.#format,
      task: this.#task,
      classes,
      get splits() {
        splits ??= build();
        return splits;
      },
      sizes: this.#held.overflowed ? this.#sizes : sizes,
      folders: this.#folders,
      warnings,
    };
  }

  /** The samples that are held, but for those whose answer is no class. */
  #splits(labels: ReadonlyMap<string, number>): Map<string, Sample[]> {
    const names = new SampleNames();
    const splits = new Map<string, Sample[]>();
    const several = this.#held.items.some(({ label }) => typeof label === 'object');
    for (const { annotation, found } of this.#held.items) {
      if (!annotation) continue;
      const { split, file, id, image, text, context, target } = annotation;
      const own = namesIn(annotation).flatMap((name) => labels.get(name) ?? []);
      const label = annotation.label === undefined ? -1 : own[0];
      if (label === undefined) continue;
      const shared = found === undefined ? undefined : this.#shared(found);
      const source = typeof image === 'object' ? image : shared?.image;
      const samples = splits.get(split) ?? [];
      samples.push({
        id: names.unique(`${shared?.id ?? idWithin(this.#root, file)}#${id}`),
        file: found ?? file,
        ...(source && { image: source }),
        ...(text !== undefined && { text }),
        ...(context !== undefined && { context }),
        ...(target !== undefined && { target }),
        label,
        ...(several && { labels: own }),
      });
      splits.set(split, samples);
    }
    return splits;
  }

  #shared(file: string): { readonly id: string; readonly image: ImageSource } {
    const known = this.#images.get(file);
    if (known) return known;
    const shared = { id: idWithin(this.#root, file), image: fileImage(file) };
    this.#images.set(file, shared);
    return shared;
  }
}

function namesIn({ label = [] }: Pick<Annotation, 'label'>): readonly string[] {
  return typeof label === 'string' ? [label] : label;
}

/** Names of the classes: all, in the order of their code points, or the most frequent ones where there are too many. */
function mostFrequent(held: readonly Held[]): string[] {
  const counts = new Map<string, number>();
  for (const one of held) for (const name of namesIn(one)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, MAX_CLASSES)
    .map(([name]) => name)
    .sort();
}

/** `captions_train2014.json:3`, for messages. */
export function placeIn(file: string, line: number): string {
  // As `path.basename` gives it, which is slow for each of many annotations.
  return `${file.slice(file.lastIndexOf(path.sep) + 1)}:${line}`;
}

/** A non-empty string, trimmed. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** The key of an image or a question: a whole number or a string. */
export function keyOf(value: unknown): string | undefined {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : undefined;
}
