import path from 'node:path';
import { type Delimiter, delimiterOf, headOf, readCsv, SEPARATORS, withoutQuotes } from './csv.ts';
import { isRecord, type JsonRows } from './jsonl.ts';
import { jsonRowsIn } from './jsonRows.ts';
import type { ParquetTable } from './parquet.ts';

/** A row of a table by the names of its columns. */
export interface TableRow {
  /** Line of the file, or number of the row or entry where it has no lines, from 1. */
  readonly line: number;
  readonly values: Readonly<Record<string, unknown>>;
  /** What such rows do, where their cells can't be told apart: `are not JSON`. */
  readonly problem?: string;
}

interface ReadOptions {
  /** The one column whose cells may hold separators without quotes around them. */
  readonly freeText?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A table with names for its columns, in whatever format. */
export interface Table {
  readonly file: string;
  readonly columns: readonly string[];
  /** The same file with columns `1`, `2`, … and its first row among the others; only of CSV and TSV. */
  readonly withoutHeader?: Table;
  /** What a parquet file says of its columns, and the images in its cells. */
  readonly parquet?: ParquetTable;
  /** @param columns those that are asked for; others may be left out */
  rows(columns: readonly string[], options?: ReadOptions): AsyncGenerator<TableRow>;
}

/**
 * The SMS Spam Collection is a file of tabs without an ending; texts that are called by their split may be a table, alone or
 * behind the dataset's name: `cnews.train.txt`.
 */
export const TABLE =
  /\.(csv|tsv|jsonl|ndjson|json|parquet)$|^SMSSpamCollection$|(^|[-_.])(train(ing)?|val(id|idation)?|dev|test)\.txt$/i;

/** Rows of JSON may leave out what they have no value for. */
const RECORDS_LOOKED_AT = 8;
const ROWS_LOOKED_AT = 64;

/**
 * Looks at the columns of a table: CSV, TSV, parquet, or JSON of objects, as `jsonRowsIn` finds them.
 * @returns nothing for a file without columns
 * @throws InputError when it can't be read
 */
export async function openTable(file: string): Promise<Table | undefined> {
  const ending = path.extname(file).toLowerCase();
  if (ending === '.parquet') return parquetTable(file);
  if (['.csv', '.tsv', '.txt', ''].includes(ending)) return csvTable(file);
  const rows = await jsonRowsIn(file);
  return rows && jsonTable(file, rows);
}

async function parquetTable(file: string): Promise<Table> {
  // Only then, for a search starts faster without it.
  const { openParquet } = await import('./parquet.ts');
  const table = await openParquet(file);
  return {
    file,
    columns: table.columns.map(({ name }) => name),
    parquet: table,
    async *rows(columns, { signal } = {}) {
      for await (const { row, values } of table.rowsOf(columns, signal)) yield { line: row + 1, values };
    },
  };
}

async function jsonTable(file: string, values: JsonRows): Promise<Table | undefined> {
  const columns = new Set<string>();
  let seen = 0;
  for await (const { value } of values()) {
    if (isRecord(value)) for (const name of Object.keys(value)) columns.add(name);
    seen += 1;
    if (seen >= RECORDS_LOOKED_AT) break;
  }
  if (columns.size === 0) return undefined;
  return {
    file,
    columns: [...columns],
    async *rows(_, { signal } = {}) {
      for await (const { line, value } of values(signal)) {
        if (isRecord(value)) yield { line, values: value };
        else yield { line, values: {}, problem: value === undefined ? 'are not JSON' : 'are no objects' };
      }
    },
  };
}

async function csvTable(file: string): Promise<Table | undefined> {
  const delimiter = delimiterOf(await headOf(file), file);
  const first: (readonly string[])[] = [];
  try {
    for await (const { cells } of readCsv(file, delimiter)) {
      first.push(cells);
      if (first.length >= ROWS_LOOKED_AT) break;
    }
  } catch (error) {
    // A later row is refused when its turn comes.
    if (first.length === 0) throw error;
  }
  const [header] = first;
  if (!header) return undefined;
  // Without a name of its own a column has its number, which tells it from others.
  const taken = new Set(['']);
  const columns = header.map((cell, index) => {
    const name = taken.has(cell.trim()) ? String(index + 1) : cell.trim();
    taken.add(name);
    return name;
  });
  // Texts with separators in them make rows wider, not narrower; a row of one value is told as a problem.
  const widths = first.map((cells) => cells.length);
  const width = Math.min(...widths.filter((cells) => cells > 1), Math.max(...widths));
  const numbers = Array.from({ length: width }, (_, index) => String(index + 1));
  return {
    file,
    columns,
    withoutHeader: { file, columns: numbers, rows: (_, options) => csvRows(file, delimiter, numbers, options) },
    async *rows(_, options) {
      let isHeader = true;
      for await (const row of csvRows(file, delimiter, columns, options)) {
        if (!isHeader) yield row;
        isHeader = false;
      }
    },
  };
}

async function* csvRows(
  file: string,
  delimiter: Delimiter,
  columns: readonly string[],
  { freeText, signal }: ReadOptions = {},
): AsyncGenerator<TableRow> {
  const free = freeText === undefined ? -1 : columns.indexOf(freeText);
  for await (const { line, cells: all } of readCsv(file, delimiter, signal)) {
    const cells = fitted(all, columns.length, delimiter, free);
    const problem =
      cells.length > columns.length
        ? `have more values than there are columns, separated by ${SEPARATORS[delimiter]}; put quotes around texts`
        : cells.length === 1 && columns.length > 1
          ? `have one value where there are ${columns.length} columns, separated by ${SEPARATORS[delimiter]}`
          : undefined;
    const values = Object.fromEntries(columns.map((column, index) => [column, cells[index]]));
    yield problem === undefined ? { line, values } : { line, values: {}, problem };
  }
}

/**
 * The cells of a row, as many as there are columns where it has more: without the empty ones at its end, and with those
 * that separators in a text without quotes have made put together again.
 * @param free the column that may hold such a text, or −1
 */
function fitted(cells: readonly string[], width: number, delimiter: Delimiter, free: number): readonly string[] {
  let end = cells.length;
  while (end > width && cells[end - 1]?.trim() === '') end -= 1;
  const surplus = end - width;
  if (surplus <= 0 || free < 0) return cells.slice(0, end);
  const parts = cells.slice(free, free + surplus + 1).join(delimiter);
  const text = delimiter === '\t' ? withoutQuotes(parts) : parts;
  return [...cells.slice(0, free), text, ...cells.slice(free + surplus + 1, end)];
}
