import { expect, test } from 'vitest';
import type { Extraction } from '../../../../src/engine/extract/extractor.ts';
import { parseMetric } from '../../../../src/engine/rank/metric.ts';
import { scoreCandidate, scoreWithVariation } from '../../../../src/engine/rank/scoreCandidate.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { leftOutOf } from '../../../helpers/scoreCases.ts';

function scoresOf(metric: string, n: number, d: number) {
  const { features, labels } = classification(1, n, d, 2);
  const extraction: Extraction = {
    key: '0',
    features: { ...features, data: new Float32Array(features.data) },
    logits: { rows: n, cols: 0, data: new Float32Array() },
    samples: Array.from(labels.keys()),
    failures: new Map(),
    provider: 'cpu',
    providerReason: '',
    seconds: 1,
    samplesExtracted: n,
    samplesFromCache: 0,
  };
  const supervision = { labels, multiLabels: undefined, classCount: 2, labelEmbeddings: undefined };
  return scoreCandidate(extraction, supervision, parseMetric(metric), [], undefined);
}

test.each([
  ['emms', 60, 20],
  ['emms', 8, 20],
  ['logme', 8, 10],
])(
  '%s of 40 samples of %i features without each of %i blocks and of as many pairs of them',
  async (metric, d, size) => {
    const scores = await scoresOf(metric, 40, d);
    const { scale, blocks, pairs } = leftOutOf(scores);
    expect(blocks).toHaveLength(size);
    expect(pairs).toHaveLength(size);
    expect(new Set([...blocks, ...pairs]).size).toBe(2 * size);
    for (const value of [...blocks, ...pairs])
      expect(Math.abs(value - (scale?.value ?? scores.score))).toBeLessThan(0.3);
  },
);

test('two samples, of which none can be left out', async () => {
  expect((await scoresOf('emms', 2, 8)).variation).toMatchObject({
    scale: { value: 0 },
    blocks: new Float64Array(2),
    pairs: new Float64Array(2),
    blocksInAll: 2,
  });
  await expect(scoresOf('logme', 2, 8)).rejects.toThrow(
    '2 samples are too few for the interval of logme: without some of them, Features [1, 8]',
  );
});

test('more samples than a function may have arguments', async () => {
  expect((await scoresOf('emms:exact', 150_000, 1)).score).toBeLessThan(0);
});

test('without two of six samples the others may all be of one class', async () => {
  for (let seed = 0; seed < 4; seed++) {
    const features = generator(seed).matrix(6, 2);
    for (let one = 1; one < 6; one++) {
      for (let other = 0; other < one; other++) {
        const input = { features, labels: Int32Array.from({ length: 6 }, (_, i) => Number(i === one || i === other)) };
        const scores = await scoreWithVariation(input, createEvidence(input), parseMetric('emms'));
        const { blocks, pairs } = leftOutOf(scores);
        expect([...blocks, ...pairs].every(Number.isFinite)).toBe(true);
      }
    }
  }
});

test.each([1, 2, 3])('%i samples of a second class are never left out all together', async (rare) => {
  for (let seed = 0; seed < 8; seed++) {
    const { matrix, permutation } = generator(seed);
    const few = new Set(permutation(40).slice(0, rare));
    const labels = Int32Array.from({ length: 40 }, (_, i) => Number(few.has(i)));
    const column = { rows: 40, cols: 1, data: Float64Array.from(labels) };
    const features = matrix(40, 6);
    for (const input of [
      { features, labels },
      { features, targets: column },
      { features, multiLabels: column },
      { features, labelEmbeddings: [column] },
    ]) {
      const { variation, score } = await scoreWithVariation(input, createEvidence(input), parseMetric('logme'));
      const { scale, blocks, pairs } = leftOutOf({ variation });
      expect(new Set([scale?.value ?? score, ...blocks, ...pairs]).size).toBe(21);
      expect([...blocks, ...pairs].every(Number.isFinite)).toBe(true);
    }
  }
});

test('LogME below the least evidence that there is counts as at it', async () => {
  const labels = Int32Array.from({ length: 60 }, (_, i) => i % 2);
  const scored = [];
  for (let seed = 0; seed < 12; seed++) {
    const input = { features: generator(seed).matrix(60, 24), labels };
    const { score, bounds, variation } = await scoreWithVariation(input, createEvidence(input), parseMetric('logme'));
    scored.push({ isBelow: score < (bounds?.least ?? Number.NaN), value: leftOutOf({ variation }).scale?.value });
  }
  expect(new Set(scored.map(({ isBelow }) => isBelow)).size).toBe(2);
  for (const { isBelow, value } of scored) {
    if (isBelow) expect(value).toBe(0);
    else expect(value).toBeGreaterThan(0);
  }
});

test('LogME of regression targets without each of ten blocks and of ten pairs of them', async () => {
  const { features, labels } = classification(1, 40, 8, 2);
  const targets = { rows: 40, cols: 1, data: Float64Array.from(labels, (label, i) => label + Math.sin(i)) };
  const scores = await scoreWithVariation(
    { features, targets },
    createEvidence({ features, targets }),
    parseMetric('logme'),
  );
  const { blocks, pairs } = leftOutOf(scores);
  for (const value of [...blocks, ...pairs]) expect(Math.abs(value - scores.score)).toBeLessThan(0.3);
  expect(new Set([...blocks, ...pairs]).size).toBe(20);
});
