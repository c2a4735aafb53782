import path from 'node:path';
import { InputError } from '../errors.ts';
import type { ModelConfig } from './architectures/architecture.ts';
import { readConfigFile } from './configFile.ts';

/** Hugging Face's or timm's, open_clip's and sentence-transformers', which have no keys in common. */
const NAMES = ['config.json', 'open_clip_config.json', 'sentence_bert_config.json', '1_Pooling/config.json'];
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
  const config = await readConfigFile(file);
  if (config === undefined) return undefined;
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config;
  throw new InputError(`${file}: no JSON object. Mend or remove it.`);
}
