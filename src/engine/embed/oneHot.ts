import type { FloatMatrix } from '../linalg/matrix.ts';

/** Beyond this many, words are too rare to be learned from a few thousand samples. */
const MAX_WORDS = 1000;

/**
 * One-hot labels of free texts: `[n, words]`, 1 for every word that the text has. Of the words that are in at least two
 * texts but not in all, the most frequent 1,000; in texts that share none, the text itself is the word.
 */
export function oneHotWords(texts: readonly string[]): FloatMatrix {
  const words = texts.map((text) => new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []));
  const shared = frequentWords(words);
  const labels = shared.length > 0 ? words : texts.map((text) => new Set([text]));
  const vocabulary = new Map(
    (shared.length > 0 ? shared : [...new Set(texts)].slice(0, MAX_WORDS)).map((word, column) => [word, column]),
  );
  const data = new Float32Array(texts.length * vocabulary.size);
  for (const [row, label] of labels.entries()) {
    for (const word of label) {
      const column = vocabulary.get(word);
      if (column !== undefined) data[row * vocabulary.size + column] = 1;
    }
  }
  return { rows: texts.length, cols: vocabulary.size, data };
}

function frequentWords(texts: readonly ReadonlySet<string>[]): string[] {
  const counts = new Map<string, number>();
  for (const words of texts) for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count >= 2 && count < texts.length)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, MAX_WORDS)
    .map(([word]) => word);
}
