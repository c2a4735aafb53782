import { Matrix as Dense, solve } from 'ml-matrix';
import { expect, test } from 'vitest';
import { drawBlocks } from '../../../../src/engine/score/blocks.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { leftOutOf, takeRows } from '../../../helpers/scoreCases.ts';

/** 1 − held-out residual / held-out variance of some samples, every sample predicted by a ridge regression on the others. */
function heldOutScore(x: Dense, z: Dense, gamma: number): number {
  let [residual, baseline] = [0, 0];
  for (let sample = 0; sample < x.rows; sample++) {
    const others = Array.from({ length: x.rows }, (_, i) => i).filter((i) => i !== sample);
    const [inputs, outputs] = [x.subMatrixRow(others), z.subMatrixRow(others)];
    const [from, to] = [inputs.mean('column'), outputs.mean('column')];
    const centred = inputs.subRowVector(from);
    const gram = centred.transpose().mmul(centred).add(Dense.eye(x.columns).mul(gamma));
    const weights = solve(gram, centred.transpose().mmul(outputs.clone().subRowVector(to)));
    const own = x.subMatrixRow([sample]).subRowVector(from);
    const spread = z.subMatrixRow([sample]).subRowVector(to);
    residual += Dense.sub(spread, own.mmul(weights)).norm() ** 2;
    baseline += spread.norm() ** 2;
  }
  return 1 - residual / baseline;
}

test.each(['class labels', 'label embeddings per sample'])('EMMS without blocks of samples, by %s', async (kind) => {
  const [n, d] = [33, 40];
  const { features, labels } = classification(3, n, d, 3, 2);
  const embeddings = [generator(4).matrix(3, 5), generator(5).matrix(3, 5)];
  const perSample = embeddings.map((embedding) => takeRows(embedding, labels));
  const evidence = createEvidence(
    kind === 'class labels'
      ? { features, labels, labelEmbeddings: embeddings }
      : { features, labelEmbeddings: perSample },
  );
  const result = await computeScore('emms', evidence, { variation: true });
  const { details } = result;
  const { blocks, pairs } = leftOutOf(result);
  const scale = await evidence.scale();
  const x = Dense.from1DArray(n, d, features.data);
  x.subRowVector(x.mean('column')).mulRowVector([...scale]);
  const z = Dense.zeros(n, 5);
  const standardised = createEvidence({ features, labelEmbeddings: perSample }).standardisedLabels();
  for (const [k, { data }] of standardised.entries()) {
    z.add(Dense.from1DArray(n, 5, data).mul(details.weights?.[k] ?? Number.NaN));
  }
  const blockOf = drawBlocks(n, 10);
  expect(blocks).toHaveLength(10);
  blocks.forEach((score, block) => {
    for (const [actual, other] of [
      [score, block],
      [pairs[block], (block + 1) % 10],
    ]) {
      const rows = [...blockOf.keys()].filter((i) => blockOf[i] !== block && blockOf[i] !== other);
      const expected = heldOutScore(x.subMatrixRow(rows), z.subMatrixRow(rows), n * (details.ridge ?? Number.NaN));
      expect(actual).toBeCloseTo(expected, 9);
    }
  });
});
