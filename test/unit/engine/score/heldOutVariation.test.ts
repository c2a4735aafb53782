import { Matrix as Dense, inverse } from 'ml-matrix';
import { expect, test } from 'vitest';
import { rankConfidence } from '../../../../src/engine/rank/confidence.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { computeScore } from '../../../../src/engine/score/registry.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { contributionsOf, takeRows } from '../../../helpers/scoreCases.ts';

test.each(['class labels', 'label embeddings per sample'])('what each sample adds to EMMS cv, by %s', async (kind) => {
  const [n, d] = [60, 12];
  const { features, labels } = classification(3, n, d, 3, 2);
  const embeddings = [generator(4).matrix(3, 5), generator(5).matrix(3, 5)];
  const perSample = embeddings.map((embedding) => takeRows(embedding, labels));
  const evidence = createEvidence(
    kind === 'class labels'
      ? { features, labels, labelEmbeddings: embeddings }
      : { features, labelEmbeddings: perSample },
  );
  const result = await computeScore('emms', evidence, { variation: true });
  const { score, details } = result;
  const x = Dense.from1DArray(n, d, features.data);
  x.subRowVector(x.mean('column')).mulRowVector([...(await evidence.scale())]);
  const z = Dense.zeros(n, 5);
  for (const [k, { data }] of createEvidence({ features, labelEmbeddings: perSample }).standardisedLabels().entries()) {
    z.add(Dense.from1DArray(n, 5, data).mul(details.weights?.[k] ?? Number.NaN));
  }
  const gamma = n * (details.ridge ?? Number.NaN);
  expect(gamma).toBeLessThan(2 * n);
  const gram = x.transpose().mmul(x).add(Dense.eye(d).mul(gamma));
  const hat = x
    .mmul(inverse(gram))
    .mmul(x.transpose())
    .add(1 / n);
  const freedom = hat.diagonal().map((leverage) => 1 - leverage);
  const held = Dense.sub(z, hat.mmul(z)).divColumnVector(freedom);
  const others = Dense.sub(hat, Dense.diag(hat.diagonal()));
  const changes = others.mmul(held.clone().divColumnVector(freedom));
  const influence = Dense.sub(held, changes.mul(Math.SQRT1_2).mulColumnVector(freedom));
  const squares = (matrix: Dense) => matrix.to2DArray().map((row) => row.reduce((sum, value) => sum + value ** 2, 0));
  const total = (values: Iterable<number> = []) => [...values].reduce((sum, value) => sum + value, 0);
  const baseline = squares(z).map((square) => square * (n / (n - 1)) ** 2);
  const parts = baseline.map((square, i) => square - (squares(influence)[i] ?? Number.NaN));
  const shift = (score * total(baseline) - total(parts)) / n;
  const { numerator, denominator } = contributionsOf(result);
  numerator.forEach((part, i) => {
    expect(part).toBeCloseTo((parts[i] ?? Number.NaN) + shift, 9);
  });
  expect(total(numerator) / total(denominator)).toBeCloseTo(score, 9);
});

test('about 90 % of the intervals of EMMS cv hold the expected score where the features predict little', async () => {
  const [n, d, classes] = [120, 24, 3];
  const centres = generator(2).matrix(classes, d);
  const runs: { score: number; interval: readonly [number, number] }[] = [];
  for (let run = 0; run < 150; run++) {
    const evidence = createEvidence(classification(2000 + run, n, d, classes, 6, centres));
    const result = await computeScore('emms', evidence, { variation: true });
    const { score } = result;
    const [confidence] = rankConfidence([{ id: 'a', score, samples: n, variation: contributionsOf(result) }]);
    runs.push({ score, interval: confidence?.interval ?? [Number.NaN, Number.NaN] });
  }
  const expected = runs.reduce((sum, { score }) => sum + score, 0) / runs.length;
  const covered = runs.filter(({ interval: [low, high] }) => low <= expected && expected <= high).length / runs.length;
  expect(expected).toBeLessThan(0.15);
  expect(covered).toBeGreaterThan(0.84);
  expect(covered).toBeLessThan(0.97);
});

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
