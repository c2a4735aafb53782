import * as z from 'zod';
import { discoverySchema } from './discovery.ts';
import { rankingReportSchema } from './report.ts';
import { STAGES } from './stages.ts';
import { deviceSchema, taskSchema } from './tasks.ts';

/**
 * The border between the extension host (or any other client) and the engine process: JSON-RPC over the IPC channel
 * of a forked Node process. Requests are cancelled with the `$/cancelRequest` of vscode-jsonrpc.
 */

export const discoverParamsSchema = z.object({
  workspace: z.string(),
  checkpointFolders: z
    .array(z.string())
    .default([])
    .describe('Folders to look for checkpoints in beside the workspace.'),
  modelCaches: z
    .boolean()
    .default(true)
    .describe('Whether to look for checkpoints in the caches of Hugging Face and torch.hub, too.'),
  excludes: z.array(z.string()).default([]).describe('Names of files and folders that are passed over.'),
});
export type DiscoverParams = z.infer<typeof discoverParamsSchema>;

export const rankParamsSchema = discoverParamsSchema.extend({
  dataset: z.string().describe('Folder of the dataset.'),
  checkpoints: z
    .array(z.string())
    .optional()
    .describe('Checkpoint files or folders; those of the workspace when left out.'),
  task: z.union([z.literal('auto'), taskSchema]).default('auto'),
  metric: z.string().default('emms').describe('A score, or score:variant.'),
  also: z.array(z.string()).default([]).describe('Further scores to compute for the report.'),
  featurePoint: z
    .string()
    .optional()
    .describe("Name of the tensor to read the features from, instead of each network's own feature point."),
  labelEncoders: z
    .array(z.string())
    .default(['auto'])
    .describe('auto, onehot, or text encoders: clip, bert, gpt2, folders, names on the Hugging Face hub.'),
  encoderSet: z
    .enum(['base', 'paper'])
    .default('base')
    .describe("What clip, bert and gpt2 stand for: base-size encoders, or the paper's large ones."),
  labelTemplates: z
    .record(z.string(), z.string())
    .default({})
    .describe('Sentence for class names by the name of the encoder, {} in the place of the class name.'),
  classNames: z
    .enum(['readable', 'raw'])
    .default('readable')
    .describe('Whether class names are cleaned for reading before they are embedded.'),
  labelPooling: z
    .enum(['tokens', 'padding'])
    .default('tokens')
    .describe('Mean over the real tokens of a label, or over the padded length as the published code has it.'),
  limit: z.int().min(2).default(2000).describe('Most samples to use, drawn stratified by class.'),
  device: deviceSchema.default('auto'),
  seed: z.int().min(0).default(0),
  cacheFolder: z.string().nullable().describe('Where features and statistics are kept; null keeps nothing.'),
});
export type RankParams = z.infer<typeof rankParamsSchema>;

export const progressSchema = z.object({
  stage: z.enum(STAGES),
  message: z
    .string()
    .describe('What is worked on, e.g. the name of the checkpoint, or what a download waits for; may be empty.'),
  candidate: z
    .object({ number: z.int().min(1), count: z.int().min(1) })
    .nullable()
    .describe('Which of the candidates is being worked on, from 1; null where it is none.'),
  done: z.int().min(0),
  total: z.int().min(0).describe('In samples × candidates while features are extracted; 0 while it is not known.'),
  secondsLeft: z.number().min(0).nullable().describe('Estimate for the whole ranking; null while there is none.'),
});
export type Progress = z.infer<typeof progressSchema>;

const logSchema = z.object({
  level: z.enum(['debug', 'info', 'warn', 'error']),
  message: z.string(),
});
export type LogEntry = z.infer<typeof logSchema>;

const renderParamsSchema = z.object({
  report: rankingReportSchema,
  format: z.enum(['csv', 'html']),
});
export type RenderParams = z.infer<typeof renderParamsSchema>;

/** The text encoders that `clip`, `bert` and `gpt2` stand for. */
const listEncodersParamsSchema = rankParamsSchema.pick({ encoderSet: true });
const encoderSchema = z.object({
  name: z.string().describe('clip, bert or gpt2.'),
  model: z.string().describe('Name of the model on the Hugging Face hub.'),
  present: z.boolean().describe('Whether it is on this machine.'),
});
export type Encoder = z.infer<typeof encoderSchema>;

/** Downloads a model into the Hugging Face cache. Sent only when the person asked for it. */
const downloadParamsSchema = z.object({
  model: z.string(),
  token: z.string().nullable().describe('Access token of the Hugging Face hub; null for public models.'),
  proxy: z
    .object({ proxy: z.string(), noProxy: z.array(z.string()) })
    .describe("VS Code's settings http.proxy and http.noProxy; empty where the environment decides."),
});
export type DownloadParams = z.infer<typeof downloadParamsSchema>;

/** Every request: its method name, and the schemas of what goes in and what comes back. */
export const requests = {
  discover: { method: 'emms/discover', params: discoverParamsSchema, result: discoverySchema },
  rank: { method: 'emms/rank', params: rankParamsSchema, result: rankingReportSchema },
  listEncoders: { method: 'emms/listEncoders', params: listEncodersParamsSchema, result: z.array(encoderSchema) },
  download: { method: 'emms/download', params: downloadParamsSchema, result: z.object({ folder: z.string() }) },
  render: { method: 'emms/render', params: renderParamsSchema, result: z.string() },
} as const;

/** Notifications from the engine while a request runs. */
export const notifications = {
  progress: { method: 'emms/progress', params: progressSchema },
  log: { method: 'emms/log', params: logSchema },
} as const;

/** Codes of the JSON-RPC errors that the engine answers with (beside those that JSON-RPC defines itself). */
export const engineErrorCodes = {
  /** The input gives nothing to rank or can't be read; the message names the file and the remedy. */
  input: 3,
  /** As `input`, because no checkpoint lies where it was looked for. */
  noCheckpoints: 4,
  /** The request was cancelled (the code that vscode-jsonrpc and LSP use). */
  cancelled: -32800,
} as const;
