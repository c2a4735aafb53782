import type { CheckpointSummary } from '../../protocol/discovery.ts';
import type { Skipped } from '../../protocol/report.ts';
import type { FoundDataset } from '../discovery/found.ts';

/** A node that stands for a file or folder. Commands of its context menu get the node and ask for its class. */
export abstract class FileNode {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }
}

export class DatasetNode extends FileNode {
  readonly dataset: FoundDataset;

  constructor(dataset: FoundDataset) {
    super(dataset.path);
    this.dataset = dataset;
  }
}

export class SplitNode {
  readonly dataset: FoundDataset;
  readonly split: string;
  readonly count: number;

  constructor(dataset: FoundDataset, split: string, count: number) {
    this.dataset = dataset;
    this.split = split;
    this.count = count;
  }
}

export class CheckpointNode extends FileNode {
  readonly checkpoint: CheckpointSummary;

  constructor(checkpoint: CheckpointSummary) {
    super(checkpoint.path);
    this.checkpoint = checkpoint;
  }
}

/** Heading of what can't be ranked. */
export class NotRankableNode {
  readonly skipped: readonly Skipped[];

  constructor(skipped: readonly Skipped[]) {
    this.skipped = skipped;
  }
}

export class SkippedNode extends FileNode {
  readonly reason: string;

  constructor({ path, reason }: Skipped) {
    super(path);
    this.reason = reason;
  }
}
