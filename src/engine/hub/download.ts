import { copyFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { CancelledError, InputError, messageOf } from '../errors.ts';
import { downloadBlob } from './blob.ts';
import { modelFolder } from './cache.ts';
import { type ClientOptions, HubClient, NoConnection, type RemoteFile } from './client.ts';
import { Part, sizeOf } from './part.ts';
import { hubEndpoint, hubToken, isOffline } from './settings.ts';

/** Without a token, the one that Hugging Face's tools use is taken. */
export interface DownloadOptions extends Omit<ClientOptions, 'endpoint'> {
  /** Bytes of all files together. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What a text encoder needs beside its weights. */
const SMALL_FILES = new Set([
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'vocab.txt',
  'vocab.json',
  'merges.txt',
]);
/** The weights, in the best container that there is; an index goes with its shards. */
const WEIGHTS = [
  /^model\.safetensors$/,
  /^model(-\d{5}-of-\d{5}\.safetensors|\.safetensors\.index\.json)$/,
  /^pytorch_model\.bin$/,
  /^pytorch_model(-\d{5}-of-\d{5}\.bin|\.bin\.index\.json)$/,
];
const MODEL_NAME = /^\w[\w.-]*(\/\w[\w.-]*)?$/;

const modelSchema = z.object({
  sha: z.string().regex(/^[0-9a-f]{7,64}$/),
  siblings: z.array(z.object({ rfilename: z.string() })),
});

/**
 * Downloads a text encoder into the Hugging Face cache, in the layout of huggingface_hub, so that Python finds it, too.
 * Only ever called because a person asked for it. What is there already isn't loaded again, and a file that was broken
 * off is continued. A file takes its place when its size and its checksum are right; the weights come last, so that a
 * snapshot counts as whole only when it is. Any number of windows and processes may download the same model at once.
 *
 * @param id name of the model: `org/name`
 * @returns folder of the snapshot
 * @throws InputError naming the model, the file and the remedy
 * @throws CancelledError
 */
export async function downloadModel(id: string, options: DownloadOptions = {}): Promise<string> {
  if (!MODEL_NAME.test(id)) throw new InputError(`${id}: no name of a model on the hub. Give one like org/name.`);
  if (isOffline()) throw new InputError(`${id}: HF_HUB_OFFLINE is set, so nothing is downloaded. Unset it.`);
  const { onProgress, ...rest } = options;
  const client = new HubClient({ ...rest, endpoint: hubEndpoint(), token: rest.token ?? (await hubToken()) });
  const folder = modelFolder(id);
  try {
    return await download(id, folder, client, onProgress);
  } catch (error) {
    throw readable(error, id, folder, rest.signal);
  } finally {
    await client.close();
  }
}

async function download(
  id: string,
  folder: string,
  client: HubClient,
  onProgress: DownloadOptions['onProgress'],
): Promise<string> {
  const model = modelSchema.safeParse(await client.json(`/api/models/${id}/revision/main`));
  if (!model.success) throw new InputError(`${id}: ${hubEndpoint()} gives no description of it. Check HF_ENDPOINT.`);
  const { sha, siblings } = model.data;
  const files: { name: string; remote: RemoteFile }[] = [];
  for (const name of neededFiles(
    siblings.map(({ rfilename }) => rfilename),
    id,
  )) {
    files.push({ name, remote: await client.describe(`/${id}/resolve/${sha}/${name}`) });
  }
  files.sort((a, b) => a.remote.bytes - b.remote.bytes);
  const total = files.reduce((sum, { remote }) => sum + remote.bytes, 0);

  const snapshot = path.join(folder, 'snapshots', sha);
  await mkdir(path.join(folder, 'blobs'), { recursive: true });
  await mkdir(path.join(folder, 'refs'), { recursive: true });
  await mkdir(snapshot, { recursive: true });
  let before = 0;
  for (const { name, remote } of files) {
    const place = path.join(snapshot, name);
    if ((await sizeOf(place)) !== remote.bytes) {
      const blob = path.join(folder, 'blobs', remote.etag);
      if ((await sizeOf(blob)) !== remote.bytes) {
        await downloadBlob(client, remote, blob, (bytes) => onProgress?.(before + bytes, total));
      }
      await link(blob, place, remote.bytes);
    }
    before += remote.bytes;
    onProgress?.(before, total);
  }
  await writeFile(path.join(folder, 'refs', 'main'), sha);
  return snapshot;
}

/**
 * Of the files of a model those that an encoder is made of.
 * @throws InputError when there are no weights that can be read
 */
function neededFiles(names: readonly string[], id: string): string[] {
  const weights = WEIGHTS.map((kind) => names.filter((name) => kind.test(name))).find((found) => found.length > 0);
  if (!weights) {
    throw new InputError(`${id}: it has no weights that can be read (model.safetensors, pytorch_model.bin).`);
  }
  return [...names.filter((name) => SMALL_FILES.has(name)), ...weights];
}

/** A relative link, as huggingface_hub makes it; a copy where the file system has none. */
async function link(blob: string, place: string, bytes: number): Promise<void> {
  const part = await Part.begin(place, bytes);
  try {
    await rm(part.file, { force: true });
    await symlink(path.relative(path.dirname(place), blob), part.file).catch(() => copyFile(blob, part.file));
    await part.finish();
  } catch (error) {
    await rm(part.file, { force: true });
    await part.abandon();
    throw error;
  }
}

function readable(error: unknown, id: string, folder: string, signal: AbortSignal | undefined): Error {
  if (signal?.aborted || error instanceof CancelledError) return new CancelledError();
  if (error instanceof InputError) return error;
  if (error instanceof NoConnection) {
    return new InputError(
      `${id}: ${error.message} to ${hubEndpoint()}. Check the network; behind a proxy, name it in HTTPS_PROXY or in VS Code's setting http.proxy. On a machine without network, copy ${folder} from one that has it.`,
    );
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new InputError(`${id}: the disk is full. Make room in ${folder}; the download goes on from there.`);
  }
  return new InputError(`${id}: can't be kept in ${folder} (${messageOf(error)}).`);
}
