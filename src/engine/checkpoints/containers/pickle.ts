import { type ByteSource, MemoryBytes } from './byteSource.ts';
import { quoted, UnreadableError } from './unreadable.ts';

// An interpreter of Python's pickle that gives plain values and never runs anything: no class is loaded and no function
// is called. What each opcode does: https://github.com/python/cpython/blob/main/Lib/pickletools.py.

/** Opcodes of protocols 0 to 5 that plain values, and objects described by plain values, are written with. */
const Op = {
  mark: 0x28, // (
  stop: 0x2e, // .
  pop: 0x30, // 0
  popMark: 0x31, // 1
  float: 0x46, // F, a line
  int: 0x49, // I, a line
  binInt: 0x4a, // J
  binInt1: 0x4b, // K
  long: 0x4c, // L, a line
  binInt2: 0x4d, // M
  none: 0x4e, // N
  persistentLine: 0x50, // P, a line
  persistent: 0x51, // Q
  reduce: 0x52, // R
  string: 0x53, // S, a line
  binString: 0x54, // T
  shortBinString: 0x55, // U
  unicode: 0x56, // V, a line
  binUnicode: 0x58, // X
  emptyList: 0x5d, // ]
  append: 0x61, // a
  build: 0x62, // b
  global: 0x63, // c, two lines
  dict: 0x64, // d
  appends: 0x65, // e
  get: 0x67, // g, a line
  binGet: 0x68, // h
  inst: 0x69, // i, two lines
  longBinGet: 0x6a, // j
  list: 0x6c, // l
  obj: 0x6f, // o
  put: 0x70, // p, a line
  binPut: 0x71, // q
  longBinPut: 0x72, // r
  setItem: 0x73, // s
  tuple: 0x74, // t
  setItems: 0x75, // u
  emptyDict: 0x7d, // }
  emptyTuple: 0x29, // )
  binFloat: 0x47, // G
  binBytes: 0x42, // B
  shortBinBytes: 0x43, // C
  protocol: 0x80,
  newObj: 0x81,
  tuple1: 0x85,
  tuple2: 0x86,
  tuple3: 0x87,
  newTrue: 0x88,
  newFalse: 0x89,
  long1: 0x8a,
  long4: 0x8b,
  shortBinUnicode: 0x8c,
  binUnicode8: 0x8d,
  binBytes8: 0x8e,
  emptySet: 0x8f,
  addItems: 0x90,
  frozenSet: 0x91,
  newObjEx: 0x92,
  stackGlobal: 0x93,
  memoize: 0x94,
  frame: 0x95,
  byteArray8: 0x96,
} as const;

/**
 * What the values of a pickle may take, estimated generously: a tensor takes 4 KB, so that this is enough for 3,000
 * tensors, their average and their optimizer. It bounds time too, for every opcode counts: half a second.
 */
const DEFAULT_MEMORY_BYTES = 48 * 1024 * 1024;
/** Estimates for 64-bit V8: a Map or Set with its table, an array with room to grow, and a slot with what it may box. */
const TABLE_BYTES = 256;
const ARRAY_BYTES = 192;
const SLOT_BYTES = 24;
const TABLE_ENTRY_BYTES = 64;

/** Numbers of more digits are no counts, times or keys, and slow to convert. */
const MAX_NUMBER_BYTES = 256;
/** Longest dotted name of a class or function. */
const MAX_GLOBAL_BYTES = 512;
const HIGHEST_PROTOCOL = 5;

/** A value of Python as it is here. Tuples are arrays too; integers beyond 2^53 are bigints. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | PickleObject
  | PickleGlobal;

/** Stands for what a class or function of Python would have made. Its content is dropped, for nobody reads it. */
export class PickleObject {
  /** The name of the class or function, such as `argparse.Namespace`. */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Makes the value that stands for a call of a global, out of the arguments. */
export type GlobalMeaning = (args: readonly PickleValue[]) => PickleValue;

/** A class or function that a pickle names. */
export class PickleGlobal {
  readonly name: string;
  /** Left out for a global that is not allowed. */
  readonly meaning: GlobalMeaning | undefined;

