import type { PublishedPreprocessing } from './architecture.ts';

// torchvision publishes several weights of one network, and prepares images for each in its own way. Only the names of the
// files tell which they are: their last digits are the first ones of the file's hash.

/** 224 pixels out of 232 instead of 256: of the second recipe of training, from 2021 on. */
const OUT_OF_232 = new Set([
  'mnasnet0_75-7090bc5f',
  'mnasnet1_3-a4c69d6f',
  'mobilenet_v2-7ebf99e0',
  'mobilenet_v3_large-5c1a4163',
  'regnet_x_16gf-ba3796d7',
  'regnet_x_1_6gf-a12f2b72',
  'regnet_x_32gf-6eb8fdc6',
  'regnet_x_3_2gf-7071aa85',
  'regnet_x_400mf-62229a5f',
  'regnet_x_800mf-94a99ebd',
  'regnet_x_8gf-2b70d774',
  'regnet_y_16gf-3e4a00f9',
  'regnet_y_1_6gf-0d7bc02a',
  'regnet_y_32gf-8db6d4b5',
  'regnet_y_3_2gf-9180c971',
  'regnet_y_400mf-e6988f5f',
  'regnet_y_800mf-58fc7688',
  'regnet_y_8gf-dc2b1b54',
  'resnet101-cd907fc2',
  'resnet152-f82ba261',
  'resnet50-11ad3fa6',
  'resnext101_32x8d-110c445d',
  'resnext101_64x4d-173b62eb',
  'resnext50_32x4d-1a0047aa',
  'wide_resnet101_2-d733dc28',
  'wide_resnet50_2-9ba9bcbe',
]);

/** SWAG's (Singh et al. 2022): a classifier on features for 224 pixels, or the whole network fine-tuned for 384. */
const SWAG = /^(?:vit_[blh]|regnet_y)_\w+_swag-[0-9a-f]{8}$/;
const SWAG_LINEAR = /_lc_swag-/;

/**
 * How images are prepared for a network out of one of torchvision's files.
 * @param published the usual way of its family
 * @param name of the file, without its ending
 */
export function asPublishedIn(name: string, published: PublishedPreprocessing): PublishedPreprocessing {
  if (OUT_OF_232.has(name)) return { ...published, resize: 232, named: name };
  if (name === 'efficientnet_b1-c27df63c') return { ...published, resize: 255, kernel: 'linear', named: name };
  if (!SWAG.test(name)) return published;
  // Vision transformers take images of the one size that they have places for.
  const size = SWAG_LINEAR.test(name) ? 224 : name.startsWith('regnet') ? 384 : published.size;
  return { ...published, size, resize: size, keepsAspect: true, kernel: 'cubic', named: name };
}
