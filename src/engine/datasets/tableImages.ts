import type { Folder } from '../files/walk.ts';
import type { ImageSource } from './dataset.ts';
import { idWithin } from './folders.ts';
import { ImageFinder, ImageIndex } from './imageIndex.ts';
import { holdsPaths, imageInCell, pathIn } from './parquetImages.ts';
import type { TableFiles } from './tableFiles.ts';
import type { Table, TableRow } from './tables/rows.ts';

/** The images below a folder, looked for once a table may name some. */
export class LazyImages {
  readonly #root: Folder;
  readonly #finders = new Map<TableFiles, ImageFinder>();
  #index: ImageIndex | undefined;

  constructor(root: Folder) {
    this.#root = root;
  }

  get #images(): ImageIndex {
    this.#index ??= new ImageIndex(this.#root);
    return this.#index;
  }

  get any(): boolean {
    return this.#images.size > 0;
  }

  finderFor(files: TableFiles): ImageFinder {
    const { parent, split } = files;
    const splits = split === undefined ? [] : [split, `images/${split}`];
    const preferred = [idWithin(this.#root, parent.path), ...splits, 'images', 'train'];
    const finder = this.#finders.get(files) ?? new ImageFinder(this.#root, this.#images, preferred);
    this.#finders.set(files, finder);
    return finder;
  }
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
