import { open } from 'node:fs/promises';
import path from 'node:path';
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { CancelledError, InputError, messageOf } from '../../errors.ts';
import { LFS_POINTER } from '../../files/gitLfs.ts';
import { cellOf } from './rowGroups.ts';

/** The footer of a file of a thousand row groups takes some megabytes. */
const MAX_FOOTER_BYTES = 256 * 1024 * 1024;
/** Pages are of one megabyte or so, a column of a row group of images of some hundred. */
const MAX_PAGE_BYTES = 1024 * 1024 * 1024;
/** Texts and classes of a row group; writers that know no row groups of their own take a million rows, some 500 MB. */
const MAX_GROUP_BYTES = 1024 * 1024 * 1024;
const CODECS = new Set(['UNCOMPRESSED', 'SNAPPY', ...Object.keys(compressors)]);

/** A parquet file of which only the footer was read. */
export interface ParquetTable {
  readonly file: string;
  readonly rows: number;
  readonly columns: readonly ParquetColumn[];
  /** The value that the writer kept under a key, such as `huggingface`. */
  note(key: string): string | undefined;
  /** The rows of a range, with only the columns asked for. Reads the row groups that the range touches. */
  read(columns: readonly string[], start: number, end: number): Promise<Record<string, unknown>[]>;
  /** All rows, a row group after the other. */
  rowsOf(
    columns: readonly string[],
    signal?: AbortSignal,
  ): AsyncGenerator<{ row: number; values: Record<string, unknown> }>;
  /** The value of a column in one row. Ask for many at once: those of one row group are unpacked together. */
  cell(column: string, row: number): Promise<unknown>;
  /** Whether the file says of a column, or of a struct's field (`image.bytes`), that all its values are missing. */
  isEmpty(column: string): boolean;
}

export interface ParquetColumn {
  readonly name: string;
  readonly kind: 'text' | 'bytes' | 'number' | 'fraction' | 'boolean' | 'list' | 'struct' | 'other';
  /** Names of the fields of a struct, or of those in a list. */
  readonly fields: readonly string[];
}

/**
 * Opens a parquet file.
 * @throws InputError when it is damaged
 */
export async function openParquet(file: string): Promise<ParquetTable> {
  try {
    await requireFooter(file);
    const buffer = await asyncBufferFromFile(file);
    const metadata = await parquetMetadataAsync(buffer, { geoparquet: false });
    return new Table(file, buffer, metadata);
  } catch (error) {
    throw readable(file, error);
  }
}

class Table implements ParquetTable {
  readonly file: string;
  readonly rows: number;
  readonly columns: readonly ParquetColumn[];
  readonly #buffer: AsyncBuffer;
  readonly #metadata: FileMetaData;
  /** Number of the first row of each row group, and at the end that of all rows. */
  readonly #starts: number[] = [0];

  constructor(file: string, buffer: AsyncBuffer, metadata: FileMetaData) {
    this.file = file;
    this.#buffer = buffer;
    this.#metadata = metadata;
    this.columns = parquetSchema(metadata).children.map(columnOf);
    for (const group of metadata.row_groups) this.#starts.push((this.#starts.at(-1) ?? 0) + Number(group.num_rows));
    this.rows = this.#starts.at(-1) ?? 0;
  }

  note(key: string): string | undefined {
    return this.#metadata.key_value_metadata?.find((entry) => entry.key === key)?.value;
  }

