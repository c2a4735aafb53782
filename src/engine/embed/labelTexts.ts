import type { Dataset, Sample } from '../datasets/dataset.ts';
import type { FloatMatrix } from '../linalg/matrix.ts';
import { zeros } from '../linalg/matrix.ts';

/** What the labels of a dataset say, for a text encoder to embed. */
export type LabelTexts =
  /** `texts[c]` is the name of class c. */
  | { readonly of: 'classes'; readonly texts: readonly string[] }
  /** `texts[i]` is the label of sample i; of boxes, `numbers` has the same as numbers. */
  | { readonly of: 'samples'; readonly texts: readonly string[]; readonly numbers: FloatMatrix | undefined };

/** What stands before a class's name in the folder names of published datasets. */
const WORDNET_ID = /^n\d{8}[-_ ](?=.)/;
const NUMBER = /^\d{1,4}[._ -]+(?=\D)/;
/** `AnnualCrop`, but not `McLaren` and `iPhone`. */
const CAMEL_CASE = /^(\p{Lu}\p{Ll}{2,}){2,}$/u;

/**
 * The labels as text: the class names where there are classes, else each sample's caption, answer or box.
 *
 * @param names `readable` for an encoder to make sense of, `raw` as published: the published EMMS code embeds those,
 * with their underscores and its misspelled `aquarium_fih`
 */
export function labelTexts(
  dataset: Dataset,
  samples: readonly Sample[],
  names: 'readable' | 'raw' = 'readable',
): LabelTexts {
  if (dataset.classes.length > 0) {
    return { of: 'classes', texts: names === 'raw' ? dataset.classes : readableNames(dataset.classes) };
  }
  const boxes = samples.map(({ target }) => (target?.kind === 'box' ? target.box : undefined));
  const texts = samples.map(({ target }, index) => {
    const box = boxes[index];
    if (box) return boxText(box);
    return target?.kind === 'text' ? target.text : '';
  });
  return { of: 'samples', texts, numbers: boxes.every((box) => box !== undefined) ? boxNumbers(boxes) : undefined };
}

/**
 * Class names as people write them: `n02085620-Chihuahua` → Chihuahua, `001.Black_footed_Albatross` → Black footed
 * Albatross, `great_white_shark` → great white shark, `AnnualCrop` → Annual Crop. Numbers go where all names have one;
 * a hyphen beside a digit stays (`737-800`), and so does a name that is nothing but an id.
 */
export function readableNames(names: readonly string[]): string[] {
  const numbered = names.every((name) => NUMBER.test(name));
  return names.map((name) => {
    const named = name.replace(WORDNET_ID, '');
    const bare = numbered ? named.replace(NUMBER, '') : named;
    const words = CAMEL_CASE.test(bare) ? bare.replace(/(?<=\p{Ll})(?=\p{Lu})/gu, ' ') : bare;
    const spaced = words
      .replace(/[_/\s]+/g, ' ')
      .replace(/(?<=\p{L})-(?=\p{L})/gu, ' ')
      .trim();
    return spaced === '' ? name : spaced;
  });
}

/**
 * A box for a text encoder: its edges in whole hundredths of the image. Detectors that write boxes as text discretise
 * likewise (Pix2seq, OFA), in finer steps and with words of their own; numbers up to 100 are words that BERT knows.
 */
function boxText([left, top, width, height]: readonly [number, number, number, number]): string {
  const percent = (share: number) => Math.round(Math.min(1, Math.max(0, share)) * 100);
  const [x0, y0, x1, y1] = [left, top, left + width, top + height].map(percent);
  return `left ${x0} top ${y0} right ${x1} bottom ${y1}`;
}

/** `[n, 4]`: left, top, right, bottom as shares of the image. */
function boxNumbers(boxes: readonly (readonly [number, number, number, number])[]): FloatMatrix {
  const numbers = zeros(boxes.length, 4);
  for (const [row, [left, top, width, height]] of boxes.entries()) {
    numbers.data.set([left, top, left + width, top + height], row * 4);
  }
  return numbers;
}
