import { Matrix as Dense, solve } from 'ml-matrix';
import { expect, test } from 'vitest';
import { drawBlocks } from '../../../../src/engine/score/blocks.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { leftOutOf, takeRows } from '../../../helpers/scoreCases.ts';

/** The correlation of predictions with what they predict, both from the mean of the others, each by a ridge regression on these. */
function heldOutCorrelation(x: Dense, z: Dense, gamma: number): number {
  const others = x.rows - 1;
  const sums = { x: columnSums(x), z: columnSums(z), xx: x.transpose().mmul(x), xz: x.transpose().mmul(z) };
  let [product, predicted, actual] = [0, 0, 0];
  for (let sample = 0; sample < x.rows; sample++) {
    const [input, output] = [x.subMatrixRow([sample]), z.subMatrixRow([sample])];
    const from = Dense.sub(sums.x, input).div(others);
    const to = Dense.sub(sums.z, output).div(others);
    /** Σ a·b of the others, from their means. */
    const scatter = (all: Dense, [a, b]: [Dense, Dense], [ofA, ofB]: [Dense, Dense]) =>
      Dense.sub(all, a.transpose().mmul(b)).sub(ofA.transpose().mmul(ofB).mul(others));
    const gram = scatter(sums.xx, [input, input], [from, from]).add(Dense.eye(x.columns).mul(gamma));
    const weights = solve(gram, scatter(sums.xz, [input, output], [from, to]));
    const prediction = Dense.sub(input, from).mmul(weights);
    const spread = Dense.sub(output, to);
    product += prediction.mmul(spread.transpose()).get(0, 0);
    predicted += prediction.norm() ** 2;
    actual += spread.norm() ** 2;
  }
  return product / Math.sqrt(predicted * actual);
}

function columnSums(matrix: Dense): Dense {
  return Dense.rowVector(matrix.sum('column'));
}

test.each([
  ['class labels', 'more samples than features', 62, 12, 2],
  ['class labels', 'somewhat more samples than features', 62, 40, 2],
  ['class labels', 'more features than samples', 33, 40, 2],
  ['class labels', 'features that tell nothing, with the largest ridge', 62, 12, 1000],
  ['label embeddings per sample', 'more samples than features', 62, 12, 2],
  ['label embeddings per sample', 'more features than samples', 33, 40, 2],
])('the root of EMMS without blocks of samples, by %s, of %s', async (kind, _, n, d, noise) => {
  const { features, labels } = classification(6, n, d, 3, noise);
  const embeddings = [generator(4).matrix(3, 5), generator(5).matrix(3, 5)];
  const perSample = embeddings.map((embedding) => takeRows(embedding, labels));
  const evidence = createEvidence(
    kind === 'class labels'
      ? { features, labels, labelEmbeddings: embeddings }
      : { features, labelEmbeddings: perSample },
  );
  const result = await computeScore('emms', evidence, { variation: true });
  const { details, score } = result;
  const { scale: byCorrelation, blocks, pairs } = leftOutOf(result);
  const root = byCorrelation?.value;
  expect(Math.max(0, root ?? Number.NaN)).toBeCloseTo(Math.sqrt(score), 12);
  const scale = await evidence.scale();
  const x = Dense.from1DArray(n, d, features.data);
  x.subRowVector(x.mean('column')).mulRowVector([...scale]);
  const z = Dense.zeros(n, 5);
  const standardised = createEvidence({ features, labelEmbeddings: perSample }).standardisedLabels();
  for (const [k, { data }] of standardised.entries()) {
    z.add(Dense.from1DArray(n, 5, data).mul(details.weights?.[k] ?? Number.NaN));
  }
  const gamma = n * (details.ridge ?? Number.NaN);
  const whole = heldOutCorrelation(x, z, gamma);
  const blockOf = drawBlocks(n, 20);
  expect(blocks).toHaveLength(20);
  blocks.forEach((value, block) => {
    for (const [actual, other] of [
      [value, block],
      [pairs[block], (block + 1) % 20],
    ]) {
      const rows = [...blockOf.keys()].filter((i) => blockOf[i] !== block && blockOf[i] !== other);
      const expected = heldOutCorrelation(x.subMatrixRow(rows), z.subMatrixRow(rows), gamma);
      expect((actual ?? Number.NaN) - (root ?? Number.NaN)).toBeCloseTo(expected - whole, 9);
    }
  });
});

test('the root of EMMS without a block of more samples than are held in memory at once', async () => {
  const [n, d] = [2050, 3];
  const { features, labels } = classification(6, n, d, 2, 3);
  const evidence = createEvidence({ features, labels });
  const result = await computeScore('emms', evidence, { variation: true });
  const { scale: byCorrelation, blocks, blocksInAll } = leftOutOf(result);
  const scale = await evidence.scale();
  const x = Dense.from1DArray(n, d, features.data);
  x.subRowVector(x.mean('column')).mulRowVector([...scale]);
  // Both one-hot columns of two classes say the same.
  const z = Dense.columnVector([...labels]);
  const gamma = n * (result.details.ridge ?? Number.NaN);
  const blockOf = drawBlocks(n, blocksInAll);
  const without = [...blockOf.keys()].filter((i) => blockOf[i] !== 0);
  expect(without.length).toBeLessThan(n - 90);
  const expected = heldOutCorrelation(x.subMatrixRow(without), z.subMatrixRow(without), gamma);
  const actual = (blocks[0] ?? Number.NaN) - (byCorrelation?.value ?? Number.NaN);
  expect(actual).toBeCloseTo(expected - heldOutCorrelation(x, z, gamma), 9);
});
