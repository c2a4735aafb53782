import type { Preprocessing, Size, WholeImage } from '../checkpoints/checkpoint.ts';
import type { EncodedImage, RawImage, Sample } from '../datasets/dataset.ts';
import { messageOf } from '../errors.ts';
import { LFS_POINTER } from '../files/gitLfs.ts';
import { sharp } from '../sharp.ts';
import { decodeBitmap } from './bitmap.ts';
import { withoutTransparency } from './gif.ts';
import { resample } from './resample.ts';

/** An image of the size that the network takes. */
export interface Pixels {
  readonly height: number;
  readonly width: number;
  /** RGB, one byte per channel, rows from top to bottom: `[height, width, 3]`. */
  readonly values: Uint8Array;
}

/** Larger images are refused: 100 megapixels are 300 MB once decoded. */
const MAX_PIXELS = 100_000_000;
const MAX_DECODE_SECONDS = 20;
/** Decoded images that are kept for the next candidate with the same geometry. */
const MAX_KEPT_BYTES = 512 * 1024 * 1024;

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

  /** @throws Error saying why the image can't be decoded */
  async load(index: number, preprocessing: Preprocessing): Promise<Pixels> {
    const geometry = JSON.stringify([
      preprocessing.resize,
      preprocessing.crop,
      preprocessing.cropOffset,
      preprocessing.kernel,
    ]);
    if (geometry !== this.#geometry) {
      this.#geometry = geometry;
      this.#kept = new Map();
      this.#keptBytes = 0;
    }
    const kept = this.#kept.get(index);
    if (kept) return kept;
    const sample = this.#samples[index];
    if (!sample) throw new RangeError(`sample ${index} does not exist`);
    if (!sample.image) throw new Error('it has no image');
    const pixels = await decode(await sample.image.read(), preprocessing);
    if (geometry === this.#geometry && this.#keptBytes + pixels.values.length <= MAX_KEPT_BYTES) {
      this.#kept.set(index, pixels);
      this.#keptBytes += pixels.values.length;
    }
    return pixels;
  }
}

async function decode(source: EncodedImage | RawImage, preprocessing: Preprocessing): Promise<Pixels> {
  const image = source instanceof Uint8Array ? await decodeFile(source) : source;
  const size = sizeOf(image, preprocessing.resize);
  const crop = preprocessing.crop ?? size;
  const middle = preprocessing.cropOffset === 'floor' ? Math.floor : halfToEven;
  const left = middle((size.width - crop.width) / 2);
  const top = middle((size.height - crop.height) / 2);
  const window = {
    left: Math.max(0, left),
    top: Math.max(0, top),
    height: Math.min(crop.height, size.height),
    width: Math.min(crop.width, size.width),
  };
  const values = resample(image, size.width, size.height, preprocessing.kernel, window);
  return {
    height: crop.height,
    width: crop.width,
    values: framed({ ...window, values }, crop, Math.max(0, -left), Math.max(0, -top)),
  };
}

function sizeOf(image: RawImage, resize: Preprocessing['resize']): Size {
  if (!resize) return image;
  if ('multipleOf' in resize) return wholeSize(image, resize);
  if ('shortestEdge' in resize) return shortestEdge(image, resize.shortestEdge);
  return 'covering' in resize ? covering(image, resize.covering) : resize;
}

/** An image with zeros around it, where it is smaller than what it is put into. */
function framed({ height, width, values }: Pixels, outer: Size, left: number, top: number): Uint8Array {
  if (height === outer.height && width === outer.width) return values;
  const result = new Uint8Array(outer.height * outer.width * 3);
  for (let row = 0; row < height; row += 1) {
    const line = values.subarray(row * width * 3, (row + 1) * width * 3);
    result.set(line, ((top + row) * outer.width + left) * 3);
  }
  return result;
}

