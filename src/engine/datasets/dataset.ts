import type { Task } from '../../protocol/tasks.ts';
import type { Folder } from '../files/walk.ts';

/** One labelled example. */
export interface Sample {
  /** Name within the dataset, the same on every machine: its path relative to the dataset with forward slashes. */
  readonly id: string;
  /** File that holds the image. */
  readonly file: string;
  /** Index into the dataset's classes. */
  readonly label: number;
}

/** A dataset that was found: everything about it but its pixels. */
export interface Dataset {
  readonly path: string;
  /** Name of the layout that recognised it. */
  readonly format: string;
  readonly task: Task;
  readonly classes: readonly string[];
  /** Samples by split, the split's name as its folder is called; the one entry `all` where there are no splits. */
  readonly splits: ReadonlyMap<string, readonly Sample[]>;
}

/** A way in which people lay out a dataset on disk. */
export interface DatasetLayout {
  readonly format: string;
  /**
   * Reads the folder as a dataset, if it is one in this layout.
   * @param asked whether a person named this very folder: what is only plausible is then taken, too.
   */
  detect(folder: Folder, asked: boolean): Dataset | undefined;
}
