import { expect, test } from 'vitest';
import { rankConfidence } from '../../../../src/engine/rank/confidence.ts';
import { scoresWithoutBlocks } from '../../../../src/engine/score/blocks.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';
import type { LeftOut } from '../../../../src/engine/score/score.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { leftOutOf, scoreOf, takeRows } from '../../../helpers/scoreCases.ts';

interface Run {
  score: number;
  variation: LeftOut;
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
  ['more samples than features', 100, 8, 2],
  ['more features than samples', 40, 60, 4],
])('with %s about 90 % of the intervals of LogME hold the expected score', async (_, n, d, noise) => {
  const classes = 3;
  const centres = generator(2).matrix(classes, d);
  const runs: Run[] = [];
  for (let run = 0; run < 150; run++) {
    const { features, labels } = classification(2000 + run, n, d, classes, noise, centres);
    const variation = await scoresWithoutBlocks(n, (rows) =>
      scoreOf('logme', {
        features: takeRows(features, rows),
        labels: Int32Array.from(rows, (row) => labels[row] ?? Number.NaN),
      }),
    );
    runs.push({ score: await scoreOf('logme', { features, labels }), variation });
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
