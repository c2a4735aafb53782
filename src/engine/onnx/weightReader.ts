import { closeSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Float16Array } from '@petamoriken/float16';
import { CancelledError, InputError } from '../errors.ts';
import { ELEMENT_BYTES, type ElementType } from './format.ts';
import type { NewTensor } from './writeModel.ts';

const HALVES: ReadonlySet<ElementType> = new Set(['float16', 'bfloat16']);
const FLOATS: ReadonlySet<ElementType> = new Set(['float64', 'float32', ...HALVES]);

/** Bytes after which others get a turn, so that cancelling works. */
const BETWEEN_TURNS = 2 ** 20;

/** Whether weights are stored as numbers with a fraction, in whatever precision. */
export function isFloat({ type }: NewTensor): boolean {
  return FLOATS.has(type);
}

/** Whether numbers are stored in half precision, of either kind. */
export function isHalf({ type }: { readonly type: ElementType }): boolean {
  return HALVES.has(type);
}

/** Reads weights where they lie, one part after the other. What it gives is valid until it is asked again. */
export class WeightReader {
  readonly #folder: string;
  readonly #signal: AbortSignal | undefined;
  // Read while others wait: there are many small tensors, and a thread takes longer to wake up than to read one.
  readonly #files = new Map<string, number>();
  #sinceTurn = 0;
  // Kept from call to call: the garbage of many large arrays would be more than a network.
  #stored = new ArrayBuffer(0);
  #single = new Float32Array(0);

  /** @param folder that the files are in */
  constructor(folder: string, signal?: AbortSignal) {
    this.#folder = folder;
    this.#signal = signal;
  }

  close(): void {
    for (const file of this.#files.values()) closeSync(file);
  }

  /**
   * The bytes of some values, in the order in which they are stored.
   * @throws InputError when the file has fewer
   * @throws CancelledError
   */
  async bytes({ type, values }: NewTensor, start: number, count: number): Promise<Uint8Array> {
    const itemBytes = ELEMENT_BYTES[type];
    const length = count * itemBytes;
    this.#sinceTurn += length;
    if (this.#sinceTurn > BETWEEN_TURNS) {
      this.#sinceTurn = 0;
      await nextTurn();
    }
    if (this.#signal?.aborted) throw new CancelledError();
    if (this.#stored.byteLength < length) this.#stored = new ArrayBuffer(length);
    const stored = new Uint8Array(this.#stored, 0, length);
    if (values instanceof Uint8Array) stored.set(values.subarray(start * itemBytes, start * itemBytes + length));
    else this.#readFile(values.location, values.offset + start * itemBytes, stored);
    return stored;
  }

  /**
   * Some values of floats in single precision, in the order in which they are stored.
   * @throws InputError when the file has fewer
   * @throws CancelledError
   */
  async floats(tensor: NewTensor, start: number, count: number): Promise<Float32Array> {
    await this.bytes(tensor, start, count);
    if (tensor.type === 'float32') return new Float32Array(this.#stored, 0, count);
    if (this.#single.length < count) this.#single = new Float32Array(count);
    const single = this.#single.subarray(0, count);
    if (tensor.type === 'float64') single.set(new Float64Array(this.#stored, 0, count));
    else castHalves(tensor.type, new Uint16Array(this.#stored, 0, count), single);
    return single;
  }

  #readFile(location: string, position: number, target: Uint8Array): void {
    const name = path.join(this.#folder, location);
    const file = this.#files.get(location) ?? openSync(name, 'r');
    this.#files.set(location, file);
    for (let done = 0; done < target.length; ) {
      const bytesRead = readSync(file, target, done, target.length - done, position + done);
      if (bytesRead === 0) throw new InputError(`${name}: the file ends early; download or save it again.`);
      done += bytesRead;
    }
  }
}

/** Puts numbers in half precision, stored in whichever type, into single precision. */
export function castHalves(type: ElementType, halves: Uint16Array, single: Float32Array): void {
  if (type === 'float16') for (let i = 0; i < halves.length; i += 1) single[i] = FLOAT16[halves[i] ?? 0] ?? 0;
  else {
    const bits = new Uint32Array(single.buffer, single.byteOffset, halves.length);
    for (let i = 0; i < bits.length; i += 1) bits[i] = (halves[i] ?? 0) << 16;
  }
}

/** What 16 bits are in half precision. */
const FLOAT16 = Float32Array.from(new Float16Array(Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits).buffer));
