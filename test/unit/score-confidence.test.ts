import { expect, test } from 'vitest';
import { drawBlocks, RECOMPUTED_BLOCKS, rankConfidence } from '../../src/engine/rank/confidence.ts';
import { createEvidence } from '../../src/engine/score/evidence.ts';
import { computeScore } from '../../src/engine/score/registry.ts';
import { classification, generator } from './random.ts';
import { scoreOf, takeRows } from './scoreCases.ts';

interface Run {
  score: number;
  leftOut: Float64Array;
}

/** The share of the runs whose interval holds the mean score of all runs. */
function coverage(runs: readonly Run[], samples: number): number {
  const expected = runs.reduce((sum, { score }) => sum + score, 0) / runs.length;
  const covered = runs.filter(({ score, leftOut }) => {
    const [low = 0, high = 0] = rankConfidence([{ id: 'a', score, samples, leftOut }])[0]?.interval ?? [];
    return low <= expected && expected <= high;
  });
  return covered.length / runs.length;
}

test.each([
  // With 500 runs 90 to 93 %; the share of 150 varies by 2.4 %.
  { score: 'logme', n: 100, d: 8, noise: 2, least: 0.84, most: 0.97 },
  // More features than samples. With 100 runs of other sizes 94 to 98 %: the jackknife errs to the safe side there.
  { score: 'emms', n: 60, d: 90, noise: 4, least: 0.86, most: 0.995 },
] as const)('about 90 % of the intervals of $score hold the expected score with $d features', async (example) => {
  const { score: id, n, d, noise, least, most } = example;
  const classes = 3;
  const centres = generator(2).matrix(classes, d);
  const runs: Run[] = [];
  for (let run = 0; run < 150; run++) {
    const { features, labels } = classification(2000 + run, n, d, classes, noise, centres);
    const blockOf = drawBlocks(n, RECOMPUTED_BLOCKS);
    const without = (block: number) => [...blockOf.keys()].filter((i) => blockOf[i] !== block);
    const leftOut = new Float64Array(RECOMPUTED_BLOCKS);
    for (let block = 0; block < RECOMPUTED_BLOCKS; block++) {
      const rows = without(block);
      leftOut[block] = await scoreOf(id, {
        features: takeRows(features, rows),
        labels: Int32Array.from(rows, (row) => labels[row] as number),
      });
    }
    runs.push({ score: await scoreOf(id, { features, labels }), leftOut });
  }
  const covered = coverage(runs, n);
  expect(covered).toBeGreaterThan(least);
  expect(covered).toBeLessThan(most);
});

test('EMMS calls its contributions rough where features are as many as samples', async () => {
  const isRough = async (n: number) =>
    (await computeScore('emms', createEvidence(classification(1, n, 20, 3)), { contributions: true })).contributions
      ?.rough;
  expect(await isRough(20)).toBe(true);
  expect(await isRough(21)).toBe(false);
});
