import path from 'node:path';
import type { Task } from '../../protocol/tasks.ts';
import { InputError } from '../errors.ts';
import type { Folder } from '../files/walk.ts';
import type { Dataset, ImageSource, Sample, Target } from './dataset.ts';
import { idWithin } from './folders.ts';
import { ImageFinder, ImageIndex } from './imageIndex.ts';
import { fileImage } from './images.ts';
import { grouped, PassedOver } from './passedOver.ts';

/** What an annotation says of one sample. */
export interface Annotation {
  readonly split: string;
  /** File of the annotation and the line or entry in it, for messages. */
  readonly file: string;
  readonly where: string;
  /** Tells the sample from others of the same image. */
  readonly id: string;
  /** As the annotation names it, or where the annotation's file holds it; undefined for tasks without images. */
  readonly image?: string | ImageSource;
  readonly text?: string;
  readonly context?: string;
  readonly target?: Target;
  /** The class by its name. */
  readonly label?: string;
}

/** The answers of visual question answering that are classes; the paper's and VQA's own baselines take as many. */
const MAX_CLASSES = 1000;

/** Gathers the samples of annotation files: texts, and images that are really there. */
export class AnnotatedSamples {
  readonly #root: Folder;
  readonly #format: string;
  readonly #task: Task;
  readonly #annotations: Annotation[] = [];
  readonly #passedOver = new PassedOver();
  readonly #finder: ImageFinder;

  /** @param imageFolders where the images are looked for first, relative to the dataset */
  constructor(root: Folder, format: string, task: Task, imageFolders: readonly string[] = []) {
    this.#root = root;
    this.#format = format;
    this.#task = task;
    this.#finder = new ImageFinder(root, new ImageIndex(root), imageFolders);
  }

  add(annotation: Annotation): void {
    this.#passedOver.row();
    this.#annotations.push(annotation);
  }

  /** @param reason what such rows do: `have no caption` */
  skip(reason: string, where: string): void {
    this.#passedOver.row();
    this.#passedOver.add(reason, where);
  }

  /** @throws InputError when nothing is left */
  dataset(): Dataset {
    const kept: { annotation: Annotation; file: string | undefined }[] = [];
    for (const annotation of this.#annotations) {
      const { image, where } = annotation;
      const file = typeof image === 'string' ? this.#finder.find(image) : undefined;
      if (typeof image === 'string' && file === undefined) {
        this.#passedOver.add('name images that are not there', `${where}: ${image}`);
      } else kept.push({ annotation, file });
    }
    const classes = this.#classes(kept.map(({ annotation }) => annotation));
    const labels = new Map(classes.map((name, index) => [name, index]));
    const splits = new Map<string, Sample[]>();
    let rare = 0;
    for (const { annotation, file } of kept) {
      const label = annotation.label === undefined ? -1 : labels.get(annotation.label);
      if (label === undefined) {
        rare += 1;
        continue;
      }
      const samples = splits.get(annotation.split) ?? [];
      const { text, context, target } = annotation;
      const image = typeof annotation.image === 'object' ? annotation.image : file && fileImage(file);
      samples.push({
        id: `${idWithin(this.#root, file ?? annotation.file)}#${annotation.id}`,
        file: file ?? annotation.file,
        ...(image && { image }),
        ...(text !== undefined && { text }),
        ...(context !== undefined && { context }),
        ...(target !== undefined && { target }),
        label,
      });
      splits.set(annotation.split, samples);
    }
    const warnings = this.#passedOver.warnings();
    if (rare > 0) {
      warnings.push(
        `${grouped(rare)} samples have none of the ${grouped(MAX_CLASSES)} most frequent answers and were left out.`,
      );
    }
    if (splits.size === 0) {
      const [first = 'it holds no annotations'] = warnings;
      throw new InputError(`${this.#root.path}: nothing can be used (${first}). Check the annotations and the images.`);
    }
    return { path: this.#root.path, format: this.#format, task: this.#task, classes, splits, warnings };
  }

  /** Names of the classes: all, in the order of their code points, or the most frequent ones where there are too many. */
  #classes(annotations: readonly Annotation[]): string[] {
    const counts = new Map<string, number>();
    for (const { label } of annotations) if (label !== undefined) counts.set(label, (counts.get(label) ?? 0) + 1);
    return [...counts]
      .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
      .slice(0, MAX_CLASSES)
      .map(([name]) => name)
      .sort();
  }
}

/** `captions_train2014.json:3`, for messages. */
export function placeIn(file: string, line: number): string {
  return `${path.basename(file)}:${line}`;
}

/** A non-empty string, trimmed. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** The key of an image or a question: a whole number or a string. */
export function keyOf(value: unknown): string | undefined {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : undefined;
}
