import { UnreadableError } from '../files/unreadable.ts';

/**
 * What the values of a pickle may take, estimated generously: a tensor takes 4 KB, so that this is enough for 3,000
 * tensors, their average and their optimizer. It bounds time too, for every opcode counts: half a second.
 */
const DEFAULT_MEMORY_BYTES = 48 * 1024 * 1024;
/** Estimates for 64-bit V8: a Map or Set with its table, an array with room to grow, and a slot with what it may box. */
export const TABLE_BYTES = 256;
export const ARRAY_BYTES = 192;
export const SLOT_BYTES = 24;
export const TABLE_ENTRY_BYTES = 64;

/** Bounds what the values of a pickle take, whatever it says. */
export class PickleBudget {
  readonly #expected: string;
  readonly #remedy: string | undefined;
  /** What is left: one number, which changes in place here, and is a new object each time as a field. */
  readonly #bytes: Float64Array;

  /**
   * @param expected what the pickle should be, for messages
   * @param remedy what to do about a pickle that holds more than that
   */
  constructor(expected: string, remedy: string | undefined, bytes = DEFAULT_MEMORY_BYTES) {
    this.#expected = expected;
    this.#remedy = remedy;
    this.#bytes = Float64Array.of(bytes);
  }

  /** How many things of a size can still be charged for. */
  affords(bytes: number): number {
    return Math.floor((this.#bytes[0] ?? 0) / bytes);
  }

  /** @throws UnreadableError when nothing is left */
  charge(bytes: number): void {
    const left = (this.#bytes[0] ?? 0) - bytes;
    this.#bytes[0] = left;
    if (left < 0) throw new UnreadableError(`its pickle holds far more than ${this.#expected}`, this.#remedy);
  }
}
