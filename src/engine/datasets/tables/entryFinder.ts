import binary from './jsonScanner.wasm';

const [QUOTE, COMMA, COLON] = [0x22, 0x2c, 0x3a];
const [SQUARE, BRACE, END_SQUARE, END_BRACE] = [0x5b, 0x7b, 0x5d, 0x7d];
/** Space, tab, line breaks, and the bytes of a byte order mark. */
const BLANKS = [0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf];

/** What goes over the bytes: the folder of the same name says how. Places are offsets into its memory. */
interface Scanner {
  readonly memory: WebAssembly.Memory;
  readonly heapBase: WebAssembly.Global<'i32'>;
  readonly padding: WebAssembly.Global<'i32'>;
  readonly maxDepth: WebAssembly.Global<'i32'>;
  readonly at: WebAssembly.Global<'i32'>;
  readonly depth: WebAssembly.Global<'i32'>;
  readonly output: WebAssembly.Global<'i32'>;
  begin(first: number, behind: number, brackets: number, room: number): void;
  passValue(): number;
  endOfString(from: number): number;
  takeEntries(areMembers: boolean, names: number): number;
}

const PAGE_BYTES = 65_536;
/** Memory never shrinks: what a very long entry took is left to the garbage collector. */
const KEPT_BYTES = 16 * 1024 * 1024;
const compiled = new WebAssembly.Module(binary);
/** Nothing stays in there from one call to the next. */
let kept: Scanner | undefined;

/** Bytes in the memory of a scanner, with names before them and room behind them. */
interface Scan {
  readonly scanner: Scanner;
  readonly names: number;
  readonly first: number;
  readonly behind: number;
  readonly room: number;
}

/** @param growth how many times as long as the bytes the entries can be that are taken of them */
function scanOf(bytes: Uint8Array, names = new Uint8Array(), growth = 1): Scan {
  const isSmall = kept && kept.memory.buffer.byteLength <= KEPT_BYTES;
  const scanner = isSmall && kept ? kept : (new WebAssembly.Instance(compiled).exports as unknown as Scanner);
  kept = scanner;
  const { memory, heapBase, padding } = scanner;
  const first = heapBase.value + names.length;
  const behind = first + bytes.length;
  const room = behind + padding.value;
  const missing = room + growth * bytes.length + padding.value - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
  const all = new Uint8Array(memory.buffer);
  all.set(bytes, first);
  all.set(names, heapBase.value);
  all.fill(0, behind, room);
  return { scanner, names: heapBase.value, first, behind, room };
}

/** Where entries end that have commas behind them. */
export function endsOf(run: Uint8Array): number[] {
  const { scanner, first, behind, room } = scanOf(run);
  const ends: number[] = [];
  for (let next = first; ; next = scanner.at.value + 1) {
    scanner.begin(next, behind, 0, room);
    if (!scanner.passValue()) return ends;
    ends.push(scanner.at.value - first);
  }
}

/** What holds the entries of a file: the array or the object that it is, or the array of this name in the object. */
type Holder = 'array' | 'object' | { readonly list: string };

/** `,` is a member without a name, and `[,],` its pair. */
const GROWTH_OF_MEMBERS = 4;

/**
 * Finds the entries of an array or an object, by quotes, brackets and commas alone. What lies between them is left to
 * `JSON.parse`, which is an order of magnitude faster than parsing the file token by token.
 */
export class EntryFinder {
  readonly #opening: number;
  readonly #list: Buffer | undefined;
  /** Whether the entries are members, and taken as pairs, `["name", value]`. */
  readonly #areMembers: boolean;
  /** The members of entries that are wanted, each with its length before it, and a zero behind the last. */
  readonly #names: Uint8Array<ArrayBuffer> | undefined;
  /**
   * Before the outermost bracket, between members of the object around the list, in one of these, where the first entry may
   * be, among the entries, or behind them.
   */
  #state: 'before' | 'around' | 'beside' | 'opened' | 'inside' | 'behind' = 'before';
  /** The bytes at hand, also in a scanner, and the next one of them. */
  #bytes: Buffer = Buffer.alloc(0);
  #scan: Scan = scanOf(this.#bytes);
  #at = 0;
  /** Brackets that are open in the value that is passed over. */
  #depth = 0;