  constructor(name: string, meaning?: GlobalMeaning) {
    this.name = name;
    this.meaning = meaning;
  }
}

export interface PickleOptions {
  /** What a pickle may name, as `module.name`. Any other global is refused by name. */
  readonly globals?: ReadonlyMap<string, GlobalMeaning>;
  /** Makes the value that stands for an object saved outside of the pickle. */
  readonly persistent?: (id: PickleValue) => PickleValue;
  /** What the pickle should be, for messages: `a state dict`. */
  readonly expected?: string;
  /** What to do about a pickle that holds more than that. */
  readonly remedy?: string;
  /** Bound of the memory that the values take, by a generous estimate. */
  readonly memoryBytes?: number;
}

/**
 * The value of a pickle that lies in memory.
 * @throws UnreadableError when it is damaged, names a global that is not allowed or exceeds the bound
 */
export function readPickle(bytes: Uint8Array, options: PickleOptions = {}): PickleValue {
  return readPickleAt(new MemoryBytes(bytes), 0, bytes.byteLength, options).value;
}

/** The value of the pickle that starts at `start`, and where it ends, at `limit` at the latest. */
export function readPickleAt(
  source: ByteSource,
  start: number,
  limit: number,
  options: PickleOptions = {},
): { value: PickleValue; end: number } {
  return new Unpickler(source, start, limit, options).run();
}

class Unpickler {
  readonly #source: ByteSource;
  readonly #limit: number;
  readonly #options: PickleOptions;
  readonly #expected: string;
  readonly #stack: PickleValue[] = [];
  /** Heights of the stack at which a mark lies. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  readonly #scratch = new DataView(new ArrayBuffer(8));
  #position: number;
  #budget: number;
  /** The first global that was named and is not allowed. */
  #forbidden: PickleGlobal | undefined;

  constructor(source: ByteSource, start: number, limit: number, options: PickleOptions) {
    this.#source = source;
    this.#position = start;
    this.#limit = limit;
    this.#options = options;
    this.#expected = options.expected ?? 'plain data';
    this.#budget = options.memoryBytes ?? DEFAULT_MEMORY_BYTES;
  }

