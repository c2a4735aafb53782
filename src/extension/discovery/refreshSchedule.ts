/** Files come in bunches: a checkout or a copy is one change. */
const SETTLE_MS = 1000;
/** What is written on and on must not keep a processor busy: between two looks lies this many times what one takes. */
const REST = 10;

/** When to look again at what changed: once it has settled, and only while somebody sees what was found. */
export class RefreshSchedule {
  readonly #refresh: () => void;
  readonly #isSeen: () => boolean;
  #stale = false;
  #settling: NodeJS.Timeout | undefined;
  #pauseMs = SETTLE_MS;

  constructor(refresh: () => void, isSeen: () => boolean) {
    this.#refresh = refresh;
    this.#isSeen = isSeen;
  }

  /** Something changed. */
  changed(): void {
    this.#stale = true;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#settling = undefined;
      this.seen();
    }, this.#pauseMs);
  }

  /** What was found may be seen now. */
  seen(): void {
    if (this.#stale && this.#settling === undefined && this.#isSeen()) this.#refresh();
  }

  /** Runs a look, whatever asked for it: it makes up for what had changed before. */
  async look<T>(run: () => Promise<T>): Promise<T> {
    this.#stale = false;
    const began = performance.now();
    try {
      return await run();
    } finally {
      this.#pauseMs = Math.max(SETTLE_MS, REST * (performance.now() - began));
    }
  }

  dispose(): void {
    clearTimeout(this.#settling);
  }
}
