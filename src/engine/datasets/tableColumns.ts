import { SPLIT_COLUMNS } from './splitNames.ts';
import { firstRowsOf } from './tables/firstRows.ts';
import type { Table, TableRow } from './tables/rows.ts';
import { areTexts } from './tables/texts.ts';

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
  context: ['context', 'passage', 'paragraph'],
  text: [
    ...['text', 'sentence', 'sentence1', 'premise', 'question1', 'text1', 'review', 'reviewtext', 'content'],
    ...['questiontitle', 'comment', 'commenttext', 'tweet', 'message', 'utterance', 'document', 'article', 'body'],
    ...['questiontext', 'reviewbody', 'statement', 'query', 'description', 'abstract', 'headline', 'title'],
  ],
  label: [
    ...['labeltext', 'labelname', 'classname', 'categoryname', 'label', 'labels', 'class', 'classindex', 'classid'],
    ...['category', 'sentiment', 'target', 'emotion', 'topic', 'intent', 'polarity', 'stars', 'rating'],
    ...['starrating', 'score', 'goldlabel', 'airlinesentiment', 'isduplicate'],
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

/** Whether a first row names columns: one that holds data has no cell that is called as a column is. */
export function isHeader(cells: readonly string[]): boolean {
  return cells.some((cell) => ALL_NAMES.has(plainName(cell)));
}
const ALL_NAMES: ReadonlySet<string> = new Set(Object.values(NAMES).flat());

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
 * The columns of each role that a task needs, by their names; `split` beside them where there is one.
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
  const [split] = named(NAMES.split);
  if (split !== undefined) roles.set('split', [split]);
  return roles;
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

const ROWS_LOOKED_AT = 64;
/** `is_retweet`, `has_url` tell of a text, and are no classes. */
const TRAIT = /^(is|has)(?=[_ A-Z])/;
const MARK = /^[01](\.0+)?$/;
/** Two columns of 0 and 1 may be anything. */
const MIN_MARKS = 3;

/**
 * Texts by the name of their column, and a column for each class beside it with a 1 where the text has it, as in the
 * toxic comments of Jigsaw or GoEmotions: the most columns beside each other that hold nothing but 0 and 1.
 * @returns nothing where there is no text, or hardly such a column
 */
export async function rolesByMarks(table: Table): Promise<Roles | undefined> {
  const roles = rolesByName(table.columns, ['text']);
  if (!roles) return undefined;
  const taken = [...roles.values()].flat();
  const rows = await firstRows(table, table.columns, taken.at(-1));
  const isMark = (column: string) =>
    !taken.includes(column) && !TRAIT.test(column) && rows.every((values) => MARK.test(String(values[column]).trim()));
  let [run, longest]: [string[], string[]] = [[], []];
  for (const column of table.columns) {
    run = isMark(column) ? [...run, column] : [];
    if (run.length > longest.length) longest = run;
  }
  const anyMarked = rows.some((values) => longest.some((column) => Number(values[column]) === 1));
  return longest.length >= MIN_MARKS && anyMarked ? new Map([...roles, ['label', longest]]) : undefined;
}

/** What the first rows of a table say, as far as they can be read. */
export async function firstRows(
  table: Table,
  columns: readonly string[],
  freeText: string | undefined,
): Promise<TableRow['values'][]> {
  const rows = await firstRowsOf(table.rows(columns, { freeText }), ROWS_LOOKED_AT);
  return rows.map(({ values }) => values);
}

/** What a column without a name holds, judged by its first cells. */
type Content = 'image' | 'question' | 'text' | 'number' | 'class' | 'word' | 'key' | 'other';

/** `Mon Apr 06 22:19:45 PDT 2009` has as many words as a text. */
const TIME = /\d:\d\d|^\d{4}-\d\d-\d\d/;
/** Where so many numbers or words all differ they tell the rows apart. */
const KEYS = 8;

/**
 * The columns of each role by what stands in them, for tables without a header (AG News) or with one that says nothing.
 * The first row has to look like the others, so that no header is taken for data.
 * @param isImage whether a cell names an image that is there
 */
export async function rolesByContent(
  table: Table,
  needed: readonly Role[],
  isImage: (name: string) => boolean,
): Promise<Roles | undefined> {
  if (table.columns.length < 2) return undefined;
  for (const freeText of [table.columns.at(-1), table.columns[0]]) {
    const roles = rolesAmong(table.columns, await contentsOf(table, freeText, isImage), needed);
    if (roles) return roles;
  }
  return undefined;
}

/** @param freeText the column that may hold separators without quotes */
async function contentsOf(
  table: Table,
  freeText: string | undefined,
  isImage: (name: string) => boolean,
): Promise<Content[]> {
  const rows = await firstRows(table, table.columns, freeText);
  const cells = table.columns.map((column) => rows.map((values) => String(values[column] ?? '').trim()));
  return cells.map((values) => contentOf(values, isImage));
}

function rolesAmong(
  columns: readonly string[],
  contents: readonly Content[],
  needed: readonly Role[],
): Roles | undefined {
  // Which numbers are a box can't be seen.
  if (needed.includes('box')) return undefined;
  const having = (content: Content) => columns.filter((_, index) => contents[index] === content);
  const [image] = having('image');
  const texts = having('text');
  const roles = (...entries: [Role, readonly string[]][]) => new Map<Role, readonly string[]>(entries);
  if (needed.includes('caption')) {
    return image !== undefined && texts.length === 1 ? roles(['image', [image]], ['caption', texts]) : undefined;
  }
  if (needed.includes('image')) {
    const [question] = having('question');
    const answers = columns.filter((column) => column !== image && column !== question);
    return image !== undefined && question !== undefined && answers.length === 1
      ? roles(['image', [image]], ['question', [question]], ['answer', answers])
      : undefined;
  }
  if (!needed.includes('label') || image !== undefined || texts.length === 0) return undefined;
  // Titles are short and may come again, but no numbers: a number is the class then.
  const numbers = having('number');
  const [label, ...others] = numbers.length > 0 ? numbers : [...having('class'), ...having('word')];
  if (label === undefined || others.length > 0) return undefined;
  // Single words tell where a text is from, and may give its class away.
  const unread: readonly (Content | undefined)[] = ['key', 'word'];
  const read = columns.filter((column, index) => column !== label && !unread.includes(contents[index]));
  return roles(['text', read], ['label', [label]]);
}

function contentOf(values: readonly string[], isImage: (name: string) => boolean): Content {
  const [first = ''] = values;
  const half = values.length / 2;
  // Marks such as the asterisks of CoLA, which stand beside one class alone.
  if (!values.some((value) => /[\p{L}\p{N}]/u.test(value))) return 'key';
  if (values.length < 2 || values.filter((value) => value === '').length > half) return 'other';
  if (isImage(first) && values.filter(isImage).length >= half) return 'image';
  if (values.filter((value) => /[?？]$/.test(value)).length > half) return 'question';
  const distinct = new Set(values).size;
  const differ = values.length >= KEYS && distinct === values.length;
  if (values.every((value) => /^-?\d{1,4}(,\d{1,4})*$/.test(value))) return differ ? 'key' : 'number';
  if (values.every((value) => TIME.test(value))) return 'key';
  if (areTexts(values)) return 'text';
  const areWords = values.every((value) => !/\s/.test(value));
  if (differ && areWords) return 'key';
  if (distinct <= half && values.slice(1).includes(first)) return areWords ? 'word' : 'class';
  return areWords && values.length >= KEYS ? 'key' : 'other';
}
