import { expect, test } from 'vitest';
import { SCORES } from '../../../../src/engine/score/registry.ts';
import { scoreIdSchema } from '../../../../src/protocol/scores.ts';

test('the registry holds exactly the scores of the protocol', () => {
  expect(SCORES.map(({ id }) => id).sort()).toEqual([...scoreIdSchema.options].sort());
});
