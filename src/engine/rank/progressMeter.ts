import type { Progress } from '../../protocol/engine.ts';
import type { Stage } from '../../protocol/stages.ts';

/** Progress is for eyes: more often than this is only work for the one who draws it. */
const MIN_INTERVAL_MS = 100;

/** Counts the samples that went through networks, and estimates from their pace how long the rest will take. */
export class ProgressMeter {
  readonly #report: (progress: Progress) => void;
  #stage: Stage = 'discover';
  #message = '';
  #candidate: Progress['candidate'] = null;
  #done = 0;
  #total = 0;
  #computed = 0;
  #startedAt = 0;
  #reportedAt = 0;

  constructor(report: (progress: Progress) => void) {
    this.#report = report;
  }

  start(stage: Stage, message: string, total: number): void {
    this.#stage = stage;
    this.#message = message;
    this.#candidate = null;
    this.#done = 0;
    this.#total = total;
    this.#computed = 0;
    this.#startedAt = performance.now();
    this.#send();
  }

  /** What is being worked on within the stage. */
  working(message: string, candidate: Progress['candidate']): void {
    this.#message = message;
    this.#candidate = candidate;
    this.#send();
  }

  /** @param computed how many of them cost time that the others will cost too (and did not come from the cache) */
  advance(count: number, computed = count): void {
    this.#done += count;
    this.#computed += computed;
    if (performance.now() - this.#reportedAt >= MIN_INTERVAL_MS || this.#done === this.#total) this.#send();
  }

  /** A part of the stage is over, whether all of it was done or it failed half way. */
  reach(done: number, total = this.#total): void {
    this.#done = done;
    this.#total = total;
    this.#send();
  }

  #send(): void {
    const now = performance.now();
    this.#reportedAt = now;
    const pace = (now - this.#startedAt) / 1000 / this.#computed;
    const secondsLeft = this.#computed > 0 ? pace * (this.#total - this.#done) : null;
    this.#report({
      stage: this.#stage,
      message: this.#message,
      candidate: this.#candidate,
      done: this.#done,
      total: this.#total,
      secondsLeft,
    });
  }
}
