/** A column of a row group of a parquet file, which can only be unpacked as a whole. */
export interface RowGroupColumn {
  /** Tells it from all others; those that lie near each other sort near each other. */
  readonly key: string;
  /** What it takes once it is unpacked. */
  readonly bytes: number;
  unpack(): Promise<readonly unknown[]>;
}

interface Request {
  readonly column: RowGroupColumn;
  readonly row: number;
  readonly resolve: (cell: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What is kept of the columns that were unpacked last; a larger one is kept for those who wait for it only. */
const KEPT_BYTES = 256 * 1024 * 1024;
const kept = new Map<string, { readonly bytes: number; readonly cells: readonly unknown[] }>();

let waiting: Request[] = [];
let working = false;

/**
 * A cell of a row group, counted from its first row. Who reads cells here and there asks for many at once: those of one
 * row group are answered together, and one row group is unpacked at a time, so that neither time nor memory grows with
 * the number of the askers.
 */
export function cellOf(column: RowGroupColumn, row: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    waiting.push({ column, row, resolve, reject });
    if (!working) void answerAll();
  });
}

async function answerAll(): Promise<void> {
  working = true;
  // Those who ask in the same turn are heard first.
  await Promise.resolve();
  while (waiting.length > 0) {
    const column = next();
    let cells: readonly unknown[] | undefined;
    let failure: unknown;
    try {
      cells = await cellsOf(column);
    } catch (error) {
      failure = error;
    }
    const answered = waiting.filter((request) => request.column.key === column.key);
    waiting = waiting.filter((request) => request.column.key !== column.key);
    for (const { row, resolve, reject } of answered) {
      if (cells) resolve(cells[row]);
      else reject(failure);
    }
  }
  working = false;
}

/** One that is unpacked already where there is one, else the first in the order of the file. */
function next(): RowGroupColumn {
  const [first, ...others] = waiting.map(({ column }) => column);
  if (!first) throw new RangeError('nobody waits');
  const rank = ({ key }: RowGroupColumn) => (kept.has(key) ? 0 : 1);
  return others.reduce(
    (best, column) => ((rank(column) - rank(best) || (column.key < best.key ? -1 : 0)) < 0 ? column : best),
    first,
  );
}

async function cellsOf({ key, bytes, unpack }: RowGroupColumn): Promise<readonly unknown[]> {
  const cells = kept.get(key)?.cells ?? (await unpack());
  kept.delete(key);
  if (bytes > KEPT_BYTES) return cells;
  kept.set(key, { bytes, cells });
  let sum = 0;
  for (const group of kept.values()) sum += group.bytes;
  for (const [oldest, group] of kept) {
    if (sum <= KEPT_BYTES) break;
    kept.delete(oldest);
    sum -= group.bytes;
  }
  return cells;
}