  async read(columns: readonly string[], start: number, end: number): Promise<Record<string, unknown>[]> {
    try {
      requireCodecs(this.#metadata, columns);
      return await parquetReadObjects({
        file: this.#buffer,
        metadata: this.#metadata,
        columns: [...columns],
        rowStart: start,
        rowEnd: end,
        compressors: bounded,
        useOffsetIndex: true,
        utf8: false,
        geoparquet: false,
      });
    } catch (error) {
      throw readable(this.file, error);
    }
  }

  async *rowsOf(
    columns: readonly string[],
    signal?: AbortSignal,
  ): AsyncGenerator<{ row: number; values: Record<string, unknown> }> {
    for (const [group, start] of this.#starts.slice(0, -1).entries()) {
      if (signal?.aborted) throw new CancelledError();
      this.#requireSize(group, columns);
      const rows = await this.read(columns, start, this.#starts[group + 1] ?? start);
      for (const [index, values] of rows.entries()) yield { row: start + index, values };
    }
  }

  #requireSize(group: number, columns: readonly string[]): void {
    const bytes = (this.#metadata.row_groups[group]?.columns ?? [])
      .filter(({ meta_data: about }) => about && columns.includes(about.path_in_schema[0] ?? ''))
      .reduce((sum, { meta_data: about }) => sum + Number(about?.total_uncompressed_size ?? 0), 0);
    if (bytes <= MAX_GROUP_BYTES) return;
    throw new InputError(
      `${path.basename(this.file)}: ${columns.join(' and ')} take ${(bytes / 1024 ** 3).toFixed(1)} GB in one row group; write it again with smaller row groups.`,
    );
  }

  async cell(column: string, row: number): Promise<unknown> {
    const group = this.#starts.findLastIndex((start) => start <= row);
    const chunks = this.#metadata.row_groups[group]?.columns.filter(
      (chunk) => chunk.meta_data?.path_in_schema[0] === column,
    );
    if (chunks?.length && chunks.every((chunk) => chunk.offset_index_offset)) {
      const [only] = await this.read([column], row, row + 1);
      return only?.[column];
    }
    const start = this.#starts[group] ?? 0;
    const end = this.#starts[group + 1] ?? start;
    const bytes = (chunks ?? []).reduce((sum, chunk) => sum + Number(chunk.meta_data?.total_uncompressed_size ?? 0), 0);
    const unpack = async () => (await this.read([column], start, end)).map((values) => values[column]);
    return cellOf({ key: [this.file, column, String(group).padStart(9, '0')].join('\n'), bytes, unpack }, row - start);
  }

  isEmpty(column: string): boolean {
    const chunks = this.#metadata.row_groups
      .flatMap((group) => group.columns)
      .filter(({ meta_data: about }) => about?.path_in_schema.join('.') === column);
    return (
      chunks.length > 0 && chunks.every(({ meta_data: about }) => about?.statistics?.null_count === about?.num_values)
    );
  }
}

const KINDS: Readonly<Record<string, ParquetColumn['kind']>> = {
  INT32: 'number',
  INT64: 'number',
  FLOAT: 'fraction',
  DOUBLE: 'fraction',
  BOOLEAN: 'boolean',
};

function columnOf({ element, children }: SchemaTree): ParquetColumn {
  const fields = children.map((child) => child.element.name);
  const text = element.converted_type === 'UTF8' || element.logical_type?.type === 'STRING';
  const list = element.converted_type === 'LIST' || element.logical_type?.type === 'LIST';
  const kind = list
    ? 'list'
    : fields.length > 0
      ? 'struct'
      : text
        ? 'text'
        : element.type === 'BYTE_ARRAY'
          ? 'bytes'
          : (KINDS[element.type ?? ''] ?? 'other');
  // Around an entry of a list there is a group of its own.
  const entries = children[0]?.children[0]?.children.map((child) => child.element.name) ?? [];
  // A damaged footer may leave names out.
  return { name: element.name ?? '', kind, fields: kind === 'list' ? entries : kind === 'struct' ? fields : [] };
}

/** A page that claims to be larger than any is not unpacked, nor an empty one, in which LZ4 is looked for in vain. */
const bounded: Compressors = Object.fromEntries(
  Object.entries(compressors).map(([codec, decompress]): [string, typeof decompress] => [
    codec,
    (input, length) => {
      if (length > MAX_PAGE_BYTES) throw new Error(`a page of ${length} bytes`);
      return length === 0 ? new Uint8Array() : decompress(input, length);
    },
  ]),
);

async function requireFooter(file: string): Promise<void> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const end = Buffer.alloc(8);
    if (size >= 12) await handle.read(end, 0, 8, size - 8);
    const start = Buffer.alloc(LFS_POINTER.length);
    await handle.read(start, 0, start.length, 0);
    if (start.toString('latin1') === LFS_POINTER) {
      throw new InputError('a Git LFS pointer, not the table itself; run "git lfs pull".');
    }
    if (end.toString('latin1', 4) !== 'PAR1') throw new Error('it does not end as a parquet file does');
    if (end.readUInt32LE(0) > MAX_FOOTER_BYTES) throw new Error('its footer is larger than any');
  } finally {
    await handle.close();
  }
}

function requireCodecs(metadata: FileMetaData, columns: readonly string[]): void {
  for (const chunk of metadata.row_groups.flatMap((group) => group.columns)) {
    const { codec, path_in_schema: names } = chunk.meta_data ?? {};
    if (!names || !columns.includes(names[0] ?? '') || (codec && CODECS.has(codec))) continue;
    throw new InputError(
      `the column ${names.join('.')} is compressed with ${codec ?? 'an unknown codec'}; write it again with snappy, zstd or gzip.`,
    );
  }
}

function readable(file: string, error: unknown): Error {
  const name = path.basename(file);
  if (error instanceof InputError) return new InputError(`${name}: ${error.message}`);
  const reason = messageOf(error);
  return new InputError(`${name}: not a readable parquet file (${reason}); download or write it again.`);
}
