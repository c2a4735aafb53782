import { open } from 'node:fs/promises';
import type { Folder } from '../files/walk.ts';
import { textOf } from './annotatedSamples.ts';
import { below, filesNamed } from './folders.ts';
import { headOf } from './tables/csv.ts';
import { hasKeys } from './tables/json.ts';

/** Annotations stand at the beginning or at the end of a file, as its lists come in any order. */
const LOOKED_AT_BYTES = 16 * 1024;

/** The files of annotations in a folder, by their names. */
export function filesIn(folder: Folder, name: RegExp): string[] {
  // Archives that unpack into folders of their own: `annotations_trainval2017/annotations/`.
  const around = folder.folders.filter((child) => /^annotations/i.test(child.name));
  const places = [folder, ...around, ...around.map((place) => below(place, 'annotations'))];
  return places.flatMap((place) => filesNamed(place, name));
}

/** Whether a file has the lists of COCO, and these keys in them. */
export async function holdsKeys(file: string, keys: readonly string[]): Promise<boolean> {
  const head = await headOf(file, LOOKED_AT_BYTES);
  if (!/^\s*\{/.test(head) || !/"(images|annotations)"\s*:\s*\[/.test(head)) return false;
  return hasKeys(head + (await tailOf(file, LOOKED_AT_BYTES)), keys);
}

async function tailOf(file: string, bytes: number): Promise<string> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, Math.max(0, size - bytes));
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** An entry of the list of images. */
export function nameOfImage({ id, file_name: file }: Record<string, unknown>): [id: unknown, name: string] | undefined {
  const name = textOf(file);
  return name === undefined ? undefined : [id, name];
}
