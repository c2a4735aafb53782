import * as z from 'zod';
import type { Store } from '../cache/store.ts';
import { InputError } from '../errors.ts';
import { isRunning } from '../processes.ts';

/** Engines that may end within one block of samples before the checkpoint is passed over. One may have been killed. */
const MOST_ENDED = 2;

const processesSchema = z.array(z.number().int().positive());

/**
 * An engine's work on one checkpoint, noted in the cache while it lasts. A checkpoint that takes the process down with it
 * (a crash in the runtime, more memory than there is) would do so again whenever the ranking is resumed; the note is what
 * such an engine leaves behind. It is used up by passing over the checkpoint once, so that ranking again tries it again.
 */
export class Attempt {
  readonly #store: Store | undefined;
  readonly #key: string;
  #begun = false;

  /** @param key identifies the checkpoint by its contents */
  constructor(store: Store | undefined, key: string) {
    this.#store = store;
    this.#key = key;
  }

  /**
   * To be called before anything that could end the process.
   *
   * @throws InputError when engines ended at this point before
   */
  async begin(file: string): Promise<void> {
    if (this.#begun) return;
    const others = await this.#processes();
    const ended = others.filter((id) => id === process.pid || !isRunning(id));
    if (ended.length >= MOST_ENDED) {
      await this.#store?.remove(this.#key);
      throw new InputError(
        `${file}: the engine ended ${ended.length} times while it ran this checkpoint: the runtime crashed, memory ran ` +
          'out, or it was killed. Passed over this once; rank again to try it again.',
      );
    }
    this.#begun = true;
    await this.#note([...others, process.pid]);
  }

  /** A block is in the cache: an engine that ends later gets further than the ones before. */
  async advance(): Promise<void> {
    if (this.#begun) await this.#note([process.pid]);
  }

  async end(): Promise<void> {
    if (this.#begun) await this.#store?.remove(this.#key);
  }

  async #processes(): Promise<number[]> {
    const note = await this.#store?.get(this.#key);
    return note ? processesSchema.parse(JSON.parse(note.toString('utf8'))) : [];
  }

  async #note(processes: readonly number[]): Promise<void> {
    await this.#store?.put(this.#key, Buffer.from(JSON.stringify(processes)));
  }
}
