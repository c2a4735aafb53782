import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { InputError } from '../errors.ts';
import { type HubClient, type RemoteFile, TemporaryFailure } from './client.ts';

/** A download that doesn't have its checksum is tried once more from the beginning. */
const MAX_CORRUPT = 2;
const SHA256 = /^[0-9a-f]{64}$/;
const GIT_SHA1 = /^[0-9a-f]{40}$/;

/**
 * Downloads a file's content. What is received lies in `<file>.incomplete`, as with huggingface_hub, until it is whole and
 * has its checksum; a later call goes on where an earlier one stopped.
 * @param onReceived called with the number of bytes that lie on disk
 * @throws InputError naming the file and the remedy
 * @throws CancelledError
 */
export async function downloadBlob(
  client: HubClient,
  remote: RemoteFile,
  file: string,
  onReceived: (bytes: number) => void,
): Promise<void> {
  const incomplete = `${file}.incomplete`;
  let most = 0;
  let corrupt = 0;
  await client.retry(async (progressed) => {
    const whole = await receive(client, remote, incomplete, (bytes) => {
      // A server that begins anew every time gets no further.
      if (bytes > most) progressed();
      most = Math.max(most, bytes);
      onReceived(bytes);
    });
    if (whole) return;
    await rm(incomplete, { force: true });
    onReceived(0);
    corrupt += 1;
    if (corrupt === MAX_CORRUPT) {
      throw new InputError(`${remote.url}: what arrives is not what the hub announces (checksum). Try again later.`);
    }
    throw new TemporaryFailure('what arrived has another checksum');
  });
  await rename(incomplete, file);
}

/**
 * Fills the file up to its length.
 * @returns whether it has its checksum
 */
async function receive(
  client: HubClient,
  remote: RemoteFile,
  file: string,
  onReceived: (bytes: number) => void,
): Promise<boolean> {
  const before = (await stat(file).catch(() => undefined))?.size ?? 0;
  if (before === remote.bytes) return hasChecksum(await hashOf(file, remote), remote);
  const { start, chunks } = await client.content(remote.url, before < remote.bytes ? before : 0);
  if (start !== 0 && start !== before) throw new TemporaryFailure('it sends another part of the file than asked for');
  const hash = start === 0 ? newHash(remote) : await hashOf(file, remote);
  const handle = await open(file, start === 0 ? 'w' : 'a');
  try {
    let received = start;
    for await (const chunk of chunks) {
      received += chunk.length;
      if (received > remote.bytes) return false;
      await handle.writeFile(chunk);
      hash?.update(chunk);
      onReceived(received);
    }
    if (received < remote.bytes) throw new TemporaryFailure('the connection ended before the file did');
    await handle.sync().catch(() => undefined);
  } finally {
    await handle.close();
  }
  return hasChecksum(hash, remote);
}

/** Hash of the kind that the etag is; undefined where it is none that is known, and the length has to do. */
function newHash({ etag, bytes }: RemoteFile): Hash | undefined {
  if (SHA256.test(etag)) return createHash('sha256');
  return GIT_SHA1.test(etag) ? createHash('sha1').update(`blob ${bytes}\0`) : undefined;
}

async function hashOf(file: string, remote: RemoteFile): Promise<Hash | undefined> {
  const hash = newHash(remote);
  if (hash) for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash;
}

function hasChecksum(hash: Hash | undefined, { etag }: RemoteFile): boolean {
  return hash === undefined || hash.digest('hex') === etag;
}
