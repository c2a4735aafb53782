import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, vi } from 'vitest';
import { type HubServer, hubServer, type Interference, sha256 } from './hubServer.ts';

// The files of a model on the test's hub, `org/model`.

export const WEIGHTS = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) % 251));
export const FILES = new Map([
  ['README.md', Buffer.from('# A model')],
  ['config.json', Buffer.from('{"model_type": "bert"}')],
  ['model.safetensors', WEIGHTS],
  ['pytorch_model.bin', Buffer.from('the same again')],
  ['tokenizer.json', Buffer.from('{"model": {}}')],
]);
const NEEDED = ['config.json', 'model.safetensors', 'tokenizer.json'];

/** Starts a hub for this test and lets the environment name it. */
export async function startHub(
  files: ReadonlyMap<string, Buffer> = FILES,
  interfere?: Interference,
): Promise<HubServer> {
  const hub = await hubServer(files, interfere);
  vi.stubEnv('HF_ENDPOINT', hub.endpoint);
  return hub;
}

/** Folder of the model in the cache of a home of Hugging Face's tools. */
export function modelIn(home: string): string {
  return path.join(home, 'hub', 'models--org--model');
}

/** Where the weights lie in a model's folder. */
export function weightsIn(model: string): string {
  return path.join(model, 'blobs', sha256(WEIGHTS));
}

/** Names in a model's folder of what isn't whole. */
export async function incompleteIn(model: string): Promise<string[]> {
  return (await readdir(model, { recursive: true })).filter((name) => name.endsWith('.incomplete'));
}

/** A snapshot has all that is needed, byte for byte, and nothing unfinished lies about. */
export async function expectWhole(snapshot: string): Promise<void> {
  expect((await readdir(snapshot)).sort()).toEqual(NEEDED);
  for (const name of NEEDED) {
    const content = await readFile(path.join(snapshot, name));
    expect(content.equals(FILES.get(name) ?? Buffer.alloc(0))).toBe(true);
  }
  expect(await incompleteIn(path.dirname(path.dirname(snapshot)))).toEqual([]);
}

/** Bytes of the weights that are on disk, from what a download says of all files together: the weights come last. */
export function weightsOnDisk(done: number, total: number): number {
  return done - (total - WEIGHTS.length);
}

export function isContent(url: string | undefined, name = 'model.safetensors'): boolean {
  return url === `/cdn/${name}`;
}

/** From where on the weights were asked for, request by request. */
export function contentRanges({ requests }: HubServer): (string | undefined)[] {
  return requests.filter(({ path }) => path.startsWith('/cdn/')).map(({ range }) => range);
}
