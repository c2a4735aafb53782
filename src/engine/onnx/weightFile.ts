import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { NewTensor } from './writeModel.ts';

/** Of a cache line. */
const ALIGNMENT = 64;

/** A new file of weights, which models have outside of them. */
export class WeightFile {
  readonly #file: number;
  readonly #name: string;
  #end = 0;

  constructor(folder: string, name: string) {
    this.#file = openSync(path.join(folder, name), 'wx', 0o600);
    this.#name = name;
  }

  close(): void {
    closeSync(this.#file);
  }

  /** @returns where it lies, for a model beside the file */
  async add(parts: AsyncIterable<Float32Array | Uint8Array> | Iterable<Float32Array>): Promise<NewTensor['values']> {
    const offset = Math.ceil(this.#end / ALIGNMENT) * ALIGNMENT;
    this.#end = offset;
    for await (const { buffer, byteOffset, byteLength } of parts) {
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      for (let done = 0; done < bytes.length; ) {
        const bytesWritten = writeSync(this.#file, bytes, done, bytes.length - done, this.#end);
        done += bytesWritten;
        this.#end += bytesWritten;
      }
    }
    return { location: this.#name, offset, bytes: this.#end - offset };
  }
}
