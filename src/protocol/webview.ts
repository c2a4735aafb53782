import * as z from 'zod';
import { progressSchema } from './engine.ts';
import { rankingReportSchema } from './report.ts';

/** What may help a ranking that ended without a report: the same once more, or naming folders of checkpoints. */
const REMEDIES = ['resume', 'nameCheckpointFolders'] as const;
export type Remedy = (typeof REMEDIES)[number];

/** For people. */
export const REMEDY_TITLES: Readonly<Record<Remedy, string>> = {
  resume: 'Resume',
  nameCheckpointFolders: 'Name Their Folders',
};

/** Everything that the ranking view shows. Sent whole: a snapshot, never a delta. */
const viewStateSchema = z.object({
  report: rankingReportSchema.nullable(),
  running: z
    .object({ dataset: z.string(), progress: progressSchema.nullable() })
    .nullable()
    .describe('The ranking in progress, if there is one.'),
  problem: z
    .object({ message: z.string(), cancelled: z.boolean(), remedy: z.enum(REMEDIES).nullable() })
    .nullable()
    .describe('Why the last ranking ended without a report.'),
});
export type ViewState = z.infer<typeof viewStateSchema>;

export const toWebviewSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('state'), state: viewStateSchema }),
]);
export type ToWebview = z.infer<typeof toWebviewSchema>;

/** Acts of the person in the view. Candidates are named by id, never by path. */
export const fromWebviewSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('rank') }),
  z.object({ type: z.literal('rankAgain') }),
  z.object({ type: z.literal('cancel') }),
  z.object({ type: z.literal('resume') }),
  z.object({ type: z.literal('showLog') }),
  z.object({ type: z.literal('export') }),
  z.object({ type: z.literal('getEncoders') }),
  z.object({ type: z.literal('nameCheckpointFolders') }),
  z.object({ type: z.literal('reveal'), candidate: z.string() }),
]);
export type FromWebview = z.infer<typeof fromWebviewSchema>;
