import { existsSync, readFileSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { contentHash } from '../files/contentHash.ts';

/** Where a text encoder's weights lie in its folder, the best first. CLIP's text tower is exported alone. */
const WEIGHTS = [
  'model.safetensors',
  'model.safetensors.index.json',
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
  'onnx/text_model.onnx',
  'text_model.onnx',
  'onnx/model.onnx',
  'model.onnx',
];
const TOKENIZERS = [['tokenizer.json'], ['vocab.txt'], ['vocab.json', 'merges.txt']];
/** A file of the Hugging Face cache is called by the SHA-256 of its content. */
const HUB_BLOB = /[\\/]blobs[\\/]([0-9a-f]{64})$/;

/** The file with the weights of the text encoder in a folder; undefined where there is none. */
export function encoderFile(folder: string): string | undefined {
  return WEIGHTS.map((name) => path.join(folder, name)).find((file) => existsSync(file));
}

/** Whether a folder has all that a text encoder needs. A download that was broken off has not. */
export function isEncoder(folder: string): boolean {
  const has = (name: string) => existsSync(path.join(folder, name));
  const weights = encoderFile(folder);
  return (
    weights !== undefined &&
    partsOf(weights).every((file) => existsSync(file)) &&
    TOKENIZERS.some((files) => files.every(has))
  );
}

/** Hashes of all that an encoder's vectors depend on: weights (of all shards), configuration and tokenizer. */
export async function encoderIdentity(folder: string, signal?: AbortSignal): Promise<string[]> {
  const weights = encoderFile(folder);
  const described = (await readdir(folder))
    .filter((name) => /\.(json|txt)$/.test(name))
    .map((name) => path.join(folder, name));
  const files = [...new Set([...described, ...(weights === undefined ? [] : partsOf(weights))])].sort();
  return Promise.all(files.map(async (file) => `${path.relative(folder, file)} ${await identityOf(file, signal)}`));
}

async function identityOf(file: string, signal: AbortSignal | undefined): Promise<string> {
  return HUB_BLOB.exec(await realpath(file))?.[1] ?? contentHash(file, signal);
}

/** A file of weights with what belongs to it: the shards that an index names, the data beside an ONNX file. */
function partsOf(file: string): string[] {
  if (file.endsWith('.index.json')) {
    const names = readFileSync(file, 'utf8').matchAll(/"([^"\\/]+-\d{5}-of-\d{5}\.(?:safetensors|bin))"/g);
    return [file, ...[...names].map(([, name = '']) => path.join(path.dirname(file), name))];
  }
  const data = `${file}_data`;
  return existsSync(data) ? [file, data] : [file];
}
