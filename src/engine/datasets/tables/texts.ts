/** A class's name has fewer words on average. */
const WORDS_OF_TEXT = 4;
/** A text without spaces is longer than a name, and not in the letters of paths and addresses. */
const LENGTH_OF_TEXT = 10;
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Khmer}\p{Script=Lao}]/u;

/** Whether cells hold sentences, not names of classes. */
export function areTexts(values: readonly string[]): boolean {
  const mean = (measure: (value: string) => number) =>
    values.reduce((sum, value) => sum + measure(value), 0) / values.length;
  const words = mean((value) => value.split(/\s+/).length);
  const unspaced = values.filter((value) => UNSPACED.test(value)).length > values.length / 2;
  return words >= WORDS_OF_TEXT || (unspaced && mean((value) => value.length) >= LENGTH_OF_TEXT);
}
