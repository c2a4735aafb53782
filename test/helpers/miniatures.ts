import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { expect } from 'vitest';
import type { Dataset, DatasetLayout, Recognition, Sample } from '../../src/engine/datasets/dataset.ts';
import { walk } from '../../src/engine/files/walk.ts';
import { temporaryFolder } from './temporaryFolder.ts';

const MINIATURES = path.join(import.meta.dirname, '..', 'fixtures', 'miniatures');

/** The folder of a miniature that tools/make_miniatures.py wrote. */
export function miniature(name: string): string {
  return path.join(MINIATURES, name);
}

/** A miniature that a test may damage. */
export async function copyOfMiniature(name: string): Promise<string> {
  const folder = path.join(await temporaryFolder(), path.basename(name));
  await cp(miniature(name), folder, { recursive: true });
  return folder;
}

/** A folder with these files; what is no text is bytes. */
export async function folderWith(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const root = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), content);
  }
  return root;
}

/** How a layout reads a folder by default; undefined when it does not know it. */
export async function recogniseFolder(
  layout: DatasetLayout,
  folder: string,
  asked = true,
): Promise<Recognition | undefined> {
  return [(await layout.recognise((await walk(folder)).root, asked)) ?? []].flat()[0];
}

/** Opens a folder in a layout that has to recognise it. */
export async function openFolder(layout: DatasetLayout, folder: string): Promise<Dataset> {
  const recognition = await recogniseFolder(layout, folder);
  if (!recognition) throw new Error(`${layout.format} does not recognise ${folder}`);
  const dataset = await recognition.open();
  const ids = [...dataset.splits.values()].flat().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  return dataset;
}

/** The number of samples of each split. */
export function splitSizes(dataset: Dataset): Record<string, number> {
  return Object.fromEntries([...dataset.splits].map(([name, samples]) => [name, samples.length]));
}

/** The names of the classes of a split's samples. */
export function classNames(dataset: Dataset, split: string): (string | undefined)[] {
  return (dataset.splits.get(split) ?? []).map(({ label }) => dataset.classes[label]);
}

/** Size and first pixel of a sample's image. */
export async function pixelOf(sample: Sample | undefined): Promise<{ width: number; height: number; pixel: number[] }> {
  const image = await sample?.image?.read();
  if (!image) throw new Error('no image');
  if (!(image instanceof Uint8Array)) {
    return { width: image.width, height: image.height, pixel: [...image.pixels.subarray(0, image.channels)] };
  }
  const { data, info } = await sharp(image).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, pixel: [...data.subarray(0, 3)] };
}
