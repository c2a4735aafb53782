import { formatCount } from '../../protocol/format.ts';

/** Counts the rows of annotations that are passed over, by reason, and keeps the first of each for the warning. */
export class PassedOver {
  #rows = 0;
  readonly #reasons = new Map<string, { count: number; first: string }>();

  /** A row was read, be it good or bad. */
  row(): void {
    this.#rows += 1;
  }

  /**
   * A row was passed over.
   * @param reason what such rows do: `name images that are not there`
   * @param where file and line, and what stands there
   */
  add(reason: string, where: string): void {
    const entry = this.#reasons.get(reason) ?? { count: 0, first: where };
    entry.count += 1;
    this.#reasons.set(reason, entry);
  }

  /** One line for each reason: `3 of 8,091 rows name images that are not there; the first: a.csv:17: images/x.jpg`. */
  warnings(): string[] {
    return [...this.#reasons].map(
      ([reason, { count, first }]) =>
        `${formatCount(count)} of ${formatCount(this.#rows)} rows ${reason}; the first: ${shortened(first)}`,
    );
  }
}

const MAX_SHOWN = 200;

/** A text on one line, cut off where it is long. */
export function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line;
}
