import path from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import * as z from 'zod';
import { InputError, messageOf } from '../errors.ts';
import { readSmallFile } from '../files/smallFile.ts';
import { bertTokenizer, byteLevelTokenizer } from './publishedFiles.ts';

const namedToken = z
  .union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)])
  .nullish();
const settingsSchema = z.looseObject({
  pad_token: namedToken,
  eos_token: namedToken,
  do_lower_case: z.boolean().nullish(),
  strip_accents: z.boolean().nullish(),
  add_prefix_space: z.boolean().nullish(),
  model_max_length: z.number().min(1).nullish(),
});
type Settings = z.infer<typeof settingsSchema>;
const definitionSchema = z.looseObject({ model: z.looseObject({}) });

/** The largest of networks that are read here, XLM-RoBERTa's with 250,000 tokens, takes 17 MB. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Names that the published tokenizers give these tokens, for snapshots whose settings don't say. */
const PADDING_TOKENS = ['[PAD]', '<pad>'];
const END_TOKENS = ['<|endoftext|>', '</s>'];

/**
 * Reads the tokenizer's files in a folder.
 * @throws InputError naming the folder when there is none, or the file that can't be understood or is too large
 */
export async function readTokenizer(
  folder: string,
): Promise<{ file: string; library: Tokenizer; padId: number; maxTokens: number }> {
  const settings: Settings = {
    ...(await readSettings(path.join(folder, 'special_tokens_map.json'))),
    ...(await readSettings(path.join(folder, 'tokenizer_config.json'))),
  };
  const { file, definition } = await readDefinition(folder, settings);
  try {
    const library = new Tokenizer(definition, settings);
    return { file, library, padId: paddingOf(library, settings), maxTokens: settings.model_max_length ?? Infinity };
  } catch (error) {
    throw new InputError(`${file}: the tokenizer can't be read: ${reason(error)}. Use the file as it was published.`);
  }
}

/** GPT-2 has no padding token: the published EMMS code takes the end-of-text token, and so does CLIP's tokenizer. */
function paddingOf(library: Tokenizer, settings: Settings): number {
  for (const token of [settings.pad_token, ...PADDING_TOKENS, settings.eos_token, ...END_TOKENS]) {
    const id = typeof token === 'string' ? library.token_to_id(token) : undefined;
    if (id !== undefined) return id;
  }
  return 0;
}

async function readDefinition(folder: string, settings: Settings): Promise<{ file: string; definition: object }> {
  const read = async (name: string) => {
    const file = path.join(folder, name);
    return { file, text: await readText(file) };
  };
  const whole = await read('tokenizer.json');
  if (whole.text !== undefined)
    return { file: whole.file, definition: parse(whole.file, whole.text, definitionSchema) };
  const wordPieces = await read('vocab.txt');
  if (wordPieces.text !== undefined) {
    const { do_lower_case, strip_accents } = settings;
    return {
      file: wordPieces.file,
      definition: bertTokenizer(wordPieces.text, do_lower_case ?? true, strip_accents ?? null),
    };
  }
  const vocabulary = await read('vocab.json');
  const merges = await read('merges.txt');
  if (vocabulary.text !== undefined && merges.text !== undefined) {
    const tokens = parse(vocabulary.file, vocabulary.text, z.record(z.string(), z.int()));
    return {
      file: vocabulary.file,
      definition: byteLevelTokenizer(tokens, merges.text, settings.add_prefix_space ?? false),
    };
  }
  throw new InputError(
    `${folder}: no tokenizer here. Put the network's tokenizer.json beside its weights (or vocab.txt, or vocab.json with merges.txt).`,
  );
}

async function readSettings(file: string): Promise<Settings> {
  const text = await readText(file);
  return text === undefined ? {} : parse(file, text, settingsSchema);
}

function readText(file: string): Promise<string | undefined> {
  return readSmallFile(file, MAX_BYTES, 'file of a tokenizer');
}

function parse<T>(file: string, text: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new InputError(`${file}: not the JSON of a tokenizer: ${reason(error)}. Use the file as it was published.`);
  }
}

function reason(error: unknown): string {
  if (error instanceof z.ZodError) return error.issues[0]?.message ?? 'of another form';
  return messageOf(error);
}
