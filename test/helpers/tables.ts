import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import type { Dataset } from '../../src/engine/datasets/dataset.ts';
import { findDatasets, openDataset } from '../../src/engine/datasets/open.ts';
import { walk } from '../../src/engine/files/walk.ts';
import { folderWith, miniature } from './miniatures.ts';

/** A small image. */
export const PNG = await readFile(miniature('captions-jsonl/images/0.png'));
export const TWO = { 'images/a.png': PNG, 'images/b.png': PNG };

/** The dataset in a folder with these files; its samples must have names of their own. */
export async function opened(files: Readonly<Record<string, string | Uint8Array>>): Promise<Dataset> {
  const dataset = await openDataset(await folderWith(files), 'auto');
  const ids = [...dataset.splits.values()].flat().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  return dataset;
}

/** The text of each sample, or the one that is its label. */
export function textsOf(dataset: Dataset, split = 'all'): (string | undefined)[] {
  return (dataset.splits.get(split) ?? []).map(({ text, target }) => (target?.kind === 'text' ? target.text : text));
}

/** What a search finds in a folder with these files: path and task. */
export async function found(files: Readonly<Record<string, string | Uint8Array>>): Promise<[string, string][]> {
  const { root } = await walk(await folderWith(files));
  const { datasets, skipped } = await findDatasets(root);
  expect(skipped).toEqual([]);
  return datasets.map(({ dataset, path: named }) => [path.relative(root.path, named), dataset.task]);
}

/** A file of its own. */
export async function fileOf(content: string): Promise<string> {
  return path.join(await folderWith({ 'a.txt': content }), 'a.txt');
}

export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
}
