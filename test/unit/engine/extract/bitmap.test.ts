import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBitmap } from '../../../../src/engine/extract/bitmap.ts';

interface Bmp {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly palette?: readonly number[];
  readonly rows: readonly number[];
  readonly compression?: number;
}

/** A BMP file with the header that Windows writes. */
function bmp({ width, height, depth, palette = [], rows, compression = 0 }: Bmp): Buffer {
  const header = Buffer.alloc(54);
  header.write('BM');
  header.writeUInt32LE(54 + palette.length, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(height, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(depth, 28);
  header.writeUInt32LE(compression, 30);
  return Buffer.concat([header, Buffer.from(palette), Buffer.from(rows)]);
}

function pixels(file: Uint8Array): number[] | undefined {
  const image = decodeBitmap(file, 1000);
  return image && [...image.pixels];
}

const BLUE_RED = [255, 0, 0, 0, 0, 0, 255, 0];
const PALETTE = [255, 0, 0, 0, 0, 0, 255, 0, 1, 2, 3, 0];
/** Where in 32 bits red, green and blue lie; the masks stand in the place of a palette. */
const MASKS = [0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0];
const MASKED = { width: 2, height: 1, depth: 32, palette: MASKS, rows: BLUE_RED, compression: 3 };

describe('decodeBitmap', () => {
  it.each([
    [
      '24 bits, from bottom to top',
      { width: 1, height: 2, depth: 24, rows: [3, 2, 1, 0, 6, 5, 4, 0] },
      [4, 5, 6, 1, 2, 3],
    ],
    [
      '24 bits, from top to bottom',
      { width: 1, height: -2, depth: 24, rows: [3, 2, 1, 0, 6, 5, 4, 0] },
      [1, 2, 3, 4, 5, 6],
    ],
    ['32 bits', { width: 2, height: 1, depth: 32, rows: BLUE_RED }, [0, 0, 255, 255, 0, 0]],
    ['32 bits with masks', MASKED, [0, 0, 255, 255, 0, 0]],
    [
      '8 bits',
      { width: 3, height: 1, depth: 8, palette: PALETTE, rows: [2, 0, 1, 9] },
      [3, 2, 1, 0, 0, 255, 255, 0, 0],
    ],
    [
      '4 bits',
      { width: 3, height: 1, depth: 4, palette: PALETTE, rows: [0x20, 0x1f, 0, 0] },
      [3, 2, 1, 0, 0, 255, 255, 0, 0],
    ],
    [
      '1 bit',
      { width: 3, height: 1, depth: 1, palette: PALETTE, rows: [0b01000000, 0, 0, 0] },
      [0, 0, 255, 255, 0, 0, 0, 0, 255],
    ],
  ] as const)('reads a BMP of %s', (_, file, expected) => {
    expect(pixels(bmp(file))).toEqual(expected);
  });

  it('reads PGM and PPM, with comments', () => {
    expect(pixels(Buffer.from('P5\n# by hand\n2 1\n# 255\n255\n\x01\x02', 'latin1'))).toEqual([1, 2]);
    expect(pixels(Buffer.from('P6 1 1 255\n\x01\x02\xff', 'latin1'))).toEqual([1, 2, 255]);
  });

  it.each([
    ['that is compressed', bmp({ width: 1, height: 1, depth: 8, rows: [1], compression: 1 }), 'a BMP of a rare kind'],
    ['that ends early', bmp({ width: 2, height: 2, depth: 24, rows: [1, 2] }), 'the file ends before the image does'],
    ['of nothing', bmp({ width: 0, height: 1, depth: 24, rows: [1] }), 'an image of 0 x 1 pixels'],
    ['that is too large', bmp({ width: 1001, height: 1, depth: 24, rows: [1] }), 'more than 1000 pixels'],
    ['of two bytes per channel', Buffer.from('P5 1 1 65535\n\0\0'), 'a PNM of a rare kind'],
  ])('refuses one %s', (_, file, reason) => {
    expect(() => decodeBitmap(file, 1000)).toThrow(reason);
  });

  it('leaves other files to others', () => {
    expect(decodeBitmap(Buffer.from('BM'), 1000)).toBeUndefined();
    expect(decodeBitmap(Buffer.from('\x89PNG\r\n'), 1000)).toBeUndefined();
  });

  it('gives an image or an error, however a file is damaged', () => {
    const good = [bmp({ width: 3, height: 1, depth: 8, palette: PALETTE, rows: [2, 0, 1, 9] }), bmp(MASKED)];
    const damage = fc.array(fc.tuple(fc.integer({ min: 2, max: 73 }), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...good), damage, fc.integer({ min: 50, max: 74 }), (whole, changes, length) => {
        const file = Buffer.from(whole.subarray(0, length));
        for (const [at, value] of changes) if (at < file.length) file[at] = value;
        let image: ReturnType<typeof decodeBitmap>;
        try {
          image = decodeBitmap(file, 1000);
        } catch (error) {
          expect(error).not.toBeInstanceOf(RangeError);
          return;
        }
        if (image) expect(image.pixels.length).toBe(image.width * image.height * 3);
        else expect(file.length).toBeLessThanOrEqual(54);
      }),
      { numRuns: 2000 },
    );
  });
});
