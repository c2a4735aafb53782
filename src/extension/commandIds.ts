/** Every command that package.json contributes. */
export const commandIds = [
  'emms.rankModels',
  'emms.rankDataset',
  'emms.rankAgain',
  'emms.cancelRanking',
  'emms.resumeRanking',
  'emms.openRankingInEditor',
  'emms.openRankingBeside',
  'emms.exportReport',
  'emms.downloadLabelEncoders',
  'emms.setHuggingFaceToken',
  'emms.refresh',
  'emms.showLog',
  'emms.clearCache',
  'emms.revealCandidate',
  'emms.revealInExplorer',
] as const;
export type CommandId = (typeof commandIds)[number];
