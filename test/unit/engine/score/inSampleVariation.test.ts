import { Matrix as Dense, pseudoInverse } from 'ml-matrix';
import { expect, test } from 'vitest';
import { scaled } from '../../../../src/engine/linalg/matrix.ts';
import { multiply } from '../../../../src/engine/linalg/multiply.ts';
import { rankConfidence } from '../../../../src/engine/rank/confidence.ts';
import { drawBlocks } from '../../../../src/engine/score/blocks.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { leftOutOf } from '../../../helpers/scoreCases.ts';

interface Run {
  score: number;
  interval: readonly [number, number];
}

/** Checks that about 90 % of the intervals of 200 runs hold the mean score. */
function expectCoverage(runs: readonly Run[]): void {
  const expected = runs.reduce((sum, { score }) => sum + score, 0) / runs.length;
  const covered = runs.filter(({ interval: [low, high] }) => low <= expected && expected <= high).length / runs.length;
  // The share of 200 varies by 2.1 %.
  expect(covered).toBeGreaterThan(0.83);
  expect(covered).toBeLessThan(0.97);
}

test.each([
  ['2 classes that are alike', 100, 32, 2, 0, 0],
  ['2 classes that are far apart', 60, 8, 2, 1.3, 0],
  ['20 classes, each told as well as it happens to be', 100, 8, 20, 1.3, 0],
  ['20 classes of few samples', 100, 32, 20, 0.6, 0],
  ['nearly as many features as samples', 80, 60, 4, 0.4, 0],
  ['features of which some lie far out', 100, 16, 5, 1.3, 0.7],
])('about 90 % of the intervals of exact hold the expected score: %s', async (_, n, d, classes, distance, tail) => {
  const centres = scaled(generator(2).matrix(classes, d), distance);
  const runs: Run[] = [];
  for (let run = 0; run < 200; run++) {
    const { features, labels } = classification(2000 + run, n, d, classes, 1, centres);
    const { uniform } = generator(run);
    const far = Array.from({ length: n }, () => (1 - uniform()) ** -tail);
    const data = features.data.map((value, at) => value * (far[Math.floor(at / d)] ?? Number.NaN));
    const evidence = createEvidence({ features: { ...features, data }, labels });
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
  expectCoverage(runs);
});

test('about 90 % of the intervals of exact hold the expected score: embeddings that vary otherwise than what is left of them', async () => {
  const [n, d, width] = [120, 30, 60];
  const { matrix } = generator(3);
  const [few, many] = [matrix(d, 3), matrix(3, width)];
  const runs: Run[] = [];
  for (let run = 0; run < 200; run++) {
    const { matrix: draw } = generator(4000 + run);
    const features = draw(n, d);
    const noise = draw(n, width).data;
    // All columns follow three mixtures of the features; the noise of each is its own.
    const told = await multiply(await multiply(features, few), many);
    const embedding = { ...told, data: told.data.map((value, at) => value + (noise[at] ?? Number.NaN)) };
    const evidence = createEvidence({ features, labelEmbeddings: [embedding] });
    const result = await computeScore('emms', evidence, { variant: 'exact', variation: true });
    const [confidence] = rankConfidence([{ id: 'a', score: result.score, samples: n, variation: leftOutOf(result) }]);
    runs.push({ score: result.score, interval: confidence?.interval ?? [Number.NaN, Number.NaN] });
  }
  expectCoverage(runs);
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

/** What the residual moves by without each sample, by the hat matrix, up to a factor. */
function movesOf(x: Dense, labels: Int32Array, classes: number): number[] {
  const n = x.rows;
  const centred = x.clone().subRowVector(x.mean('column'));
  const hat = centred.mmul(pseudoInverse(centred)).add(Dense.ones(n, n).mul(1 / n));
  const moves = new Array<number>(n).fill(0);
  for (let c = 0; c < classes; c++) {
    const z = Dense.columnVector(Array.from(labels, (label) => (label === c ? 1 : 0)));
    const size = z.sum();
    z.sub(size / n).div(Math.sqrt((size / n) * (1 - size / n)) + 1e-8);
    const residuals = z.clone().sub(hat.mmul(z));
    const share = residuals.norm() ** 2 / n;
    for (let i = 0; i < n; i++) {
      const move = residuals.get(i, 0) ** 2 / (1 - hat.get(i, i)) - share * z.get(i, 0) ** 2;
      moves[i] = (moves[i] ?? 0) + (labels[i] === c && size > 1 ? (move * size) / (size - 1) : move);
    }
  }
  return moves;
}

test.each([
  ['few classes', 60, 4, 3],
  ['many classes, some of a single sample', 150, 10, 70],
])(
  'without a block of samples exact moves by what they explain and by their share of the columns: %s',
  async (...args) => {
    const [, n, d, classes] = args;
    const { features, labels } = classification(8, n, d, classes);
    const result = await computeScore('emms', createEvidence({ features, labels }), {
      variant: 'exact',
      variation: true,
    });
    const { scale, blocks } = leftOutOf(result);
    const moves = movesOf(Dense.from1DArray(n, d, features.data), labels, classes);
    const mean = moves.reduce((sum, move) => sum + move, 0) / n;
    const blockOf = drawBlocks(n, blocks.length);
    const expected = Array.from(blocks, (_, block) => {
      const kept = moves.filter((_move, i) => blockOf[i] !== block);
      return mean - kept.reduce((sum, move) => sum + move, 0) / kept.length;
    });
    const actual = Array.from(blocks, (value) => value - (scale?.value ?? Number.NaN));
    const lengthOf = (values: number[]) => Math.hypot(...values);
    const factor = lengthOf(actual) / lengthOf(expected);
    expect(factor).toBeGreaterThan(0);
    actual.forEach((value, block) => {
      expect(value / lengthOf(actual)).toBeCloseTo((expected[block] ?? Number.NaN) / lengthOf(expected), 6);
    });
  },
);

test('at chance, exact leaves the shortest mixture of the embeddings, and paper as much as one of them is', async () => {
  const [n, width] = [60, 3];
  const { matrix } = generator(9);
  const [features, first, other] = [matrix(n, 4), matrix(n, width), matrix(n, width)];
  // Some mixture is far shorter than either.
  const second = { ...other, data: other.data.map((value, at) => value - 2 * (first.data[at] ?? Number.NaN)) };
  const labelEmbeddings = [first, second];
  const atChance = async (variant: string) => {
    const evidence = createEvidence({ features, labelEmbeddings });
    const { scale } = leftOutOf(await computeScore('emms', evidence, { variant, variation: true }));
    return scale?.expectedScore(0, 0);
  };
  const constant = createEvidence({ features: { ...features, data: features.data.map(() => 1) }, labelEmbeddings });
  const { score } = await computeScore('emms', constant, { variant: 'exact' });
  expect(score).toBeGreaterThan(-width / 2);
  expect(await atChance('exact')).toBeCloseTo(score, 9);
  expect(await atChance('paper')).toBeCloseTo(-width, 6);
});
