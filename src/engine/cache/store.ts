import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../errors.ts';

const DIGEST_BYTES = 32;

/**
 * Content-addressed store of byte strings, shared by every process that names the same folder.
 *
 * An entry is written beside its place and renamed into it, so that a reader sees all of it or nothing, whatever
 * happens to the writer. Each entry starts with the SHA-256 of the rest: one that a crash or a full disk left damaged
 * counts as absent.
 */
export class Store {
  readonly folder: string;
  readonly #ending: string;
  #failure: string | undefined;

  /** @param ending of its entries' names, after the key */
  constructor(folder: string, ending = '') {
    this.folder = folder;
    this.#ending = ending;
  }

  /** A store of its own in the same folder, for entries that come and go. */
  section(name: string): Store {
    return new Store(this.folder, `.${name}`);
  }

  async get(key: string): Promise<Buffer | undefined> {
    let entry: Buffer;
    try {
      entry = await readFile(this.#file(key));
    } catch {
      return undefined;
    }
    const value = entry.subarray(DIGEST_BYTES);
    return digest(value).equals(entry.subarray(0, DIGEST_BYTES)) ? value : undefined;
  }

  /** Why an entry could not be written, if that happened: a full disk costs the next run's time, not this one's result. */
  get failure(): string | undefined {
    return this.#failure;
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    const file = this.#file(key);
    const unfinished = `${file}.${randomUUID()}.tmp`;
    try {
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(unfinished, Buffer.concat([digest(value), value]));
      await rename(unfinished, file);
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      this.#failure ??= messageOf(error);
    }
  }

  async remove(key: string): Promise<void> {
    await rm(this.#file(key), { force: true }).catch(() => undefined);
  }

  #file(key: string): string {
    return path.join(this.folder, key.slice(0, 2), `${key.slice(2)}${this.#ending}`);
  }
}

/** Key of what follows from these parts: the same parts give the same key, in every process and on every machine. */
export function cacheKey(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
