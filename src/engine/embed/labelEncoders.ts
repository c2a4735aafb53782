import { InputError } from '../errors.ts';
import { type FindOptions, findEncoder, hubIdOf, KNOWN_ENCODERS, type LabelEncoder } from './encoders.ts';

/** The label encoders that a ranking will use, and why. */
export interface LabelEncoderChoice {
  /** Empty for one-hot labels. */
  readonly encoders: readonly LabelEncoder[];
  /** For the report, in the order of λ. */
  readonly names: readonly string[];
  /** For people: why these, and what to do to have all. */
  readonly reason: string;
  /** Names of the encoders that would be used if they were here. */
  readonly missing: readonly string[];
}

const ONE_HOT = 'onehot';
const AUTO = 'auto';

/**
 * Chooses the label encoders. `auto` takes CLIP, BERT and GPT-2, as the paper does, or those of them that are on this
 * machine, else one-hot labels. Nothing is downloaded.
 * @param asked `auto`, `onehot`, or names of text encoders: `clip`, `bert`, `gpt2`, folders, models on the hub
 * @throws InputError for an encoder that was named but isn't here
 */
export async function chooseLabelEncoders(
  asked: readonly string[],
  options: FindOptions = {},
): Promise<LabelEncoderChoice> {
  const names = asked.length === 0 ? [AUTO] : [...new Set(asked)];
  const alone = names.find((name) => name === AUTO || name === ONE_HOT);
  if (alone !== undefined && names.length > 1) {
    throw new InputError(`Label encoders ${names.join(', ')}: ${alone} stands alone. Leave it or the others out.`);
  }
  if (alone === ONE_HOT) return oneHot('asked for', []);
  const wanted = alone === AUTO ? [...KNOWN_ENCODERS.keys()] : names;
  const found = await Promise.all(wanted.map((name) => findEncoder(name, options)));
  const encoders = found.filter((encoder) => encoder !== undefined);
  const missing = wanted.filter((_, index) => found[index] === undefined);
  if (alone === undefined) {
    if (missing.length > 0) throw new InputError(`Label encoders ${names.join(', ')}: ${whereToGet(missing, options)}`);
    return chosen(encoders, 'asked for', []);
  }
  if (missing.length === 0) return chosen(encoders, `${listed(wanted)} are on this machine`, []);
  if (encoders.length === 0) return oneHot(whereToGet(missing, options), missing);
  const here = encoders.map(({ name }) => name);
  return chosen(encoders, `only ${listed(here)} of the three; ${whereToGet(missing, options)}`, missing);
}

function chosen(encoders: readonly LabelEncoder[], reason: string, missing: readonly string[]): LabelEncoderChoice {
  return { encoders, names: encoders.map(({ name }) => name), reason, missing };
}

function oneHot(reason: string, missing: readonly string[]): LabelEncoderChoice {
  return { encoders: [], names: [ONE_HOT], reason, missing };
}

function whereToGet(missing: readonly string[], options: FindOptions): string {
  const ids = missing.map((name) => hubIdOf(name, options) ?? name);
  return `${listed(missing)} ${missing.length > 1 ? 'are' : 'is'} not on this machine. Download ${ids.join(', ')}, or name a folder that has it.`;
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
