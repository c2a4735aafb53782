import { createHash, type Hash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { InputError } from '../errors.ts';
import { contentHash } from '../files/contentHash.ts';
import { type HubClient, type RemoteFile, TemporaryFailure } from './client.ts';
import { Part, sizeOf } from './part.ts';

/** A download that doesn't have its checksum is tried once more from the beginning. */
const MAX_CORRUPT = 2;
const SHA256 = /^[0-9a-f]{64}$/;
const GIT_SHA1 = /^[0-9a-f]{40}$/;

/**
 * Downloads a file's content. What is received lies beside it until it is whole and has, on disk, its checksum; a later
 * call goes on where an earlier one stopped.
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
  const part = await Part.begin(file, remote.bytes);
  let most = 0;
  let corrupt = 0;
  try {
    await client.retry(async (progressed) => {
      await receive(client, remote, part, (bytes) => {
        // A server that begins anew every time gets no further.
        if (bytes > most) progressed();
        most = Math.max(most, bytes);
        onReceived(bytes);
      });
      if (await isWhole(part.file, remote, client.signal)) return;
      await rm(part.file, { force: true });
      onReceived(0);
      corrupt += 1;
      if (corrupt === MAX_CORRUPT) {
        throw new InputError(`${remote.url}: what arrives is not what the hub announces (checksum). Try again later.`);
      }
      throw new TemporaryFailure('what arrived has another checksum');
    });
    await part.finish();
  } catch (error) {
    await part.abandon();
    throw error;
  }
}

/** Fills the part up to the file's length. */
async function receive(
  client: HubClient,
  remote: RemoteFile,
  part: Part,
  onReceived: (bytes: number) => void,
): Promise<void> {
  const before = await sizeOf(part.file);
  if (before === remote.bytes) return;
  const { start, chunks } = await client.content(remote.url, before < remote.bytes ? before : 0);
  if (start !== 0 && start !== before) throw new TemporaryFailure('it sends another part of the file than asked for');
  const handle = await open(part.file, start === 0 ? 'w' : 'a');
  try {
    let received = start;
    for await (const chunk of chunks) {
      received += chunk.length;
      if (received > remote.bytes) return;
      await part.hold();
      await handle.writeFile(chunk);
      onReceived(received);
    }
    if (received < remote.bytes) throw new TemporaryFailure('the connection ended before the file did');
    await handle.sync().catch(() => undefined);
  } finally {
    await handle.close();
  }
}

/** Whether what lies on disk, whoever wrote it, is the file that the hub announces. */
async function isWhole(file: string, remote: RemoteFile, signal: AbortSignal | undefined): Promise<boolean> {
  if ((await sizeOf(file)) !== remote.bytes) return false;
  const hash = newHash(remote);
  if (!hash) return true;
  return (await contentHash(file, signal, hash)) === remote.etag;
}

/** Hash of the kind that the etag is; undefined where it is none that is known, and the length has to do. */
function newHash({ etag, bytes }: RemoteFile): Hash | undefined {
  if (SHA256.test(etag)) return createHash('sha256');
  return GIT_SHA1.test(etag) ? createHash('sha1').update(`blob ${bytes}\0`) : undefined;
}
