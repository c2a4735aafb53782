import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { toJSONSchema } from 'zod';
import { rankingReportSchema } from '../../../src/protocol/report.ts';

it('docs/report.schema.json is that of the protocol (npm run schema writes it)', async () => {
  const written = JSON.parse(await readFile('docs/report.schema.json', 'utf8'));
  expect(written).toEqual(toJSONSchema(rankingReportSchema));
});
