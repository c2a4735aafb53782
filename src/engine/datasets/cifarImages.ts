import type { ImageSource } from './dataset.ts';
import { pixelsWithin, type Written } from './images.ts';

const SHAPE = { width: 32, height: 32, channels: 3 } as const;

/** What an image takes in the files of CIFAR. */
export const CIFAR_IMAGE_BYTES = 32 * 32 * 3;

/** An image of 32 x 32 pixels: all red values, all green ones, all blue ones. */
export function cifarImage(file: string, offset: number, written?: Written): ImageSource {
  return pixelsWithin(file, offset, SHAPE, true, written);
}
