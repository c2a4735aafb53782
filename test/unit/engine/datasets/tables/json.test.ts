import { describe, expect, it } from 'vitest';
import {
  type JsonEntry,
  readJsonArray,
  readJsonList,
  readJsonMembers,
} from '../../../../../src/engine/datasets/tables/json.ts';
import { InputError } from '../../../../../src/engine/errors.ts';
import { all, fileOf } from '../../../../helpers/tables.ts';

async function entriesOf(batches: AsyncIterable<readonly JsonEntry[]>): Promise<JsonEntry[]> {
  return (await all(batches)).flat();
}

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
