import { expect, test } from 'vitest';
import { createEvidence } from '../../../../src/engine/score/evidence.ts';
import { computeScore, SCORES } from '../../../../src/engine/score/registry.ts';
import { scoreIdSchema } from '../../../../src/protocol/scores.ts';
import { classification } from '../../../helpers/random.ts';

test('the registry holds exactly the scores of the protocol', () => {
  expect(SCORES.map(({ id }) => id).sort()).toEqual([...scoreIdSchema.options].sort());
});

test('scores that are computed at once are those that are computed one after the other', async () => {
  const inputs = [1, 2, 3].map((seed) => classification(seed, 150, 40, 5));
  const compute = async (input: (typeof inputs)[number]) => (await computeScore('emms', createEvidence(input))).score;
  const inTurn: number[] = [];
  for (const input of inputs) inTurn.push(await compute(input));
  expect(await Promise.all(inputs.map(compute))).toEqual(inTurn);
});
