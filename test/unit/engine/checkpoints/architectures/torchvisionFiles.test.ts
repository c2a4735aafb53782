import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { TORCHVISION } from '../../../../../src/engine/checkpoints/architectures/convolutional.ts';
import { asPublishedIn } from '../../../../../src/engine/checkpoints/architectures/torchvisionFiles.ts';

const FIXTURE = path.join(import.meta.dirname, '../../../../fixtures/statistics/torchvision.json');
const fixtureSchema = z.object({
  files: z.record(z.string(), z.object({ size: z.int(), resize: z.int(), kernel: z.string() })),
});

describe('images for one of torchvision’s files', () => {
  it('are prepared as torchvision does', async () => {
    const { files } = fixtureSchema.parse(JSON.parse(await readFile(FIXTURE, 'utf8')));
    for (const [name, steps] of Object.entries(files)) {
      expect({ name, ...asPublishedIn(name, TORCHVISION) }).toMatchObject({ name, ...steps });
    }
  });

  it.each([
    ['vit_l_16_lc_swag-4d563306', 224],
    ['vit_l_16_swag-4f3808c9', 512],
    ['regnet_y_16gf_swag-43afe44d', 384],
  ])('keep their aspect ratio with %s', (name, size) => {
    const published = asPublishedIn(name, { ...TORCHVISION, size: name.startsWith('vit') ? size : 224 });
    expect(published).toMatchObject({ size, resize: size, keepsAspect: true, kernel: 'cubic', named: name });
  });

  it('are prepared as for its family with a name that says nothing else', () => {
    for (const name of ['resnet50-0676ba61', 'resnet50', 'best', 'my_swag-0a1b2c3d']) {
      expect(asPublishedIn(name, TORCHVISION)).toBe(TORCHVISION);
    }
    const usual = { ...TORCHVISION, size: 240, kernel: 'cubic' } as const;
    expect(asPublishedIn('efficientnet_b1-c27df63c', usual)).toMatchObject({
      size: 240,
      resize: 255,
      kernel: 'linear',
    });
  });
});
