import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../../../src/engine/errors.ts';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import type { EvidenceInput } from '../../../../src/engine/score/evidenceInput.ts';
import { computeScore, SCORES, whyNotComputable } from '../../../../src/engine/score/registry.ts';
import { scoreIdSchema } from '../../../../src/protocol/scores.ts';
import { classification, generator } from '../../../helpers/random.ts';
import { sourceProbabilitiesOf, takeRows } from '../../../helpers/scoreCases.ts';

test('the registry holds exactly the scores of the protocol', () => {
  expect(SCORES.map(({ id }) => id).sort()).toEqual([...scoreIdSchema.options].sort());
});

test('the documentation tabulates every score with its variants', () => {
  const page = readFileSync(path.join(import.meta.dirname, '../../../../docs/scores.md'), 'utf8');
  const rows = [...page.matchAll(/^\| [^|]* \(`(\w+)`\) +\| ([^|]*`[^|]*)\|/gm)];
  const tabulated = rows.map(([, id, variants = '']) => [
    id,
    [...variants.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  ]);
  // EMMS has a chapter of its own.
  expect(tabulated.sort()).toEqual(
    SCORES.slice(1)
      .map(({ id, variants }) => [id, variants])
      .sort(),
  );
});

const indicators = generator(6);

describe.each([
  ['nothing', {}],
  ['class labels', { labels: classification(4, 40, 5, 3).labels }],
  ['several labels per sample', { multiLabels: generator(5).matrix(40, 3, () => Number(indicators.uniform() < 0.5)) }],
  ['regression targets', { targets: generator(7).matrix(40, 2) }],
  ['label embeddings', { labelEmbeddings: [generator(8).matrix(40, 3)] }],
] as [string, Partial<EvidenceInput>][])('of %s', (_, input) => {
  const { features } = classification(4, 40, 5, 3);
  const probabilities = sourceProbabilitiesOf(features);

  test.each(SCORES.flatMap((score) => score.variants.map((variant) => [score.id, variant, score] as const)))(
    'exactly what is offered is computed: %s %s',
    async (id, variant, score) => {
      for (const sourceProbabilities of [undefined, probabilities]) {
        const evidence = createEvidence({ features, ...input, sourceProbabilities });
        const available = { labelKind: evidence.labelKind, sourceProbabilities: sourceProbabilities !== undefined };
        const reason = whyNotComputable(score, variant, available);
        const computed = computeScore(id, evidence, { variant });
        if (reason === undefined) expect((await computed).score).toSatisfy(Number.isFinite);
        else await expect(computed).rejects.toThrow(new InputError(reason));
      }
    },
  );
});

test.each(['leep', 'nleep', 'sfda', 'etran', 'ncti', 'knn'])(
  'what each sample adds to %s is told in the given order',
  async (id) => {
    const input = classification(9, 40, 5, 3);
    const order = generator(10).permutation(40);
    const shuffled = {
      features: takeRows(input.features, order),
      labels: Int32Array.from(order, (sample) => input.labels[sample] as number),
    };
    const partsOf = async (of: EvidenceInput) => {
      const evidence = createEvidence({ ...of, sourceProbabilities: sourceProbabilitiesOf(of.features) });
      const { variation } = await computeScore(id, evidence, { variation: true });
      return variation !== undefined && 'numerator' in variation ? [...variation.numerator] : [];
    };
    const given = await partsOf(input);
    expect(given).toHaveLength(40);
    const other = await partsOf(shuffled);
    order.forEach((sample, i) => {
      expect(other[i]).toBeCloseTo(given[sample] as number, 9);
    });
  },
);

test('samples in an order of their own have the labels that were given', () => {
  const { features, labels } = classification(11, 30, 4, 3);
  const { matrix } = generator(12);
  for (const given of [
    { labels },
    { labels, labelEmbeddings: [matrix(3, 5), matrix(3, 5)] },
    { labelEmbeddings: [matrix(30, 2)] },
    { targets: matrix(30, 2) },
  ]) {
    const evidence = createEvidence({ features, ...given });
    const sorted = evidence.sorted();
    expect(sorted.isOneHot).toBe(evidence.isOneHot);
    expect(sorted.embeddingShape).toEqual(evidence.embeddingShape);
    const places = Array.from(sorted.order ?? [], (sample) => takeRows(features, [sample]).data);
    expect(places).toEqual(Array.from({ length: 30 }, (_, i) => takeRows(sorted.features, [i]).data));
  }
});

test('scores that are computed at once are those that are computed one after the other', async () => {
  const inputs = [1, 2, 3].map((seed) => classification(seed, 150, 40, 5));
  const compute = async (input: (typeof inputs)[number]) => (await computeScore('emms', createEvidence(input))).score;
  const inTurn: number[] = [];
  for (const input of inputs) inTurn.push(await compute(input));
  expect(await Promise.all(inputs.map(compute))).toEqual(inTurn);
});
