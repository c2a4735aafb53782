import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { PixelSource } from '../../../../src/engine/extract/pixels.ts';

const { cases } = z
  .object({
    cases: z.array(
      z.object({
        width: z.int(),
        height: z.int(),
        resize: z.union([z.int(), z.tuple([z.int(), z.int()])]),
        crop: z.int(),
        kernel: z.enum(['nearest', 'box', 'linear', 'hamming', 'cubic', 'lanczos3']),
        pixels: z.base64(),
        expected: z.base64(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('../../../fixtures/resize/cases.json', import.meta.url), 'utf8')));

describe('resizing and cropping', () => {
  it.each(cases)(
    'is PIL’s to a fraction of a grey level: $width×$height to $resize, crop $crop, $kernel',
    async (resizeCase) => {
      const { width, height, resize, crop, kernel, pixels, expected } = resizeCase;
      const image = { pixels: Buffer.from(pixels, 'base64'), width, height, channels: 3 as const };
      const source = new PixelSource([{ id: 'a', file: '', label: 0, image: { read: async () => image } }]);
      const loaded = await source.load(0, {
        resize: typeof resize === 'number' ? { shortestEdge: resize } : { height: resize[0], width: resize[1] },
        kernel,
        crop: { height: crop, width: crop },
        cropOffset: 'halfToEven',
        scale: 1,
        mean: [0, 0, 0],
        std: [1, 1, 1],
        bgr: false,
        description: '',
        assumed: false,
      });
      const differences = Array.from(Buffer.from(expected, 'base64'), (value, at) =>
        Math.abs(value - (loaded.values[at] ?? 0)),
      );
      expect(loaded.values).toHaveLength(differences.length);
      expect(differences.reduce((sum, value) => sum + value, 0) / differences.length).toBeLessThan(0.5);
    },
  );
});
