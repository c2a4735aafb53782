const MAX_DEPTH = 256;
const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [SQUARE, BRACE, END_SQUARE, END_BRACE] = [0x5b, 0x7b, 0x5d, 0x7d];
/** Space, tab, line breaks, and the bytes of a byte order mark. */
const BLANK = new Uint8Array(256);
for (const byte of [0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]) BLANK[byte] = 1;

/** A range of bytes. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** What a byte outside of strings is for the structure. */
const [NONE, STRING, OPENING, CLOSING, BETWEEN] = [0, 1, 2, 3, 4];
const ROLES = new Uint8Array(256).fill(NONE);
ROLES[QUOTE] = STRING;
ROLES[SQUARE] = ROLES[BRACE] = OPENING;
ROLES[END_SQUARE] = ROLES[END_BRACE] = CLOSING;
ROLES[COMMA] = BETWEEN;

/**
 * Finds where the entries of an array end, by quotes, brackets and commas alone. What lies between them is left to
 * `JSON.parse`, which is an order of magnitude faster than parsing the file token by token.
 */
export class EntryFinder {
  readonly #list: Buffer | undefined;
  readonly #members: readonly Buffer[] | undefined;
  /** Before the outermost bracket, between members of the object around the list, in one, in the list, or behind it. */
  #state: 'before' | 'around' | 'beside' | 'inside' | 'behind' = 'before';
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Brackets that are open in the value that is passed over. */
  #depth = 0;

  /**
   * @param list its name in the object around it; the file is the array when left out
   * @param members of entries that are objects, those that are wanted; all when left out. A name with escapes is none.
   */
  constructor(list?: string, members?: readonly string[]) {
    this.#list = list === undefined ? undefined : Buffer.from(list);
    this.#members = members?.map((name) => Buffer.from(name));
  }

