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

/** For people. */
export const SCORE_TITLES: Readonly<Record<ScoreId, string>> = {
  emms: 'EMMS',
  logme: 'LogME',
  leep: 'LEEP',
  nleep: 'NLEEP',
  transrate: 'TransRate',
  sfda: 'SFDA',
  hscore: 'H-score',
  knn: 'kNN',
  linearProbe: 'Linear probe',
  parc: 'PARC',
  gbc: 'GBC',
  ncti: 'NCTI',
  etran: 'ETran',
  pactran: 'PACTran',
};
