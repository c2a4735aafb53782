import * as z from 'zod';
import { skippedSchema } from './report.ts';
import { taskSchema } from './tasks.ts';

const datasetSummarySchema = z.object({
  id: z.string().describe('Path relative to the workspace, with forward slashes.'),
  name: z.string(),
  path: z.string(),
  format: z.string(),
  task: taskSchema,
  reason: z.string().describe('What the folder was taken for, and why.'),
  samples: z.int().min(0).nullable().describe('null, as the classes, where there are too many to count in a search.'),
  classes: z.int().min(0).nullable(),
  splits: z
    .record(z.string(), z.int())
    .describe('Samples per split; one entry "all" where there are no splits, none where they were not counted.'),
});
export type DatasetSummary = z.infer<typeof datasetSummarySchema>;

const checkpointSummarySchema = z.object({
  id: z.string(),
  name: z.string(),
  path: z.string(),
  format: z.string(),
  architecture: z.string(),
  modality: z.string(),
  parameters: z.int().min(0),
  bytes: z.int().min(0),
});
export type CheckpointSummary = z.infer<typeof checkpointSummarySchema>;

/** What a workspace holds. `emms discover --json` prints it. */
export const discoverySchema = z.object({
  datasets: z.array(datasetSummarySchema),
  checkpoints: z.array(checkpointSummarySchema),
  skipped: z.array(skippedSchema),
});
export type Discovery = z.infer<typeof discoverySchema>;
