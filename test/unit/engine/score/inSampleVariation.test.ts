import { expect, test } from 'vitest';
import { scaled } from '../../../../src/engine/linalg/matrix.ts';
import { rankConfidence } from '../../../../src/engine/rank/confidence.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { leftOutOf } from '../../../helpers/scoreCases.ts';

test.each([
  ['2 classes that are alike', 100, 32, 2, 0],
  ['2 classes that are far apart', 60, 8, 2, 1.3],
  ['20 classes, each told as well as it happens to be', 100, 8, 20, 1.3],
  ['nearly as many features as samples', 80, 60, 4, 0.4],
])('about 90 % of the intervals of exact hold the expected score: %s', async (_, n, d, classes, distance) => {
  const centres = scaled(generator(2).matrix(classes, d), distance);
  const runs: { score: number; interval: readonly [number, number] }[] = [];
  for (let run = 0; run < 200; run++) {
    const evidence = createEvidence(classification(2000 + run, n, d, classes, 1, centres));
    const result = await computeScore('emms', evidence, { variant: 'exact', variation: true });
    const { score } = result;
    const [confidence] = rankConfidence([{ id: 'a', score, samples: n, variation: leftOutOf(result) }]);
    const interval = confidence?.interval ?? [Number.NaN, Number.NaN];
    // What the regression leaves of the labels is nothing at best and all of them at worst.
    expect(interval[0]).toBeGreaterThanOrEqual(-classes);
    expect(interval[0]).toBeLessThanOrEqual(score);
    expect(interval[1]).toBeGreaterThanOrEqual(score);
    expect(interval[1]).toBeLessThanOrEqual(0);
    runs.push({ score, interval });
  }
  const expected = runs.reduce((sum, { score }) => sum + score, 0) / runs.length;
  const covered = runs.filter(({ interval: [low, high] }) => low <= expected && expected <= high).length / runs.length;
  // The share of 200 varies by 2.1 %.
  expect(covered).toBeGreaterThan(0.83);
  expect(covered).toBeLessThan(0.97);
});

test('fits that leave nothing but rounding are tied, and do not vary', async () => {
  const { features, labels } = classification(4, 20, 30, 3);
  const scored = [];
  for (const id of ['a', 'b']) {
    const rounded = { ...features, data: features.data.map((value) => (id === 'a' ? value : value * 3.7)) };
    const evidence = createEvidence({ features: rounded, labels });
    const result = await computeScore('emms', evidence, { variant: 'exact', variation: true });
    scored.push({ id, score: result.score, samples: 20, variation: leftOutOf(result) });
  }
  const [a, b] = rankConfidence(scored);
  expect(a?.tiedWith).toEqual(['b']);
  for (const interval of [a?.interval, b?.interval]) {
    expect(interval?.[0]).toBeCloseTo(0, 9);
    expect(interval?.[1]).toBeCloseTo(0, 9);
  }
});
