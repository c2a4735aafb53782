import path from 'node:path';
import type { DatasetSummary } from '../../protocol/discovery.ts';
import type { Skipped } from '../../protocol/report.ts';
import type { Task } from '../../protocol/tasks.ts';
import { CancelledError, InputError } from '../errors.ts';
import { idOf, requireFolder } from '../files/paths.ts';
import { type Folder, walk } from '../files/walk.ts';
import { annotationTables } from './annotationTables.ts';
import { caltech101 } from './caltech101.ts';
import { cifarBinary } from './cifarBinary.ts';
import { cifarPython } from './cifarPython.ts';
import { classFolders } from './classFolders.ts';
import { clevr } from './clevr.ts';
import { cocoCaptions } from './cocoCaptions.ts';
import { cocoQa } from './cocoQa.ts';
import { daquar } from './daquar.ts';
import type { Dataset, DatasetLayout, Recognition, Sample } from './dataset.ts';
import { dtd } from './dtd.ts';
import { fgvcAircraft } from './fgvcAircraft.ts';
import { flickrCaptions } from './flickrCaptions.ts';
import { flowers102 } from './flowers102.ts';
import { food101 } from './food101.ts';
import { huggingFaceParquet } from './huggingFaceParquet.ts';
import { idx } from './idx.ts';
import { karpathyCaptions } from './karpathyCaptions.ts';
import { manifest } from './manifest.ts';
import { oxfordPets } from './oxfordPets.ts';
import { refCoco } from './refCoco.ts';
import { squad } from './squad.ts';
import { stanfordCars } from './stanfordCars.ts';
import { sun397 } from './sun397.ts';
import { textFolders } from './textFolders.ts';
import { voc } from './voc.ts';
import { vqaV2 } from './vqaV2.ts';
import { webDataset } from './webDataset.ts';

/** Every layout the product knows, the more specific first. */
export const LAYOUTS: readonly DatasetLayout[] = [
  fgvcAircraft,
  caltech101,
  stanfordCars,
  dtd,
  flowers102,
  food101,
  oxfordPets,
  sun397,
  voc,
  cifarBinary,
  cifarPython,
  idx,
  huggingFaceParquet,
  webDataset,
  manifest,
  cocoCaptions,
  karpathyCaptions,
  flickrCaptions,
  vqaV2,
  clevr,
  cocoQa,
  daquar,
  squad,
  refCoco,
  textFolders,
  ...annotationTables,
  classFolders,
];

const TRAIN = /^train(ing)?$/i;

/** Tasks whose labels are classes: with fewer than two there is nothing to tell apart. */
const WITH_CLASSES: ReadonlySet<Task> = new Set([
  'image-classification',
  'visual-question-answering',
  'text-classification',
]);

/** While a workspace is searched, a dataset whose annotations take longer than this is listed as skipped. */
const MAX_SEARCH_MS = 20_000;

/**
 * Opens the dataset in a folder that a person named.
 * @param task `auto` takes the most specific reading of the folder
 * @throws InputError when there is none, or when it has fewer than two classes
 */
export async function openDataset(folder: string, task: Task | 'auto', signal?: AbortSignal): Promise<Dataset> {
  await requireFolder(folder);
  const { root } = await walk(folder, signal ? { signal } : {});
  const readings = await recognise(root, true);
  const chosen = readings.find((reading) => task === 'auto' || reading.task === task);
  if (!chosen) throw new InputError(readings.length > 0 ? wrongTask(folder, readings, task) : notADataset(folder));
  const dataset = await chosen.open(signal);
  const [only] = dataset.classes;
  if (WITH_CLASSES.has(dataset.task) && dataset.classes.length < 2) {
    throw new InputError(`${folder}: only one class (${JSON.stringify(only)}). A ranking needs at least two.`);
  }
  const others = readings.filter((reading) => reading !== chosen).map((reading) => reading.task);
  if (task !== 'auto' || others.length === 0) return dataset;
  const choice = `Read as ${chosen.task} (${chosen.reason}); it can also be read as ${others.join(', ')}: choose with the task.`;
  return { ...dataset, warnings: [choice, ...dataset.warnings] };
}

/** A dataset that a search found, and what it was taken for. */
export interface FoundDataset {
  readonly dataset: Dataset;
  readonly reason: string;
}

/**
 * The datasets below a walked folder, each in every task that it can be read for; what lies inside a dataset is not
 * looked at again.
 */
export async function findDatasets(
  folder: Folder,
  signal?: AbortSignal,
): Promise<{ datasets: FoundDataset[]; skipped: Skipped[] }> {
  const readings = await recognise(folder, false);
  if (readings.length === 0) {
    const inside = await Promise.all(folder.folders.map((child) => findDatasets(child, signal)));
    return {
      datasets: inside.flatMap(({ datasets }) => datasets),
      skipped: inside.flatMap(({ skipped }) => skipped),
    };
  }
  const datasets: FoundDataset[] = [];
  const skipped: Skipped[] = [];
  for (const { reason, open } of readings) {
    const timeout = AbortSignal.timeout(MAX_SEARCH_MS);
    try {
      datasets.push({ dataset: await open(signal ? AbortSignal.any([signal, timeout]) : timeout), reason });
    } catch (error) {
      if (signal?.aborted) throw new CancelledError();
      const message = timeout.aborted
        ? `${reason}, but it takes more than ${MAX_SEARCH_MS / 1000} s to read. Rank it by its folder.`
        : error instanceof Error
          ? error.message
          : String(error);
      skipped.push({ path: folder.path, reason: message });
    }
  }
  return { datasets, skipped };
}

/** The split that a ranking uses: the training split where there is one, else the first. Never several merged. */
export function chooseSplit(dataset: Dataset): { name: string; samples: readonly Sample[] } {
  const splits = [...dataset.splits];
  const [name, samples] = splits.find(([split]) => TRAIN.test(split)) ?? splits[0] ?? ['all', []];
  return { name, samples };
}

export function summarizeDataset({ dataset, reason }: FoundDataset, workspace: string): DatasetSummary {
  const splits = Object.fromEntries([...dataset.splits].map(([name, samples]) => [name, samples.length]));
  return {
    id: idOf(dataset.path, workspace),
    name: path.basename(dataset.path),
    path: dataset.path,
    format: dataset.format,
    task: dataset.task,
    reason,
    samples: Object.values(splits).reduce((sum, count) => sum + count, 0),
    classes: dataset.classes.length,
    splits,
  };
}

/** How the folder can be read: for each task the most specific layout that takes it for its own. */
async function recognise(folder: Folder, asked: boolean): Promise<Recognition[]> {
  const readings = new Map<Task, Recognition>();
  for (const layout of LAYOUTS) {
    // Any folder of pictures looks like a class: what has annotations is meant by them.
    if (layout === classFolders && readings.size > 0) continue;
    const recognition = await layout.recognise(folder, asked);
    if (recognition && !readings.has(recognition.task)) readings.set(recognition.task, recognition);
  }
  return [...readings.values()];
}

function notADataset(folder: string): string {
  return `${folder}: no dataset here. Expected images in one folder per class (<class>/*.png, or train/<class>/*.png), or another layout that the documentation of the tasks lists.`;
}

function wrongTask(folder: string, readings: readonly Recognition[], task: string): string {
  const possible = readings.map((reading) => reading.task).join(' or ');
  return `${folder}: its task is ${possible}, not ${task}. Use --task auto.`;
}
