import { SPLIT_COLUMNS } from './splitNames.ts';

/** Names of columns in small letters without signs, those that say most first. */
const NAMES = {
  image: [
    ...['image', 'imagepath', 'imagefile', 'imagefilename', 'imagefilepath', 'imagename', 'filename', 'img', 'imgpath'],
    ...['imgfile', 'imgname', 'photo', 'picture', 'filepath', 'file', 'path', 'imageid', 'imgid'],
  ],
  caption: ['caption', 'captions', 'sentences', 'sentence', 'sentencesraw', 'captionstr', 'annotationscaptions', 'raw'],
  expression: [
    ...['expression', 'expressions', 'referringexpression', 'referringexpressions', 'refexp', 'phrase', 'sentences'],
    ...['sentence', 'captions', 'caption', 'answer'],
  ],
  box: ['bbox', 'box', 'boundingbox'],
  question: ['question', 'questions'],
  answer: ['answer', 'multiplechoiceanswer', 'answers', 'label'],
  choices: ['choices', 'options'],
  context: ['context', 'passage', 'paragraph'],
  text: [
    ...['text', 'sentence', 'sentence1', 'premise', 'question1', 'text1', 'review', 'reviewtext', 'content'],
    ...['questiontitle', 'comment', 'commenttext', 'tweet', 'message', 'utterance', 'document', 'article', 'body'],
    ...['questiontext', 'reviewbody', 'statement', 'query', 'description', 'abstract', 'headline', 'title'],
    ...['1string', 'phrase'],
  ],
  label: [
    ...['labeltext', 'labelname', 'classname', 'categoryname', 'label', 'labels', 'class', 'classindex', 'classid'],
    ...['category', 'sentiment', 'target', 'emotion', 'topic', 'intent', 'polarity', 'stars', 'rating'],
    ...['starrating', 'score', 'goldlabel', 'airlinesentiment', 'isduplicate', 'quality'],
    ...['coarselabel', 'labelcoarse', 'finelabel', 'labelfine'],
  ],
  split: SPLIT_COLUMNS,
} as const;
export type Role = keyof typeof NAMES;

/** The columns of each role, several where they belong together. */
export type Roles = ReadonlyMap<Role, readonly string[]>;

/** The second text of a pair, by the first. */
const SECOND: Readonly<Record<string, string>> = {
  sentence1: 'sentence2',
  premise: 'hypothesis',
  question1: 'question2',
  text1: 'text2',
  // MRPC's `#1 String`.
  '1string': '2string',
};
/** What stands before a text and belongs to it: news and reviews have titles. */
const TITLES: Readonly<Record<string, readonly string[]>> = {
  text: ['title'],
  content: ['title'],
  review: ['title'],
  reviewtext: ['title'],
  description: ['title'],
  body: ['title'],
  abstract: ['title'],
};
/** What follows it: Yahoo! Answers has three texts. */
const SEQUELS: Readonly<Record<string, readonly string[]>> = { questiontitle: ['questioncontent', 'bestanswer'] };
/** A table of images has several captions in columns `caption_0`, `caption_1`, …, or calls the one its text. */
const NUMBERED_CAPTION = /^captions?\d+$/;
const CAPTION_WITHOUT_CLASSES = ['text', 'description'];

const ALL_NAMES: ReadonlySet<string> = new Set(Object.values(NAMES).flat());

/** Whether a first row names columns: one that holds data has no cell that is called as a column is. */
export function isHeader(cells: readonly string[]): boolean {
  return cells.some((cell) => ALL_NAMES.has(plainName(cell)));
}

/** Whether a first row only numbers the columns, as R and pandas do where these have no names: `v1,v2`, `Unnamed: 0,1`. */
export function isNumbering(cells: readonly string[]): boolean {
  return cells.every((cell) => /^(v|x|col|column|unnamed)?\d+$/.test(plainName(cell)));
}

const OTHER_TASKS = ['question', 'questions', 'answer', 'answers', 'caption', 'captions', 'sentence', 'expression'];

/** Whether an image is not there to be classified, as these columns stand beside it. */
export function haveOtherTask(columns: readonly string[]): boolean {
  return columns.some((column) => OTHER_TASKS.includes(plainName(column)));
}

/** A column's name in small letters without spaces and signs. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/**
 * The columns of each role that a task needs, by their names; `split`, and `choices` of answers, beside them where there are.
 * @returns nothing when one is missing
 */
export function rolesByName(columns: readonly string[], needed: readonly Role[]): Roles | undefined {
  const known = new Map(columns.map((column) => [plainName(column), column] as const).reverse());
  const named = (names: readonly string[]) => names.flatMap((name) => known.get(name) ?? []);
  const roles = new Map<Role, readonly string[]>();
  for (const role of needed) {
    const taken = [...roles.values()].flat();
    const [first] = named(NAMES[role]).filter((column) => !taken.includes(column));
    const found = role === 'caption' ? captionsAmong(columns, first, named) : first === undefined ? [] : [first];
    if (found.length === 0) return undefined;
    roles.set(role, found);
  }
  const [text] = roles.get('text') ?? [];
  if (text !== undefined) {
    const name = plainName(text);
    roles.set('text', [...named(TITLES[name] ?? []), text, ...named(SEQUELS[name] ?? [])]);
    const second = named([SECOND[name] ?? '']);
    if (second.length > 0) roles.set('context', second);
  }
  const [choices] = roles.has('answer') ? named(NAMES.choices) : [];
  if (choices !== undefined) roles.set('choices', [choices]);
  const [split] = named(NAMES.split);
  if (split !== undefined) roles.set('split', [split]);
  return roles;
}

/** The column of captions, or those that are numbered; what else is called a text is a caption only where no classes are. */
function captionsAmong(
  columns: readonly string[],
  first: string | undefined,
  named: (names: readonly string[]) => string[],
): readonly string[] {
  if (first !== undefined) return [first];
  const numbered = columns.filter((column) => NUMBERED_CAPTION.test(plainName(column)));
  if (numbered.length > 0 || named(NAMES.label).length > 0) return numbered;
  return named(CAPTION_WITHOUT_CLASSES).slice(0, 1);
}

/** The same roles with each column that may name the images in turn, the likeliest first. */
export function withEachImage(columns: readonly string[], roles: Roles): Roles[] {
  const [first] = roles.get('image') ?? [];
  const names: readonly string[] = NAMES.image;
  const others = columns
    .filter((column) => column !== first && names.includes(plainName(column)))
    .sort((a, b) => names.indexOf(plainName(a)) - names.indexOf(plainName(b)));
  return [roles, ...others.map((column) => new Map([...roles, ['image', [column]] as const]))];
}
