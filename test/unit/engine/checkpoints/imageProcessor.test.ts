import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ImageInput } from '../../../../src/engine/checkpoints/checkpoint.ts';
import { readPreprocessing } from '../../../../src/engine/checkpoints/preprocessing.ts';
import { inputTensor } from '../../../../src/engine/extract/inputTensor.ts';
import { temporaryFolder } from '../../../helpers/temporaryFolder.ts';

const rgb: ImageInput = {
  name: 'x',
  elementType: 'float32',
  channelsFirst: true,
  channels: 3,
  height: undefined,
  width: undefined,
  batch: undefined,
};

async function read(config: object, input = rgb, name = 'preprocessor_config.json') {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, name), JSON.stringify(config));
  return readPreprocessing(path.join(folder, 'model.safetensors'), input);
}

const square = (edge: number) => ({ height: edge, width: edge });
const extractor = (name: string) => ({ feature_extractor_type: `${name}FeatureExtractor`, resample: 3 });

// The geometry of files as they were published, compared with the image processors of transformers 5.24.0 on pictures.
describe('preprocessor_config.json means what the image processor that it names makes of it', () => {
  it.each([
    [
      'openai/clip-vit-base-patch32',
      { ...extractor('CLIP'), do_center_crop: true, crop_size: 224, size: 224 },
      { resize: { shortestEdge: 224 }, crop: square(224), kernel: 'cubic' },
    ],
    [
      'facebook/convnext-tiny-224 and microsoft/resnet-50',
      { ...extractor('ConvNext'), crop_pct: 0.875, size: 224 },
      { resize: { shortestEdge: 256 }, crop: square(224), kernel: 'cubic' },
    ],
    [
      'facebook/convnext-base-384',
      { ...extractor('ConvNext'), crop_pct: null, size: 384 },
      { resize: square(384), crop: square(384) },
    ],
    [
      'a ConvNeXt as transformers 5 writes it',
      { image_processor_type: 'ConvNextImageProcessorFast', crop_pct: 0.875, size: { shortest_edge: 224 } },
      { resize: { shortestEdge: 256 }, crop: square(224), kernel: 'cubic' },
    ],
    [
      'facebook/deit-base-patch16-224',
      { ...extractor('DeiT'), do_center_crop: true, crop_size: 224, size: 256 },
      { resize: square(256), crop: square(224) },
    ],
    [
      'microsoft/beit-base-patch16-224',
      { ...extractor('Beit'), do_center_crop: false, crop_size: 224, size: 224, resample: 2 },
      { resize: square(224), crop: square(224), kernel: 'linear' },
    ],
    [
      'facebook/dinov2-base',
      {
        image_processor_type: 'BitImageProcessor',
        do_center_crop: true,
        crop_size: square(224),
        size: { shortest_edge: 256 },
        resample: 3,
      },
      { resize: { shortestEdge: 256 }, crop: square(224), kernel: 'cubic' },
    ],
    [
      'a MobileNetV2 of early versions',
      { feature_extractor_type: 'MobileNetV2FeatureExtractor', crop_size: 224, size: 256 },
      { resize: { shortestEdge: 256 }, crop: square(224), kernel: 'linear' },
    ],
    [
      'a CLIP whose images are cropped as they are',
      { image_processor_type: 'CLIPImageProcessor', do_resize: false, size: { shortest_edge: 224 }, crop_size: 336 },
      { resize: undefined, crop: square(336) },
    ],
    [
      'a ViT whose images are of its size already',
      { image_processor_type: 'ViTImageProcessor', do_resize: false, size: 224 },
      { resize: square(224), crop: square(224) },
    ],
    [
      'a fast processor, which leaves out by null',
      { image_processor_type: 'ViTImageProcessorFast', do_center_crop: null, crop_size: null, size: square(224) },
      { resize: square(224), crop: square(224), mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
    ],
  ])('%s', async (_, config, expected) => {
    expect(await read(config)).toMatchObject(expected);
  });

  it('is found in processor_config.json of transformers 5, which may hold none', async () => {
    const image_processor = { image_processor_type: 'CLIPImageProcessor', size: { shortest_edge: 336 } };
    const preprocessing = await read(
      { image_processor, processor_class: 'CLIPProcessor' },
      rgb,
      'processor_config.json',
    );
    expect(preprocessing).toMatchObject({ resize: { shortestEdge: 336 }, crop: square(336) });
    expect(preprocessing.description).toContain('from processor_config.json');
    expect(await read({ processor_class: 'X' }, rgb, 'processor_config.json')).toMatchObject({ assumed: true });
  });

  it('without mean and deviation they are the processor’s own, and none where none is named', async () => {
    expect(await read({ ...extractor('CLIP'), size: 224 })).toMatchObject({
      mean: [0.48145466, 0.4578275, 0.40821073],
    });
    expect(await read({ size: 224 })).toMatchObject({ mean: [0, 0, 0], std: [1, 1, 1] });
  });

  it('a deviation of nothing is refused', async () => {
    await expect(read({ size: 224, image_std: [0.5, 0, 0.5] })).rejects.toThrow('preprocessor_config.json: image_std');
  });

  it('crops oblong images out of the size that is asked for', async () => {
    const config = { image_processor_type: 'CLIPImageProcessor', crop_size: { height: 36, width: 33 } };
    const { resize, crop } = await read({ ...config, size: { shortest_edge: 40 } });
    expect([resize, crop]).toEqual([{ shortestEdge: 40 }, { height: 36, width: 33 }]);
  });

  it('keeps the proportions where the network takes another size', async () => {
    const config = { image_processor_type: 'BitImageProcessor', crop_size: square(224), size: { shortest_edge: 256 } };
    const { resize, crop } = await read(config, { ...rgb, height: 518, width: 518 });
    expect([resize, crop]).toEqual([{ shortestEdge: 592 }, square(518)]);
  });

  // By EfficientNetImageProcessorPil of transformers 5.24.0, on a picture of 100 everywhere.
  it.each([
    ['with its top', { rescale_factor: 1 / 255 }, -1.72549],
    [
      'with an offset',
      { rescale_factor: 1 / 127.5, rescale_offset: true, include_top: false, do_normalize: false },
      -0.215686,
    ],
    ['with both', { rescale_factor: 1 / 127.5, rescale_offset: true }, -11.45098],
  ])('normalises EfficientNet’s images %s', async (_, options, expected) => {
    const preprocessing = await read({
      image_processor_type: 'EfficientNetImageProcessor',
      size: square(1),
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.25, 0.25, 0.25],
      ...options,
    });
    const pixels = { height: 1, width: 1, values: Uint8Array.of(100, 100, 100) };
    expect(inputTensor([pixels], 1, rgb, preprocessing).data[0]).toBeCloseTo(expected, 4);
  });
});
