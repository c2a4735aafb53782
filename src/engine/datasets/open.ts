import path from 'node:path';
import type { DatasetSummary } from '../../protocol/discovery.ts';
import { InputError } from '../errors.ts';
import { idOf, requireFolder } from '../files/paths.ts';
import { type Folder, walk } from '../files/walk.ts';
import { classFolders } from './classFolders.ts';
import type { Dataset, DatasetLayout, Sample } from './dataset.ts';

/** Every layout the product knows, the more specific first. */
const LAYOUTS: readonly DatasetLayout[] = [classFolders];

const TRAIN = /^train(ing)?$/i;

/**
 * Opens the dataset in a folder that a person named.
 * @throws InputError when there is none, or when it has fewer than two classes
 */
export async function openDataset(folder: string, signal?: AbortSignal): Promise<Dataset> {
  await requireFolder(folder);
  const { root } = await walk(folder, signal ? { signal } : {});
  const dataset = detect(root, true);
  if (!dataset) {
    throw new InputError(
      `${folder}: no dataset here. Expected images in one folder per class (<class>/*.png), or in splits (train/<class>/*.png).`,
    );
  }
  if (dataset.classes.length < 2) {
    throw new InputError(
      `${folder}: only one class (${JSON.stringify(dataset.classes[0])}). A ranking needs at least two folders of images, one per class.`,
    );
  }
  return dataset;
}

/** The datasets below a walked folder; what lies inside a dataset is not looked at again. */
export function findDatasets(folder: Folder): Dataset[] {
  const dataset = detect(folder, false);
  return dataset ? [dataset] : folder.folders.flatMap(findDatasets);
}

/** The split that a ranking uses: the training split where there is one, else the first. Never several merged. */
export function chooseSplit(dataset: Dataset): { name: string; samples: readonly Sample[] } {
  const splits = [...dataset.splits];
  const [name, samples] = splits.find(([split]) => TRAIN.test(split)) ?? splits[0] ?? ['all', []];
  return { name, samples };
}

export function summarizeDataset(dataset: Dataset, workspace: string): DatasetSummary {
  const splits = Object.fromEntries([...dataset.splits].map(([name, samples]) => [name, samples.length]));
  return {
    id: idOf(dataset.path, workspace),
    name: path.basename(dataset.path),
    path: dataset.path,
    format: dataset.format,
    task: dataset.task,
    samples: Object.values(splits).reduce((sum, count) => sum + count, 0),
    classes: dataset.classes.length,
    splits,
  };
}

function detect(folder: Folder, asked: boolean): Dataset | undefined {
  for (const layout of LAYOUTS) {
    const dataset = layout.detect(folder, asked);
    if (dataset) return dataset;
  }
  return undefined;
}
