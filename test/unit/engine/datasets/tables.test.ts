import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { PassedOver } from '../../../../src/engine/datasets/passedOver.ts';
import { splitWithin } from '../../../../src/engine/datasets/splitNames.ts';
import { delimiterOf, headOf, readCsv } from '../../../../src/engine/datasets/tables/csv.ts';
import {
  type JsonEntry,
  readJsonArray,
  readJsonList,
  readJsonMembers,
} from '../../../../src/engine/datasets/tables/json.ts';
import { linesOf } from '../../../../src/engine/datasets/tables/lines.ts';
import { listedIn } from '../../../../src/engine/datasets/tables/pythonLiterals.ts';
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

async function entriesOf(batches: AsyncIterable<readonly JsonEntry[]>): Promise<JsonEntry[]> {
  return (await all(batches)).flat();
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

describe('readJsonArray', () => {
  it('streams entries', async () => {
    expect(await entriesOf(readJsonArray(await fileOf('\uFEFF[{"a": 1}, [2]]\n')))).toEqual([
      { entry: 1, value: { a: 1 } },
      { entry: 2, value: [2] },
    ]);
    expect(await entriesOf(readJsonArray(await fileOf(' [ \n]')))).toEqual([]);
  });

  it('finds the ends of entries wherever the file is cut while it is read', async () => {
    const entry = [{ 'a"]': '\\' }, 'é\\"猫,[', [[], { b: '}' }], '\\\\'];
    for (let shift = 0; shift < 40; shift += 1) {
      const entries = ['x'.repeat(1024 * 1024 - 20 - shift), ...entry, 'y'.repeat(1024 * 1024), ...entry];
      const read = await entriesOf(readJsonArray(await fileOf(JSON.stringify(entries))));
      expect(read.map(({ value }) => value)).toEqual(entries);
    }
  });

  it.each([
    ['[1, 2', 'a.txt: not JSON after entry 1 (it ends early); save it again as JSON.'],
    ['', 'a.txt: not JSON after entry 0 (it ends early); save it again as JSON.'],
    ['{"a": 1}', 'a.txt: not JSON after entry 0 (it holds no array); save it again as JSON.'],
    ['[1, 2,]', 'a.txt: not JSON after entry 2 (Unexpected end of JSON input); save it again as JSON.'],
    ['[,1]', 'a.txt: not JSON after entry 0 (Unexpected end of JSON input); save it again as JSON.'],
    [`[1, 2, ${'['.repeat(300)}`, 'a.txt: not JSON after entry 0 (nested more than 256 deep); save it again as JSON.'],
    [`["${'x'.repeat(7e7)}"]`, 'a.txt: entry 1 takes more than 64 MB; split it.'],
  ])('refuses what is none', async (text, message) => {
    await expect(entriesOf(readJsonArray(await fileOf(text)))).rejects.toThrow(new InputError(message));
  });

  it('gives the entries before the one that is damaged', async () => {
    const file = await fileOf('[1, {"a": 2}, {"b" 3}, 4]');
    const values: unknown[] = [];
    const reading = async () => {
      for await (const entries of readJsonArray(file)) values.push(...entries.map(({ value }) => value));
    };
    await expect(reading()).rejects.toThrow('not JSON after entry 2');
    expect(values).toEqual([1, { a: 2 }]);
  });
});

describe('readJsonList', () => {
  const text = '{"info": {"b": [0]}, "v": "b", "a": [1, [2]], "b": [{"b": [3]}], "c": {"a": []}}';

  it.each([
    ['a', [1, [2]]],
    ['b', [{ b: [3] }]],
    ['c', []],
    ['v', []],
    ['absent', []],
  ])('streams the entries of %s, and of nothing else', async (list, values) => {
    const read = await entriesOf(readJsonList(await fileOf(`\uFEFF${text}`), list, { members: ['b'] }));
    expect(read).toEqual(values.map((value, index) => ({ entry: index + 1, value })));
  });

  it('reads the members that are asked for, wherever the file is cut while it is read', async () => {
    const wanted = [{ b: 'é\\"猫,}', a: 1 }, { b: [{ x: '}' }, ']'] }, {}, {}, 'text', [{ c: 2 }]];
    const written = [
      ' { "c" : { "a": [ ",}" ] } , "b" : "é\\\\\\"猫,}", "aa": 3, "a":1 } ',
      '{"d": "\\\\", "b": [{"x": "}"}, "]"], "d": []}\n',
      '{}',
      '{"c": "x", "ab": {"a": 5}}',
      '"text"',
      '[{"c": 2}]',
    ].join();
    for (let shift = 0; shift < written.length; shift += 1) {
      const before = `"other": [[{"list": ["${'x'.repeat(1024 * 1024 - 20 - shift)}"]}]]`;
      const text = `{${before}, "list" : [${written}]}`;
      const read = await entriesOf(readJsonList(await fileOf(text), 'list', { members: ['a', 'b'] }));
      expect(read.map(({ value }) => value)).toEqual(wanted);
    }
  });

  it.each(['{"a": 1} {"a": 2}', '{"a": 1]', '{"a" 1}', '{a: 1}', '{"a": tru}', '{"a": 1,}', '{"a": 1'])(
    'refuses an entry %s where only some members are asked for',
    async (entry) => {
      const file = await fileOf(`{"list": [{"a": 0}, ${entry}, {"a": 3}]}`);
      await expect(entriesOf(readJsonList(file, 'list', { members: ['a'] }))).rejects.toThrow('not JSON after entry 1');
    },
  );

  it.each([
    ['[1]', 'it holds no object'],
    ['{"a": [1], "b": [2', 'it ends early'],
    ['{"a": [1], "c": [2]', 'it ends early'],
  ])('refuses what is none', async (broken, reason) => {
    await expect(entriesOf(readJsonList(await fileOf(broken), 'b', { members: ['b'] }))).rejects.toThrow(reason);
  });
});

describe('readJsonMembers', () => {
  it('streams members in the order of the file, with what is asked for of their values', async () => {
    const text = '\uFEFF{ "10" : {"a": [1], "c": {}}, "9":["a"], "é\\"": {"b": 2}, "10": null}';
    expect(await entriesOf(readJsonMembers(await fileOf(text), { members: ['a', 'b'] }))).toEqual([
      { entry: 1, name: '10', value: { a: [1] } },
      { entry: 2, name: '9', value: ['a'] },
      { entry: 3, name: 'é"', value: { b: 2 } },
      { entry: 4, name: '10', value: null },
    ]);
    expect(await entriesOf(readJsonMembers(await fileOf(' { \n}')))).toEqual([]);
  });

  it.each(['', '["b", 1]', '"b"', 'b: 1', '5: 1', '"b" 1', '"b":', '"b": 1 2', '{"b": 1}', ': 1'])(
    'refuses %j for a member',
    async (member) => {
      const read = async (text: string) => entriesOf(readJsonMembers(await fileOf(text), { members: ['a'] }));
      await expect(read(`{"a": {"a": 0}, ${member}}`)).rejects.toThrow('a.txt: not JSON after entry 1');
      await expect(read(`{"a": {"a": 0}, ${member}, "c": 3}`)).rejects.toThrow('a.txt: not JSON after entry 1');
    },
  );
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

describe('listedIn', () => {
  it.each([
    [`['a', "it's", 'b\\'s\\nline']`, ['a', "it's", "b's line"]],
    ['["a", 1, null]', ['a', 1, null]],
    ['[0, 1.5, True, None]', [0, 1.5, true, null]],
    [`['a' 'b, c'\n 'd']`, ['a', 'b, c', 'd']],
    [`[array(['a)'], dtype=object), array([], dtype='<U1')]`, [['a)'], []]],
    [
      `{'text': array(['None'], dtype=object), 'answer_start': array([515], dtype=int32)}`,
      { text: ['None'], answer_start: [515] },
    ],
    ['[]', []],
  ])('reads %s', (text, value) => {
    expect(listedIn(` ${text}`)).toEqual(value);
  });

  it.each(['a', '[sic] a text', '[deleted]', '{x}', "['a'", `[${'"a", '.repeat(20_000)}"a"]`, "['a', b]", '17'])(
    'takes %.20s for what it is',
    (text) => {
      expect(listedIn(text)).toBeUndefined();
    },
  );
});
