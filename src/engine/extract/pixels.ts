import sharp, { type OutputInfo } from 'sharp';
import type { Preprocessing } from '../checkpoints/preprocessing.ts';
import type { Sample } from '../datasets/dataset.ts';

/** RGB, one byte per channel, rows from top to bottom: `[height, width, 3]` of the network's input size. */
export type Pixels = Uint8Array;

/** Larger images are refused: 100 megapixels are 300 MB once decoded. */
const MAX_PIXELS = 100_000_000;
const MAX_DECODE_SECONDS = 20;
/** Decoded images that are kept for the next candidate with the same geometry. */
const MAX_KEPT_BYTES = 512 * 1024 * 1024;

sharp.cache(false);
// One thread per image and several images at once is faster than the other way round.
sharp.concurrency(1);

/**
 * The dataset's images, decoded, resized and cropped. Candidates that take the same geometry share the work, as long
 * as the images fit in memory; those that don't are decoded again.
 */
export class PixelSource {
  readonly #samples: readonly Sample[];
  #geometry = '';
  #kept = new Map<number, Pixels>();
  #keptBytes = 0;

  constructor(samples: readonly Sample[]) {
    this.#samples = samples;
  }

  /**
   * One image per index; an Error in the place of one that can't be decoded.
   */
  async load(indices: readonly number[], preprocessing: Preprocessing): Promise<(Pixels | Error)[]> {
    const geometry = JSON.stringify([preprocessing.resize, preprocessing.crop, preprocessing.kernel]);
    if (geometry !== this.#geometry) {
      this.#geometry = geometry;
      this.#kept = new Map();
      this.#keptBytes = 0;
    }
    return Promise.all(indices.map((index) => this.#one(index, preprocessing)));
  }

  async #one(index: number, preprocessing: Preprocessing): Promise<Pixels | Error> {
    const kept = this.#kept.get(index);
    if (kept) return kept;
    const sample = this.#samples[index];
    if (!sample) throw new RangeError(`sample ${index} does not exist`);
    try {
      const pixels = await decode(sample.file, preprocessing);
      if (this.#keptBytes + pixels.length <= MAX_KEPT_BYTES) {
        this.#kept.set(index, pixels);
        this.#keptBytes += pixels.length;
      }
      return pixels;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}

async function decode(file: string, { resize, crop, kernel }: Preprocessing): Promise<Pixels> {
  const image = sharp(file, { limitInputPixels: MAX_PIXELS, failOn: 'truncated' })
    .timeout({ seconds: MAX_DECODE_SECONDS })
    .rotate() // as the camera was held (EXIF)
    .toColourspace('srgb')
    .removeAlpha();
  if ('shortestEdge' in resize) {
    image.resize({ width: resize.shortestEdge, height: resize.shortestEdge, fit: 'outside', kernel });
  } else image.resize({ width: resize.width, height: resize.height, fit: 'fill', kernel });

  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return cropCentre(data, info, crop);
}

function cropCentre(data: Buffer, info: OutputInfo, crop: Preprocessing['crop']): Pixels {
  const { width, height, channels } = info;
  const left = Math.round((width - crop.width) / 2);
  const top = Math.round((height - crop.height) / 2);
  const pixels = new Uint8Array(crop.height * crop.width * 3);
  for (let row = 0, to = 0; row < crop.height; row += 1) {
    let from = ((top + row) * width + left) * channels;
    for (let column = 0; column < crop.width; column += 1, from += channels, to += 3) {
      // A grey image has one channel: it is the same in all three.
      pixels[to] = data[from] ?? 0;
      pixels[to + 1] = data[channels < 3 ? from : from + 1] ?? 0;
      pixels[to + 2] = data[channels < 3 ? from : from + 2] ?? 0;
    }
  }
  return pixels;
}
