import { InputError } from '../../errors.ts';

/** The first rows, as far as they can be read: one that can't be is refused when its turn comes. */
export async function firstRowsOf<T>(rows: AsyncIterable<T>, most: number): Promise<T[]> {
  const first: T[] = [];
  try {
    for await (const row of rows) if (first.push(row) >= most) break;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  }
  return first;
}