  run(): { value: PickleValue; end: number } {
    for (;;) {
      const opcode = this.#byte();
      if (opcode === Op.stop) break;
      this.#charge(SLOT_BYTES);
      this.#execute(opcode);
    }
    const value = this.#pop();
    // A name alone does nothing, not even here; but what isn't known isn't passed on.
    if (this.#forbidden) throw this.#refusal('names', this.#forbidden);
    return { value, end: this.#position };
  }

  #execute(opcode: number): void {
    switch (opcode) {
      case Op.protocol: {
        const version = this.#byte();
        if (version > HIGHEST_PROTOCOL) throw new UnreadableError(`its pickle is of protocol ${version}, unknown here`);
        break;
      }
      case Op.frame:
        this.#uint(8);
        break;
      case Op.mark:
        this.#marks.push(this.#stack.length);
        break;
      case Op.pop:
        // Python takes a mark off as well.
        if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
        else this.#pop();
        break;
      case Op.popMark:
        this.#popToMark();
        break;
      case Op.put:
        this.#remember(this.#memoLine());
        break;
      case Op.binPut:
        this.#remember(this.#byte());
        break;
      case Op.longBinPut:
        this.#remember(this.#uint(4));
        break;
      case Op.memoize:
        this.#remember(this.#memo.size);
        break;
      case Op.append: {
        const item = this.#pop();
        this.#append(this.#top(), [item]);
        break;
      }
      case Op.appends: {
        const items = this.#popToMark();
        this.#append(this.#top(), items);
        break;
      }
      case Op.addItems: {
        const items = this.#popToMark();
        this.#add(this.#top(), items);
        break;
      }
      case Op.setItem: {
        const items = this.#popMany(2);
        this.#setItems(this.#top(), items);
        break;
      }
      case Op.setItems: {
        const items = this.#popToMark();
        this.#setItems(this.#top(), items);
        break;
      }
      case Op.build: {
        this.#pop();
        const target = this.#top();
        // Attributes, such as the versions of the layers that hang on a state dict; nobody reads them.
        if (target instanceof PickleObject || target instanceof Map) break;
        throw new UnreadableError('its pickle sets attributes of a value that has none');
      }
      default:
        this.#stack.push(this.#valueOf(opcode));
    }
  }

  /** The value that an opcode puts on the stack. */
  #valueOf(opcode: number): PickleValue {
    switch (opcode) {
      case Op.none:
        return null;
      case Op.newTrue:
        return true;
      case Op.newFalse:
        return false;
      case Op.binInt:
        return this.#uint(4) | 0;
      case Op.binInt1:
        return this.#byte();
      case Op.binInt2:
        return this.#uint(2);
      case Op.long1:
        return this.#integer(this.#byte());
      case Op.long4:
        return this.#integer(this.#uint(4));
      case Op.int: {
        const line = this.#line(MAX_NUMBER_BYTES);
        return line === '00' ? false : line === '01' ? true : parseInteger(line);
      }
      case Op.long:
        return parseInteger(this.#line(MAX_NUMBER_BYTES).replace(/L$/, ''));
      case Op.binFloat:
        return this.#double();
      case Op.float:
        return parseFloatLine(this.#line(MAX_NUMBER_BYTES));
      case Op.shortBinString:
      case Op.shortBinUnicode:
        return this.#text(this.#uint(1));
      case Op.binString:
      case Op.binUnicode:
        return this.#text(this.#uint(4));
      case Op.binUnicode8:
        return this.#text(this.#uint(8));
      case Op.string:
        return parseStringLine(this.#line());
      case Op.unicode:
        return parseUnicodeLine(this.#line());
      case Op.shortBinBytes:
        return this.#bytes(this.#uint(1));
      case Op.binBytes:
        return this.#bytes(this.#uint(4));
      case Op.binBytes8:
      case Op.byteArray8:
        return this.#bytes(this.#uint(8));

      case Op.emptyTuple:
      case Op.emptyList:
        this.#charge(ARRAY_BYTES);
        return [];
      case Op.emptyDict:
        return this.#newMap();
      case Op.emptySet:
        this.#charge(TABLE_BYTES);
        return new Set();
      case Op.tuple1:
        return this.#popMany(1);
      case Op.tuple2:
        return this.#popMany(2);
      case Op.tuple3:
        return this.#popMany(3);
      case Op.tuple:
      case Op.list:
        this.#charge(ARRAY_BYTES);
        return this.#popToMark();
      case Op.dict: {
        const items = this.#popToMark();
        const map = this.#newMap();
        this.#setItems(map, items);
        return map;
      }
      case Op.frozenSet: {
        const items = this.#popToMark();
        this.#charge(TABLE_BYTES + items.length * TABLE_ENTRY_BYTES);
        return new Set(items);
      }

      case Op.get:
        return this.#recall(this.#memoLine());
      case Op.binGet:
        return this.#recall(this.#byte());
      case Op.longBinGet:
        return this.#recall(this.#uint(4));

      case Op.global:
        return this.#global(this.#line(MAX_GLOBAL_BYTES), this.#line(MAX_GLOBAL_BYTES));
      case Op.stackGlobal: {
        const [module, name] = this.#popMany(2);
        if (typeof module !== 'string' || typeof name !== 'string') throw new UnreadableError('its pickle is damaged');
        return this.#global(module, name);
      }
      case Op.reduce: {
        const [callee, args] = this.#popMany(2);
        return this.#call('calls', callee, args);
      }
      case Op.inst: {
        const callee = this.#global(this.#line(MAX_GLOBAL_BYTES), this.#line(MAX_GLOBAL_BYTES));
        return this.#call('calls', callee, this.#popToMark());
      }
      case Op.obj: {
        const [callee, ...args] = this.#popToMark();
        return this.#call('calls', callee, args);
      }
      case Op.newObj: {
        const [callee, args] = this.#popMany(2);
        return this.#call('holds an object of the class', callee, args);
      }
      case Op.newObjEx: {
        const [callee, args] = this.#popMany(3);
        return this.#call('holds an object of the class', callee, args);
      }
      case Op.persistent:
        return this.#persistent(this.#pop());
      case Op.persistentLine:
        return this.#persistent(this.#line(MAX_GLOBAL_BYTES));
      default:
        throw new UnreadableError(
          `its pickle has the opcode 0x${opcode.toString(16)} at byte ${this.#position - 1}, which ${this.#expected} never needs`,
        );
    }
  }

  #global(module: string, name: string): PickleGlobal {
    this.#charge(TABLE_BYTES);
    const path = `${module}.${name}`;
    const global = new PickleGlobal(path, this.#options.globals?.get(path));
    if (!global.meaning) this.#forbidden ??= global;
    return global;
  }

  #call(verb: string, callee: PickleValue | undefined, args: PickleValue | undefined): PickleValue {
    if (!(callee instanceof PickleGlobal)) throw new UnreadableError('its pickle calls what is no function');
    if (!callee.meaning) throw this.#refusal(verb, callee);
    if (!Array.isArray(args)) throw new UnreadableError(`its pickle calls ${quoted(callee.name)} without arguments`);
    this.#charge(TABLE_BYTES);
    return callee.meaning(args);
  }

  #refusal(verb: string, global: PickleGlobal): UnreadableError {
    const reason = `its pickle ${verb} ${quoted(global.name)}, which is no part of ${this.#expected}; nothing was run`;
    return new UnreadableError(reason, this.#options.remedy);
  }

  #persistent(id: PickleValue): PickleValue {
    if (!this.#options.persistent) throw new UnreadableError('its pickle refers to objects outside of it');
    this.#charge(TABLE_BYTES);
    return this.#options.persistent(id);
  }

  #newMap(): Map<PickleValue, PickleValue> {
    this.#charge(TABLE_BYTES);
    return new Map();
  }

  #append(target: PickleValue, items: readonly PickleValue[]): void {
    if (target instanceof PickleObject) return;
    if (!Array.isArray(target)) throw new UnreadableError('its pickle appends to a value that is no list');
    for (const item of items) target.push(item);
  }

  #add(target: PickleValue, items: readonly PickleValue[]): void {
    if (target instanceof PickleObject) return;
    if (!(target instanceof Set)) throw new UnreadableError('its pickle adds to a value that is no set');
    this.#charge(items.length * TABLE_ENTRY_BYTES);
    for (const item of items) target.add(item);
  }

