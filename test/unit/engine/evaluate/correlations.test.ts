import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { evaluateRanking } from '../../../../src/engine/evaluate/correlations.ts';

interface GoldenCase {
  scores: number[];
  accuracies: number[];
  weightedTau: number;
  kendallTau: number;
  pearson: number;
  weightedPearson: number;
}

const golden: GoldenCase[] = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../fixtures/golden/golden.json'), 'utf8'),
).rank_correlations;

const named = (values: number[]) => Object.fromEntries(values.map((value, i) => [`model ${i}`, value]));

test.each(golden.map((example, i) => [i, example] as const))('correlations of golden case %i', (_, example) => {
  const result = evaluateRanking(named(example.scores), named(example.accuracies));
  for (const key of ['weightedTau', 'kendallTau', 'pearson', 'weightedPearson'] as const) {
    expect(result[key]).toBeCloseTo(example[key], 9);
  }
});

test('relative accuracy and recall of the best picks', () => {
  const truth = { a: 90, b: 80, c: 70, d: 60 };
  expect(evaluateRanking({ a: 4, b: 3, c: 2, d: 1 }, truth)).toMatchObject({
    'rel@1': 1,
    'rel@3': 1,
    'recall@1': 1,
    'recall@3': 1,
  });
  expect(evaluateRanking({ a: 2, b: 3, c: 4, d: 1 }, truth)).toMatchObject({
    'rel@1': 7 / 9,
    'rel@3': 1,
    'recall@1': 0,
    'recall@3': 1,
  });
  expect(evaluateRanking({ a: 1, b: 2, c: 4, d: 3 }, truth)).toMatchObject({ 'rel@3': 8 / 9, 'recall@3': 0 });
});

test.each([3, 4, 5, 6, 7, 9, 12])('no rounding takes full agreement of %i models beyond 1', (size) => {
  const accuracies = Array.from({ length: size }, (_, i) => 0.1 * i);
  const scores = accuracies.map((accuracy) => 3 * accuracy + 0.1);
  const { weightedTau, kendallTau, pearson } = evaluateRanking(named(scores), named(accuracies));
  expect([weightedTau, kendallTau]).toEqual([1, 1]);
  expect(pearson).toBeLessThanOrEqual(1);
  expect(pearson).toBeCloseTo(1, 14);
});

test('only models in both lists count, and the others are named', () => {
  const result = evaluateRanking({ a: 1, b: 2, constructor: 3 }, { b: 2, a: 1, z: 0 });
  expect(result).toMatchObject({ models: 2, kendallTau: 1, missingScores: ['z'], missingTruth: ['constructor'] });
});

test('what is undefined is null, and what is nonsense is refused', () => {
  const result = evaluateRanking({ a: 0.1, b: 0.1, c: 0.1 }, { a: 1, b: 2, c: 3 });
  expect(result).toMatchObject({ weightedTau: null, kendallTau: null, pearson: null, weightedPearson: null });
  expect(() => evaluateRanking({ a: 1 }, { a: 1 })).toThrow('1 model in common');
  expect(() => evaluateRanking({ a: 1, b: Number.NaN }, { a: 1, b: 1 })).toThrow('The value of b is NaN');
});
