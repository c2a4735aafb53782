import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { detectArchitecture } from '../../../../../src/engine/checkpoints/architectures/detect.ts';
import { statisticsOf } from '../../../../../src/engine/checkpoints/architectures/publishedStatistics.ts';

import { resnetShapes, type Shapes, vitShapes, weightsOf } from '../../../../helpers/shapes.ts';

const FIXTURE = path.join(import.meta.dirname, '../../../../fixtures/statistics/timm.json');
const fixtureSchema = z.object({
  groups: z.array(z.object({ mean: z.array(z.number()), std: z.array(z.number()), names: z.array(z.string()) })),
});

it('every name of timm’s published weights tells the statistics that timm has for them, or none', async () => {
  const { groups } = fixtureSchema.parse(JSON.parse(await readFile(FIXTURE, 'utf8')));
  let told = 0;
  for (const { mean, std, names } of groups) {
    for (const name of names) {
      const statistics = statisticsOf(name);
      if (statistics) expect({ name, ...statistics }).toEqual({ name, mean, std });
      if (statistics) told += 1;
    }
  }
  const all = groups.reduce((sum, { names }) => sum + names.length, 0);
  expect(told / all).toBeGreaterThan(0.95);
});

it.each([
  ['resnet34-b627a593', 0.485],
  ['resnet34-43635321', 0.485],
  ['tf_efficientnet_b0_ap-f262efe1', 0.5],
  ['tf_efficientnet_b0_ns-c0e6a31c', 0.485],
  ['tf_efficientnetv2_s-eb54923e', 0.5],
  ['tf_efficientnetv2_b0-c7cc451f', 0.485],
  ['tf_mobilenetv3_large_100-427764d5', 0.5],
  ['mobilenetv3_large_100_1k_miil_78_0', 0],
  ['jx_vit_base_p16_224-80ecf9dd', 0.5],
])('%s, as files were called before, tells a mean of %s', (name, mean) => {
  expect(statisticsOf(name)?.mean[0]).toBe(mean);
});

it.each(['best', 'vit_base_patch16_224', 'tf_efficientnet_b0', 'resnet34.best', 'model.v2', 'vit_run.final'])(
  '%s tells nothing',
  (name) => {
    expect(statisticsOf(name)).toBeUndefined();
  },
);

const RESNET_34 = resnetShapes([3, 4, 6, 3], {});
const RESNET_50 = resnetShapes([3, 4, 6, 3], { bottleneck: true });
const TIPS_V2: Shapes = {
  ...vitShapes(768, 12, 14, 448),
  pos_embed: [1, 1024, 768],
  reg_token: [1, 1, 768],
  'blocks.0.ls1.gamma': [768],
};

it.each<[file: string, shapes: Shapes, published: { mean: number; guessed: boolean; named: string | undefined }]>([
  ['/runs/best.pth', RESNET_34, { mean: 0.485, guessed: true, named: undefined }],
  ['/runs/best.pth', RESNET_50, { mean: 0.485, guessed: false, named: undefined }],
  ['/hub/resnet34-b627a593.pth', RESNET_34, { mean: 0.485, guessed: false, named: 'resnet34-b627a593' }],
  [
    '/hub/models--timm--resnet34.ra4_e3600_r224_in1k/snapshots/0a/model.safetensors',
    RESNET_34,
    { mean: 0.5, guessed: false, named: 'resnet34.ra4_e3600_r224_in1k' },
  ],
  [
    '/models/vit_base_patch16_224.augreg_in21k/model.safetensors',
    vitShapes(768, 12, 16, 224),
    { mean: 0.5, guessed: false, named: 'vit_base_patch16_224.augreg_in21k' },
  ],
  ['/models/vit/model.safetensors', vitShapes(768, 12, 16, 224), { mean: 0.5, guessed: true, named: undefined }],
  ['/models/tips/model.safetensors', TIPS_V2, { mean: 0, guessed: false, named: undefined }],
])('the weights %s are prepared for by their name, or it is a guess', (file, shapes, { mean, guessed, named }) => {
  const format = file.endsWith('.pth') ? 'torch' : 'safetensors';
  const published = detectArchitecture(weightsOf(shapes, file, format), undefined)?.image?.published;
  expect(published?.mean[0]).toBe(mean);
  expect(published?.guessed ?? false).toBe(guessed);
  expect(published?.named).toBe(named);
});
