import type { Sample } from '../datasets/dataset.ts';
import { CancelledError } from '../errors.ts';
import { contentHash } from '../files/contentHash.ts';
import type { ProgressMeter } from './progressMeter.ts';

const CONCURRENT_READS = 8;

/** Content hashes of the samples' files: what the cache knows them by. A file that can't be read is known by its name. */
export async function hashSamples(
  samples: readonly Sample[],
  meter: ProgressMeter,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const hashes: string[] = [];
  for (let start = 0; start < samples.length; start += CONCURRENT_READS) {
    if (signal?.aborted) throw new CancelledError();
    const group = samples.slice(start, start + CONCURRENT_READS);
    hashes.push(...(await Promise.all(group.map(({ file }) => contentHash(file).catch(() => `unreadable: ${file}`)))));
    meter.advance(group.length);
  }
  return hashes;
}
