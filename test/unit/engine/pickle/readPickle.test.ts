import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemoryBytes } from '../../../../src/engine/files/byteSource.ts';
import { UnreadableError } from '../../../../src/engine/files/unreadable.ts';
import { type PickleOptions, readPickle, readPickleAt } from '../../../../src/engine/pickle/readPickle.ts';
import { PickleObject, type PickleValue } from '../../../../src/engine/pickle/values.ts';
import { P } from '../../../helpers/containerFiles.ts';
import { FIXTURES } from '../../../helpers/containerFixtures.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');

/**
 * Of the processor. The product takes at most 0.4 s for any of these files, tests up to ten times as long (the runner
 * wraps every import, coverage counts every branch, machines differ); work that grows faster than the file takes
 * minutes.
 */
const MAX_MILLISECONDS = 10_000;

/** The message of a refusal, which must come in time and within 200 MB. */
function refusal(pickle: Buffer, options: PickleOptions = {}): string {
  const memoryBefore = process.memoryUsage().heapUsed + process.memoryUsage().external;
  const start = process.cpuUsage();
  try {
    readPickle(pickle, options);
  } catch (error) {
    expect(error).toBeInstanceOf(UnreadableError);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000).toBeLessThan(MAX_MILLISECONDS);
    const memory = process.memoryUsage();
    expect(memory.heapUsed + memory.external - memoryBefore).toBeLessThan(200 * 2 ** 20);
    return (error as UnreadableError).message;
  }
  throw new Error('was read');
}

/** Bytes of which so few are at hand at once. */
class Windows extends MemoryBytes {
  readonly #length: number;

  constructor(bytes: Buffer, length: number) {
    super(bytes);
    this.#length = length;
  }

