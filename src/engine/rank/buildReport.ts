import os from 'node:os';
import path from 'node:path';
import { env } from 'onnxruntime-node';
import { version } from '../../../package.json';
import type { RankParams } from '../../protocol/engine.ts';
import type { Candidate, RankingReport, Skipped } from '../../protocol/report.ts';
import type { Checkpoint } from '../checkpoints/checkpoint.ts';
import type { Dataset, Sample } from '../datasets/dataset.ts';
import type { LabelEncoderChoice } from '../embed/labelEncoders.ts';
import type { Extraction } from '../extract/extractor.ts';
import type { ProviderChoice } from '../extract/providers.ts';
import { idOf } from '../files/paths.ts';
import { rankConfidence } from './confidence.ts';
import type { Metric } from './metric.ts';
import type { CandidateScores } from './scoreCandidate.ts';
import { warnOfThinClasses } from './thinClasses.ts';

export interface RankedCandidate extends CandidateScores, Omit<Extraction, 'features' | 'logits'> {
  readonly checkpoint: Checkpoint;
  readonly featureDim: number;
}

export interface RankingResult {
  readonly params: RankParams;
  readonly dataset: Dataset;
  readonly split: { readonly name: string; readonly size: number };
  readonly samples: readonly Sample[];
  readonly metric: Metric;
  readonly labelEncoders: LabelEncoderChoice;
  readonly provider: ProviderChoice;
  readonly ranked: readonly RankedCandidate[];
  readonly skipped: readonly Skipped[];
  readonly warnings: readonly string[];
  readonly timings: RankingReport['timings'];
}

/** Unreadable samples that are listed; a warning counts all of them. */
const MAX_LISTED_SAMPLES = 100;

/** Puts the candidates in order, with their ties, and everything a reader needs to trust or repeat the ranking. */
export function buildReport(result: RankingResult): RankingReport {
  const { params, dataset, split, samples, ranked } = result;
  const unreadable = new Map(ranked.flatMap(({ failures }) => [...failures]));
  return {
    schemaVersion: 1,
    createdAt: new Date().toISOString(),
    workspace: params.workspace,
    dataset: {
      id: idOf(dataset.path, params.workspace),
      name: path.basename(dataset.path),
      path: dataset.path,
      format: dataset.format,
      split: split.name === 'all' ? null : split.name,
      classes: dataset.classes.length,
      samples: samples.length - unreadable.size,
      availableSamples: split.size,
    },
    task: dataset.task,
    metric: result.metric.score,
    variant: ranked[0]?.variant ?? '',
    seed: params.seed,
    device: summarizeDevice(result),
    labelEncoders: [...result.labelEncoders.names],
    labelEncoderReason: result.labelEncoders.reason,
    missingLabelEncoders: [...result.labelEncoders.missing],
    candidates: orderCandidates(ranked),
    skipped: [...result.skipped, ...listUnreadable(samples, unreadable)],
    warnings: [
      ...dataset.warnings,
      ...warnOfThinClasses(samples, split.size),
      ...countUnreadable(samples, unreadable),
      ...result.warnings,
    ],
    inference: {
      samplesExtracted: ranked.reduce((sum, { samplesExtracted }) => sum + samplesExtracted, 0),
      samplesFromCache: ranked.reduce((sum, { samplesFromCache }) => sum + samplesFromCache, 0),
    },
    timings: result.timings,
    environment: {
      emms: version,
      node: process.version,
      onnxruntime: env.versions.node ?? env.versions.common,
      platform: `${process.platform}-${process.arch}`,
      cpus: os.availableParallelism(),
    },
  };
}

function orderCandidates(ranked: readonly RankedCandidate[]): Candidate[] {
  const scored = ranked.map(({ checkpoint, score, samples, variation, bounds }) => ({
    id: checkpoint.id,
    score,
    samples: samples.length,
    variation,
    bounds,
  }));
  const confidence = new Map(rankConfidence(scored).map((entry) => [entry.id, entry]));
  return [...ranked]
    .sort((a, b) => b.score - a.score || (a.checkpoint.id < b.checkpoint.id ? -1 : 1))
    .map((candidate, index) => {
      const { checkpoint, score } = candidate;
      const { interval, tiedWith } = confidence.get(checkpoint.id) ?? {
        interval: [score, score] as const,
        tiedWith: [],
      };
      const rows = candidate.samples.length;
      return {
        rank: index + 1,
        id: checkpoint.id,
        name: checkpoint.name,
        path: checkpoint.path,
        architecture: checkpoint.architecture,
        score,
        interval: [interval[0], interval[1]],
        tiedWith: [...tiedWith],
        metrics: candidate.metrics,
        weights: [...candidate.weights],
        featureDim: candidate.featureDim,
        featurePoint: checkpoint.featurePoint.tensor,
        preprocessing: checkpoint.image?.preprocessing.description ?? 'text only',
        parameters: checkpoint.parameters,
        bytes: checkpoint.bytes,
        samples: rows,
        device: candidate.provider,
        extractSeconds: candidate.seconds,
        latencyMs: rows > 0 ? (candidate.seconds / rows) * 1000 : 0,
        warnings: [...checkpoint.warnings, ...candidate.warnings],
      };
    });
}

/** One answer for the whole ranking: the provider that was meant, or the CPU and why, candidate by candidate. */
function summarizeDevice({ params, provider, ranked }: RankingResult): RankingReport['device'] {
  const used = [...new Set(ranked.map((candidate) => candidate.provider))].sort().join(', ');
  const reasons = new Set(ranked.map((candidate) => candidate.providerReason));
  const [only] = reasons;
  if (reasons.size === 1 && only !== undefined) return { requested: params.device, used, reason: only };
  const agreeing = ranked.filter((candidate) => candidate.provider === provider.provider).length;
  const others = ranked.filter((candidate) => candidate.provider !== provider.provider);
  const detail = others.map(({ checkpoint, providerReason }) => `${checkpoint.name}: ${providerReason}`).join('; ');
  const agreement = `${provider.provider} agrees with the CPU on the first batch for ${agreeing} of ${ranked.length} checkpoints`;
  return { requested: params.device, used, reason: detail ? `${agreement}; ${detail}` : agreement };
}

function countUnreadable(samples: readonly Sample[], unreadable: ReadonlyMap<number, string>): string[] {
  if (unreadable.size === 0) return [];
  return [`${unreadable.size} of ${samples.length} samples could not be read and were left out.`];
}

function listUnreadable(samples: readonly Sample[], unreadable: ReadonlyMap<number, string>): Skipped[] {
  return [...unreadable].slice(0, MAX_LISTED_SAMPLES).map(([index, reason]) => ({
    path: samples[index]?.file ?? '',
    reason: `The sample can't be read: ${reason}`,
  }));
}
