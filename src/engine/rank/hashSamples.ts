import { createHash } from 'node:crypto';
import type { Sample } from '../datasets/dataset.ts';
import { CancelledError } from '../errors.ts';
import type { ProgressMeter } from './progressMeter.ts';

const CONCURRENT_READS = 8;

/** Hashes of the samples' contents: what the cache knows them by. An image that can't be read is known by its name. */
export async function hashSamples(
  samples: readonly Sample[],
  meter: ProgressMeter,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const hashes: string[] = [];
  for (let start = 0; start < samples.length; start += CONCURRENT_READS) {
    if (signal?.aborted) throw new CancelledError();
    const group = samples.slice(start, start + CONCURRENT_READS);
    hashes.push(...(await Promise.all(group.map(hashSample))));
    meter.advance(group.length);
  }
  return hashes;
}

async function hashSample({ id, image, text, context, target }: Sample): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([text, context, target]));
  if (image) {
    const content = await image.read().catch(() => `unreadable: ${id}`);
    if (typeof content === 'string' || content instanceof Uint8Array) hash.update(content);
    else hash.update(JSON.stringify([content.width, content.height, content.channels])).update(content.pixels);
  }
  return hash.digest('hex');
}
