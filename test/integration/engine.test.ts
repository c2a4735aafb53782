import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { evaluateRanking } from '../../src/engine/evaluate/correlations.ts';
import { engineErrorCodes, requests } from '../../src/protocol/engine.ts';
import type { RankingReport } from '../../src/protocol/report.ts';
import { writeLargeWeights } from '../helpers/largeWeights.ts';
import { vitShapes } from '../helpers/shapes.ts';
import { temporaryFolder } from '../helpers/temporaryFolder.ts';
import { dataset, type Engine, rankSample, sample, startEngine, until } from './engine.ts';

async function rank(engine: Engine, params: ReturnType<typeof rankSample>): Promise<RankingReport> {
  return requests.rank.result.parse(await engine.connection.sendRequest(requests.rank.method, params));
}

/** Samples whose features were in the cache when a run stopped: the last progress with a sample count. */
function samplesDone({ progress }: Engine): number {
  return progress.filter(({ stage }) => stage === 'extract').at(-1)?.done ?? 0;
}

describe('the engine process', () => {
  it('discovers the sample workspace', async () => {
    const engine = startEngine();
    const found = requests.discover.result.parse(
      await engine.connection.sendRequest(requests.discover.method, { workspace: sample }),
    );
    expect(found.datasets).toMatchObject([
      { id: 'data/fashion', task: 'image-classification', format: 'class-folders', classes: 10 },
    ]);
    expect(found.checkpoints.length).toBeGreaterThanOrEqual(8);
    expect(new Set(found.checkpoints.map(({ architecture }) => architecture)).size).toBeGreaterThanOrEqual(4);
    expect(found.skipped).toEqual([]);
  });

  it('ranks the sample so that it agrees with fine-tuning, and a second time without inference', async () => {
    const cache = await temporaryFolder();
    const engine = startEngine();
    const first = await rank(engine, rankSample(cache));
    const truth = JSON.parse(await readFile(path.join(sample, 'known-accuracy.json'), 'utf8')).accuracies;
    const scores = Object.fromEntries(first.candidates.map(({ name, score }) => [name, score]));
    expect(Object.keys(scores).sort()).toEqual(Object.keys(truth).sort());
    expect(evaluateRanking(scores, truth).weightedTau).toBeGreaterThan(0.6);
    expect(first.candidates.map(({ rank }) => rank)).toEqual(first.candidates.map((_, index) => index + 1));
    for (const { score, interval } of first.candidates) {
      expect(interval[0]).toBeLessThanOrEqual(score);
      expect(interval[1]).toBeGreaterThanOrEqual(score);
    }
    expect(first.inference).toEqual({
      samplesExtracted: first.dataset.samples * first.candidates.length,
      samplesFromCache: 0,
    });
    expect(new Set(engine.progress.map(({ stage }) => stage))).toEqual(
      new Set(['discover', 'read', 'embed', 'extract']),
    );
    expect(engine.progress.some(({ secondsLeft }) => secondsLeft !== null)).toBe(true);
    const candidates = engine.progress.flatMap(({ candidate }) => candidate ?? []);
    expect(new Set(candidates.map(({ number }) => number)).size).toBe(first.candidates.length);
    expect(candidates.at(-1)).toEqual({ number: first.candidates.length, count: first.candidates.length });

    const second = await rank(startEngine(), rankSample(cache));
    expect(second.inference.samplesExtracted).toBe(0);
    expect(second.candidates).toEqual(first.candidates);
  });

  it('goes on where it was killed', async () => {
    const cache = await temporaryFolder();
    const killed = startEngine();
    const running = rank(killed, rankSample(cache));
    running.catch(() => undefined);
    await until(() => samplesDone(killed) > 2000);
    killed.process.kill('SIGKILL');
    await once(killed.process, 'exit');

    const resumed = await rank(startEngine(), rankSample(cache));
    // Progress is told after a block was computed and before it is written: one block may be lost.
    expect(resumed.inference.samplesFromCache).toBeGreaterThanOrEqual(2000 - 128);
    const { samplesExtracted, samplesFromCache } = resumed.inference;
    expect(samplesExtracted + samplesFromCache).toBe(resumed.dataset.samples * resumed.candidates.length);
    const whole = await rank(startEngine(), rankSample(null));
    expect(resumed.candidates.map(({ id, score }) => [id, score])).toEqual(
      whole.candidates.map(({ id, score }) => [id, score]),
    );
  });

  it('passes once over a checkpoint that took it down twice, and ranks the rest', async () => {
    const cache = await temporaryFolder();
    const large = path.join(await temporaryFolder(), 'large.safetensors');
    await writeLargeWeights(large, vitShapes(384, 12, 16, 224, 1000), 'F32');
    const small = path.join(sample, 'checkpoints', 'resnet-garments.onnx');
    const params = rankSample(cache, { checkpoints: [large, small] });
    /** Ranks until some samples, less than a block, went through the large one. */
    const begin = async () => {
      const engine = startEngine();
      rank(engine, params).catch(() => undefined);
      await until(() => engine.progress.some(({ message, done }) => message === 'large' && done > 0 && done < 128));
      return engine;
    };
    for (const engine of [await begin(), await begin()]) {
      engine.process.kill('SIGKILL');
      await once(engine.process, 'exit');
    }
    const report = await rank(startEngine(), params);
    expect(report.skipped).toMatchObject([{ path: large, reason: expect.stringContaining('ended 2 times') }]);
    expect(report.candidates).toMatchObject([{ name: 'resnet-garments' }]);
    await begin();
  });

  // A busy machine can be late; what is broken is late three times.
  it('is cancelled within a second, and works on afterwards', { retry: 2 }, async () => {
    const cache = await temporaryFolder();
    const engine = startEngine();
    const cancel = new CancellationTokenSource();
    const running = engine.connection.sendRequest(requests.rank.method, rankSample(cache), cancel.token);
    running.catch(() => undefined);
    await until(() => samplesDone(engine) > 500);
    const began = performance.now();
    cancel.cancel();
    await expect(running).rejects.toMatchObject({ code: engineErrorCodes.cancelled });
    expect(performance.now() - began).toBeLessThan(1000);
    expect((await rank(engine, rankSample(cache))).inference.samplesFromCache).toBeGreaterThan(0);
  });

  it('says what is wrong with its input', async () => {
    const engine = startEngine();
    const folder = await temporaryFolder();
    const empty = engine.connection.sendRequest(requests.rank.method, rankSample(null, { dataset: folder }));
    await expect(empty).rejects.toMatchObject({
      code: engineErrorCodes.input,
      message: expect.stringContaining(folder),
    });
    const nothing = engine.connection.sendRequest(requests.rank.method, rankSample(null, { checkpoints: [dataset] }));
    await expect(nothing).rejects.toMatchObject({
      code: engineErrorCodes.noCheckpoints,
      message: expect.stringMatching(/no checkpoints .* name their folder\.$/),
    });
    await expect(engine.connection.sendRequest(requests.rank.method, { dataset: 7 })).rejects.toThrow('dataset');
  });

  it('ends with its parent', async () => {
    const engine = startEngine();
    await engine.connection.sendRequest(requests.discover.method, { workspace: await temporaryFolder() });
    engine.process.disconnect();
    const [code] = await once(engine.process, 'exit');
    expect(code).toBe(0);
  });
});
