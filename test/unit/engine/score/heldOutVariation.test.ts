import { expect, test } from 'vitest';
import { scaled } from '../../../../src/engine/linalg/matrix.ts';
import { rankConfidence } from '../../../../src/engine/rank/confidence.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { leftOutOf } from '../../../helpers/scoreCases.ts';

test.each([
  ['little', 'more samples than features', 80, 16, 1 / 5],
  ['next to nothing', 'more samples than features', 80, 16, 1 / 12],
  ['nothing', 'more samples than features', 60, 10, 0],
  ['nothing', 'more features than samples', 50, 70, 0],
])(
  'about 90 % of the intervals of EMMS cv hold the expected score where the features predict %s: %s',
  async (...args) => {
    const [, , n, d, distance] = args;
    const classes = 3;
    const centres = scaled(generator(2).matrix(classes, d), distance);
    const runs: { score: number; interval: readonly [number, number] }[] = [];
    for (let run = 0; run < 150; run++) {
      const evidence = createEvidence(classification(2000 + run, n, d, classes, 1, centres));
      const result = await computeScore('emms', evidence, { variation: true });
      const { score } = result;
      const [confidence] = rankConfidence([{ id: 'a', score, samples: n, variation: leftOutOf(result) }]);
      runs.push({ score, interval: confidence?.interval ?? [Number.NaN, Number.NaN] });
    }
    const expected = runs.reduce((sum, { score }) => sum + score, 0) / runs.length;
    const covered =
      runs.filter(({ interval: [low, high] }) => low <= expected && expected <= high).length / runs.length;
    expect(expected).toBeLessThan(0.15);
    // The share of 150 varies by 2.4 %.
    expect(covered).toBeGreaterThan(0.84);
    expect(covered).toBeLessThan(0.97);
  },
);

test.each([
  ['more samples than features', 80, 10],
  ['more features than samples', 40, 60],
])('features that predict nothing score 0, are tied and said to predict nothing: %s', async (_, n, d) => {
  const labels = Int32Array.from({ length: n }, (_, i) => i % 4);
  const scored = [];
  for (let seed = 0; scored.length < 3; seed++) {
    const evidence = createEvidence({ features: generator(seed).matrix(n, d), labels });
    const result = await computeScore('emms', evidence, { variation: true });
    expect(result.score).toBeGreaterThanOrEqual(0);
    if (result.score > 0) {
      expect(result.warning).toBeUndefined();
      continue;
    }
    expect(Object.is(result.score, 0)).toBe(true);
    expect(result.warning).toContain('predict nothing');
    const { score, variation } = result;
    if (variation === undefined) throw new Error('no variation');
    scored.push({ id: String(seed), score, samples: n, variation });
  }
  for (const { interval, tiedWith } of rankConfidence(scored)) {
    expect(tiedWith).toHaveLength(2);
    expect(interval[1]).toBeGreaterThan(0.001);
  }
});
