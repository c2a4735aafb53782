import { stat } from 'node:fs/promises';
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
import { flickrStyle } from './flickrStyle.ts';
import { flowers102 } from './flowers102.ts';
import { countImages } from './folders.ts';
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
  flickrStyle,
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
 * Opens the dataset in a folder that a person named, or the reading of one that a file or folder in it stands for.
 * @param task `auto` takes the most specific reading of the folder
 * @throws InputError when there is none, or when it has fewer than two classes
 */
export async function openDataset(named: string, task: Task | 'auto', signal?: AbortSignal): Promise<Dataset> {
  const readings = await readingsOf(named, signal);
  if (readings.length === 0) await requireFolder(named);
  const chosen = readings.find((reading) => task === 'auto' || reading.task === task);
  if (!chosen) throw new InputError(readings.length > 0 ? wrongTask(named, readings, task) : notADataset(named));
  const dataset = await openReading(named, chosen, readings, signal);
  const [only] = dataset.classes;
  if (WITH_CLASSES.has(dataset.task) && dataset.classes.length < 2) {
    throw new InputError(`${named}: only one class (${JSON.stringify(only)}). A ranking needs at least two.`);
  }
  const others = readings.filter((reading) => reading !== chosen);
  const choices = [];
  const alike = others.filter((reading) => reading.task === chosen.task && reading.path !== undefined);
  if (alike.length > 0) {
    const paths = alike.map((reading) => reading.path).join(', ');
    choices.push(`Read as ${chosen.reason}; what else is here can be named instead: ${paths}.`);
  }
  const tasks = [...new Set(others.map((reading) => reading.task))].filter((other) => other !== chosen.task);
  if (task === 'auto' && tasks.length > 0) {
    choices.push(
      `Read as ${chosen.task} (${chosen.reason}); it can also be read as ${tasks.join(', ')}: choose with the task.`,
    );
  }
  return { ...dataset, warnings: [...choices, ...dataset.warnings] };
}

/** How far above a file or folder that a person named its dataset is looked for: `coco/annotations/captions.json`. */
const MAX_ABOVE = 2;

/** The readings of the folder that a person named; else those that it stands for in the folders around it. */
async function readingsOf(named: string, signal: AbortSignal | undefined): Promise<Recognition[]> {
  const isFile = (await stat(named).catch(() => undefined))?.isFile() ?? false;
  if (!isFile) await requireFolder(named);
  let folder = isFile ? path.dirname(named) : named;
  for (let above = 0; above <= MAX_ABOVE; above += 1) {
    const { root } = await walk(folder, signal ? { signal } : {});
    const all = await recognise(root, folder === named);
    const readings = folder === named ? all : all.filter((reading) => isWithin(reading.path, named));
    // Annotations often lie beside the pictures that they are about, but an empty folder has none.
    if (readings.length > 0 || countImages(root) > 0 || root.files.length + root.folders.length === 0) return readings;
    folder = path.dirname(folder);
  }
  return [];
}

function isWithin(file: string | undefined, named: string): boolean {
  return file === named || file?.startsWith(named + path.sep) === true;
}

/** Opens one of the readings of what was named; it bears its own path where the folder has several, or that was named. */
async function openReading(
  named: string,
  reading: Recognition,
  readings: readonly Recognition[],
  signal: AbortSignal | undefined,
): Promise<Dataset> {
  const dataset = await reading.open(signal);
  const several = readings.filter(({ task }) => task === reading.task).length > 1;
  const inside = named !== dataset.path && isWithin(named, dataset.path);
  return reading.path !== undefined && (several || inside) ? { ...dataset, path: reading.path } : dataset;
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
  for (const reading of readings) {
    const { reason } = reading;
    const timeout = AbortSignal.timeout(MAX_SEARCH_MS);
    try {
      const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
      datasets.push({ dataset: await openReading(folder.path, reading, readings, either), reason });
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
export function chooseSplit(dataset: Dataset): { name: string; samples: readonly Sample[]; size: number } {
  const splits = [...dataset.splits];
  const [name, samples] = splits.find(([split]) => TRAIN.test(split)) ?? splits[0] ?? ['all', []];
  return { name, samples, size: sizeOf(dataset, name) };
}

function sizeOf({ splits, sizes }: Dataset, split: string): number {
  return sizes?.get(split) ?? splits.get(split)?.length ?? 0;
}

export function summarizeDataset({ dataset, reason }: FoundDataset, workspace: string): DatasetSummary {
  const splits = Object.fromEntries([...dataset.splits.keys()].map((name) => [name, sizeOf(dataset, name)]));
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

/**
 * How the folder can be read: for each task as the most specific layout that takes it for its own says, then as others
 * do that read other files in it.
 */
async function recognise(folder: Folder, asked: boolean): Promise<Recognition[]> {
  const readings: Recognition[] = [];
  for (const layout of LAYOUTS) {
    // Any folder of pictures looks like a class: what has annotations is meant by them.
    if (layout === classFolders && readings.length > 0) continue;
    const tasks = new Set(readings.map(({ task }) => task));
    const paths = new Set(readings.map((reading) => reading.path));
    const recognised = [(await layout.recognise(folder, asked)) ?? []].flat();
    readings.push(...recognised.filter(({ task, path: file }) => !tasks.has(task) || !paths.has(file)));
  }
  return readings;
}

function notADataset(folder: string): string {
  return `${folder}: no dataset here. Expected images in one folder per class (<class>/*.png, or train/<class>/*.png), or another layout that the documentation of the tasks lists.`;
}

function wrongTask(folder: string, readings: readonly Recognition[], task: string): string {
  const possible = readings.map((reading) => reading.task).join(' or ');
  return `${folder}: its task is ${possible}, not ${task}. Use --task auto.`;
}