  #setItems(target: PickleValue, items: readonly PickleValue[]): void {
    if (items.length % 2 === 1) throw new UnreadableError('its pickle has a key without a value');
    if (target instanceof PickleObject) return;
    if (!(target instanceof Map)) throw new UnreadableError('its pickle sets items of a value that is no dict');
    this.#charge((items.length / 2) * TABLE_ENTRY_BYTES);
    for (let i = 0; i < items.length; i += 2) target.set(items[i] ?? null, items[i + 1] ?? null);
  }

  #remember(index: number): void {
    this.#charge(TABLE_ENTRY_BYTES);
    this.#memo.set(index, this.#top());
  }

  #recall(index: number): PickleValue {
    const value = this.#memo.get(index);
    if (value === undefined) throw new UnreadableError(`its pickle recalls a value that it never kept (${index})`);
    return value;
  }

  #memoLine(): number {
    const index = parseInteger(this.#line(MAX_NUMBER_BYTES));
    if (typeof index !== 'number') throw new UnreadableError('its pickle is damaged');
    return index;
  }

  #top(): PickleValue {
    const value = this.#stack[this.#stack.length - 1];
    if (value === undefined || this.#stack.length === this.#marks.at(-1)) {
      throw new UnreadableError('its pickle takes more values than it put down');
    }
    return value;
  }

  #pop(): PickleValue {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #popMany(count: number): PickleValue[] {
    const start = this.#stack.length - count;
    if (start < (this.#marks.at(-1) ?? 0)) throw new UnreadableError('its pickle takes more values than it put down');
    this.#charge(ARRAY_BYTES / 2);
    return this.#stack.splice(start);
  }

  #popToMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw new UnreadableError('its pickle takes more values than it put down');
    return this.#stack.splice(mark);
  }

  #byte(): number {
    if (this.#position >= this.#limit) throw new UnreadableError('its pickle ends early');
    const byte = this.#source.byte(this.#position);
    this.#position += 1;
    return byte;
  }

  /** A little-endian number of this many bytes; exact up to 2^53, and what is longer lies beyond any file. */
  #uint(bytes: 1 | 2 | 4 | 8): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < bytes; i += 1) {
      value += this.#byte() * scale;
      scale *= 256;
    }
    return value;
  }

  /** A little-endian number in two's complement. */
  #integer(length: number): number | bigint {
    if (length > MAX_NUMBER_BYTES) throw new UnreadableError(`its pickle holds a number of ${length} bytes`);
    if (length === 0) return 0;
    const bytes = this.#bytes(length);
    if (length <= 6) return bytes.readIntLE(0, length);
    const magnitude = BigInt(`0x${bytes.reverse().toString('hex')}`);
    return narrowed(BigInt.asIntN(length * 8, magnitude));
  }

  /** Big-endian, unlike everything else. */
  #double(): number {
    for (let i = 0; i < 8; i += 1) this.#scratch.setUint8(i, this.#byte());
    return this.#scratch.getFloat64(0);
  }

  #text(length: number): string {
    this.#skip(length, 2 * SLOT_BYTES + 2 * length);
    return this.#source.text(this.#position - length, length);
  }

  #bytes(length: number): Buffer {
    this.#skip(length, ARRAY_BYTES + length);
    return this.#source.bytes(this.#position - length, length);
  }

  /** Passes over bytes, once it is known that they are there and what is made of them is affordable. */
  #skip(length: number, cost: number): void {
    if (length > this.#limit - this.#position) throw new UnreadableError('its pickle ends early');
    this.#charge(cost);
    this.#position += length;
  }

  /** The text up to the end of the line, byte for byte as characters. */
  #line(maximum = Number.POSITIVE_INFINITY): string {
    const bytes: number[] = [];
    for (let byte = this.#byte(); byte !== 0x0a; byte = this.#byte()) {
      if (bytes.length >= maximum) throw new UnreadableError('its pickle holds a line that is too long');
      this.#charge(SLOT_BYTES);
      bytes.push(byte);
    }
    return Buffer.from(bytes).toString('latin1');
  }

  #charge(bytes: number): void {
    this.#budget -= bytes;
    if (this.#budget < 0) {
      throw new UnreadableError(`its pickle holds far more than ${this.#expected}`, this.#options.remedy);
    }
  }
}

