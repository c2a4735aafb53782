import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { PassedOver } from '../../../../src/engine/datasets/passedOver.ts';
import { splitWithin } from '../../../../src/engine/datasets/splitNames.ts';
import { delimiterOf, headOf, readCsv } from '../../../../src/engine/datasets/tables/csv.ts';
import { readJsonArray } from '../../../../src/engine/datasets/tables/json.ts';
import { linesOf } from '../../../../src/engine/datasets/tables/lines.ts';
import { CancelledError, InputError } from '../../../../src/engine/errors.ts';
import { folderWith } from '../../../helpers/miniatures.ts';

async function fileOf(content: string): Promise<string> {
  return path.join(await folderWith({ 'a.txt': content }), 'a.txt');
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
}

describe('readCsv', () => {
  it('gives each record with the line that it starts on', async () => {
    const text = '\uFEFFimage,text\r\na.png,"x, ""y""\r\nz"\r\n\r\nb.png,5" disc\r\nc.png\r\n';
    expect(await all(readCsv(await fileOf(text), ','))).toEqual([
      { line: 1, cells: ['image', 'text'] },
      { line: 2, cells: ['a.png', 'x, "y"\r\nz'] },
      { line: 5, cells: ['b.png', '5" disc'] },
      { line: 6, cells: ['c.png'] },
    ]);
  });

  it('takes quotes between tabs as they are', async () => {
    expect(await all(readCsv(await fileOf('a\t"b\nc\td"\n'), '\t'))).toEqual([
      { line: 1, cells: ['a', '"b'] },
      { line: 2, cells: ['c', 'd"'] },
    ]);
  });

  it('refuses a row without end before the memory is full', async () => {
    await expect(all(readCsv(await fileOf(`a,b\n${'x'.repeat(2e7)}`), ','))).rejects.toThrow(
      new InputError('a.txt:2: this row takes more than 8 MB; a quote (") may not be closed, or this is no table.'),
    );
  });

  it('stops when it is cancelled', async () => {
    const text = 'a,b\n'.repeat(100_000);
    const controller = new AbortController();
    const rows = readCsv(await fileOf(text), ',', controller.signal);
    await rows.next();
    controller.abort();
    await expect(all(rows)).rejects.toThrow(CancelledError);
  });
});

describe('delimiterOf', () => {
  it.each([
    ['a,b\n1;2;3', ','],
    ['"a,b,c";d\n', ';'],
    ['a\tb', '\t'],
    ['a|b', '|'],
    ['a', ','],
  ])('of %j is %j', (head, delimiter) => {
    expect(delimiterOf(head)).toBe(delimiter);
  });
});

describe('headOf', () => {
  it('ends with a whole line, and has no byte order mark', async () => {
    expect(await headOf(await fileOf('\uFEFFab\ncd\nef\n'), 10)).toBe('ab\ncd\n'.slice(0, 6));
    expect(await headOf(await fileOf(''), 10)).toBe('');
  });
});

describe('readJsonArray', () => {
  it('streams entries', async () => {
    expect(await all(readJsonArray(await fileOf('\uFEFF[{"a": 1}, [2]]\n')))).toEqual([
      { entry: 1, value: { a: 1 } },
      { entry: 2, value: [2] },
    ]);
  });

  it.each([
    ['[1, 2', 'a.txt: not JSON after entry 1 (it ends early); save it again as JSON.'],
    ['', 'a.txt: not JSON after entry 0 (it ends early); save it again as JSON.'],
    [`["${'x'.repeat(1e7)}"]`, 'a.txt: entry 1 takes more than 8 MB; split it.'],
  ])('refuses what is none', async (text, message) => {
    await expect(all(readJsonArray(await fileOf(text)))).rejects.toThrow(new InputError(message));
  });
});

describe('linesOf', () => {
  it('gives lines without breaks, mark and empty ones', async () => {
    expect(await linesOf(await fileOf('\uFEFFone \r\n\r\n  \ntwo\nthree'))).toEqual(['one', 'two', 'three']);
  });
});

describe('splitWithin', () => {
  it.each([
    ['train', 'train'],
    ['labels_train', 'train'],
    ['Train2014', 'train'],
    ['captions-val', 'val'],
    ['trainval', 'trainval'],
    ['test.v2', 'test'],
    ['contest', undefined],
    ['strain', undefined],
    ['retraining', undefined],
  ])('of %s is %s', (name, split) => {
    expect(splitWithin(name)).toBe(split);
  });
});

describe('PassedOver', () => {
  it('groups thousands and shows what was passed over in one short line', () => {
    const passedOver = new PassedOver();
    for (let row = 0; row < 8091; row += 1) passedOver.row();
    for (let row = 0; row < 3; row += 1)
      passedOver.add('name images that are not there', 'flickr.csv:17: images/\nx.jpg');
    passedOver.add('are long', 'y'.repeat(1000));
    expect(passedOver.warnings()).toEqual([
      '3 of 8,091 rows name images that are not there; the first: flickr.csv:17: images/ x.jpg',
      `1 of 8,091 rows are long; the first: ${'y'.repeat(200)}…`,
    ]);
  });
});
