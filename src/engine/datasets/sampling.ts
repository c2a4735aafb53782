import { createHash } from 'node:crypto';
import type { Sample } from './dataset.ts';

/**
 * Draws at most `limit` samples, stratified by class and in an order that is the same on every machine.
 *
 * Within its class each sample stands where the hash of the seed and its name puts it; the classes are then interleaved
 * in proportion to their sizes. So every prefix of the result, and every block of it, has nearly the class shares of
 * the whole, smaller limits give subsets of larger ones, and adding a file to the dataset moves no other.
 */
export function drawStratified(samples: readonly Sample[], limit: number, seed: number): Sample[] {
  const byClass = new Map<number, { sample: Sample; key: string }[]>();
  for (const sample of samples) {
    const key = createHash('sha256').update(`${seed}\n${sample.id}`).digest('hex');
    const members = byClass.get(sample.label) ?? [];
    members.push({ sample, key });
    byClass.set(sample.label, members);
  }
  const placed = [...byClass.values()].flatMap((members) =>
    members
      .sort((a, b) => compare(a.key, b.key))
      .map(({ sample, key }, index) => ({ sample, key, place: (index + 0.5) / members.length })),
  );
  return placed
    .sort((a, b) => a.place - b.place || compare(a.key, b.key))
    .slice(0, limit)
    .map(({ sample }) => sample);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Holds a stream of items in bounded memory: all of them while they fit, else a random part of them, which is the same in
 * every run.
 *
 * Each item gets a random number; when the room is full, the share of numbers that are kept is halved. So at every time
 * each of the items that came has had the same chance.
 */
export class Reservoir<T> {
  readonly #room: { readonly items: number; readonly characters: number };
  #items: T[] = [];
  // Of each item the random number, the length of its own texts, and the text that it may share with the one before.
  #numbers: number[] = [];
  #lengths: number[] = [];
  #shared: string[] = [];
  #characters = 0;
  #share = 1;
  #state = 1;

  constructor(room: { readonly items: number; readonly characters: number }) {
    this.#room = room;
  }

  /** Whether items had to be dropped. */
  get overflowed(): boolean {
    return this.#share < 1;
  }

  /** In the order in which they came. */
  get items(): readonly T[] {
    return this.#items;
  }

  /**
   * @param characters length of the texts that only this item has
   * @param shared a text that items which follow each other may share, as questions do their passage
   */
  add(item: T, characters: number, shared = ''): void {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) | 0;
    const number = (this.#state >>> 0) / 2 ** 32;
    if (number >= this.#share) return;
    this.#hold(item, number, characters, shared);
    while (this.#items.length > this.#room.items || this.#characters > this.#room.characters) this.#thin();
  }

  #hold(item: T, number: number, characters: number, shared: string): void {
    const isNew = this.#shared.at(-1) !== shared;
    this.#characters += characters + (isNew ? shared.length : 0);
    this.#items.push(item);
    this.#numbers.push(number);
    this.#lengths.push(characters);
    this.#shared.push(shared);
  }

  #thin(): void {
    const [items, numbers, lengths, shared] = [this.#items, this.#numbers, this.#lengths, this.#shared];
    [this.#items, this.#numbers, this.#lengths, this.#shared] = [[], [], [], []];
    this.#characters = 0;
    this.#share /= 2;
    for (const [index, item] of items.entries()) {
      const number = numbers[index] ?? 1;
      if (number < this.#share) this.#hold(item, number, lengths[index] ?? 0, shared[index] ?? '');
    }
  }
}
