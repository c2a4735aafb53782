import type { CheckpointSummary, DatasetSummary, Discovery } from '../../protocol/discovery.ts';
import type { Skipped } from '../../protocol/report.ts';

/** A dataset together with the workspace folder that it was found in. */
export interface FoundDataset extends DatasetSummary {
  readonly workspace: string;
}

/** What all folders of the window hold. */
export interface Found {
  readonly datasets: readonly FoundDataset[];
  readonly checkpoints: readonly CheckpointSummary[];
  readonly skipped: readonly Skipped[];
}

/**
 * Merges what was found folder by folder; folders may overlap, and what lies in two counts for the first. A dataset that can
 * be read for several tasks is there once for each.
 */
export function mergeDiscoveries(discoveries: readonly { workspace: string; discovery: Discovery }[]): Found {
  return {
    datasets: uniqueBy(
      ({ path, task }) => `${task} ${path}`,
      discoveries.flatMap(({ workspace, discovery }) =>
        discovery.datasets.map((dataset) => ({ ...dataset, workspace })),
      ),
    ),
    checkpoints: uniqueBy(
      ({ path }) => path,
      discoveries.flatMap(({ discovery }) => discovery.checkpoints),
    ),
    skipped: uniqueBy(
      ({ path }) => path,
      discoveries.flatMap(({ discovery }) => discovery.skipped),
    ),
  };
}

function uniqueBy<T>(key: (item: T) => string, items: readonly T[]): T[] {
  const byKey = new Map<string, T>();
  for (const item of items) if (!byKey.has(key(item))) byKey.set(key(item), item);
  return [...byKey.values()];
}
