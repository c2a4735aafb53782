import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EntryFinder, endsOf } from '../../../../../src/engine/datasets/tables/entryFinder.ts';

/** What a finder takes of bytes that come in pieces. */
function valuesIn(bytes: Buffer, cuts: readonly number[], finder: EntryFinder): unknown[] {
  const values: unknown[] = [];
  let [rest, end] = [0, 0];
  let isDone = false;
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    end = cut;
    // A copy, as the finder must leave bytes as they are.
    const piece = Buffer.from(bytes.subarray(rest, end));
    const { taken, run, count, done } = finder.push(piece);
    const entries = Buffer.from(run);
    expect(piece.equals(bytes.subarray(rest, end))).toBe(true);
    expect(endsOf(entries)).toHaveLength(count);
    const text = entries.toString('utf8', 0, entries.length - 1);
    if (text.trim() !== '') values.push(...JSON.parse(`[${text}]`));
    rest += taken;
    isDone = done;
  }
  expect(isDone).toBe(true);
  return values;
}

function only(value: unknown, members: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => members.includes(name)));
}

/** All that the structure is made of, in strings, and strings longer than are looked at together. */
const TEXT = fc.oneof(
  fc.stringMatching(/^[\\"[\]{},:é猫 a]{0,12}$/),
  fc.string({ unit: 'binary' }),
  fc.nat({ max: 200 }).map((length) => `${'\\'.repeat(length)}"${'x'.repeat(length)}`),
);
const { value: VALUE } = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'medium' }, TEXT, fc.double({ noNaN: true }), tie('array'), tie('object')),
  array: fc.array(tie('value'), { maxLength: 30 }),
  object: fc.dictionary(fc.oneof(fc.constantFrom('a', 'b', 'ab', ''), TEXT), tie('value')),
}));

describe('EntryFinder', () => {
  it('takes the entries of any list, wherever the bytes are cut', () => {
    const members = ['a', 'b'];
    fc.assert(
      fc.property(
        fc.record({ before: VALUE, list: fc.array(VALUE), after: VALUE }),
        fc.constantFrom(0, 1, '\t'),
        fc.array(fc.nat(), { maxLength: 4 }),
        (file, indent, numbers) => {
          const list = JSON.parse(JSON.stringify(file.list));
          const bytes = Buffer.from(JSON.stringify(file, null, indent));
          const cuts = numbers.map((number) => number % (bytes.length + 1));
          expect(valuesIn(bytes, cuts, new EntryFinder({ list: 'list' }, members))).toEqual(
            list.map((value: unknown) => only(value, members)),
          );
          const array = Buffer.from(`\uFEFF${JSON.stringify(list, null, indent)}`);
          expect(
            valuesIn(
              array,
              cuts.map((cut) => cut % array.length),
              new EntryFinder('array'),
            ),
          ).toEqual(list);
        },
      ),
    );
  });

  it('takes the members of any object as pairs in their order, wherever the bytes are cut', () => {
    const members = ['a', 'b'];
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.oneof(TEXT, fc.constantFrom('7', '10', 'a', '')), VALUE)),
        fc.constantFrom('', ' ', '\n\t'),
        fc.array(fc.nat(), { maxLength: 4 }),
        (entries, blank, numbers) => {
          const pairs: [name: string, value: unknown][] = JSON.parse(JSON.stringify(entries));
          const written = pairs.map((pair) => pair.map((value) => JSON.stringify(value)).join(`${blank}:${blank}`));
          const bytes = Buffer.from(`\uFEFF{${blank}${written.join(`${blank},${blank}`)}${blank}}`);
          const cuts = numbers.map((number) => number % (bytes.length + 1));
          expect(valuesIn(bytes, cuts, new EntryFinder('object'))).toEqual(pairs);
          const wanted = pairs.map(([name, value]) => [name, only(value, members)]);
          expect(valuesIn(bytes, cuts, new EntryFinder('object', members))).toEqual(wanted);
        },
      ),
    );
  });

  it.each([
    [',', '[,],'],
    ['"":1,', '["",1],'],
  ])('has room for the pairs of any number of %s', (member, pair) => {
    const bytes = Buffer.from(`{${member.repeat(100_000)}`);
    const { taken, run, count } = new EntryFinder('object').push(bytes);
    expect([taken, count]).toEqual([bytes.length, 100_000]);
    expect(run.toString()).toBe(pair.repeat(100_000));
  });

  const nested = { c: [[{ '}"': ['\\', '\\"]', '"'.repeat(9)] }], '['.repeat(70), [[[]]]], a: 'é\\\\猫"' };
  const text = JSON.stringify({ other: nested, list: [nested, [], '],"', { a: 1, d: nested.c, b: {} }], more: nested });
  const wanted = [{ a: nested.a }, [], '],"', { a: 1, b: {} }];

  it('sees the same at each cut and wherever blocks begin', () => {
    const bytes = Buffer.from(text);
    for (let cut = 0; cut < bytes.length; cut += 1) {
      expect(valuesIn(bytes, [cut], new EntryFinder({ list: 'list' }, ['a', 'b']))).toEqual(wanted);
    }
    for (let shift = 1; shift < 64; shift += 1) {
      const shifted = Buffer.from(text.replaceAll(/"c":/g, `"c":${' '.repeat(shift)}`));
      expect(valuesIn(shifted, [], new EntryFinder({ list: 'list' }, ['a', 'b']))).toEqual(wanted);
    }
  });

  it('gives the last of members with the same name, as JSON.parse does', () => {
    const bytes = Buffer.from('[{"a": 1, "b": 2, "a": [3], "a2": 4}]');
    const finder = new EntryFinder({ list: 'list' }, ['a']);
    expect(valuesIn(Buffer.from(`{"list":${bytes}}`), [], finder)).toEqual([{ a: [3] }]);
  });

  it('is not done before the list ends', () => {
    const bytes = Buffer.from(text);
    const end = bytes.indexOf(',"more"');
    for (let length = 0; length < end; length += 1) {
      expect(new EntryFinder({ list: 'list' }).push(bytes.subarray(0, length)).done).toBe(false);
    }
    expect(new EntryFinder({ list: 'list' }).push(bytes.subarray(0, end)).done).toBe(true);
  });

  it.each([1, 60, 61, 100])('refuses brackets that are nested too deep, %i of them opened before', (before) => {
    const start = `[${JSON.stringify('x'.repeat(before))}, ${'{"a": ['.repeat(127)}`;
    const end = `${']}'.repeat(127)}]`;
    expect(valuesIn(Buffer.from(`${start}[[]]${end}`), [], new EntryFinder('array'))).toHaveLength(2);
    for (const deeper of ['[[[]]]', '[[[', '{"b":[[']) {
      const pushed = () => new EntryFinder('array').push(Buffer.from(`${start}${deeper}${end}`));
      expect(pushed).toThrow(new SyntaxError('nested more than 256 deep'));
    }
  });

  it('holds no more memory after a long entry than before', () => {
    const long = { a: 'x'.repeat(9_000_000) };
    for (const members of [undefined, ['a']]) {
      expect(
        valuesIn(Buffer.from(JSON.stringify({ list: [long] })), [], new EntryFinder({ list: 'list' }, members)),
      ).toEqual([long]);
      const { run } = new EntryFinder({ list: 'list' }, members).push(Buffer.from('{"list": [1]}'));
      expect(run.buffer.byteLength).toBeLessThan(1_000_000);
    }
  });
});
