import { cacheKey, type Store } from '../cache/store.ts';
import { InputError, messageOf } from '../errors.ts';
import type { Extraction } from '../extract/extractor.ts';
import { classProbabilities } from '../extract/probabilities.ts';
import { selectRows } from '../linalg/matrix.ts';
import { scoresWithoutBlocks } from '../score/blocks.ts';
import { createEvidence, type Evidence } from '../score/evidence.ts';
import type { EvidenceInput } from '../score/evidenceInput.ts';
import { computeScore } from '../score/registry.ts';
import type { Bounds, LeftOut, ScoreResult, Variation } from '../score/score.ts';
import { squareScale } from '../score/squareScale.ts';
import { unlikeMost } from '../score/unlikeMost.ts';
import { SufficientStatistics } from '../stats/sufficientStatistics.ts';
import type { Metric } from './metric.ts';

export interface CandidateScores {
  /** The metric that ranks. */
  readonly score: number;
  /** The variant of it that was computed. */
  readonly variant: string;
  /** λ of the metric that ranks. */
  readonly weights: readonly number[];
  readonly variation: Variation;
  /** Of the metric that ranks. */
  readonly bounds: Bounds | undefined;
  /** Every score, by the name it was asked for by. */
  readonly metrics: Record<string, number>;
  /** What the score alone doesn't say, and why a further one is missing. */
  readonly warnings: readonly string[];
}

/** What the rows of the features are labelled with. */
export type Supervision = Pick<EvidenceInput, 'labels' | 'multiLabels' | 'classCount' | 'labelEmbeddings'>;

/**
 * Scores one candidate by the metric that ranks and by further ones. Its statistics come from the cache where they are.
 * @throws InputError when the metric that ranks can't be computed; a further one that can't is a warning
 */
export async function scoreCandidate(
  extraction: Extraction,
  supervision: Supervision,
  metric: Metric,
  also: readonly Metric[],
  store: Store | undefined,
): Promise<CandidateScores> {
  const { features, logits } = extraction;
  const { labels, classCount } = supervision;
  const key = cacheKey('statistics', extraction.key, classCount ?? 0, (labels ?? []).join());
  const kept = await store?.get(key);
  const statistics = kept && SufficientStatistics.deserialize(kept);
  const input = { ...supervision, features, sourceProbabilities: classProbabilities(logits) };
  const evidence = createEvidence({ ...input, statistics });
  if (!kept) await store?.put(key, (await evidence.statistics()).serialize());

  const main = await scoreWithVariation(input, evidence, metric);
  const metrics: Record<string, number> = { [metric.name]: main.score };
  const warnings = main.warning === undefined ? [] : [main.warning];
  for (const { name, score, variant } of also) {
    try {
      metrics[name] = (await computeScore(score, evidence, { variant })).score;
    } catch (error) {
      warnings.push(`${name}: ${messageOf(error)}`);
    }
  }
  return {
    score: main.score,
    variant: main.variant,
    weights: main.details.weights ?? [],
    variation: main.variation,
    bounds: main.bounds,
    metrics,
    warnings,
  };
}

/**
 * A score and how it varies with the samples.
 * @param evidence made of the input
 * @throws InputError when the score, or the score without some of the samples, can't be computed
 */
export async function scoreWithVariation(input: EvidenceInput, evidence: Evidence, metric: Metric) {
  const result = await computeScore(metric.score, evidence, { variant: metric.variant, variation: true });
  if (result.variation !== undefined) return { ...result, variation: result.variation };
  const leftOut = await recomputedWithoutBlocks(input, { ...metric, variant: result.variant });
  return { ...result, variation: aboveLeast(leftOut, result) };
}

/** For scores that tell nothing of how they vary: computed anew without blocks of samples. */
async function recomputedWithoutBlocks(input: EvidenceInput, metric: Metric): Promise<LeftOut> {
  const rows = Array.from({ length: input.features.rows }, (_, i) => i);
  const needed = unlikeMost(input);
  // Without it all labels are the same: the interval is that of scores with it.
  const always = needed.length === 1 ? needed : [];
  const others = rows.filter((row) => !always.includes(row));
  try {
    const scoreOf = (kept: readonly number[]) =>
      scoreOfRows(input, metric, [...kept.map((i) => others[i] as number), ...always]);
    return await scoresWithoutBlocks(others.length, scoreOf, { needed });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(
      `${input.features.rows} samples are too few for the interval of ${metric.name}: without some of them, ${error.message}`,
    );
  }
}

/** Where a score has a least value, the same on the scale of the root of what is above. */
function aboveLeast({ blocks, pairs, blocksInAll }: LeftOut, { score, bounds }: ScoreResult): LeftOut {
  const { least } = bounds ?? {};
  if (least === undefined) return { blocks, pairs, blocksInAll };
  const rootOf = (value: number) => Math.sign(value - least) * Math.sqrt(Math.abs(value - least));
  return {
    // LogME's published steps may stop short of the least evidence that there is: what is below it counts as at it.
    scale: squareScale(Math.max(0, rootOf(score)), least),
    blocks: blocks.map(rootOf),
    pairs: pairs.map(rootOf),
    blocksInAll,
  };
}

async function scoreOfRows(input: EvidenceInput, metric: Metric, rows: readonly number[]): Promise<number> {
  const { features, labels, multiLabels, targets, labelEmbeddings, sourceProbabilities } = input;
  const embedsClasses = labels !== undefined || multiLabels !== undefined;
  const evidence = createEvidence({
    ...input,
    features: selectRows(features, rows),
    samplesInAll: features.rows,
    labels: labels && Int32Array.from(rows, (row) => labels[row] as number),
    multiLabels: multiLabels && selectRows(multiLabels, rows),
    targets: targets && selectRows(targets, rows),
    labelEmbeddings: embedsClasses ? labelEmbeddings : labelEmbeddings?.map((embedding) => selectRows(embedding, rows)),
    sourceProbabilities: sourceProbabilities && selectRows(sourceProbabilities, rows),
  });
  return (await computeScore(metric.score, evidence, { variant: metric.variant })).score;
}
