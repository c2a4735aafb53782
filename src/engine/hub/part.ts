import { randomBytes } from 'node:crypto';
import { lstat, lutimes, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { TemporaryFailure } from './client.ts';

/** How often a download shows that it is alive. */
const BEAT_MS = 1000;
/** One that shows nothing for so long is dead: its process was killed, or is asleep. */
const SILENT_MS = 10_000;
/** huggingface_hub shows nothing but the 10 MB at a time that it writes, and a slow line takes minutes for them. */
const HUB_SILENT_MS = 600_000;
/**
 * What follows a file's name in the name of a part of it: of our own, or of huggingface_hub's older versions. Newer
 * ones call theirs `.<8 hex digits>.incomplete`; they are left alone, because they may have holes.
 */
const PART = /^(\.emms-[0-9a-f]{8})?\.incomplete$/;

/**
 * A file that isn't whole yet, beside its place.
 *
 * Every download has a part of its own, so that those of one file, in several windows or by several calls, can't spoil
 * each other's. While a download lives, waiting included, it sets the part's time of change every second: that tells
 * the living from the dead also between machines and containers that share a cache, where process ids do not. A dead
 * one's part is taken over by renaming it, which only one can do.
 */
export class Part {
  readonly file: string;
  readonly #place: string;
  readonly #bytes: number;
  readonly #timer: NodeJS.Timeout;
  #beat = Promise.resolve();
  #seenAlive = Date.now();

  private constructor(file: string, place: string, bytes: number) {
    this.file = file;
    this.#place = place;
    this.#bytes = bytes;
    this.#timer = setInterval(() => {
      // There may be nothing to touch: no byte has come, or another has taken the part over.
      this.#beat = this.#touch().catch(() => undefined);
    }, BEAT_MS);
    this.#timer.unref();
  }

  /**
   * A part for a file of this length: the largest that a dead download left, else one that isn't there yet. `finish`
   * or `abandon` ends it.
   */
  static async begin(place: string, bytes: number): Promise<Part> {
    const file = `${place}.emms-${randomBytes(4).toString('hex')}.incomplete`;
    const left = (await deadParts(place)).filter(({ size }) => size <= bytes).sort((a, b) => b.size - a.size);
    for (const { file: dead } of left) {
      try {
        // Before it has its new name, so that it is never seen dead under that.
        await lutimes(dead, Date.now() / 1000, Date.now() / 1000);
        await rename(dead, file);
        break;
      } catch {
        // Another was quicker, or somebody has it open (Windows): there may be more.
      }
    }
    return new Part(file, place, bytes);
  }

  /**
   * To be called before the part is written to: who has slept may have been taken for dead.
   * @throws TemporaryFailure when the part belongs to another by now
   */
  async hold(): Promise<void> {
    if (Date.now() - this.#seenAlive > SILENT_MS && (await sizeOf(this.file)) === -1) {
      throw new TemporaryFailure('another download took over while this one slept');
    }
  }

  /** Gives the whole file its place, and removes what the dead have left beside it. */
  async finish(): Promise<void> {
    await this.#stop();
    // On Windows a file that is in use can't be replaced.
    if (await this.#isNeeded()) await rename(this.file, this.#place);
    else await rm(this.file);
    for (const { file } of await deadParts(this.#place)) await rm(file, { force: true }).catch(() => undefined);
  }

  /** Leaves the part to the next download, which then needn't wait until it looks dead. */
  async abandon(): Promise<void> {
    await this.#stop();
    const left = (await this.#isNeeded()) ? lutimes(this.file, 0, 0) : rm(this.file);
    // There may be nothing; and what can't be touched looks dead soon.
    await left.catch(() => undefined);
  }

  /** Whether no other download was quicker: then there won't be a next one. */
  async #isNeeded(): Promise<boolean> {
    return (await sizeOf(this.#place)) !== this.#bytes;
  }

  async #touch(): Promise<void> {
    const now = Date.now();
    await lutimes(this.file, now / 1000, now / 1000);
    this.#seenAlive = now;
  }

  async #stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beat;
  }
}

/** −1 for a file that isn't there. */
export async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => -1,
  );
}

async function deadParts(place: string): Promise<{ file: string; size: number }[]> {
  const name = path.basename(place);
  const dead: { file: string; size: number }[] = [];
  for (const entry of await readdir(path.dirname(place))) {
    const ending = entry.startsWith(name) ? PART.exec(entry.slice(name.length)) : null;
    if (ending === null) continue;
    const file = path.join(path.dirname(place), entry);
    const { mtimeMs = Number.POSITIVE_INFINITY, size = 0 } = (await lstat(file).catch(() => undefined)) ?? {};
    if (Date.now() - mtimeMs > (ending[1] === undefined ? HUB_SILENT_MS : SILENT_MS)) dead.push({ file, size });
  }
  return dead;
}
