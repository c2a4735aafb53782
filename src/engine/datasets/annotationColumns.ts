import type { AnnotationKind } from './annotationKinds.ts';
import { firstRows, rolesByContent, rolesByMarks, rolesByOnlyOther } from './columnContents.ts';
import { isHeader, isNumbering, type Role, type Roles, rolesByName, withEachImage } from './columnNames.ts';
import type { ImageFinder } from './imageIndex.ts';
import { imageNamed, inCells } from './tableImages.ts';
import type { Table } from './tables/rows.ts';
import { areTexts } from './tables/texts.ts';

/** In so few rows each may have a class of its own. */
const FEW_ROWS = 8;

/** A table in which the columns that a kind needs were found; it may be the one without header. */
export interface TableWithRoles {
  readonly table: Table;
  readonly roles: Roles;
}

/**
 * The columns of a kind in a table, where its first rows are of that kind, too.
 * @param finder of the images, where rows of the kind have some
 * @param asked whether a person named the folder, so that each row may have a class of its own
 */
export async function columnsFor(
  kind: AnnotationKind,
  table: Table,
  finder: ImageFinder | undefined,
  asked: boolean,
): Promise<TableWithRoles | undefined> {
  const likely = await columnsIn(table, kind, asked, (name) => finder?.find(name) !== undefined);
  const entry = likely && finder ? await withImages(likely, kind, finder) : likely;
  if (!entry || (!asked && !(await namesClassesAgain(entry, kind)))) return undefined;
  const isOther = finder && kind.roles.includes('question') && (await asksForDescriptions(entry, kind));
  return isOther ? undefined : entry;
}

/** The columns of the kind by their names, else by what stands in them; below a header only where a person asked. */
async function columnsIn(
  table: Table,
  kind: AnnotationKind,
  asked: boolean,
  isImage: (name: string) => boolean,
): Promise<TableWithRoles | undefined> {
  const { roles: needed } = kind;
  const named = rolesByName(table.columns, needed);
  if (needed.includes('caption')) {
    if (isOfParts(table)) return undefined;
    const answers = named ? undefined : await captionsAsAnswers(table, kind);
    if (answers) return answers;
  }
  if (named) return { table, roles: named };
  const told = needed.includes('label') ? ((await rolesByMarks(table)) ?? (await rolesByOnlyOther(table))) : undefined;
  if (told) return { table, roles: told };
  const { withoutHeader: bare } = table;
  if (!bare || isHeader(table.columns)) return undefined;
  for (const read of asked || isNumbering(table.columns) ? [bare, table] : [bare]) {
    const roles = await rolesByContent(read, needed, isImage);
    if (roles) return { table: read, roles };
  }
  return undefined;
}

/** Whether the texts are of parts of the images, for they stand beside boxes. */
function isOfParts({ columns }: Table): boolean {
  return rolesByName(columns, ['image', 'box', 'expression']) !== undefined;
}

/** Captions that are the answers to a question which asks for them, as in copies that language models are evaluated with. */
async function captionsAsAnswers(table: Table, kind: AnnotationKind): Promise<TableWithRoles | undefined> {
  const roles = rolesByName(table.columns, ['image', 'question', 'answer']);
  if (!roles || !(await asksForDescriptions({ table, roles }, kind))) return undefined;
  const captions = new Map<Role, readonly string[]>([...roles, ['caption', roles.get('answer') ?? []]]);
  captions.delete('question');
  captions.delete('answer');
  return { table, roles: captions };
}

/** The column of a table whose cells may hold separators without quotes around them. */
export function freeTextOf({ freeText }: AnnotationKind, roles: Roles): string | undefined {
  return freeText && roles.get(freeText)?.at(-1);
}

/** Whether a table of classes names one again in its first rows: lists of other things have texts and labels, too. */
async function namesClassesAgain(entry: TableWithRoles, kind: AnnotationKind): Promise<boolean> {
  const [label] = entry.roles.get('label') ?? [];
  if (label === undefined) return true;
  const rows = await firstRows(entry.table, [label], freeTextOf(kind, entry.roles));
  return rows.length < FEW_ROWS || new Set(rows.map((values) => String(values[label]))).size < rows.length;
}

/** Whether the first rows all ask the same, for a caption say, and the answers are sentences or differ throughout. */
async function asksForDescriptions(entry: TableWithRoles, kind: AnnotationKind): Promise<boolean> {
  const [[question = ''] = [], [answer = ''] = []] = [entry.roles.get('question'), entry.roles.get('answer')];
  const rows = await firstRows(entry.table, [question, answer], freeTextOf(kind, entry.roles));
  const questions = new Set(rows.map((values) => values[question]));
  const answers = rows.map((values) => String(values[answer] ?? '')).filter((text) => text !== '');
  const differ = rows.length >= FEW_ROWS && new Set(answers).size === answers.length;
  return rows.length > 1 && questions.size === 1 && (differ || isOfParts(entry.table) || areTexts(answers));
}

/**
 * The columns where the one of the images holds some, or names some that are there: paths may be those of another place, as
 * in TextCaps, where the number of the image stands beside.
 */
async function withImages(
  { table, roles }: TableWithRoles,
  kind: AnnotationKind,
  finder: ImageFinder,
): Promise<TableWithRoles | undefined> {
  for (const each of withEachImage(table.columns, roles)) {
    const entry = { table, roles: each };
    const [column = ''] = each.get('image') ?? [];
    if (inCells(table, column)) return entry;
    const rows = await firstRows(entry.table, [column], freeTextOf(kind, entry.roles));
    if (rows.some((values) => finder.find(imageNamed(values[column]) ?? '') !== undefined)) return entry;
  }
  return undefined;
}
