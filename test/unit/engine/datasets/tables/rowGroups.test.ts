import { expect, it } from 'vitest';
import { cellOf, type RowGroupColumn } from '../../../../../src/engine/datasets/tables/rowGroups.ts';

const MEGABYTES = 1024 * 1024;
let files = 0;

/** Columns of the row groups of a file, which note when they are unpacked. */
function rowGroups(count: number, megabytes: number) {
  files += 1;
  const file = `file ${files}`;
  const unpacked: number[] = [];
  let open = 0;
  let most = 0;
  const columns = Array.from(
    { length: count },
    (_, group): RowGroupColumn => ({
      key: `${file} ${String(group).padStart(9, '0')}`,
      bytes: megabytes * MEGABYTES,
      async unpack() {
        open += 1;
        most = Math.max(most, open);
        await new Promise((resolve) => setImmediate(resolve));
        unpacked.push(group);
        open -= 1;
        return Array.from({ length: 10 }, (__, row) => 10 * group + row);
      },
    }),
  );
  const cell = (row: number) => {
    const column = columns[Math.floor(row / 10)];
    return column ? cellOf(column, row % 10) : Promise.reject(new RangeError());
  };
  return { cell, unpacked, most: () => most };
}

it('unpacks each row group once for all who ask at a time, one after the other and in their order', async () => {
  const { cell, unpacked, most } = rowGroups(4, 100);
  const rows = [31, 2, 17, 38, 5, 24, 11, 0];
  expect(await Promise.all(rows.map(cell))).toEqual(rows);
  expect(unpacked).toEqual([0, 1, 2, 3]);
  expect(most()).toBe(1);
});

it('keeps those that were unpacked last, up to a limit', async () => {
  const { cell, unpacked } = rowGroups(4, 100);
  for (const row of [0, 1, 10, 2, 20, 11, 0]) expect(await cell(row)).toBe(row);
  expect(unpacked).toEqual([0, 1, 2, 1, 0]);
  const large = rowGroups(2, 1000);
  expect(await Promise.all([large.cell(3), large.cell(12), large.cell(4)])).toEqual([3, 12, 4]);
  await large.cell(5);
  expect(large.unpacked).toEqual([0, 1, 0]);
});

it('tells all who wait for a row group that it is damaged, and goes on with the others', async () => {
  const { cell } = rowGroups(1, 1);
  const damaged: RowGroupColumn = { key: ' ', bytes: 1, unpack: () => Promise.reject(new Error('damaged')) };
  const answers = await Promise.allSettled([cellOf(damaged, 0), cell(7), cellOf(damaged, 1)]);
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
});
