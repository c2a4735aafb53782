import { type ByteSource, MemoryBytes } from '../files/byteSource.ts';
import { quoted, UnreadableError } from '../files/unreadable.ts';
import { ARRAY_BYTES, PickleBudget, SLOT_BYTES, TABLE_BYTES, TABLE_ENTRY_BYTES } from './budget.ts';
import { Op } from './opcodes.ts';
import { PickleOperands } from './operands.ts';
import { recalledPlaces } from './recalls.ts';
import { type GlobalMeaning, PickleGlobal, PickleObject, type PickleValue } from './values.ts';

// An interpreter of Python's pickle that gives plain values and never runs anything: no class is loaded and no function
// is called.

const HIGHEST_PROTOCOL = 5;

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
  /**
   * Takes the items of the list that the pickle is, each as soon as it is whole, and they are not kept: then of a large
   * pickle no more stays in memory than what it recalls.
   */
  readonly each?: (item: PickleValue) => void;
  /** Key of dicts whose values, lists of texts, nobody reads: with `each` they may be left out. */
  readonly unread?: string;
}

/**
 * The value of a pickle that lies in memory.
 * @throws UnreadableError when it is damaged, names a global that is not allowed or exceeds the bound
 */
export function readPickle(bytes: Uint8Array, options: PickleOptions = {}): PickleValue {
  const recalled = options.each && recalledPlaces(bytes);
  return new Unpickler(new MemoryBytes(bytes), 0, bytes.byteLength, options, recalled).run().value;
}

/** The value of the pickle that starts at `start`, and where it ends, at `limit` at the latest. */
export function readPickleAt(
  source: ByteSource,
  start: number,
  limit: number,
  options: Omit<PickleOptions, 'each'> = {},
): { value: PickleValue; end: number } {
  return new Unpickler(source, start, limit, options).run();
}

class Unpickler {
  readonly #operands: PickleOperands;
  readonly #budget: PickleBudget;
  readonly #options: PickleOptions;
  readonly #expected: string;
  readonly #stack: PickleValue[] = [];
  /** Height of the stack at the last mark: what lies below is not taken. */
  #floor = 0;
  /** The floors below the marks. */
  readonly #marks: number[] = [];
  /** An array, for its places are taken one after the other; where they are not, it turns into a table. */
  readonly #memo: PickleValue[] = [];
  /** Which places of the memo are kept, and all that it doesn't tell of. */
  readonly #recalled: Uint8Array | undefined;
  #places = 0;
  /** The first global that was named and is not allowed. */
  #forbidden: PickleGlobal | undefined;

  constructor(source: ByteSource, start: number, limit: number, options: PickleOptions, recalled?: Uint8Array) {
    this.#options = options;
    this.#expected = options.expected ?? 'plain data';
    this.#budget = new PickleBudget(this.#expected, options.remedy, options.memoryBytes);
    this.#operands = new PickleOperands(source, start, limit, this.#budget);
    this.#recalled = recalled;
  }

