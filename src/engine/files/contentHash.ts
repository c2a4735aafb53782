import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/** SHA-256 of a file's content, or what else the hash makes of it, in hexadecimal. Reads it in pieces. */
export async function contentHash(
  file: string,
  signal?: AbortSignal,
  hash: Hash = createHash('sha256'),
): Promise<string> {
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash, signal ? { signal } : {});
  return hash.digest('hex');
}
