import * as z from 'zod';

/** The scores there are, under the names that the command line, the settings and the report use. */
export const scoreIdSchema = z.enum([
  'emms',
  'logme',
  'leep',
  'nleep',
  'transrate',
  'sfda',
  'hscore',
  'knn',
  'linearProbe',
  'parc',
  'gbc',
  'ncti',
  'etran',
  'pactran',
]);
export type ScoreId = z.infer<typeof scoreIdSchema>;
