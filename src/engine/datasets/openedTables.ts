import path from 'node:path';
import { InputError, messageOf } from '../errors.ts';
import type { Folder } from '../files/walk.ts';
import { type TableFiles, tablesIn } from './tableFiles.ts';
import { openTable, TABLE, type Table } from './tables/rows.ts';

/** The tables of a folder by their first shards, and why others can't be opened. */
export interface OpenedTables {
  readonly tables: readonly { readonly files: TableFiles; readonly table: Table }[];
  readonly problems: readonly { readonly files: TableFiles; readonly error: InputError }[];
}

/** Several kinds of tables are looked for in the same files. */
const openedIn = new WeakMap<Folder, Promise<OpenedTables>>();

/** Opens the tables of a folder; once, whoever asks. */
export function openTables(root: Folder): Promise<OpenedTables> {
  const opened = openedIn.get(root) ?? openAll(root);
  openedIn.set(root, opened);
  return opened;
}

async function openAll(root: Folder): Promise<OpenedTables> {
  const tables: { files: TableFiles; table: Table }[] = [];
  const problems: { files: TableFiles; error: InputError }[] = [];
  for (const files of tablesIn(root, TABLE).tables) {
    const [first] = files.files;
    try {
      const table = await openTable(first);
      if (table) tables.push({ files, table });
    } catch (error) {
      // Other JSON and texts than tables are common, and may be anything.
      if (!/\.(json|txt)$/i.test(first)) problems.push({ files, error: problemOf(first, error) });
    }
  }
  return { tables, problems };
}

function problemOf(file: string, error: unknown): InputError {
  if (error instanceof InputError) return error;
  return new InputError(`${path.basename(file)}: ${messageOf(error)}`);
}
