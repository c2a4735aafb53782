import path from 'node:path';
import { delimiterOf, headOf, readCsv } from './csv.ts';
import { readJsonArray } from './json.ts';
import { isRecord, parseJson, readJsonLines } from './jsonl.ts';
import { openParquet } from './parquet.ts';

/** A row of a table by the names of its columns. */
export interface TableRow {
  /** Line of the file, or number of the row in a parquet file or JSON array, from 1. */
  readonly line: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/** A table whose first row tells its columns, in whatever format. */
export interface Table {
  readonly file: string;
  readonly columns: readonly string[];
  rows(columns: readonly string[], signal?: AbortSignal): AsyncGenerator<TableRow>;
  /** The bytes of an image that a row holds itself; only parquet files do. */
  imageBytes?(column: string, row: number): Promise<Uint8Array>;
}

export const TABLE = /\.(csv|tsv|jsonl|ndjson|json|parquet)$/i;

/**
 * Looks at the columns of a table: CSV, TSV, JSON Lines, a JSON array of objects or parquet.
 * @returns nothing for a file without columns
 */
export async function openTable(file: string): Promise<Table | undefined> {
  const ending = path.extname(file).toLowerCase();
  if (ending === '.parquet') return openParquetTable(file);
  if (ending === '.json') return openJsonArray(file);
  const head = await headOf(file);
  const [first = ''] = head.split(/\r?\n/, 1);
  if (ending !== '.csv' && ending !== '.tsv') {
    const row = parseJson(first);
    return isRecord(row) ? { file, columns: Object.keys(row), rows: (_, signal) => jsonRows(file, signal) } : undefined;
  }
  const delimiter = delimiterOf(head);
  for await (const { cells } of readCsv(file, delimiter)) {
    const columns = cells.map((cell) => cell.trim());
    return { file, columns, rows: (_, signal) => csvRows(file, delimiter, columns, signal) };
  }
  return undefined;
}

async function openParquetTable(file: string): Promise<Table> {
  const table = await openParquet(file);
  return {
    file,
    columns: table.columns.map(({ name }) => name),
    async *rows(columns, signal) {
      for await (const { row, values } of table.rowsOf(columns, signal)) yield { line: row + 1, values };
    },
    async imageBytes(column, row) {
      const cell = await table.cell(column, row);
      const bytes = isRecord(cell) ? cell.bytes : cell;
      if (!(bytes instanceof Uint8Array)) throw new Error('the row holds no image');
      return bytes;
    },
  };
}

async function openJsonArray(file: string): Promise<Table | undefined> {
  for await (const { value } of readJsonArray(file)) {
    return isRecord(value)
      ? { file, columns: Object.keys(value), rows: (_, signal) => arrayRows(file, signal) }
      : undefined;
  }
  return undefined;
}

async function* arrayRows(file: string, signal: AbortSignal | undefined): AsyncGenerator<TableRow> {
  for await (const { entry, value } of readJsonArray(file, signal)) {
    yield { line: entry, values: isRecord(value) ? value : {} };
  }
}

async function* jsonRows(file: string, signal: AbortSignal | undefined): AsyncGenerator<TableRow> {
  for await (const { line, value } of readJsonLines(file, signal)) {
    yield { line, values: isRecord(value) ? value : {} };
  }
}

async function* csvRows(
  file: string,
  delimiter: Parameters<typeof readCsv>[1],
  columns: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<TableRow> {
  let header = true;
  for await (const { line, cells } of readCsv(file, delimiter, signal)) {
    if (!header) yield { line, values: Object.fromEntries(columns.map((column, index) => [column, cells[index]])) };
    header = false;
  }
}
