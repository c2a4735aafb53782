import type { AnnotatedSamples, Annotation } from './annotatedSamples.ts';
import type { Target } from './dataset.ts';
import { parseJson } from './tables/jsonl.ts';

/** Four numbers, as a table tells a box. */
export type Numbers = readonly [number, number, number, number];

/** What the numbers are: the place and then the size, as in COCO, or two corners. */
type Format = 'left, top, width, height' | 'left, top, right, bottom';

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Boxed {
  readonly annotation: Annotation;
  readonly numbers: Numbers;
}

/** So many images are looked at together, and the first of them tell what the numbers are. */
const TOGETHER = 128;
/** Annotations reach beyond an image by some pixels. */
const TOLERANCE = 1.02;
/** Of numbers that are shares of the image already. */
const UNIT: Size = { width: 1, height: 1 };

/** Turns the boxes of a table, in pixels or in shares of the image, into labels. */
export class PixelBoxes {
  readonly #samples: AnnotatedSamples;
  #waiting: Boxed[] = [];
  #format: Format | undefined;
  #areShares = false;

  constructor(samples: AnnotatedSamples) {
    this.#samples = samples;
  }

  /** What the numbers were taken for. */
  get remarks(): string[] {
    const scale = this.#areShares ? ', as shares of the image' : '';
    return this.#format ? [`The numbers of boxes are taken for ${this.#format}${scale}.`] : [];
  }

  async add(annotation: Annotation, numbers: Numbers): Promise<void> {
    const { image, finder, split } = annotation;
    // Which of them are missing is told there.
    if (typeof image === 'string' && finder?.find(image, split) === undefined) this.#samples.add(annotation);
    else this.#waiting.push({ annotation, numbers });
    if (this.#waiting.length === TOGETHER) await this.flush();
  }

  /** Hands on what was added. */
  async flush(): Promise<void> {
    const boxes = this.#waiting;
    this.#waiting = [];
    if (!this.#format) this.#areShares = boxes.every(({ numbers }) => numbers.every((number) => number <= 1));
    const sizes = await Promise.all(boxes.map(({ annotation }) => (this.#areShares ? UNIT : sizeOf(annotation))));
    const sized = boxes.flatMap((box, index) => {
      const size = sizes[index];
      if (!size) this.#samples.skip('have an image that can not be read', box.annotation.where);
      return size ? [{ ...box, size }] : [];
    });
    if (sized.length > 0) this.#format ??= formatOf(sized);
    for (const { annotation, numbers, size } of sized) {
      const target = this.#format && targetOf(numbers, size, this.#format);
      if (target) this.#samples.add({ ...annotation, target });
      else this.#samples.skip('have a box of no size', annotation.where);
    }
  }
}

/** The box in a cell: a list, or the text of one as in CSV; nothing where it holds no four numbers. */
export function boxIn(cell: unknown): Numbers | undefined {
  const list = typeof cell === 'string' ? parseJson(cell.trim().replace(/^\((.*)\)$/, '[$1]')) : cell;
  const numbers = Array.isArray(list) ? list.map((item) => (typeof item === 'bigint' ? Number(item) : item)) : [];
  const [left, top, third, fourth] = numbers.filter((item) => typeof item === 'number' && Number.isFinite(item));
  return numbers.length === 4 && fourth !== undefined ? [left, top, third, fourth] : undefined;
}

/** As it is stored, not as the camera was held: annotations count the pixels so. */
async function sizeOf({ image, finder, split }: Annotation): Promise<Size | undefined> {
  try {
    const source = typeof image === 'string' ? finder?.find(image, split) : await image?.read();
    if (source === undefined) return undefined;
    if (typeof source === 'object' && 'pixels' in source) return source;
    // Only then, for a search starts faster without it.
    const { sharp } = await import('../sharp.ts');
    return await sharp(source).metadata();
  } catch {
    return undefined;
  }
}

/** The format that more of the boxes fit; COCO's where as many do. */
function formatOf(boxes: readonly { readonly numbers: Numbers; readonly size: Size }[]): Format {
  let [sized, cornered] = [0, 0];
  for (const { numbers, size } of boxes) {
    const [left, top, third, fourth] = numbers;
    const within = (x: number, y: number) => x <= size.width * TOLERANCE && y <= size.height * TOLERANCE;
    if (within(left + third, top + fourth)) sized += 1;
    if (third > left && fourth > top && within(third, fourth)) cornered += 1;
  }
  return cornered > sized ? 'left, top, right, bottom' : 'left, top, width, height';
}

function targetOf([left, top, third, fourth]: Numbers, { width, height }: Size, format: Format): Target | undefined {
  const isSized = format === 'left, top, width, height';
  const [across, down] = isSized ? [third, fourth] : [third - left, fourth - top];
  if (across <= 0 || down <= 0) return undefined;
  return { kind: 'box', box: [left / width, top / height, across / width, down / height] };
}
