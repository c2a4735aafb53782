import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.ts';
import { cachedSnapshot } from '../hub/cache.ts';
import { isEncoder } from './encoderFiles.ts';

/** A text encoder on this machine. */
export interface LabelEncoder {
  /** As it was asked for, for the report: `clip`, a folder, a name on the hub. */
  readonly name: string;
  /** Where its files lie; nothing there is ever changed. */
  readonly folder: string;
  /** What class names are put into; `{}` stands for the name. */
  readonly template: string;
}

/** A text encoder that has a name of its own. */
interface KnownEncoder {
  /** On the Hugging Face hub. */
  readonly id: string;
  /** The larger one that the EMMS paper (Meng et al. 2023) used; all three have 1,024 columns. */
  readonly paperId: string;
}

export const KNOWN_ENCODERS: ReadonlyMap<string, KnownEncoder> = new Map([
  ['clip', { id: 'openai/clip-vit-base-patch32', paperId: 'laion/CLIP-ViT-g-14-laion2B-s12B-b42K' }],
  ['bert', { id: 'google-bert/bert-base-uncased', paperId: 'google-bert/bert-large-uncased' }],
  ['gpt2', { id: 'openai-community/gpt2', paperId: 'openai-community/gpt2-medium' }],
]);

/** CLIP learned from captions, and knows a class better in one (Radford et al. 2021, section 3.1.4). */
const CLIP_TEMPLATE = 'a photo of a {}';
const PLAIN_TEMPLATE = '{}';

const HUB_NAME = /^[\w.-]+\/[\w.-]+$/;

export interface FindOptions {
  /** Whether `clip`, `bert` and `gpt2` mean the paper's large encoders instead of the base-size ones. */
  readonly paper?: boolean | undefined;
}

/** The name on the hub that `clip`, `bert`, `gpt2` or a hub name itself stands for; undefined for folders. */
export function hubIdOf(name: string, { paper = false }: FindOptions = {}): string | undefined {
  const known = KNOWN_ENCODERS.get(name);
  if (known) return paper ? known.paperId : known.id;
  return HUB_NAME.test(name) && !existsSync(name) ? name : undefined;
}

/**
 * Looks for a text encoder on this machine: `clip`, `bert`, `gpt2`, a folder, or a name on the hub whose files are in the
 * Hugging Face cache.
 * @returns undefined when it isn't here, or not whole
 * @throws InputError for a folder that is no text encoder
 */
export async function findEncoder(name: string, options: FindOptions = {}): Promise<LabelEncoder | undefined> {
  const id = hubIdOf(name, options);
  const folder = id === undefined ? folderOf(name) : await cachedSnapshot(id, isEncoder);
  if (folder === undefined) return undefined;
  return { name, folder, template: /clip/i.test(id ?? path.basename(folder)) ? CLIP_TEMPLATE : PLAIN_TEMPLATE };
}

function folderOf(name: string): string {
  const folder = path.resolve(name);
  if (!existsSync(folder)) {
    const known = [...KNOWN_ENCODERS.keys()].join(', ');
    throw new InputError(`${name}: no such label encoder. Name ${known}, a folder, or a model on the hub (org/name).`);
  }
  if (!statSync(folder).isDirectory() || !isEncoder(folder)) {
    throw new InputError(
      `${folder}: no text encoder here. Name a folder with a network's weights (model.safetensors, …) and its tokenizer.`,
    );
  }
  return folder;
}
