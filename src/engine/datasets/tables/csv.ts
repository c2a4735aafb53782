import { closeSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CsvError, parse } from 'csv-parse';
import { CancelledError, InputError } from '../../errors.ts';
import { decodeText, readUtf8 } from './encoding.ts';
import { RowParser } from './rowParser.ts';

/** A record of a table, and the line of the file that it starts on. */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

const DELIMITERS = [',', '\t', ';', '|'] as const;
export type Delimiter = (typeof DELIMITERS)[number];
/** What people call them. */
export const SEPARATORS: Record<Delimiter, string> = { ',': 'commas', '\t': 'tabs', ';': 'semicolons', '|': 'bars' };

/** The longest record that is read: a long text in many languages, but not a file without line breaks. */
const MAX_ROW_BYTES = 2 * 1024 * 1024;
const MAX_HEADER_BYTES = 64 * 1024;
const [QUOTE, BACKSLASH] = [0x22, 0x5c];
/** `"a", "b"`: some write a blank before the quotes of a cell. */
const QUOTED_BEHIND_BLANK = /[,;|] +"[^"]*"\s*([,;|]|$)/;

/** The first kilobytes of a file, as text, up to the last whole line unless that is hardly begun with, as in JSON. */
export async function headOf(file: string, bytes = 16 * 1024): Promise<string> {
  // A search looks into very many files, several times, and waiting for each takes five times as long as reading it at once.
  // Between files it can be cancelled.
  await nextTurn();
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.allocUnsafe(bytes);
    const bytesRead = readSync(descriptor, buffer, 0, bytes, 0);
    const text = decodeText(buffer.subarray(0, bytesRead));
    const whole = text.lastIndexOf('\n') + 1;
    return bytesRead < bytes || whole < text.length / 2 ? text : text.slice(0, whole);
  } finally {
    closeSync(descriptor);
  }
}

/** The delimiter that occurs most often in the first line, outside of quotes. */
export function delimiterOf(head: string, file: string): Delimiter {
  // Texts between tabs have as many commas as they like.
  if (!/\.csv$/i.test(file) && /^.*\t/.test(head)) return '\t';
  const [line = ''] = head.replace(/"[^"]*"/g, '').split(/\r?\n/, 1);
  const counts = DELIMITERS.map((delimiter) => line.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
}

/**
 * The records of a comma-, tab-, semicolon- or bar-separated file, the header among them, one after the other. Quotes
 * count where a cell starts with one, or with blanks before one where cells of the header do; within they are doubled, or
 * from some row on have backslashes before them, as MySQL and Spark write them. Rows may differ in length and in how they
 * end; a byte order mark and lines without any value are passed over.
 * @param escapedFrom the line of the first row whose quotes have backslashes, where the rows before it are not wanted
 * @throws InputError naming file and line
 */
export async function* readCsv(
  file: string,
  delimiter: Delimiter,
  signal?: AbortSignal,
  escapedFrom?: number,
): AsyncGenerator<CsvRow> {
  let parser: RowParser | undefined;
  const source = readUtf8(file, signal ? { signal } : {});
  // Counted here: csv-parse takes more time to tell lines than to parse them. So it must not pass over any.
  let next = 1;
  const rowOf = (read: string[]): CsvRow | undefined => {
    const cells = delimiter === '\t' ? read.map(withoutQuotes) : read;
    const line = next;
    next += 1 + cells.reduce((breaks, cell) => breaks + breaksIn(cell), 0);
    const isBefore = escapedFrom !== undefined && line < escapedFrom;
    return isBefore || cells.every((cell) => cell.trim() === '') ? undefined : { line, cells };
  };
  let read: readonly Buffer[] = [];
  const isCut = ({ cells }: CsvRow) =>
    escapedFrom === undefined && delimiter !== '\t' && cells.some((cell) => isCutByEscape(cell, read));
  try {
    for await (const chunk of escapedFrom === undefined ? source : withDoubledQuotes(source)) {
      parser ??= parserOf(delimiter, chunk);
      read = [...read.slice(-1), chunk];
      // It parses at once, so that the rows of a chunk need not be waited for one by one.
      parser.write(chunk);
      for (let cells = parser.read(); cells !== null; cells = parser.read()) {
        const row = rowOf(cells);
        if (row && isCut(row)) {
          yield* readCsv(file, delimiter, signal, row.line);
          return;
        }
        if (row) yield row;
      }
      if (parser.errored) throw parser.errored;
    }
    parser?.end();
    for await (const cells of parser ?? []) {
      const row = rowOf(cells);
      if (row && isCut(row)) {
        yield* readCsv(file, delimiter, signal, row.line);
        return;
      }
      if (row) yield row;
    }
  } catch (error) {
    if (signal?.aborted) throw new CancelledError();
    if (!(error instanceof CsvError)) throw error;
    throw new InputError(`${path.basename(file)}:${next}: ${reasonOf(error)}`);
  } finally {
    source.destroy();
  }
}

/** A quote with a backslash before it behind which a cell goes on. */
const ESCAPED = /\\"[^",;|\r\n]/;

