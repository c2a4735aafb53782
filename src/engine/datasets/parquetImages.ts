import type { ImageSource } from './dataset.ts';
import type { ImageFinder } from './imageIndex.ts';
import { fileImage } from './images.ts';
import { isRecord } from './tables/jsonl.ts';
import type { ParquetColumn, ParquetTable } from './tables/parquet.ts';

/** Whether the cells of a column hold no images but the paths of some, as texts or as `{bytes: null, path}`. */
export function holdsPaths(table: ParquetTable, { name, kind, fields }: ParquetColumn): boolean {
  return kind === 'text' || (fields.includes('path') && table.isEmpty(`${name}.bytes`));
}

/** The path in a cell, which is a text or a struct. */
export function pathIn(cell: unknown): string | undefined {
  const named = isRecord(cell) ? cell.path : cell;
  return typeof named === 'string' && named !== '' ? named : undefined;
}

/**
 * The image of a row: the bytes in its cell, alone or in a struct, else the file that it names. Of several the first.
 * @param finder finds the files that cells name
 */
export function imageInCell(table: ParquetTable, column: string, row: number, finder: ImageFinder): ImageSource {
  return {
    async read() {
      const cell = await table.cell(column, row);
      const value: unknown = Array.isArray(cell) ? cell[0] : cell;
      const bytes = isRecord(value) && !(value instanceof Uint8Array) ? value.bytes : value;
      // A copy, for the bytes lie within those of many rows.
      if (bytes instanceof Uint8Array) return Uint8Array.from(bytes);
      const file = finder.find(pathIn(value) ?? '');
      if (file === undefined) throw new Error(`row ${row + 1} holds no image`);
      return fileImage(file).read();
    },
  };
}