/** Decodes as PIL and torchvision do: what a colour profile says counts for nothing. */
async function decodeFile(bytes: EncodedImage): Promise<RawImage> {
  if (bytes.length === 0) throw new Error('the file is empty');
  const bitmap = decodeBitmap(bytes, MAX_PIXELS);
  if (bitmap) return bitmap;
  const image = sharp(withoutTransparency(bytes), {
    limitInputPixels: MAX_PIXELS,
    failOn: 'truncated',
    ignoreIcc: true,
  })
    .timeout({ seconds: MAX_DECODE_SECONDS })
    .rotate(); // as the camera was held (EXIF)
  const { space } = await image.metadata().catch((error: unknown) => {
    throw new Error(whyUnreadable(bytes, error));
  });
  const asStored = space === 'cmyk' ? image.pipelineColourspace('cmyk').toColourspace('cmyk') : undefined;
  const { data, info } = await (asStored ?? image.toColourspace('srgb').removeAlpha())
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (asStored) return { pixels: fromInks(data, channels), width, height, channels: 3 };
  return { pixels: data, width, height, channels: channels < 3 ? 1 : 3 };
}

/** Phones keep photographs in HEIC, for which no free decoder exists. */
const HEIC = /^ftyphe[iv]/;

function whyUnreadable(bytes: EncodedImage, error: unknown): string {
  if (HEIC.test(Buffer.from(bytes.subarray(4, 12)).toString('latin1'))) return 'a HEIC image; convert it to JPEG';
  if (Buffer.from(bytes.subarray(0, LFS_POINTER.length)).toString('latin1') === LFS_POINTER) {
    return 'a Git LFS pointer, not the image itself; run "git lfs pull"';
  }
  const message = messageOf(error);
  if (/unsupported image format/.test(message)) return 'no PNG, JPEG, WebP, GIF, TIFF, AVIF, BMP, PGM or PPM image';
  return message.replace('Input buffer has corrupt header: ', '');
}

/** Cyan, magenta, yellow and black as red, green and blue, by PIL's formula (`cmyk2rgb` in libImaging/Convert.c). */
function fromInks(inks: Uint8Array, channels: number): Uint8Array {
  const pixels = new Uint8Array((inks.length / channels) * 3);
  for (let from = 0, to = 0; to < pixels.length; from += channels, to += 3) {
    const light = 255 - (inks[from + 3] ?? 0);
    for (let ink = 0; ink < 3; ink += 1) {
      const product = (inks[from + ink] ?? 0) * light + 128;
      pixels[to + ink] = light - ((product + (product >> 8)) >> 8);
    }
  }
  return pixels;
}

/** Size of an image whose shorter edge is resized to `edge`: torchvision's and Hugging Face's rule. */
function shortestEdge({ width, height }: RawImage, edge: number): Size {
  return width <= height
    ? { width: edge, height: Math.floor((edge * height) / width) }
    : { width: Math.floor((edge * width) / height), height: edge };
}

/** The least size of an image in its aspect ratio that covers another one: timm's ResizeKeepRatio. */
function covering({ width, height }: RawImage, other: Size): Size {
  const ratio = Math.min(height / other.height, width / other.width);
  return { height: halfToEven(height / ratio), width: halfToEven(width / ratio) };
}

/** Size of an image that is kept whole: as ViLT's image processor computes it, but at least one patch. */
function wholeSize({ width, height }: RawImage, { shortestEdge, longestEdge, multipleOf }: WholeImage): Size {
  const scale = shortestEdge / Math.min(width, height);
  const enlarged = height < width ? [shortestEdge, scale * width] : [scale * height, shortestEdge];
  const shrinking = Math.min(1, longestEdge / Math.max(...enlarged));
  const [rows = 0, columns = 0] = enlarged.map((edge) => {
    const patches = Math.floor(Math.floor(shrinking * edge + 0.5) / multipleOf);
    return Math.max(1, patches) * multipleOf;
  });
  return { height: rows, width: columns };
}

/** Python's round: halves go to the even neighbour. */
function halfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
