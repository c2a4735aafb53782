import type { Folder } from '../files/walk.ts';
import type { ImageSource } from './dataset.ts';
import { idWithin } from './folders.ts';
import { ImageFinder, type ImageIndex } from './imageIndex.ts';
import { holdsPaths, imageInCell, pathIn } from './parquetImages.ts';
import type { TableFiles } from './tableFiles.ts';
import type { Table, TableRow } from './tables/rows.ts';

/** Finds the images that a table names, those beside it and of its split first. */
export function finderFor(root: Folder, images: ImageIndex, { parent, split }: TableFiles): ImageFinder {
  const splits = split === undefined ? [] : [split, `images/${split}`];
  return new ImageFinder(root, images, [idWithin(root, parent.path), ...splits, 'images', 'train']);
}

/** Whether a column holds the images themselves; only parquet files do. */
export function inCells({ parquet }: Table, name: string | undefined): boolean {
  const column = parquet?.columns.find((other) => other.name === name);
  if (!parquet || !column || holdsPaths(parquet, column)) return false;
  return column.kind === 'bytes' || column.kind === 'list' || column.fields.includes('bytes');
}

/** The name of an image that stands in a cell. */
export function imageNamed(cell: unknown): string | undefined {
  return typeof cell === 'number' || typeof cell === 'bigint' ? String(cell) : pathIn(cell)?.trim();
}

/** The image of a row, or its name; nothing where the cell is empty. */
export function imageOf(
  table: Table,
  column: string,
  { line, values }: TableRow,
  ownImages: boolean,
  finder: ImageFinder,
): string | ImageSource | undefined {
  if (ownImages && table.parquet) return imageInCell(table.parquet, column, line - 1, finder);
  return imageNamed(values[column]);
}
