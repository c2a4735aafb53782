import { describe, expect, it } from 'vitest';
import { delimiterOf, headOf, readCsv } from '../../../../../src/engine/datasets/tables/csv.ts';
import { CancelledError, InputError } from '../../../../../src/engine/errors.ts';
import { all, fileOf } from '../../../../helpers/tables.ts';

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

  it('passes over rows of nothing, as spreadsheets leave them', async () => {
    expect(await all(readCsv(await fileOf('a,b\n \n,,\n\t\nc,\n'), ','))).toEqual([
      { line: 1, cells: ['a', 'b'] },
      { line: 5, cells: ['c', ''] },
    ]);
  });

  it('knows the ends of rows where they differ', async () => {
    expect(await all(readCsv(await fileOf('a,b\r\n1,"x\ny"\n2,y\r3,z\r\n\n\n'), ','))).toEqual([
      { line: 1, cells: ['a', 'b'] },
      { line: 2, cells: ['1', 'x\ny'] },
      { line: 4, cells: ['2', 'y'] },
      { line: 5, cells: ['3', 'z'] },
    ]);
  });

  it('knows quotes within quotes by backslashes, from the first row that has one, and keeps other backslashes', async () => {
    const plain = 'id,text\n1,"C:\\dir\\",x\n2,"a, ""b"""\n';
    const escaped = '3,"Say \\"no\\", twice"\r\n4,"a\\nb \\\\ \\"two\nlines\\""\n5,"\\"Hi\\" there"\n6,5\\ disc';
    expect(await all(readCsv(await fileOf(plain + escaped), ','))).toEqual([
      { line: 1, cells: ['id', 'text'] },
      { line: 2, cells: ['1', 'C:\\dir\\', 'x'] },
      { line: 3, cells: ['2', 'a, "b"'] },
      { line: 4, cells: ['3', 'Say "no", twice'] },
      { line: 5, cells: ['4', 'a\\nb \\ "two\nlines"'] },
      { line: 7, cells: ['5', '"Hi" there'] },
      { line: 8, cells: ['6', '5\\ disc'] },
    ]);
    const rows = Array.from({ length: 20_000 }, (_, row) => `${row},"a \\"text\\", ${row}"`);
    const read = await all(readCsv(await fileOf(`id,text\n${rows.join('\n')}`), ','));
    expect(read.slice(1).map(({ cells }) => cells)).toEqual(rows.map((_, row) => [`${row}`, `a "text", ${row}`]));
  });

  it('takes doubled quotes behind a backslash for quotes', async () => {
    expect(await all(readCsv(await fileOf('1,"""Best\\"" pizza, ""really\\"""\n2,"\\""x\\"" y"\n'), ','))).toEqual([
      { line: 1, cells: ['1', '"Best\\" pizza, "really\\"'] },
      { line: 2, cells: ['2', '\\"x\\" y'] },
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
      new InputError('a.txt:2: this row takes more than 2 MB; a quote (") may not be closed, or this is no table.'),
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
    ['a,b\n1;2;3', 'a.csv', ','],
    ['"a,b,c";d\n', 'a.csv', ';'],
    ['a\tb', 'a.csv', '\t'],
    ['a|b', 'a.csv', '|'],
    ['a', 'a.csv', ','],
    ['a,b\tc,d', 'a.csv', ','],
    ['a, b, c\t1\n', 'a.tsv', '\t'],
    ['ham\ta, "b", c\n', 'SMSSpamCollection', '\t'],
    ['a,b\n1\t2', 'a.tsv', ','],
  ])('of %j in %s is %j', (head, file, delimiter) => {
    expect(delimiterOf(head, file)).toBe(delimiter);
  });
});

describe('headOf', () => {
  it('ends with a whole line, and has no byte order mark', async () => {
    expect(await headOf(await fileOf('\uFEFFab\ncd\nef\n'), 10)).toBe('ab\ncd\n'.slice(0, 6));
    expect(await headOf(await fileOf(''), 10)).toBe('');
    expect(await headOf(await fileOf('{\n"data": [1, 2]'), 10)).toBe('{\n"data": ');
  });

  it('lets a cancellation in, however many files are looked into', async () => {
    const file = await fileOf('ab\n');
    let cancelled = false;
    setImmediate(() => {
      cancelled = true;
    });
    await headOf(file);
    expect(cancelled).toBe(true);
  });
});
