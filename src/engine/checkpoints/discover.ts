import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { CHECKPOINT_ENDINGS } from '../../protocol/checkpointEndings.ts';
import type { DiscoverParams } from '../../protocol/engine.ts';
import type { Skipped } from '../../protocol/report.ts';
import { CancelledError, InputError, messageOf } from '../errors.ts';
import { huggingFaceCache, torchHubCache } from '../files/modelCaches.ts';
import { idOf } from '../files/paths.ts';
import { type Folder, remarkOnLimits, type Walk, walk } from '../files/walk.ts';
import type { Checkpoint, OpenOptions } from './checkpoint.ts';
import { EXPORTS, isOtherContainer, otherContainers, refuseContainer } from './otherContainers.ts';

type Open = (file: string, id: string, options: OpenOptions) => Promise<Checkpoint>;

/** Loaded with the first checkpoint: a search that finds none starts sooner without all the architectures. */
const openOnnx: Open = async (...file) => (await import('./onnx/reader.ts')).openOnnx(...file);
const openWeights: Open = async (...file) => (await import('./openWeights.ts')).openWeights(...file);

/** How the file of a network's weights ends, and what opens it. An index names the shards beside it. */
const READERS: readonly { readonly name: RegExp; readonly open: Open }[] = [
  { name: /\.onnx$/i, open: openOnnx },
  { name: /\.safetensors$/i, open: openWeights },
  { name: /\.(safetensors|bin)\.index\.json$/i, open: openWeights },
  { name: /\.(pth|pt|ckpt|th|pth\.tar)$/i, open: openWeights },
  { name: /^(open_clip_)?pytorch_model.*\.bin$/i, open: openWeights },
];

/** What training code saves beside the weights under the same endings, the shards of an index, and adapters. */
const NO_CHECKPOINT =
  /^(optimizer|scheduler|scaler|rng_state.*|training_args|.*_optim_states|.*-\d{5}-of-\d{5}|adapter_model)\.(pt|pth|bin|safetensors)$/i;

/** What the Hugging Face cache keeps beside models. */
const NO_MODELS = /^(datasets|spaces)--/;

/** The same network in several containers lies in one folder under one name: the first of these is taken. */
const CONTAINERS = [
  '.safetensors',
  '.safetensors.index.json',
  '.bin',
  '.bin.index.json',
  '.pth',
  '.pth.tar',
  '.pt',
  '.ckpt',
  '.th',
];

/**
 * Paths of the files below a walked folder that may be checkpoints, by their names, and of those that are and can't be read.
 * @param exported whether the folder holds what was exported of a network above it
 */
function findCheckpointFiles(folder: Folder, exported = false): string[] {
  const read = withoutTwins(folder.files.filter(isCheckpoint));
  // A folder with such a file is one network's.
  const isRead = read.length > 0 && folder.files.includes('config.json');
  const others = isRead || exported ? [] : otherContainers(folder.files, read);
  const here = [...read, ...others].map((name) => path.join(folder.path, name));
  const inside = folder.folders
    .filter(({ name }) => !NO_MODELS.test(name))
    .flatMap((child) => findCheckpointFiles(child, exported || (isRead && EXPORTS.test(child.name))));
  return [...here, ...inside];
}

/** Hugging Face publishes `model.safetensors` and `pytorch_model.bin` of the same weights, and open_clip likewise. */
function withoutTwins(names: readonly string[]): string[] {
  const best = new Map<string, { name: string; place: number }>();
  for (const name of names) {
    const place = CONTAINERS.findLastIndex((ending) => name.toLowerCase().endsWith(ending));
    const stem =
      place < 0
        ? name
        : name.slice(0, -(CONTAINERS[place]?.length ?? 0)).replace(/(?<=^|^open_clip_)pytorch_model$/, 'model');
    const known = best.get(stem);
    if (!known || place < known.place) best.set(stem, { name, place });
  }
  return [...best.values()].map(({ name }) => name);
}

