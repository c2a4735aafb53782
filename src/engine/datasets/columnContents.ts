import { plainName, type Role, type Roles, rolesByName } from './columnNames.ts';
import { firstRowsOf } from './tables/firstRows.ts';
import type { Table, TableRow } from './tables/rows.ts';
import { areTexts } from './tables/texts.ts';

const ROWS_LOOKED_AT = 64;

/** What the first rows of a table say, as far as they can be read. */
export async function firstRows(
  table: Table,
  columns: readonly string[],
  freeText: string | undefined,
): Promise<TableRow['values'][]> {
  const rows = await firstRowsOf(table.rows(columns, { freeText }), ROWS_LOOKED_AT);
  return rows.map(({ values }) => values);
}

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

/** What texts may be told apart by, but also what only stands beside them. */
const CLASSES_IF_ALONE: ReadonlySet<string> = new Set([
  ...['author', 'language', 'lang', 'dialect', 'genre', 'section', 'emotions', 'mood', 'style'],
]);

/**
 * Texts by the name of their column, and their classes in the only other one but for those that number the rows, as in
 * `id,text,author`.
 * @returns nothing where there is no text, or not one such column that has the same few values again and again
 */
export async function rolesByOnlyOther(table: Table): Promise<Roles | undefined> {
  const roles = rolesByName(table.columns, ['text']);
  if (!roles || rolesByName(table.columns, ['image'])) return undefined;
  const taken = [...roles.values()].flat();
  const contents = await contentsOf(table, roles.get('text')?.at(-1), () => false);
  const others = table.columns.flatMap((column, index) => {
    const content = contents[index] ?? 'other';
    return taken.includes(column) || content === 'key' ? [] : [{ column, content }];
  });
  const [only, ...more] = others;
  if (!only || more.length > 0 || !['word', 'class'].includes(only.content)) return undefined;
  return CLASSES_IF_ALONE.has(plainName(only.column)) ? new Map([...roles, ['label', [only.column]]]) : undefined;
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