  /**
   * Takes bytes of the file, and moves what is wanted of the entries among them to the front.
   * @param bytes those that were not taken the last time, and more
   * @returns how many were taken, where each of the entries ends that were moved, with commas between them, and whether the
   * list ends among them
   * @throws SyntaxError when they are no such JSON
   */
  push(bytes: Buffer): { taken: number; ends: number[]; done: boolean } {
    [this.#bytes, this.#at] = [bytes, 0];
    while (this.#state !== 'inside' && this.#state !== 'behind') if (!this.#approach()) break;
    const ends: number[] = [];
    let moved = 0;
    while (this.#state === 'inside') {
      const start = this.#at;
      const members = this.#wantedMembers();
      if (!this.#passValue()) {
        [this.#at, this.#depth] = [start, 0];
        break;
      }
      if (bytes[this.#at] !== COMMA) this.#state = 'behind';
      moved = members ? moveMembers(bytes, members, moved) : move(bytes, { from: start, to: this.#at }, moved);
      ends.push(moved);
      bytes[moved++] = COMMA;
      this.#at += 1;
    }
    return { taken: this.#at, ends, done: this.#state === 'behind' };
  }

  /** Goes on towards the list. @returns whether the bytes that are here are enough for that */
  #approach(): boolean {
    if (this.#state === 'beside') {
      if (!this.#passValue()) return false;
      this.#state = 'around';
    }
    const byte = this.#next();
    if (byte === undefined) return false;
    if (this.#state === 'before') {
      if (byte !== (this.#list ? BRACE : SQUARE)) {
        throw new SyntaxError(this.#list ? 'it holds no object' : 'it holds no array');
      }
      this.#state = this.#list ? 'around' : 'inside';
      this.#at += 1;
    } else if (byte === COMMA) this.#at += 1;
    else if (ROLES[byte] === CLOSING) this.#state = 'behind';
    else if (byte === QUOTE) return this.#enterMember();
    else this.#state = 'beside';
    return true;
  }

  /** Goes from the name of a member to its value, and into it where it is the list. */
  #enterMember(): boolean {
    const start = this.#at;
    const end = endOfString(this.#bytes, start + 1);
    if (end < 0) return false;
    this.#at = end + 1;
    const isNamed = this.#next() === COLON && this.#list?.equals(this.#bytes.subarray(start + 1, end));
    if (isNamed) this.#at += 1;
    const byte = this.#next();
    if (byte === undefined) {
      this.#at = start;
      return false;
    }
    const isList = isNamed && byte === SQUARE;
    if (isList) this.#at += 1;
    this.#state = isList ? 'inside' : 'beside';
    return true;
  }

  /**
   * Goes behind the object that begins here.
   * @returns its members that are wanted, each with the comma or bracket behind it; nothing, and goes nowhere, where all are
   * wanted, or this is no object with an end
   */
  #wantedMembers(): Range[] | undefined {
    const start = this.#at;
    const wanted = this.#members && this.#next() === BRACE ? this.#membersAmong(this.#members) : undefined;
    if (!wanted) [this.#at, this.#depth] = [start, 0];
    return wanted;
  }

  #membersAmong(names: readonly Buffer[]): Range[] | undefined {
    const bytes = this.#bytes;
    const wanted: Range[] = [];
    do {
      this.#at += 1;
      if (this.#next() !== QUOTE) return undefined;
      const from = this.#at;
      const end = endOfString(bytes, from + 1);
      if (end < 0) return undefined;
      this.#at = end + 1;
      if (!this.#passValue()) return undefined;
      if (isAmong(names, bytes, from + 1, end)) wanted.push({ from, to: this.#at + 1 });
    } while (bytes[this.#at] === COMMA);
    if (bytes[this.#at] !== END_BRACE) return undefined;
    this.#at += 1;
    const behind = this.#next();
    return behind === COMMA || behind === END_SQUARE ? wanted : undefined;
  }

  /** Goes to the comma or bracket behind a value. @returns whether that is here; else it goes on with the next bytes */
  #passValue(): boolean {
    const bytes = this.#bytes;
    let [at, depth] = [this.#at, this.#depth];
    let found = false;
    for (; at < bytes.length; at += 1) {
      const role = ROLES[bytes[at] ?? 0];
      if (role === NONE || (role === BETWEEN && depth > 0)) continue;
      if (role === STRING) {
        const end = endOfString(bytes, at + 1);
        if (end < 0) break;
        at = end;
      } else if (role === OPENING) {
        depth += 1;
        if (depth > MAX_DEPTH) throw new SyntaxError(`nested more than ${MAX_DEPTH} deep`);
      } else if (depth === 0) {
        found = true;
        break;
      } else depth -= 1;
    }
    [this.#at, this.#depth] = [at, depth];
    return found;
  }

  /** Goes to the next byte that is not blank. */
  #next(): number | undefined {
    let byte = this.#bytes[this.#at];
    while (byte !== undefined && BLANK[byte] === 1) {
      this.#at += 1;
      byte = this.#bytes[this.#at];
    }
    return byte;
  }
}

/** @returns where the quote stands that ends a string, or −1 */
function endOfString(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at += 1;
  }
  return -1;
}

function isAmong(names: readonly Buffer[], bytes: Buffer, from: number, to: number): boolean {
  for (const name of names) {
    if (name.length !== to - from) continue;
    let same = 0;
    while (same < name.length && name[same] === bytes[from + same]) same += 1;
    if (same === name.length) return true;
  }
  return false;
}

/** Moves a range of bytes to a place before it. @returns where it ends then */
function move(bytes: Buffer, { from, to }: Range, place: number): number {
  bytes.copyWithin(place, from, to);
  return place + to - from;
}

/** Moves members, each with a comma behind it, to a place before them, as an object. */
function moveMembers(bytes: Buffer, members: readonly Range[], place: number): number {
  bytes[place] = BRACE;
  const end = members.reduce((next, member) => move(bytes, member, next), place + 1);
  const bracket = members.length === 0 ? end : end - 1;
  bytes[bracket] = END_BRACE;
  return bracket + 1;
}