  run(): { value: PickleValue; end: number } {
    // The opcodes lie where they are read, in one loop and by numbers: a call for each of the millions takes as long again.
    for (let opcode = this.#operands.byte(); opcode !== Op.Stop; opcode = this.#operands.byte()) {
      this.#budget.charge(SLOT_BYTES);
      switch (opcode) {
        case Op.Protocol: {
          const version = this.#operands.byte();
          if (version > HIGHEST_PROTOCOL)
            throw new UnreadableError(`its pickle is of protocol ${version}, unknown here`);
          break;
        }
        case Op.Frame:
          this.#operands.uint(8);
          break;
        case Op.Mark:
          this.#marks.push(this.#floor);
          this.#floor = this.#stack.length;
          break;
        case Op.Pop:
          // Python takes a mark off as well.
          if (this.#stack.length === this.#floor) this.#popToMark();
          else this.#pop();
          break;
        case Op.PopMark:
          this.#popToMark();
          break;
        case Op.Put:
          this.#remember(this.#operands.indexLine());
          break;
        case Op.BinPut:
          this.#remember(this.#operands.byte());
          break;
        case Op.LongBinPut:
          this.#remember(this.#operands.uint(4));
          break;
        case Op.Memoize:
          this.#remember(this.#places);
          break;
        case Op.Get:
          this.#recall(this.#operands.indexLine());
          this.#passUnread();
          break;
        case Op.BinGet:
          this.#recall(this.#operands.byte());
          break;
        case Op.LongBinGet:
          this.#recall(this.#operands.uint(4));
          break;
        case Op.Append: {
          const item = this.#pop();
          this.#append(this.#top(), item);
          break;
        }
        case Op.Appends: {
          const items = this.#popToMark();
          const list = this.#top();
          for (const item of items) this.#append(list, item);
          break;
        }
        case Op.AddItems: {
          const items = this.#popToMark();
          this.#add(this.#top(), items);
          break;
        }
        case Op.SetItem: {
          const value = this.#pop();
          const key = this.#pop();
          this.#setItem(this.#top(), key, value);
          break;
        }
        case Op.SetItems: {
          const items = this.#popToMark();
          this.#setItems(this.#top(), items);
          break;
        }
        case Op.Build: {
          this.#pop();
          const target = this.#top();
          // Attributes, such as the versions of the layers that hang on a state dict; nobody reads them.
          if (target instanceof PickleObject || target instanceof Map) break;
          throw new UnreadableError('its pickle sets attributes of a value that has none');
        }
        default:
          this.#stack.push(this.#operands.literal(opcode) ?? this.#valueOf(opcode));
      }
    }
    const value = this.#pop();
    const { each } = this.#options;
    if (each && Array.isArray(value)) value.splice(0).forEach(each);
    // A name alone does nothing, not even here; but what isn't known isn't passed on.
    if (this.#forbidden) throw this.#refusal('names', this.#forbidden);
    return { value, end: this.#operands.position };
  }

  /** The value that an opcode makes of others. */
  #valueOf(opcode: number): PickleValue {
    switch (opcode) {
      case Op.None:
        return null;
      case Op.EmptyTuple:
      case Op.EmptyList:
        this.#budget.charge(ARRAY_BYTES);
        return [];
      case Op.EmptyDict:
        return this.#newMap();
      case Op.EmptySet:
        this.#budget.charge(TABLE_BYTES);
        return new Set();
      case Op.Tuple1:
        return this.#popMany(1);
      case Op.Tuple2:
        return this.#popMany(2);
      case Op.Tuple3:
        return this.#popMany(3);
      case Op.Tuple:
      case Op.List:
        this.#budget.charge(ARRAY_BYTES);
        return this.#popToMark();
      case Op.Dict: {
        const items = this.#popToMark();
        const map = this.#newMap();
        this.#setItems(map, items);
        return map;
      }
      case Op.FrozenSet: {
        const items = this.#popToMark();
        this.#budget.charge(TABLE_BYTES + items.length * TABLE_ENTRY_BYTES);
        return new Set(items);
      }

      case Op.Global:
        return this.#global(this.#operands.nameLine(), this.#operands.nameLine());
      case Op.StackGlobal: {
        const [module, name] = this.#popMany(2);
        if (typeof module !== 'string' || typeof name !== 'string') throw new UnreadableError('its pickle is damaged');
        return this.#global(module, name);
      }
      case Op.Reduce: {
        const [callee, args] = this.#popMany(2);
        return this.#call('calls', callee, args);
      }
      case Op.Inst: {
        const callee = this.#global(this.#operands.nameLine(), this.#operands.nameLine());
        return this.#call('calls', callee, this.#popToMark());
      }
      case Op.Obj: {
        const [callee, ...args] = this.#popToMark();
        return this.#call('calls', callee, args);
      }
      case Op.NewObj: {
        const [callee, args] = this.#popMany(2);
        return this.#call('holds an object of the class', callee, args);
      }
      case Op.NewObjEx: {
        const [callee, args] = this.#popMany(3);
        return this.#call('holds an object of the class', callee, args);
      }
      case Op.Persistent:
        return this.#persistent(this.#pop());
      case Op.PersistentLine:
        return this.#persistent(this.#operands.nameLine());
      default:
        throw new UnreadableError(
          `its pickle has the opcode 0x${opcode.toString(16)} at byte ${this.#operands.position - 1}, which ${this.#expected} never needs`,
        );
    }
  }

  #global(module: string, name: string): PickleGlobal {
    this.#budget.charge(TABLE_BYTES);
    const path = `${module}.${name}`;
    const global = new PickleGlobal(path, this.#options.globals?.get(path));
    if (!global.meaning) this.#forbidden ??= global;
    return global;
  }

  #call(verb: string, callee: PickleValue | undefined, args: PickleValue | undefined): PickleValue {
    if (!(callee instanceof PickleGlobal)) throw new UnreadableError('its pickle calls what is no function');
    if (!callee.meaning) throw this.#refusal(verb, callee);
    if (!Array.isArray(args)) throw new UnreadableError(`its pickle calls ${quoted(callee.name)} without arguments`);
    this.#budget.charge(TABLE_BYTES);
    return callee.meaning(args);
  }

  #refusal(verb: string, global: PickleGlobal): UnreadableError {
    const reason = `its pickle ${verb} ${quoted(global.name)}, which is no part of ${this.#expected}; nothing was run`;
    return new UnreadableError(reason, this.#options.remedy);
  }

  #persistent(id: PickleValue): PickleValue {
    if (!this.#options.persistent) throw new UnreadableError('its pickle refers to objects outside of it');
    this.#budget.charge(TABLE_BYTES);
    return this.#options.persistent(id);
  }

  #newMap(): Map<PickleValue, PickleValue> {
    this.#budget.charge(TABLE_BYTES);
    return new Map();
  }

