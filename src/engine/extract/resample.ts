import type { RawImage } from '../datasets/dataset.ts';

export type Kernel = 'nearest' | 'box' | 'linear' | 'hamming' | 'cubic' | 'lanczos3';

/** A window of the resized image, in its pixels. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Half the width of each kernel, and its value at x. */
const KERNELS: Record<Exclude<Kernel, 'nearest'>, { support: number; at: (x: number) => number }> = {
  box: { support: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  linear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { support: 1, at: (x) => (Math.abs(x) < 1 ? sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)) : 0) },
  cubic: { support: 2, at: cubic },
  lanczos3: { support: 3, at: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** PIL computes with integers of so many fractional bits, so that sums of bytes fit in 32 bits. */
const PRECISION_BITS = 22;
const ONE = 1 << PRECISION_BITS;
const HALF = 1 << (PRECISION_BITS - 1);

/**
 * Resizes as PIL does (`Image.resize`, what torchvision and Hugging Face preprocess with): the kernel is widened when
 * shrinking, columns first, then rows, rounding to bytes in between (Pillow 13 takes rows first where that is cheaper;
 * only sharp edges show it). libvips, which decodes the images, interpolates differently when
 * enlarging, by ten grey levels on small images.
 *
 * @returns `[window.height, window.width, 3]`; a grey image is the same in all three channels
 */
export function resample(image: RawImage, width: number, height: number, kernel: Kernel, window: Window): Uint8Array {
  const columns = taps(image.width, width, kernel, window.left, window.width);
  const rows = taps(image.height, height, kernel, window.top, window.height);
  return vertical(horizontal(image, columns, rows), window.width, rows);
}

/** For each place of the output: the first place of the input it is made from, and the weights of those from there. */
interface Taps {
  readonly starts: Int32Array;
  readonly weights: readonly Int32Array[];
}

function taps(from: number, to: number, kernel: Kernel, first: number, count: number): Taps {
  const scale = from / to;
  if (kernel === 'nearest') return nearestTaps(from, scale, first, count);
  const starts = new Int32Array(count);
  const weights: Int32Array[] = [];
  for (let place = 0; place < count; place += 1) {
    const centre = (first + place + 0.5) * scale;
    const { support, at } = KERNELS[kernel];
    const widening = Math.max(1, scale);
    const start = Math.max(0, Math.trunc(centre - support * widening + 0.5));
    const end = Math.min(from, Math.trunc(centre + support * widening + 0.5));
    const values = Array.from({ length: end - start }, (_, tap) => at((start + tap - centre + 0.5) / widening));
    const sum = values.reduce((total, value) => total + value, 0);
    starts[place] = start;
    weights.push(Int32Array.from(values, (value) => roundAway((value / sum) * ONE)));
  }
  return { starts, weights };
}

/** PIL adds the scale up from place to place; where a centre falls between two pixels, its rounding decides. */
function nearestTaps(from: number, scale: number, first: number, count: number): Taps {
  const starts = new Int32Array(count);
  let centre = scale / 2;
  for (let place = 0; place < first + count; place += 1, centre += scale) {
    if (place >= first) starts[place - first] = Math.min(from - 1, Math.floor(centre));
  }
  return { starts, weights: Array.from({ length: count }, () => Int32Array.of(ONE)) };
}

/** Resized columns of the input rows that the output needs; other rows stay empty. */
function horizontal({ pixels, width, height, channels }: RawImage, columns: Taps, rows: Taps): Uint8Array {
  const count = columns.starts.length;
  const output = new Uint8Array(height * count * 3);
  const { starts, weights } = columns;
  const firstRow = rows.starts[0] ?? 0;
  const lastRow = (rows.starts.at(-1) ?? 0) + (rows.weights.at(-1)?.length ?? 0);
  const [green, blue] = channels === 3 ? [1, 2] : [0, 0];
  for (let row = firstRow; row < lastRow; row += 1) {
    let to = row * count * 3;
    for (let column = 0; column < count; column += 1, to += 3) {
      const taps = weights[column] as Int32Array;
      let from = (row * width + (starts[column] as number)) * channels;
      let [r, g, b] = [HALF, HALF, HALF];
      for (let tap = 0; tap < taps.length; tap += 1, from += channels) {
        const weight = taps[tap] as number;
        r += weight * (pixels[from] as number);
        g += weight * (pixels[from + green] as number);
        b += weight * (pixels[from + blue] as number);
      }
      output[to] = clip(r >> PRECISION_BITS);
      output[to + 1] = clip(g >> PRECISION_BITS);
      output[to + 2] = clip(b >> PRECISION_BITS);
    }
  }
  return output;
}

function vertical(pixels: Uint8Array, width: number, { starts, weights }: Taps): Uint8Array {
  const rowLength = width * 3;
  const output = new Uint8Array(starts.length * rowLength);
  const sums = new Int32Array(rowLength);
  for (let row = 0; row < starts.length; row += 1) {
    const taps = weights[row] as Int32Array;
    sums.fill(HALF);
    for (let tap = 0; tap < taps.length; tap += 1) {
      const weight = taps[tap] as number;
      const from = ((starts[row] as number) + tap) * rowLength;
      for (let at = 0; at < rowLength; at += 1) {
        sums[at] = (sums[at] as number) + weight * (pixels[from + at] as number);
      }
    }
    const to = row * rowLength;
    for (let at = 0; at < rowLength; at += 1) output[to + at] = clip((sums[at] as number) >> PRECISION_BITS);
  }
  return output;
}

function clip(value: number): number {
  return Math.max(0, Math.min(255, value));
}

/** Rounds halves away from zero, as C does after adding ±0.5. */
function roundAway(value: number): number {
  return value < 0 ? Math.trunc(value - 0.5) : Math.trunc(value + 0.5);
}

/** Keys' cubic with a = −0.5. */
function cubic(value: number): number {
  const x = Math.abs(value);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
