import type { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { readTokenizer } from './files.ts';
import { followPython } from './pythonRules.ts';

/** Texts as a network takes them: three matrices `[rows, length]`, row-major, filled up with padding. */
export interface TokenBatch {
  readonly rows: number;
  /** Tokens of every row. */
  readonly length: number;
  readonly ids: Int32Array;
  /** 1 for a token, 0 for padding. */
  readonly mask: Int32Array;
  /** 0 for the first text of a pair (and for padding), 1 for the second. */
  readonly typeIds: Int32Array;
}

/** One text, not padded. */
export interface Tokens {
  readonly ids: readonly number[];
  readonly typeIds: readonly number[];
}

/** A text, or a pair of texts such as a question and its passage. */
export type TextOrPair = readonly [text: string, second?: string];

/**
 * The tokenizer of a network, from the files in its folder: `tokenizer.json`, else `vocab.txt` (BERT), else `vocab.json`
 * with `merges.txt` (GPT-2, RoBERTa, BART, CLIP). It gives the ids that Python's `transformers` gives.
 *
 * @throws InputError naming the folder when there is none, or the file that can't be understood
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const read = await readTokenizer(folder);
  followPython(read.library);
  return new Tokenizer(read);
}

/** Turns texts into the ids that a network was trained on. */
export class Tokenizer {
  readonly #library: LibraryTokenizer;
  readonly #padId: number;
  /** Path of the file that the tokens are from. */
  readonly file: string;
  /** Most tokens that the network was trained on, as its settings say; infinite where they don't. */
  readonly maxTokens: number;

  constructor({ file, library, padId, maxTokens }: Awaited<ReturnType<typeof readTokenizer>>) {
    this.file = file;
    this.#library = library;
    this.#padId = padId;
    this.maxTokens = maxTokens;
  }

  /** The texts, each cut to `maxTokens`, filled up to the longest or to `length`, with padding alone behind them up to `rows`. */
  encode(
    texts: readonly TextOrPair[],
    {
      maxTokens,
      length,
      rows = texts.length,
    }: { maxTokens: number; length?: number | undefined; rows?: number | undefined },
  ): TokenBatch {
    const tokens = texts.map((text) => this.tokenize(text, maxTokens));
    const padding = Array.from({ length: rows - texts.length }, () => ({ ids: [], typeIds: [] }));
    return this.batch([...tokens, ...padding], length);
  }

  /**
   * One text with the special tokens around it. Where it has more than `maxTokens`, the end is cut; of a pair, the end
   * of the longer text until both are equally long. A text of no tokens at all becomes one padding token.
   */
  tokenize([text, second]: TextOrPair, maxTokens: number): Tokens {
    const a = this.#split(text);
    const b = second === undefined ? undefined : this.#split(second);
    const special = this.#withSpecial([], b && []).ids.length;
    const [keptA, keptB] = keptTokens(a.length, b?.length ?? 0, Math.max(0, maxTokens - special));
    const tokens = this.#withSpecial(a.slice(0, keptA), b?.slice(0, keptB));
    return tokens.ids.length > 0 ? tokens : { ids: [this.#padId], typeIds: [0] };
  }

  /** @param length what every text is filled up to; by default the longest */
  batch(texts: readonly Tokens[], length = texts.reduce((most, { ids }) => Math.max(most, ids.length), 0)): TokenBatch {
    const rows = texts.length;
    const ids = new Int32Array(rows * length).fill(this.#padId);
    const mask = new Int32Array(rows * length);
    const typeIds = new Int32Array(rows * length);
    for (const [row, text] of texts.entries()) {
      const start = row * length;
      ids.set(text.ids, start);
      mask.fill(1, start, start + text.ids.length);
      typeIds.set(text.typeIds, start);
    }
    return { rows, length, ids, mask, typeIds };
  }

  /** The token of an id, for people. */
  nameOf(id: number): string {
    return this.#library.id_to_token(id) ?? '';
  }

  #split(text: string): string[] {
    // Half of a surrogate pair is no character: Unicode puts U+FFFD in its place.
    const wellFormed = text.replace(/\p{Surrogate}/gu, '\ufffd');
    return this.#library.tokenize(wellFormed, { add_special_tokens: false });
  }

  #withSpecial(a: string[], b: string[] | undefined): Tokens {
    const finished = this.#library.post_processor?.post_process(a, b ?? null, true);
    // Where there are no special tokens (GPT-2), the texts of a pair come back apart, and follow each other.
    const tokens = finished ? [...finished.tokens, ...(finished.tokens_pair ?? [])] : [...a, ...(b ?? [])];
    const ids = tokens.map((token) => this.#idOf(token));
    return { ids, typeIds: finished?.token_type_ids ?? ids.map(() => 0) };
  }

  #idOf(token: string): number {
    const id = this.#library.token_to_id(token) ?? this.#library.model?.unk_token_id;
    if (id === undefined) throw new Error(`the tokenizer has no id for "${token}"`);
    return id;
  }
}

/** How much of each text of a pair is kept, as Python's tokenizers cut the longest first. */
function keptTokens(a: number, b: number, most: number): [a: number, b: number] {
  if (a + b <= most) return [a, b];
  if (b === 0) return [most, 0];
  const shorter = Math.min(a, b);
  const half = Math.floor(most / 2);
  const [keptShorter, keptLonger] = shorter <= most - shorter ? [shorter, most - shorter] : [half, most - half];
  return a <= b ? [keptShorter, keptLonger] : [keptLonger, keptShorter];
}