function parseInteger(text: string): number | bigint {
  if (!/^[+-]?\d+$/.test(text)) throw new UnreadableError('its pickle holds a number that is none');
  return narrowed(text.startsWith('+') ? BigInt(text.slice(1)) : BigInt(text));
}

function narrowed(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function parseFloatLine(line: string): number {
  if (/^[+-]?inf$/.test(line)) return line.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^[+-]?nan$/.test(line)) return Number.NaN;
  if (!/^[+-]?[\d.]+(e[+-]?\d+)?$/.test(line)) throw new UnreadableError('its pickle holds a number that is none');
  return Number(line);
}

const ESCAPES = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['v', '\v'],
]);

/** A string of Python 2 as it prints itself, `'it\'s \xe9'`; its bytes are taken as UTF-8. */
function parseStringLine(line: string): string {
  const [, , body] = /^(['"])(.*)\1$/s.exec(line.trim()) ?? [];
  if (body === undefined) throw new UnreadableError('its pickle holds a string without quotes');
  const bytes = body.replace(/\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)/gs, (_, code: string) => {
    if (code.length === 3 && code.startsWith('x')) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 0xff);
    return ESCAPES.get(code) ?? code;
  });
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** Latin-1 in which `\uXXXX` and `\UXXXXXXXX` stand for other characters. */
function parseUnicodeLine(line: string): string {
  return line.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_, short?: string, long?: string) => {
    const code = Number.parseInt(short ?? long ?? '', 16);
    if (code > 0x10ffff) throw new UnreadableError('its pickle holds a character that does not exist');
    return String.fromCodePoint(code);
  });
}
