import path from 'node:path';
import type { DatasetSummary } from '../../protocol/discovery.ts';
import { formatCount } from '../../protocol/format.ts';
import type { Skipped } from '../../protocol/report.ts';
import type { Task } from '../../protocol/tasks.ts';
import { CancelledError, InputError, messageOf } from '../errors.ts';
import { idOf } from '../files/paths.ts';
import { type Folder, remarkOnLimits } from '../files/walk.ts';
import type { Dataset, Recognition, Sample } from './dataset.ts';
import { countImages, idWithin } from './folders.ts';
import { classFolders, isWholeDataset } from './layouts/classFolders.ts';
import { LAYOUTS } from './layouts.ts';
import { type Surroundings, surroundingsOf } from './surroundings.ts';
import { watchGuesses } from './tables/encoding.ts';
import { datasetAround, whyNoDataset } from './whyNoDataset.ts';

const TRAIN = /^train(ing)?$/i;

/** Tasks whose labels are classes: with fewer than two there is nothing to tell apart. */
const WITH_CLASSES: ReadonlySet<Task> = new Set([
  'image-classification',
  'visual-question-answering',
  'text-classification',
]);

/** While a workspace is searched, a dataset whose annotations take longer than this to read is listed without counts. */
const MAX_COUNT_MS = 5_000;
/** And for another task than the first that a folder is read for: few ask for COCO's half gigabyte of objects beside captions. */
const MAX_FURTHER_COUNT_MS = 1_000;

/** A way to read a folder, and by which layout. */
interface Reading extends Recognition {
  readonly format: string;
  /** The path that its dataset bears in place of the folder's, which doesn't tell it from others. */
  readonly precise?: string | undefined;
}

/** Tasks without images: what holds their samples may hold images of other datasets, too. */
const OF_TEXTS: ReadonlySet<Task> = new Set(['text-classification', 'text-question-answering']);

/**
 * Opens the dataset in a folder that a person named, or the reading of one that a file or folder in it stands for.
 * @param task `auto` takes the most specific reading of the folder
 * @throws InputError when there is none, or when it has fewer than two classes
 */
export async function openDataset(named: string, task: Task | 'auto', signal?: AbortSignal): Promise<Dataset> {
  const surroundings = await surroundingsOf(named, signal);
  const readings = await readingsOf(surroundings);
  const chosen = readings.find((reading) => task === 'auto' || reading.task === task);
  if (!chosen) {
    throw new InputError(
      readings.length > 0 ? wrongTask(named, readings, task) : await whyNoDataset(surroundings, datasetsOf),
    );
  }
  const { dataset, guess } = await read(chosen, signal);
  const [only] = dataset.classes;
  if (WITH_CLASSES.has(dataset.task) && dataset.classes.length < 2) {
    // Images in a folder in a folder look like a class.
    const around = dataset.format === classFolders.format && (await datasetAround(surroundings, datasetsOf));
    throw new InputError(
      `${named}: only one class (${JSON.stringify(only)}). ${around ? `But ${around}` : 'A ranking needs at least two.'}`,
    );
  }
  const path = chosen.precise ?? dataset.path;
  const missing = remarkOnLimits(surroundings.nearest).map(({ path: folder, reason }) => `${folder}: ${reason}`);
  const warnings = [...missing, ...choicesBeside(chosen, readings, task), ...guess, ...dataset.warnings];
  return { ...dataset, path, warnings };
}

/** Opens a reading, and says which of its texts are read by guess. */
async function read(
  { open }: Reading,
  signal: AbortSignal | undefined,
  counting = false,
): Promise<{ dataset: Dataset; guess: string[] }> {
  const guessesBelow = watchGuesses();
  const dataset = await open(signal, counting);
  const [first, ...others] = guessesBelow(dataset.path).map((file) => idWithin(dataset, file));
  if (first === undefined) return { dataset, guess: [] };
  const which = others.length > 0 ? `${formatCount(others.length + 1)} files, ${first} among them, are` : `${first} is`;
  return { dataset, guess: [`${which} not in UTF-8, and taken for Windows-1252 (Latin-1)`] };
}

/** The paths that name the datasets of a folder itself. */
async function datasetsOf(folder: Folder): Promise<string[]> {
  return [...new Set((await recognise(folder, false).catch(() => [])).map(({ precise }) => precise ?? folder.path))];
}

