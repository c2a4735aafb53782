import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { InputError, messageOf } from '../errors.ts';
import type { ModelConfig } from './architectures/architecture.ts';

/** Hugging Face's or timm's, open_clip's and sentence-transformers', which have no keys in common. */
const NAMES = ['config.json', 'open_clip_config.json', 'sentence_bert_config.json', '1_Pooling/config.json'];
const MAX_BYTES = 1024 * 1024;
/** Hugging Face's `model_type` of a network of timm's, of which `architecture` says what it is. */
const WRAPPER = 'timm_wrapper';

/**
 * The settings of the network whose weights lie in a folder; undefined where no file there says any.
 * @throws InputError naming the file that is no JSON object
 */
export async function readModelConfig(folder: string): Promise<ModelConfig | undefined> {
  const settings: [string, unknown][] = [];
  let found = false;
  for (const name of NAMES) {
    const object = await readObject(path.join(folder, name));
    if (!object) continue;
    settings.push(...Object.entries(object).filter(([key, value]) => key !== 'model_type' || value !== WRAPPER));
    found = true;
  }
  return found ? new Map(settings) : undefined;
}

async function readObject(file: string): Promise<object | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  if (found.size > MAX_BYTES) throw new InputError(`${file}: larger than any configuration. Remove or mend it.`);
  try {
    const config: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof config !== 'object' || config === null || Array.isArray(config)) throw new Error('no JSON object');
    return config;
  } catch (error) {
    throw new InputError(`${file}: ${messageOf(error)}. Mend or remove it.`);
  }
}
