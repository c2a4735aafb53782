import { parseJson } from './jsonl.ts';

/** What is longer is a text, and no list in one. */
const MAX_CHARACTERS = 20_000;
/** Strings, what stands between two of them in arrays of numpy, its arrays, and the words that JSON has others for. */
const TOKEN =
  /('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")(\s+(?=['"]))?|\b(?:np\.)?array\(|(?:,\s*dtype=[\w.<>'"]+\s*)?\)|\bTrue\b|\bFalse\b|\bNone\b/gs;
const WORDS: Readonly<Record<string, string>> = { True: 'true', False: 'false', None: 'null' };

/**
 * The list or dict that stands in a text, in JSON or as Python prints one, `['a', "it's"]` and `{'text': array(['a'],
 * dtype=object)}`, which pandas writes into CSV. A line break in a string is a space.
 * @returns nothing for what is neither
 */
export function listedIn(text: string): object | undefined {
  const bare = text.trim();
  if (!/^(\[.*\]|\{.*\})$/s.test(bare) || bare.length > MAX_CHARACTERS) return undefined;
  const value = parseJson(bare) ?? parseJson(bare.replace(TOKEN, jsonOf));
  return typeof value === 'object' && value !== null ? value : undefined;
}

function jsonOf(token: string, string: string | undefined, gap: string | undefined): string {
  if (string === undefined) return WORDS[token] ?? '';
  const content = string.slice(1, -1).replaceAll('\\n', ' ').replace(/\\(.)/gs, '$1');
  return JSON.stringify(content) + (gap === undefined ? '' : ',');
}
