import type { RawImage } from '../datasets/dataset.ts';

/** Blue, green and red in the bytes of a pixel, and a fourth that doesn't count. */
const USUAL_MASKS = [0xff0000, 0xff00, 0xff];
const RARE = 'of a rare kind; convert it to PNG';

/**
 * Decodes BMP without compression, PGM and PPM with a byte per channel, as PIL does; libvips as sharp packages it has no
 * reader of these.
 * @returns nothing for bytes that start as none of them
 * @throws Error saying what is wrong
 */
export function decodeBitmap(bytes: Uint8Array, maxPixels: number): RawImage | undefined {
  const start = Buffer.from(bytes.subarray(0, 2)).toString('latin1');
  if (start === 'BM' && bytes.length > 54) return decodeBmp(bytes, maxPixels);
  return start === 'P5' || start === 'P6' ? decodePnm(bytes, start === 'P5' ? 1 : 3, maxPixels) : undefined;
}

function decodeBmp(bytes: Uint8Array, maxPixels: number): RawImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = view.getUint32(14, true);
  // OS/2 had a shorter header with smaller numbers.
  const isShort = header === 12;
  const width = isShort ? view.getUint16(18, true) : view.getInt32(18, true);
  const signed = isShort ? view.getUint16(20, true) : view.getInt32(22, true);
  const height = Math.abs(signed);
  const depth = view.getUint16(isShort ? 24 : 28, true);
  const compression = isShort ? 0 : view.getUint32(30, true);
  const hasMasks = compression === 3 && depth === 32 && bytes.length > 66;
  const isUsual = hasMasks && USUAL_MASKS.every((mask, index) => view.getUint32(54 + 4 * index, true) === mask);
  if (![1, 4, 8, 24, 32].includes(depth) || (compression !== 0 && !isUsual)) throw new Error(`a BMP ${RARE}`);
  requireSize(width, height, maxPixels);
  const first = view.getUint32(10, true);
  // Rows are padded to four bytes and stand from bottom to top, unless the height is negative.
  const stride = Math.ceil((width * depth) / 32) * 4;
  requireBytes(bytes, first + stride * height);
  const palette = { at: 14 + header, entry: isShort ? 3 : 4 };
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y += 1) {
    const row = first + stride * (signed < 0 ? y : height - 1 - y);
    for (let x = 0; x < width; x += 1, to += 3) {
      const bit = x * depth;
      const byte = row + (bit >> 3);
      const index = ((bytes[byte] ?? 0) >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
      const from = depth > 8 ? byte : palette.at + palette.entry * index;
      for (let channel = 0; channel < 3; channel += 1) pixels[to + channel] = bytes[from + 2 - channel] ?? 0;
    }
  }
  return { pixels, width, height, channels: 3 };
}

/** `P6 640 480 255`, where comments may stand between the numbers, and the pixels after one white space. */
const PNM = /^P[56](?:\s+(?:#.*\n\s*)*)(\d+)(?:\s+(?:#.*\n\s*)*)(\d+)(?:\s+(?:#.*\n\s*)*)(\d+)\s/;
const PNM_HEADER_BYTES = 1024;

function decodePnm(bytes: Uint8Array, channels: 1 | 3, maxPixels: number): RawImage {
  const header = PNM.exec(Buffer.from(bytes.subarray(0, PNM_HEADER_BYTES)).toString('latin1'));
  const [width = 0, height = 0, most = 0] = (header ?? []).slice(1).map(Number);
  if (!header || most !== 255) throw new Error(`a PNM ${RARE}`);
  requireSize(width, height, maxPixels);
  const first = header[0].length;
  const length = width * height * channels;
  requireBytes(bytes, first + length);
  return { pixels: bytes.slice(first, first + length), width, height, channels };
}

function requireSize(width: number, height: number, maxPixels: number): void {
  if (width < 1 || height < 1) throw new Error(`an image of ${width} x ${height} pixels`);
  if (width * height > maxPixels) throw new Error(`more than ${maxPixels} pixels`);
}

function requireBytes(bytes: Uint8Array, end: number): void {
  if (end > bytes.length) throw new Error('the file ends before the image does');
}
