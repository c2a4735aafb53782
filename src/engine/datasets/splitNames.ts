const WORD = '(train(?:ing|val)?|val(?:id(?:at(?:e|ion))?)?|dev|eval(?:uation)?|test(?:ing)?)';
const WITHIN = new RegExp(`(?<![a-z])${WORD}(?![a-z])`, 'i');
/** A word of several that stand together, `drugsComTrain`, `trainLabels`. */
const TOGETHER =
  /(?<=[a-z])(Train(?:ing)?|Val(?:idation)?|Test(?:ing)?)(?![a-z])|(?<![A-Za-z])(train|val|test)(?=[A-Z][a-z])/;
const WHOLE = new RegExp(`^${WORD}$`, 'i');

/** The split that the name of a file tells, in its own word: `train` of `labels_train.csv` and of `train2014.csv`. */
export function splitWithin(name: string): string | undefined {
  return (WITHIN.exec(name) ?? TOGETHER.exec(name))?.[0].toLowerCase();
}

/** The name of a file without the split in it, the same for the files of a dataset's splits: `captions_*2014.json`. */
export function withoutSplit(name: string): string {
  return name.replace(WITHIN.test(name) ? WITHIN : TOGETHER, '*');
}

/** Whether a folder or a value is named as a split is. */
export function isSplitName(name: string): boolean {
  return WHOLE.test(name);
}

/** The split that a name tells, whatever it calls it: `train` for `training`, `val` for `validation` and `dev`. */
export function splitKind(name: string): 'train' | 'val' | 'test' | undefined {
  const word = splitWithin(name);
  if (word === undefined) return undefined;
  return word.startsWith('t') ? (word.startsWith('tr') ? 'train' : 'test') : 'val';
}

/** Columns that tell the split of each row, by their names in small letters without signs. */
export const SPLIT_COLUMNS = ['split', 'set', 'subset', 'partition', 'dataset', 'phase', 'usage', 'fold', 'isvalid'];
const ANY_NAME = /^\p{L}[\p{L}\p{N}_-]{0,31}$/u;

/** fastai's column, true for images to validate with and false for those to train on. */
const IS_VALID = /^is[-_ ]?valid$/i;

/** The split that a cell of such a column tells: any word in one named `split`, else only what splits are called. */
export function splitInCell(column: string, cell: unknown): string | undefined {
  if (IS_VALID.test(column)) return /^(true|1)$/i.test(String(cell).trim()) ? 'valid' : 'train';
  if (typeof cell !== 'string') return undefined;
  const name = cell.trim();
  return isSplitName(name) || (/^splits?$/i.test(column) && ANY_NAME.test(name)) ? name : undefined;
}
