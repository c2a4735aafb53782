/** What the engine does during long work, in the order of a ranking; a download is work of its own. */
export const STAGES = ['discover', 'read', 'embed', 'extract', 'download'] as const;
export type Stage = (typeof STAGES)[number];

/** For people; what is being worked on may follow, "Extracting features: resnet50". */
export const STAGE_TITLES: Readonly<Record<Stage, string>> = {
  discover: 'Looking for datasets and checkpoints',
  read: 'Reading the dataset',
  embed: 'Embedding the labels',
  extract: 'Extracting features',
  download: 'Downloading',
};