  override window(position: number): Buffer {
    return super.window(position).subarray(0, this.#length);
  }
}

/** What tools/make_containers.py pickles. */
const PLAIN_VALUES = [
  new Map<PickleValue, PickleValue>([
    ['ref_id', 0],
    ['sent_ids', [0, -1, 2 ** 31, -(2 ** 40), 2n ** 80n]],
    ['file_name', 'COCO_train2014_000000581857_16.jpg'],
  ]),
  new Map<PickleValue, PickleValue>([
    ['raw', 'it\'s "the" café\\\n😀'],
    ['box', [1.5, -2.25, 1e300]],
    ['flags', [true, false, null]],
    ['empty', [[], [], new Map()]],
  ]),
];

describe('plain values', () => {
  it.each([0, 1, 2, 3, 4, 5])('are read in protocol %i', (protocol) => {
    expect(readPickle(readFileSync(path.join(FIXTURES, `plain-values-${protocol}.pkl`)))).toEqual(PLAIN_VALUES);
  });

  it.each([0, 1, 2, 3, 4, 5])('are read from a file bit by bit in protocol %i', (protocol) => {
    const pickle = readFileSync(path.join(FIXTURES, `plain-values-${protocol}.pkl`));
    for (const length of [1, 2, 3, 5, 8, 13]) {
      const source = new Windows(pickle, length);
      expect(readPickleAt(source, 0, pickle.length)).toEqual({ value: PLAIN_VALUES, end: pickle.length });
      expect(() => readPickleAt(source, 0, pickle.length - 1)).toThrow('ends early');
    }
    const line = new Windows(latin1(`V${'a'.repeat(1000)}\n.`), 7);
    expect(readPickleAt(line, 0, line.size).value).toBe('a'.repeat(1000));
    expect(() => readPickleAt(line, 0, line.size, { memoryBytes: 1000 })).toThrow('far more');
    const string = new Windows(latin1(`S'${'a'.repeat(1000)}'\n.`), 7);
    expect(readPickleAt(string, 0, string.size).value).toBe('a'.repeat(1000));
  });

  it.each<[string, string, PickleValue]>([
    ['strings of Python 2', `S'it\\'s caf\\xc3\\xa9\\n'\n.`, "it's café\n"],
    ['strings in either quotes', `(lS'a"b'\naS"a'b"\naS''\naS'a' \na.`, ['a"b', "a'b", '', 'a']],
    ['short strings of Python 2', 'U\x03abc.', 'abc'],
    ['long strings of Python 2', 'T\x03\x00\x00\x00abc.', 'abc'],
    ['unicode lines', 'Vcaf\xe9 \\u20ac\n.', 'café €'],
    ['numbers without a value', 'Fnan\n.', Number.NaN],
    ['negative long numbers', '\x80\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\xff.', -(2n ** 64n)],
    ['the empty long number', '\x80\x02\x8a\x00.', 0],
    ['bytes', '\x80\x03C\x02\x01\xff.', Buffer.from([1, 255])],
    ['sets', '\x80\x04\x8f(K\x01K\x02\x90.', new Set([1, 2])],
    ['frozen sets', '\x80\x04(K\x01\x91.', new Set([1])],
    ['values taken off the stack', 'K\x01(K\x020K\x0310.K\x02.', undefined as unknown as PickleValue],
  ])('%s', (_, pickle, expected) => {
    if (expected === undefined) expect(refusal(latin1(pickle))).toContain('takes more values');
    else expect(readPickle(latin1(pickle))).toEqual(expected);
  });

  it('may hold themselves and keys such as __proto__', () => {
    const itself = readPickle(latin1(']q\x00h\x00a.')) as PickleValue[];
    expect(itself[0]).toBe(itself);
    const names = readPickle(P.whole(P.dict(P.text('__proto__'), P.dict(P.text('polluted'), P.int(1)))));
    expect((names as Map<string, unknown>).get('__proto__')).toEqual(new Map([['polluted', 1]]));
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('the items of a list', () => {
  function itemsOf(pickle: Buffer, options: PickleOptions = {}): PickleValue[] {
    const items: PickleValue[] = [];
    const list = readPickle(pickle, { ...options, each: (item) => items.push(item) });
    expect(list).toEqual([]);
    return items;
  }

  it.each([0, 1, 2, 3, 4, 5])('are given one after the other in protocol %i', (protocol) => {
    expect(itemsOf(readFileSync(path.join(FIXTURES, `plain-values-${protocol}.pkl`)))).toEqual(PLAIN_VALUES);
  });

  it.each<[string, string, PickleValue]>([
    ['recall what was kept before', '(lp0\nVa\np1\nap2\ng1\na(lp300\n(lp4000\naag300\na.', ['a', 'a', [[]], [[]]]],
    [
      'recall short and long places',
      ']q\x00(U\x01aq\x05U\x01br\x00\x01\x00\x00h\x05j\x00\x01\x00\x00e.',
      ['a', 'b', 'a', 'b'],
    ],
    ['count the places that nothing recalls', ']\x94(U\x01a\x94U\x01b\x94h\x02e.', ['a', 'b', 'b']],
    ['are inside of others', '](]K\x01a(K\x02K\x03tK\x04e.', [[1], [2, 3], 4]],
    ['are there at once', '(K\x01K\x02l.', [1, 2]],
    ['are there at once, and more', '(K\x01K\x02lK\x03a.', [1, 2, 3]],
    [
      'stand behind all that an opcode may be followed by',
      `(lI5\naL6L\naF.5\naS'h1'\naJ\x00\x00\x00\x67aM\x68\x6aaG${'\0'.repeat(8)}aT\x02\0\0\0g1a\x8a\x01\x67aB\x01\0\0\0ha.`,
      [5, 6, 0.5, 'h1', 0x67000000, 0x6a68, 0, 'g1', 0x67, Buffer.from('h')],
    ],
  ])('%s', (_, pickle, expected) => {
    expect(itemsOf(latin1(pickle))).toEqual(expected);
    expect(readPickle(latin1(pickle))).toEqual(expected);
  });

  it.each<[string, string, string, PickleValue]>([
    ['are passed over', "(lp300\nS'a'\np400\naS'b c'\np500\nas", '', null],
    ['are passed over, none being there', '(lp300\ns', '', null],
    ['are read where one is recalled', "(lp300\nS'a'\np400\naS'b'\np500\nas", 'ag400\n', ['a', 'b']],
    ['are read where the list is recalled', "(lp300\nS'a'\np400\nas", 'ag300\n', ['a']],
    ['are read where others are among them', "(lp300\nS'a'\np400\naI1\nas", '', ['a', 1]],
    ['are read where one has an escape', "(lp300\nS'\\t'\np400\nas", '', ['\t']],
    ['are read where a list is among them', "(lp300\nS'a'\np400\na(lp500\nas", '', ['a', []]],
  ])('that nobody reads %s', (_, list, behind, expected) => {
    const pickle = latin1(`(lS'words'\np0\na(dg0\n${list}S'n'\nI1\ns${behind}aS'${'x'.repeat(500)}'\na.`);
    const [key, ...others] = itemsOf(pickle, { unread: 'words' });
    expect([key, others[0]]).toEqual([
      'words',
      new Map<PickleValue, PickleValue>([
        ['words', expected],
        ['n', 1],
      ]),
    ]);
  });

  it('are refused where the whole is', () => {
    const each = () => undefined;
    expect(refusal(latin1('(lVa\na'), { each })).toBe('its pickle ends early');
    expect(refusal(latin1('(lg7\na.'), { each })).toBe('its pickle recalls a value that it never kept (7)');
    expect(
      refusal(P.whole(latin1(']'), P.call(P.global('os', 'system'), P.text('x')), latin1('a')), { each }),
    ).toContain('"os.system"');
    const places = Array.from({ length: 2_000_000 }, (_, place) => `g${place}\n`).join('');
    expect(refusal(latin1(`(l${places}.`), { each })).toBe('its pickle recalls a value that it never kept (0)');
  });
});

describe('globals', () => {
  const system = P.global('os', 'system');
  const globals = new Map([['pathlib.PosixPath', () => new PickleObject('pathlib.PosixPath')]]);
  const options = { globals, expected: 'a state dict', remedy: 'Do this.' };

  it.each([
    ['called', P.whole(P.call(system, P.text('id')))],
    ['called by an opcode of its own', latin1("(S'id'\nios\nsystem\n.")],
    ['called as an object', latin1("(cos\nsystem\nS'id'\no.")],
    ['named by two strings', P.whole(P.text('os'), P.text('system'), latin1('\x93'), P.tuple(), latin1('R'))],
  ])('are refused by name when %s', (_, pickle) => {
    expect(refusal(pickle, options)).toBe(
      'its pickle calls "os.system", which is no part of a state dict; nothing was run',
    );
  });

  it('are refused by name when an object of them is made, or when they are only named', () => {
    const object = P.whole(P.global('my.models', 'Net'), latin1(')\x81}b'));
    expect(refusal(object, options)).toContain('holds an object of the class "my.models.Net"');
    expect(refusal(P.whole(P.dict(P.text('a'), system)), options)).toContain('names "os.system"');
    expect(refusal(P.whole(P.global('os\x1b[2J', 'x\u009b')), options)).toContain('"os\\u001b[2J.xÂ?"');
  });

  it('of an inert kind become closed records that swallow what is put in', () => {
    const path = P.call(P.global('pathlib', 'PosixPath'), P.text('/etc/passwd'));
    expect(readPickle(P.whole(path, P.dict(), latin1('b(K\x01K\x02uK\x01a')), options)).toEqual(
      new PickleObject('pathlib.PosixPath'),
    );
  });

  it.each([
    ['objects outside of it', 'K\x01Q.', 'objects outside'],
    ['the registry of extensions', '\x80\x02\x82\x01.', 'opcode 0x82'],
    ['buffers outside of it', '\x80\x05\x97.', 'opcode 0x97'],
    ['calls of values', 'K\x01)R.', 'no function'],
    ['attributes of values', '](b.', 'takes more'],
    ['attributes of lists', ']}b.', 'sets attributes'],
    ['appending to a dict', '}K\x01a.', 'no list'],
    ['adding to a list', '\x80\x04](K\x01\x90.', 'no set'],
    ['items of a list', ']K\x01K\x02s.', 'no dict'],
    ['a key without a value', '}(K\x01u.', 'key without a value'],
    ['values that were never kept', 'h\x05.', 'never kept'],
    ['a future protocol', '\x80\x06.', 'protocol 6'],
    ['values below a mark', 'K\x01(0a.', 'takes more'],
    ['numbers that are none', 'I0x10\n.', 'number that is none'],
    ['floats that are none', 'F0x10\n.', 'number that is none'],
    ['strings without quotes', 'Sabc\n.', 'without quotes'],
    ['strings of one quote', "S'\n.", 'without quotes'],
    ['strings in two kinds of quotes', `S'a"\n.`, 'without quotes'],
    ['characters beyond Unicode', 'V\\Uffffffff\n.', 'does not exist'],
    ['memo lines that are no index', 'K\x01p99999999999999999999\n.', 'damaged'],
    ['modules that are no text', 'K\x01K\x02\x93.', 'damaged'],
    ['no bytes', '', 'ends early'],
    ['no end', ']', 'ends early'],
    ['strings that are longer than the file', 'X\xff\xff\xff\xff.', 'ends early'],
    ['strings of 2^63 bytes', '\x80\x04\x8d\x00\x00\x00\x00\x00\x00\x00\x80.', 'ends early'],
    ['numbers of 2 GB', '\x80\x02\x8b\x00\x00\x00\x80.', 'number of'],
  ])('refuses %s', (_, pickle, message) => {
    expect(refusal(latin1(pickle), options)).toContain(message);
  });
});

describe('bombs', () => {
  const many = (text: string, count = 3 * 2 ** 20) => Buffer.alloc(text.length * count, text, 'latin1');

  it.each([
    ['marks', many('(')],
    ['lists', many(']')],
    ['dicts', many('}')],
    ['sets', many('\x8f')],
    ['empty tuples', many(')')],
    ['nested tuples', Buffer.concat([latin1('N'), many('\x85')])],
    ['nested lists', Buffer.concat([many(']', 200_000), many('a', 200_000)])],
    ['lists of lists in the memo', Buffer.concat([latin1(']q\x00'), many('(h\x00h\x00h\x00lq\x00')])],
    ['memo entries', Buffer.concat([latin1('\x80\x04N'), many('\x94')])],
    ['recalls', Buffer.concat([latin1('Nq\x00'), many('h\x00')])],
    ['recalls that are dropped', Buffer.concat([latin1('Nq\x00'), many('h\x000')])],
    ['short bytes', many('C\x01a')],
    ['short strings', many('U\x02ab')],
    ['floats', many('G\x3f\xf0\x00\x00\x00\x00\x00\x01', 2 ** 21)],
    ['long numbers', many('\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01', 2 ** 21)],
    ['globals', many('cos\nsystem\n', 2 ** 20)],
    ['a long line', Buffer.concat([latin1('V'), many('a')])],
    ['a long number', Buffer.concat([latin1('I'), many('9')])],
    ['frames', many('\x95\x00\x00\x00\x00\x00\x00\x00\x00')],
    ['one string', Buffer.concat([latin1('X\x00\x00\x00\x05'), many('a', 0x5000000), latin1('.')])],
  ])('of %s are refused in time and memory', (_, pickle) => {
    expect(refusal(pickle)).toMatch(/far more than plain data|takes more values|too long|ends early/);
  });

  it('that nest are not refused when they are small, for nobody walks down', () => {
    const nested = readPickle(Buffer.concat([many(']', 10_000), many('a', 9_999), latin1('.')]));
    expect(nested).toHaveLength(1);
  });
});
