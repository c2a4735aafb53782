/** Makes the names of samples differ: annotations name an image, or number a row, more than once. */
export class SampleNames {
  /** How often each name was asked for, and once each name that was given for another. */
  readonly #taken = new Map<string, number>();

  /** The name, or the first of `name#2`, `name#3`, … that nothing is called yet. */
  unique(name: string): string {
    let number = this.#taken.get(name) ?? 0;
    let own = name;
    while (this.#taken.has(own)) {
      number += 1;
      own = `${name}#${number}`;
    }
    this.#taken.set(name, Math.max(number, 1));
    if (own !== name) this.#taken.set(own, 1);
    return own;
  }
}