/** What a person could have chosen instead of a reading, and how. */
function choicesBeside(chosen: Reading, readings: readonly Reading[], task: Task | 'auto'): string[] {
  const choices: string[] = [];
  const alike = readings.filter((reading) => reading !== chosen && reading.task === chosen.task);
  const paths = alike.flatMap(({ precise }) => precise ?? []);
  if (paths.length > 0) {
    choices.push(`Read as ${chosen.reason}; what else is here can be named instead: ${paths.join(', ')}.`);
  }
  const tasks = [...new Set(readings.map((reading) => reading.task))].filter((other) => other !== chosen.task);
  if (task === 'auto' && tasks.length > 0) {
    choices.push(
      `Read as ${chosen.task} (${chosen.reason}); it can also be read as ${tasks.join(', ')}: choose with --task or in the Datasets view.`,
    );
  }
  return choices;
}

/** How far above a file or folder that a person named its dataset is looked for: `coco/annotations/captions.json`. */
const MAX_ABOVE = 2;

/** So deep in a folder that a person named archives lie: `VOCtest_06-Nov-2007/VOCdevkit/VOC2007`. */
const MAX_INSIDE = 3;

/** The readings of the folder that a person named; else those that it stands for in the folders around it. */
async function readingsOf({ named, isFile, folder }: Surroundings): Promise<Reading[]> {
  for (let above = 0; above <= MAX_ABOVE; above += 1) {
    const root = await folder(above);
    if (!root) break;
    const all = await recognise(root, above === 0);
    const inside = all.filter((reading) => isIn(reading.path ?? '', named));
    // A file in the folder that a reading is called by, `humor/funny_train.txt`, stands for it, too.
    const around = isFile ? all.filter((reading) => isIn(named, reading.path ?? named + path.sep)) : [];
    const meant = (inside.length > 0 ? inside : around).map((reading) => ({ ...reading, precise: reading.path }));
    const readings = root.path === named ? all : meant;
    // Annotations often lie beside the pictures that they are about, but an empty folder has none.
    if (readings.length > 0 || countImages(root) > 0 || root.files.length + root.folders.length === 0) return readings;
  }
  return [];
}

function isIn(file: string, folder: string): boolean {
  return file === folder || file.startsWith(folder + path.sep);
}

/** A dataset that a search found, and what it was taken for. */
export interface FoundDataset {
  readonly dataset: Dataset;
  /** What names it, so that it is opened and not another one in its folder. */
  readonly path: string;
  readonly reason: string;
  /** Whether the dataset was read; without, its splits and classes are not known. */
  readonly counted: boolean;
}

/**
 * The datasets below a walked folder, each in every task that it can be read for. What lies inside a dataset is not looked
 * at again; but beside texts, and beside annotations and the images that they name, there may be others.
 */
export async function findDatasets(
  folder: Folder,
  signal?: AbortSignal,
): Promise<{ datasets: FoundDataset[]; skipped: Skipped[] }> {
  const datasets: FoundDataset[] = [];
  const skipped: Skipped[] = [];
  const readings = await recognise(folder, false).catch((error: unknown) => {
    // A file that can't be opened keeps nobody from what else is there.
    skipped.push({ path: folder.path, reason: messageOf(error) });
    return [];
  });
  if (readings.length === 0) {
    const below = await findBelow(folder, new Set(), signal);
    return { datasets: below.datasets, skipped: [...skipped, ...below.skipped] };
  }
  for (const reading of readings) {
    const { reason, task, format, precise } = reading;
    const timeout = AbortSignal.timeout(task === readings[0]?.task ? MAX_COUNT_MS : MAX_FURTHER_COUNT_MS);
    try {
      const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
      const { dataset, guess } = await read(reading, either, true);
      const why = [reason, ...guess].join('; ');
      datasets.push({ dataset, path: precise ?? dataset.path, reason: why, counted: true });
    } catch (error) {
      if (signal?.aborted) throw new CancelledError();
      if (timeout.aborted) {
        const about = { path: folder.path, format, task, classes: [], splits: new Map(), warnings: [] };
        datasets.push({ dataset: about, path: precise ?? folder.path, reason, counted: false });
      } else {
        const reason = messageOf(error);
        skipped.push({ path: precise ?? folder.path, reason });
      }
    }
  }
  const taken = new Set(readings.flatMap((reading) => (reading.path === undefined ? [] : path.dirname(reading.path))));
  for (const { dataset } of datasets) for (const place of foldersOf(dataset)) taken.add(place);
  // Which images belong to annotations is known when these were read.
  const allRead = datasets.length === readings.length && datasets.every(({ counted }) => counted);
  const mayHoldMore = readings.every(({ task, path: file }) => OF_TEXTS.has(task) || (allRead && file !== undefined));
  if (taken.size === 0 || !mayHoldMore) return { datasets, skipped };
  const below = await findBelow(folder, taken, signal);
  return { datasets: [...datasets, ...below.datasets], skipped: [...skipped, ...below.skipped] };
}