/** Paths of files that may be checkpoints, and what could not be searched for them. */
interface FoundFiles {
  readonly files: readonly string[];
  readonly skipped: readonly Skipped[];
}

/**
 * The checkpoint files that a person named: files as they are, folders searched.
 * @throws InputError for a path that does not exist
 */
export async function resolveCheckpoints(paths: readonly string[], signal?: AbortSignal): Promise<FoundFiles> {
  const files: string[] = [];
  const skipped: Skipped[] = [];
  for (const named of paths) {
    const found = await stat(named).catch(() => undefined);
    if (!found) throw new InputError(`${named}: no such file or folder. Check the path of the checkpoint.`);
    if (!found.isDirectory()) {
      files.push(named);
      continue;
    }
    const walked = await walk(named, signal ? { signal } : {});
    skipped.push(...remarkOnLimits(walked));
    for (const file of findCheckpointFiles(walked.root)) files.push(file);
  }
  return { files: [...new Set(files.map((file) => path.resolve(file)))], skipped };
}

/**
 * The checkpoint files of a workspace, of further folders and, where asked, of the caches that Hugging Face's libraries
 * and torch.hub share; a folder that can't be searched is told apart.
 */
export async function findCheckpoints(
  workspace: Walk,
  { checkpointFolders, modelCaches }: Pick<DiscoverParams, 'checkpointFolders' | 'modelCaches'>,
  signal?: AbortSignal,
): Promise<FoundFiles> {
  const files = new Set(findCheckpointFiles(workspace.root));
  const caches = modelCaches ? [huggingFaceCache(), torchHubCache()].filter((cache) => existsSync(cache)) : [];
  const folders = [...checkpointFolders, ...caches];
  const skipped = remarkOnLimits(workspace);
  for (const folder of folders) {
    try {
      const found = await resolveCheckpoints([folder], signal);
      for (const file of found.files) files.add(file);
      skipped.push(...found.skipped);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      skipped.push({ path: folder, reason: reasonOf(error, folder) });
    }
  }
  return { files: [...files], skipped };
}

/** Opens each file; what can't be ranked is told apart, with the reason. Of copies of the same weights one is kept. */
export async function openCheckpoints(
  files: readonly string[],
  workspace: string,
  options: OpenOptions,
  signal?: AbortSignal,
): Promise<{ checkpoints: Checkpoint[]; skipped: Skipped[] }> {
  const checkpoints = new Map<string, Checkpoint>();
  const skipped: Skipped[] = [];
  for (const file of files) {
    if (signal?.aborted) throw new CancelledError();
    try {
      const checkpoint = await openCheckpoint(file, workspace, options);
      const twin = checkpoints.get(checkpoint.fingerprint);
      if (twin) skipped.push({ path: file, reason: `The same weights as ${twin.id}, which is taken.` });
      else checkpoints.set(checkpoint.fingerprint, checkpoint);
    } catch (error) {
      skipped.push({ path: file, reason: reasonOf(error, file) });
    }
  }
  return { checkpoints: [...checkpoints.values()], skipped };
}

/** @throws InputError saying why the file can't be ranked */
export async function openCheckpoint(file: string, workspace: string, options: OpenOptions): Promise<Checkpoint> {
  const reader = READERS.find(({ name }) => name.test(path.basename(file)));
  if (isOtherContainer(path.basename(file))) return refuseContainer(file);
  if (!reader) {
    throw new InputError(
      `${file}: not a kind of checkpoint that can be read (${CHECKPOINT_ENDINGS.join(', ')}). Export it to ONNX.`,
    );
  }
  return reader.open(file, idOf(file, workspace), options);
}

/** The message of an error about a file, without the path that the report shows anyway. */
export function reasonOf(error: unknown, file: string): string {
  const message = messageOf(error);
  return message.startsWith(`${file}: `) ? message.slice(file.length + 2) : message;
}

function isCheckpoint(name: string): boolean {
  return READERS.some((reader) => reader.name.test(name)) && !NO_CHECKPOINT.test(name);
}
