import type { Discovery } from '../../protocol/discovery.ts';
import type { DiscoverParams } from '../../protocol/engine.ts';
import type { Checkpoint } from '../checkpoints/checkpoint.ts';
import { findCheckpoints, openCheckpoints } from '../checkpoints/discover.ts';
import { findDatasets, summarizeDataset } from '../datasets/open.ts';
import { requireFolder } from '../files/paths.ts';
import { walk } from '../files/walk.ts';

/**
 * Everything in a workspace that a ranking could use, in one walk over its names.
 * @throws InputError when the workspace is no folder
 */
export async function discoverWorkspace(params: DiscoverParams, signal?: AbortSignal): Promise<Discovery> {
  await requireFolder(params.workspace);
  const walked = await walk(params.workspace, { excludes: params.excludes, ...(signal && { signal }) });
  const { files, skipped } = await findCheckpoints(walked, params, signal);
  const opened = await openCheckpoints(files, params.workspace, { modalities: [] }, signal);
  const found = await findDatasets(walked.root, signal);
  return {
    datasets: found.datasets.map((dataset) => summarizeDataset(dataset, params.workspace)),
    checkpoints: opened.checkpoints.map(summarizeCheckpoint),
    skipped: [...skipped, ...opened.skipped, ...found.skipped],
  };
}

function summarizeCheckpoint(checkpoint: Checkpoint): Discovery['checkpoints'][number] {
  const { id, name, path, format, architecture, modality, parameters, bytes } = checkpoint;
  return { id, name, path, format, architecture, modality, parameters, bytes };
}
