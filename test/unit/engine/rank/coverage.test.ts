import { expect, test } from 'vitest';
import { rankConfidence } from '../../../../src/engine/rank/confidence.ts';
import { parseMetric } from '../../../../src/engine/rank/metric.ts';
import { scoreWithVariation } from '../../../../src/engine/rank/scoreCandidate.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';
import type { Variation } from '../../../../src/engine/score/score.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { leftOutOf } from '../../../helpers/scoreCases.ts';

interface Run {
  score: number;
  variation: Variation;
}

/** The share of the runs whose interval holds the mean score of all runs. */
function coverage(runs: readonly Run[], samples: number): number {
  const expected = runs.reduce((sum, { score }) => sum + score, 0) / runs.length;
  const covered = runs.filter(({ score, variation }) => {
    const [low = 0, high = 0] = rankConfidence([{ id: 'a', score, samples, variation }])[0]?.interval ?? [];
    return low <= expected && expected <= high;
  });
  return covered.length / runs.length;
}

test.each([
  ['more samples than features', 100, 8, 3, 2],
  ['more features than samples', 40, 60, 3, 4],
  ['fewer samples than features once some are left out', 60, 54, 5, 3],
  ['two classes that are hardly apart', 60, 8, 2, 4],
])('with %s about 90 % of the intervals of LogME hold the expected score', async (_, n, d, classes, noise) => {
  const centres = generator(2).matrix(classes, d);
  const runs: Run[] = [];
  for (let run = 0; run < 150; run++) {
    const input = classification(2000 + run, n, d, classes, noise, centres);
    runs.push(await scoreWithVariation(input, createEvidence(input), parseMetric('logme')));
  }
  const covered = coverage(runs, n);
  // The share of 150 varies by 2.4 %.
  expect(covered).toBeGreaterThan(0.83);
  expect(covered).toBeLessThan(0.97);
});

test('about 90 % of the intervals of EMMS hold the expected score with more features than samples', async () => {
  const [n, d, classes] = [60, 90, 3];
  const centres = generator(2).matrix(classes, d);
  const runs: Run[] = [];
  for (let run = 0; run < 150; run++) {
    const { features, labels } = classification(2000 + run, n, d, classes, 4, centres);
    const evidence = createEvidence({ features, labels });
    const result = await computeScore('emms', evidence, { variation: true });
    runs.push({ score: result.score, variation: leftOutOf(result) });
  }
  const covered = coverage(runs, n);
  // With 150 runs of other sizes 87 to 95 %.
  expect(covered).toBeGreaterThan(0.83);
  expect(covered).toBeLessThan(0.98);
});
