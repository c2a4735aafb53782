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

/** Merges what was found folder by folder; folders may overlap, and what lies in two counts for the first. */
export function mergeDiscoveries(discoveries: readonly { workspace: string; discovery: Discovery }[]): Found {
  return {
    datasets: uniqueByPath(
      discoveries.flatMap(({ workspace, discovery }) =>
        discovery.datasets.map((dataset) => ({ ...dataset, workspace })),
      ),
    ),
    checkpoints: uniqueByPath(discoveries.flatMap(({ discovery }) => discovery.checkpoints)),
    skipped: uniqueByPath(discoveries.flatMap(({ discovery }) => discovery.skipped)),
  };
}

function uniqueByPath<T extends { readonly path: string }>(items: readonly T[]): T[] {
  const byPath = new Map<string, T>();
  for (const item of items) if (!byPath.has(item.path)) byPath.set(item.path, item);
  return [...byPath.values()];
}