/**
 * The datasets in the folders inside a folder.
 * @param taken folders that hold samples of a dataset around them, which are not looked at again
 */
async function findBelow(
  folder: Folder,
  taken: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<{ datasets: FoundDataset[]; skipped: Skipped[] }> {
  const inside = await Promise.all(
    folder.folders.map((child) =>
      holdsAny(child, taken) ? findBelow(child, taken, signal) : findDatasets(child, signal),
    ),
  );
  return {
    datasets: inside.flatMap(({ datasets }) => datasets),
    skipped: inside.flatMap(({ skipped }) => skipped),
  };
}

function holdsAny(folder: Folder, taken: ReadonlySet<string>): boolean {
  return taken.size > 0 && (taken.has(folder.path) || folder.folders.some((child) => holdsAny(child, taken)));
}

/** The split that a ranking uses: the training split where there is one, else the first. Never several merged. */
export function chooseSplit(dataset: Dataset): { name: string; samples: readonly Sample[]; size: number } {
  const splits = [...dataset.splits];
  const [name, samples] = splits.find(([split]) => TRAIN.test(split)) ?? splits[0] ?? ['all', []];
  return { name, samples, size: sizeOf(dataset, name) };
}

function sizeOf(dataset: Dataset, split: string): number {
  return dataset.sizes?.get(split) ?? dataset.splits.get(split)?.length ?? 0;
}

function foldersOf(dataset: Dataset): ReadonlySet<string> {
  const samples = () => [...dataset.splits.values()].flat();
  return dataset.folders ?? new Set(samples().map(({ file }) => path.dirname(file)));
}

/** What a search tells of a dataset. @param workspace the folder that its id is relative to */
export function summarizeDataset(
  { dataset, path: named, reason, counted }: FoundDataset,
  workspace: string,
): DatasetSummary {
  const names = [...(dataset.sizes ?? dataset.splits).keys()];
  const splits = Object.fromEntries(names.map((name) => [name, sizeOf(dataset, name)]));
  return {
    id: idOf(named, workspace),
    name: path.basename(named),
    path: named,
    format: dataset.format,
    task: dataset.task,
    reason,
    samples: counted ? Object.values(splits).reduce((sum, count) => sum + count, 0) : null,
    classes: counted ? dataset.classes.length : null,
    splits,
  };
}

/**
 * How the folder can be read: for each task as the most specific layout that takes it for its own says, then as others
 * do that read other files in it.
 */
async function recognise(folder: Folder, asked: boolean): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (const layout of LAYOUTS) {
    // Any folder of pictures looks like a class: what has annotations is meant by them.
    if (layout === classFolders && readings.some(({ task }) => !OF_TEXTS.has(task))) continue;
    const tasks = new Set(readings.map(({ task }) => task));
    const paths = new Set(readings.map((reading) => reading.path));
    const recognised = [(await layout.recognise(folder, asked)) ?? []].flat();
    if (layout === classFolders && asked && recognised.length > 0) {
      const isCertain = (await layout.recognise(folder, false)) !== undefined;
      if (!isCertain && (await holdsDatasets(folder))) continue;
    }
    const others = recognised.filter((reading) => {
      const more = reading.path !== undefined && !paths.has(reading.path);
      return more || !tasks.has(reading.task);
    });
    readings.push(...others.map((recognition) => ({ ...recognition, format: layout.format })));
  }
  const ofTask = (task: Task) => readings.filter((reading) => reading.task === task).length;
  return readings.map((reading) => ({ ...reading, precise: ofTask(reading.task) > 1 ? reading.path : undefined }));
}

/** Whether what may be classes holds datasets of other layouts, as archives do that were unpacked side by side. */
async function holdsDatasets(folder: Folder, depth = MAX_INSIDE): Promise<boolean> {
  for (const child of folder.folders.filter(({ folders }) => folders.length > 0)) {
    const readings = await recognise(child, false).catch(() => []);
    if (isWholeDataset(child) || readings.some(({ format }) => format !== classFolders.format)) return true;
    if (depth > 1 && (await holdsDatasets(child, depth - 1))) return true;
  }
  return false;
}

function wrongTask(folder: string, readings: readonly Recognition[], task: string): string {
  const possible = [...new Set(readings.map((reading) => reading.task))].join(' or ');
  return `${folder}: its task is ${possible}, not ${task}. Choose that, or auto.`;
}
