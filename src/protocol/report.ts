import * as z from 'zod';
import { deviceSchema, taskSchema } from './tasks.ts';

/** Something that was left out of the result, and why. */
export const skippedSchema = z.object({
  path: z.string().describe('Absolute path of the file or folder.'),
  reason: z.string().describe('One sentence: what is wrong and what would mend it.'),
});
export type Skipped = z.infer<typeof skippedSchema>;

const candidateSchema = z.object({
  rank: z.int().min(1),
  id: z.string().describe('Unique in the report: the path relative to the workspace, with forward slashes.'),
  name: z.string().describe('For people: the file name without its extension.'),
  path: z.string().describe('Absolute path of the checkpoint.'),
  architecture: z.string(),
  score: z.number().describe('The ranking metric; larger is better.'),
  interval: z.tuple([z.number(), z.number()]).describe('90 % delete-block jackknife interval of the score.'),
  tiedWith: z.array(z.string()).describe('Ids of the candidates whose score differs by no more than the noise.'),
  metrics: z.record(z.string(), z.number()).describe('Every score that was computed, by name (emms, emms:exact, …).'),
  weights: z.array(z.number()).describe('λ: the weight of each label encoder, in the order of labelEncoders.'),
  featureDim: z.int().min(1),
  featurePoint: z.string().describe('Name of the tensor that the features were read from.'),
  preprocessing: z.string().describe('How pixels became the input tensor, and where that was said.'),
  parameters: z.int().min(0),
  bytes: z.int().min(0),
  samples: z.int().min(0),
  device: z.string().describe('Execution provider that computed the features.'),
  extractSeconds: z.number().min(0).describe('Inference time over all samples, as measured when they were extracted.'),
  latencyMs: z.number().min(0).describe('Inference time per sample.'),
  warnings: z.array(z.string()),
});
export type Candidate = z.infer<typeof candidateSchema>;

/** The result of one ranking: what the panel shows, `emms rank --json` prints and the cache keeps. */
export const rankingReportSchema = z.object({
  schemaVersion: z.literal(1),
  createdAt: z.iso.datetime(),
  workspace: z.string(),
  dataset: z.object({
    id: z.string(),
    name: z.string(),
    path: z.string(),
    format: z.string(),
    split: z.string().nullable(),
    classes: z.int().min(0),
    samples: z.int().min(0).describe('Samples that were used.'),
    availableSamples: z.int().min(0).describe('Samples in the split.'),
  }),
  task: taskSchema,
  metric: z.string(),
  variant: z.string().describe('Which variant of the metric ran, e.g. cv (held-out) for emms.'),
  seed: z.int(),
  device: z.object({
    requested: deviceSchema,
    used: z.string(),
    reason: z.string(),
  }),
  labelEncoders: z.array(z.string()),
  labelEncoderReason: z.string().describe('Why these label encoders, and what would give better ones.'),
  missingLabelEncoders: z
    .array(z.string())
    .describe('Label encoders that would have been used if they were on the machine.'),
  candidates: z.array(candidateSchema),
  skipped: z.array(skippedSchema),
  warnings: z.array(z.string()),
  inference: z.object({
    samplesExtracted: z.int().min(0).describe('Samples × candidates that went through a network in this run.'),
    samplesFromCache: z.int().min(0),
  }),
  timings: z.object({
    discoverSeconds: z.number(),
    extractSeconds: z.number(),
    scoreSeconds: z.number(),
    totalSeconds: z.number(),
  }),
  environment: z.object({
    emms: z.string(),
    node: z.string(),
    onnxruntime: z.string(),
    platform: z.string(),
    cpus: z.int(),
  }),
});
export type RankingReport = z.infer<typeof rankingReportSchema>;
