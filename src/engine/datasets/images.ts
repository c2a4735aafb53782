import { open } from 'node:fs/promises';
import type { ImageSource, RawImage } from './dataset.ts';

/** Photographs and scans stay far below; a larger file is no image. */
const MAX_IMAGE_BYTES = 256 * 1024 * 1024;

/** An image that is a file of its own. */
export function fileImage(file: string): ImageSource {
  return { read: () => readPart(file, 0) };
}

/** An image whose bytes lie in a larger file. */
export function imageWithin(file: string, offset: number, length: number): ImageSource {
  return { read: () => readPart(file, offset, length) };
}

/** How bytes are read that don't stand in a file as they are, such as those that an old pickle writes as a text. */
export interface Written {
  /** Bytes of the file that they take. */
  readonly length: number;
  decode(part: Uint8Array): Uint8Array;
}

/**
 * An image whose pixels lie in a file without compression, one byte per channel.
 * @param planar whether the pixels of a channel stand together, as all red ones first, and not those of a pixel
 * @param written how they are read where they don't stand there as they are
 */
export function pixelsWithin(
  file: string,
  offset: number,
  { width, height, channels }: Omit<RawImage, 'pixels'>,
  planar = false,
  written?: Written,
): ImageSource {
  return {
    read: async () => {
      const part = await readPart(file, offset, written?.length ?? width * height * channels);
      const bytes = written?.decode(part) ?? part;
      return { pixels: planar ? interleaved(bytes, channels) : bytes, width, height, channels };
    },
  };
}

/** Pixels of which the channels stand one after the other, as `[height, width, channels]`. */
function interleaved(planes: Uint8Array, channels: number): Uint8Array {
  const size = planes.length / channels;
  return planes.map((_, index) => planes[(index % channels) * size + Math.floor(index / channels)] ?? 0);
}

/** @param length up to the end of the file when left out */
async function readPart(file: string, offset: number, length?: number): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const size = length ?? (await handle.stat()).size - offset;
    if (size > MAX_IMAGE_BYTES) throw new Error(`larger than any image (${size} bytes)`);
    const bytes = new Uint8Array(size);
    const { bytesRead } = await handle.read(bytes, 0, size, offset);
    if (bytesRead < size) throw new Error('the file ends before the image does');
    return bytes;
  } finally {
    await handle.close();
  }
}