/**
 * Whether a cell was taken for one without quotes, for a quote with a backslash before it seemed to be its last one:
 * `"said \\"no\\" twice"`. A text may begin with a quote and have such quotes of its own, all doubled then in the file.
 * @param read what was read of the file last
 */
function isCutByEscape(cell: string, read: readonly Buffer[]): boolean {
  return cell.charCodeAt(0) === QUOTE && cell.includes('\\"') && ESCAPED.test(Buffer.concat(read).toString('latin1'));
}

/** The same bytes with quotes doubled that have a backslash before them, and backslashes single that are doubled. */
async function* withDoubledQuotes(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes = Buffer.concat([rest, chunk]);
    // The character behind the last backslash may be in the next chunk.
    const isHalf = bytes.at(-1) === BACKSLASH;
    rest = isHalf ? bytes.subarray(-1) : Buffer.alloc(0);
    const text = bytes.toString('latin1', 0, bytes.length - rest.length);
    yield Buffer.from(
      text.replace(/\\(["\\])/g, (_, escaped: string) => (escaped === '"' ? '""' : escaped)),
      'latin1',
    );
  }
  if (rest.length > 0) yield rest;
}

/** @param start the first bytes of the file, with its first line */
function parserOf(delimiter: Delimiter, start: Buffer): RowParser {
  const [header = ''] = start.toString('utf8', 0, MAX_HEADER_BYTES).split(/[\r\n]/, 1);
  const parser = parse({
    bom: true,
    delimiter,
    // All that occur, as in files that were put together; alone, the parser would take the first for the only one.
    record_delimiter: ['\r\n', '\n', '\r'],
    // Tab-separated files are written without quoting: a quote in them is a quote.
    quote: delimiter === '\t' ? null : '"',
    // Elsewhere a quote behind a blank is one of the text.
    ltrim: delimiter !== '\t' && QUOTED_BEHIND_BLANK.test(header),
    relax_quotes: true,
    relax_column_count: true,
    max_record_size: MAX_ROW_BYTES,
  });
  // What goes wrong is thrown by who reads; a stream without a listener would end the process.
  parser.on('error', () => undefined);
  return new RowParser(delimiter, MAX_ROW_BYTES, parser);
}

/** A cell between tabs that was quoted all the same, as pandas does where one holds tabs or quotes, which are doubled then. */
export function withoutQuotes(cell: string): string {
  const isQuoted = (cell.includes('""') || cell.includes('\t')) && /^"(?:[^"]|"")*"$/.test(cell);
  return isQuoted ? cell.slice(1, -1).replaceAll('""', '"') : cell;
}

/** Line breaks of any kind within quotes. */
function breaksIn(cell: string): number {
  return /[\r\n]/.test(cell) ? cell.split(/\r\n|\r|\n/).length - 1 : 0;
}

function reasonOf(error: CsvError): string {
  if (error.code === 'CSV_QUOTE_NOT_CLOSED')
    return 'a quote (") is opened in this row and never closed; close or remove it.';
  if (error.code === 'CSV_MAX_RECORD_SIZE') {
    return `this row takes more than ${MAX_ROW_BYTES / 1024 / 1024} MB; a quote (") may not be closed, or this is no table.`;
  }
  return `not a table (${error.message}); save it again as UTF-8 with one row per line.`;
}
