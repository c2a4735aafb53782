import type { Task } from '../../protocol/tasks.ts';
import type { Folder } from '../files/walk.ts';

/** One labelled example. Which parts there are depends on the task. */
export interface Sample {
  /** Name within the dataset, the same on every machine, e.g. its path relative to the dataset with forward slashes. */
  readonly id: string;
  /** The file that it is read from, for messages. */
  readonly file: string;
  readonly image?: ImageSource;
  /** The question, the referring expression, the text to classify. */
  readonly text?: string;
  /** The passage that a question is about (text question answering). */
  readonly context?: string;
  /** Index into the dataset's classes; −1 when the label is a target, not a class. */
  readonly label: number;
  /** Every class of the sample, of multi-label datasets. */
  readonly labels?: readonly number[];
  /** The label of tasks without classes: a caption, an answer, a box. */
  readonly target?: Target;
}

export type Target =
  | { readonly kind: 'text'; readonly text: string }
  /** Left, top, width and height as shares of the image's width and height. */
  | { readonly kind: 'box'; readonly box: readonly [left: number, top: number, width: number, height: number] };

/** Where an image is and how it is read: a file of its own, or a part of a container. */
export interface ImageSource {
  /** @throws Error saying what is wrong with it */
  read(): Promise<EncodedImage | RawImage>;
}

/** The bytes of a PNG, JPEG, WebP, … file. */
export type EncodedImage = Uint8Array;

/** Decoded pixels, one byte per channel, `[height, width, channels]`. */
export interface RawImage {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/** A dataset that was opened: everything about it but its pixels. */
export interface Dataset {
  readonly path: string;
  /** Name of the layout that recognised it. */
  readonly format: string;
  readonly task: Task;
  /** Names of the classes as published; empty for tasks without classes. */
  readonly classes: readonly string[];
  /**
   * Samples by split, the split's name as the dataset has it; the one entry `all` where there are no splits. They may be
   * made when they are first asked for: a search only counts them.
   */
  readonly splits: ReadonlyMap<string, readonly Sample[]>;
  /** Samples of each split as annotated, of which only a random part may be held; as many as in `splits` when left out. */
  readonly sizes?: ReadonlyMap<string, number>;
  /** The folders of the samples' files, where they are known without the samples. */
  readonly folders?: ReadonlySet<string>;
  /** What was left out or guessed, for people: rows without image, rare answers, … */
  readonly warnings: readonly string[];
}

/** A folder that a layout takes for its own, before anything of size is read. */
export interface Recognition {
  readonly task: Task;
  /** The file or folder in it that a person names to choose this reading, where there are several for a task. */
  readonly path?: string;
  /** What it was taken for and why, e.g. `Flickr8k captions: Flickr8k.token.txt beside a folder of 8,091 images`. */
  readonly reason: string;
  /**
   * Reads the annotations.
   * @param counting whether nobody asks for the samples: `splits` may then be empty where `sizes` and `folders` tell of them
   * @throws InputError naming file and line when they can't be understood
   */
  open(signal?: AbortSignal, counting?: boolean): Promise<Dataset>;
}

/** A way in which people lay out a dataset on disk. One file each. */
export interface DatasetLayout {
  readonly format: string;
  /**
   * Whether the folder is a dataset in this layout, judged by names and at most the first kilobytes of a few files.
   * @param asked whether a person named this very folder: what is only plausible is then taken, too
   * @returns where it can be read in several ways (versions, styles), each with its path, the one to take by default first
   */
  recognise(folder: Folder, asked: boolean): Promise<Recognition | readonly Recognition[] | undefined>;
}