  /**
   * @param members of entries that are objects, or of the values of an object's own members, those that are wanted; all when
   * left out. A name with escapes is none.
   */
  constructor(holder: Holder, members?: readonly string[]) {
    this.#opening = holder === 'array' ? SQUARE : BRACE;
    this.#list = typeof holder === 'object' ? Buffer.from(holder.list) : undefined;
    this.#areMembers = holder === 'object';
    const names = members?.map((name) => Buffer.from(name));
    this.#names = names && Uint8Array.from([...names.flatMap((name) => [name.length, ...name]), 0]);
  }

  /**
   * Takes bytes of the file.
   * @param bytes those that were not taken the last time, and more
   * @returns how many were taken, what is wanted of the entries among them, each with a comma behind it and all until the
   * next call only, how many these are, and whether there are no more behind them
   * @throws SyntaxError when they are no such JSON
   */
  push(bytes: Buffer): { taken: number; run: Buffer; count: number; done: boolean } {
    [this.#bytes, this.#at] = [bytes, 0];
    this.#scan = scanOf(bytes, this.#names, this.#areMembers ? GROWTH_OF_MEMBERS : 1);
    while (this.#state !== 'inside' && this.#state !== 'behind') if (!this.#approach()) break;
    const { scanner, names, room } = this.#scan;
    let [count, end] = [0, room];
    if (this.#state === 'inside') {
      count = this.#go(({ takeEntries }) => takeEntries(this.#areMembers, this.#names ? names : 0));
      end = scanner.output.value;
      if (count > 0 && bytes[this.#at - 1] !== COMMA) this.#state = 'behind';
    }
    const run = Buffer.from(scanner.memory.buffer, room, end - room);
    return { taken: this.#at, run, count, done: this.#state === 'behind' };
  }

  /** Goes on towards the entries. @returns whether the bytes that are here are enough for that */
  #approach(): boolean {
    if (this.#state === 'beside') {
      if (!this.#go(({ passValue }) => passValue())) return false;
      this.#state = 'around';
    }
    const byte = this.#next();
    if (byte === undefined) return false;
    if (this.#state === 'before') {
      if (byte !== this.#opening) {
        throw new SyntaxError(this.#opening === BRACE ? 'it holds no object' : 'it holds no array');
      }
      this.#state = this.#list ? 'around' : 'opened';
      this.#at += 1;
    } else if (this.#state === 'opened') {
      this.#state = byte === END_SQUARE || byte === END_BRACE ? 'behind' : 'inside';
    } else if (byte === COMMA) this.#at += 1;
    else if (byte === END_SQUARE || byte === END_BRACE) this.#state = 'behind';
    else if (byte === QUOTE) return this.#enterMember();
    else this.#state = 'beside';
    return true;
  }

  /** Goes from the name of a member to its value, and into it where it is the list. */
  #enterMember(): boolean {
    const from = this.#at;
    const { scanner, first, behind, room } = this.#scan;
    scanner.begin(first + from + 1, behind, 0, room);
    const end = scanner.endOfString(first + from + 1) - first;
    this.#at = end + 1;
    const isNamed = this.#next() === COLON && this.#list?.equals(this.#bytes.subarray(from + 1, end));
    if (isNamed) this.#at += 1;
    const byte = this.#next();
    if (byte === undefined) {
      this.#at = from;
      return false;
    }
    const isList = isNamed && byte === SQUARE;
    if (isList) this.#at += 1;
    this.#state = isList ? 'opened' : 'beside';
    return true;
  }

  /** Goes on by a function of the scanner. @returns what that does */
  #go(by: (scanner: Scanner) => number): number {
    const { scanner, first, behind, room } = this.#scan;
    scanner.begin(first + this.#at, behind, this.#depth, room);
    const result = by(scanner);
    [this.#at, this.#depth] = [scanner.at.value - first, scanner.depth.value];
    const most = scanner.maxDepth.value;
    if (this.#depth > most) throw new SyntaxError(`nested more than ${most} deep`);
    return result;
  }

  /** Goes to the next byte that is not blank. */
  #next(): number | undefined {
    let byte = this.#bytes[this.#at];
    while (byte !== undefined && BLANKS.includes(byte)) {
      this.#at += 1;
      byte = this.#bytes[this.#at];
    }
    return byte;
  }
}