  #append(target: PickleValue, item: PickleValue): void {
    if (!Array.isArray(target)) {
      if (target instanceof PickleObject) return;
      throw new UnreadableError('its pickle appends to a value that is no list');
    }
    const { each } = this.#options;
    if (each && this.#stack.length === 1 && target.length === 0) each(item);
    else target.push(item);
  }

  #add(target: PickleValue, items: readonly PickleValue[]): void {
    if (target instanceof PickleObject) return;
    if (!(target instanceof Set)) throw new UnreadableError('its pickle adds to a value that is no set');
    this.#budget.charge(items.length * TABLE_ENTRY_BYTES);
    for (const item of items) target.add(item);
  }

  #setItems(target: PickleValue, items: readonly PickleValue[]): void {
    if (items.length % 2 === 1) throw new UnreadableError('its pickle has a key without a value');
    for (let i = 0; i < items.length; i += 2) this.#setItem(target, items[i] ?? null, items[i + 1] ?? null);
  }

  #setItem(target: PickleValue, key: PickleValue, value: PickleValue): void {
    if (!(target instanceof Map)) {
      if (target instanceof PickleObject) return;
      throw new UnreadableError('its pickle sets items of a value that is no dict');
    }
    this.#budget.charge(TABLE_ENTRY_BYTES);
    target.set(key, value);
  }

  #remember(index: number): void {
    if (index >= this.#places) this.#places = index + 1;
    const value = this.#top();
    if (this.#recalled?.[index] === 0) return;
    this.#budget.charge(TABLE_ENTRY_BYTES);
    this.#memo[index] = value;
  }

  #recall(index: number): void {
    const value = this.#memo[index];
    if (value === undefined) throw new UnreadableError(`its pickle recalls a value that it never kept (${index})`);
    this.#stack.push(value);
  }

  /** Passes over the value behind a key that nobody reads. */
  #passUnread(): void {
    const { unread } = this.#options;
    const [stack, recalled] = [this.#stack, this.#recalled];
    if (unread === undefined || !recalled || stack[stack.length - 1] !== unread) return;
    const isKey = stack.length > this.#floor + 1 && stack[stack.length - 2] instanceof Map;
    if (isKey && this.#operands.passTexts(recalled, Op.SetItem)) stack.push(null);
  }

  #top(): PickleValue {
    const stack = this.#stack;
    const value = stack.length > this.#floor ? stack[stack.length - 1] : undefined;
    if (value === undefined) throw new UnreadableError('its pickle takes more values than it put down');
    return value;
  }

  #pop(): PickleValue {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #popMany(count: number): PickleValue[] {
    const start = this.#stack.length - count;
    if (start < this.#floor) throw new UnreadableError('its pickle takes more values than it put down');
    this.#budget.charge(ARRAY_BYTES / 2);
    return this.#stack.splice(start);
  }

  #popToMark(): PickleValue[] {
    const mark = this.#floor;
    const below = this.#marks.pop();
    if (below === undefined) throw new UnreadableError('its pickle takes more values than it put down');
    this.#floor = below;
    return mark === this.#stack.length ? [] : this.#stack.splice(mark);
  }
}
