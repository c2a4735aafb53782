import type { Progress, RankParams } from '../../protocol/engine.ts';
import type { RankingReport, Skipped } from '../../protocol/report.ts';
import type { Task } from '../../protocol/tasks.ts';
import { Store } from '../cache/store.ts';
import type { Checkpoint } from '../checkpoints/checkpoint.ts';
import { findCheckpoints, openCheckpoints, reasonOf, resolveCheckpoints } from '../checkpoints/discover.ts';
import type { Dataset, Sample } from '../datasets/dataset.ts';
import { chooseSplit, openDataset } from '../datasets/open.ts';
import { drawStratified } from '../datasets/sampling.ts';
import { embedDatasetLabels } from '../embed/embedLabels.ts';
import { chooseLabelEncoders } from '../embed/labelEncoders.ts';
import { CancelledError, InputError } from '../errors.ts';
import { Extractor } from '../extract/extractor.ts';
import { chooseProvider } from '../extract/providers.ts';
import { walk } from '../files/walk.ts';
import { buildReport, type RankedCandidate } from './buildReport.ts';
import { hashSamples } from './hashSamples.ts';
import { metricsFor, parseMetric } from './metric.ts';
import { modalitiesFor, whyUnfitForTask } from './modalities.ts';
import { nothingToRank } from './nothingToRank.ts';
import { ProgressMeter } from './progressMeter.ts';
import { scoreCandidate } from './scoreCandidate.ts';
import { superviseRows } from './supervision.ts';

export interface RankContext {
  readonly signal?: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  readonly log: (message: string) => void;
}

/**
 * The main job: ranks checkpoints by how well they would transfer to a dataset.
 *
 * Every finished block of features is in the cache before the next is begun, so a ranking that was cancelled or killed
 * goes on where it stopped.
 * @throws InputError when there is nothing to rank
 * @throws CancelledError
 */
export async function rank(params: RankParams, context: RankContext): Promise<RankingReport> {
  const clock = new Clock();
  const { signal } = context;
  const meter = new ProgressMeter(context.onProgress);
  const metric = parseMetric(params.metric);
  const further = params.also.map(parseMetric);
  const labelEncoders = await chooseLabelEncoders(params.labelEncoders, { paper: params.encoderSet === 'paper' });
  const store = params.cacheFolder === null ? undefined : new Store(params.cacheFolder);

  meter.start('discover', '', 0);
  const dataset = await openDataset(params.dataset, params.task, signal);
  const split = chooseSplit(dataset);
  const samples = drawStratified(split.samples, params.limit, params.seed);
  const { also, warnings: unfitMetrics } = metricsFor(dataset, samples, metric, further);
  const { checkpoints, skipped } = await openCandidates(params, dataset.task, context);
  const provider = await chooseProvider(params.device);
  context.log(`device: ${provider.provider} (${provider.reason})`);
  context.log(`label encoders: ${labelEncoders.names.join(', ')} (${labelEncoders.reason})`);
  const discoverSeconds = clock.lap();

  meter.start('read', '', samples.length);
  const sampleHashes = await hashSamples(samples, meter, signal);

  meter.start('embed', '', 0);
  const labelEmbeddings = await embedDatasetLabels(dataset, samples, labelEncoders.encoders, {
    names: params.classNames,
    templates: params.labelTemplates,
    pooling: params.labelPooling,
    store,
    signal,
    onProgress: (done, total) => meter.reach(done, total),
  });

  meter.start('extract', '', samples.length * checkpoints.length);
  const extractor = new Extractor({
    samples,
    sampleHashes,
    provider,
    store,
    signal,
    onSamples: (count, cached) => meter.advance(count, cached ? 0 : count),
  });
  const ranked: RankedCandidate[] = [];
  let extractSeconds = clock.lap();
  let scoreSeconds = 0;
  for (const [index, checkpoint] of checkpoints.entries()) {
    meter.working(checkpoint.name, { number: index + 1, count: checkpoints.length });
    try {
      const extraction = await extractor.extract(checkpoint);
      extractSeconds += clock.lap();
      if (extraction.samples.length === 0) throw new UnreadableDataset(dataset, samples, extraction.failures);
      const supervision = superviseRows(dataset, samples, extraction.samples, labelEmbeddings);
      const scored = await scoreCandidate(extraction, supervision, metric, also, store);
      scoreSeconds += clock.lap();
      const { features, logits: _, ...about } = extraction;
      ranked.push({ ...scored, ...about, checkpoint, featureDim: features.cols });
    } catch (error) {
      if (signal?.aborted || error instanceof CancelledError) throw new CancelledError();
      if (error instanceof UnreadableDataset) throw error;
      const reason = reasonOf(error, checkpoint.path);
      context.log(`skipped ${checkpoint.id}: ${reason}`);
      skipped.push({ path: checkpoint.path, reason });
    }
    meter.reach(samples.length * (index + 1));
  }
  if (ranked.length === 0) throw nothingToRank(params, skipped);

  return buildReport({
    params,
    dataset,
    split,
    samples,
    metric,
    labelEncoders,
    provider,
    ranked,
    skipped,
    warnings: [...unfitMetrics, ...warnOfCache(store)],
    timings: { discoverSeconds, extractSeconds, scoreSeconds, totalSeconds: clock.total() },
  });
}

/** The checkpoints that were named, else those of the workspace; what can't be ranked is told apart. */
async function openCandidates(
  params: RankParams,
  task: Task,
  { signal, log }: RankContext,
): Promise<{ checkpoints: Checkpoint[]; skipped: Skipped[] }> {
  const found = params.checkpoints
    ? await resolveCheckpoints(params.checkpoints, signal)
    : await findCheckpoints(
        await walk(params.workspace, { excludes: params.excludes, ...(signal && { signal }) }),
        params,
        signal,
      );
  const options = { modalities: modalitiesFor(task), featurePoint: params.featurePoint };
  const opened = await openCheckpoints(found.files, params.workspace, options, signal);
  const skipped = [...found.skipped, ...opened.skipped];
  const checkpoints: Checkpoint[] = [];
  for (const checkpoint of opened.checkpoints) {
    const reason = whyUnfitForTask(checkpoint.modality, task);
    if (reason === undefined) checkpoints.push(checkpoint);
    else skipped.push({ path: checkpoint.path, reason });
  }
  for (const { path, reason } of skipped) log(`skipped ${path}: ${reason}`);
  if (checkpoints.length === 0) throw nothingToRank(params, skipped);
  return { checkpoints, skipped };
}

function warnOfCache(store: Store | undefined): string[] {
  if (store?.failure === undefined) return [];
  return [`The cache can't be written, so a second run will take as long: ${store.failure}`];
}

/** No sample could be read: that is no fault of a checkpoint, and the next would fare no better. */
class UnreadableDataset extends InputError {
  constructor(dataset: Dataset, samples: readonly Sample[], failures: ReadonlyMap<number, string>) {
    const [[index, reason] = [0, '']] = failures;
    super(
      `${dataset.path}: none of its ${samples.length} samples can be read. ${samples[index]?.file}: ${reason}. Check the files.`,
    );
  }
}

class Clock {
  readonly #began = performance.now();
  #lapBegan = this.#began;

  /** Seconds since the last lap. */
  lap(): number {
    const began = this.#lapBegan;
    this.#lapBegan = performance.now();
    return (this.#lapBegan - began) / 1000;
  }

  total(): number {
    return (performance.now() - this.#began) / 1000;
  }
}
