import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { INCEPTION } from '../../../../src/engine/checkpoints/architectures/architecture.ts';
import type { ImageInput } from '../../../../src/engine/checkpoints/checkpoint.ts';
import { readPreprocessing } from '../../../../src/engine/checkpoints/preprocessing.ts';
import { fileImage } from '../../../../src/engine/datasets/images.ts';
import { inputTensor } from '../../../../src/engine/extract/inputTensor.ts';
import { PixelSource, type Pixels } from '../../../../src/engine/extract/pixels.ts';
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

async function withConfig(config: unknown, input: ImageInput = rgb, name = 'preprocessor_config.json') {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, name), typeof config === 'string' ? config : JSON.stringify(config));
  return readPreprocessing(path.join(folder, 'model.onnx'), input);
}

describe('readPreprocessing', () => {
  it('reads Hugging Face’s format', async () => {
    const preprocessing = await withConfig({
      do_resize: true,
      size: { shortest_edge: 256 },
      resample: 3,
      do_center_crop: true,
      crop_size: { height: 224, width: 224 },
      image_mean: [0.1, 0.2, 0.3],
      image_std: [0.4, 0.5, 0.6],
    });
    expect(preprocessing).toMatchObject({
      resize: { shortestEdge: 256 },
      kernel: 'cubic',
      crop: { height: 224, width: 224 },
      scale: 1 / 255,
      mean: [0.1, 0.2, 0.3],
      std: [0.4, 0.5, 0.6],
      bgr: false,
      assumed: false,
    });
  });

  it('prefers the file of this very checkpoint', async () => {
    const folder = await temporaryFolder();
    await writeFile(path.join(folder, 'preprocessor_config.json'), '{"size": 10}');
    await writeFile(path.join(folder, 'model.preprocessor_config.json'), '{"size": 20, "do_flip_channel_order": true}');
    const preprocessing = await readPreprocessing(path.join(folder, 'model.onnx'), rgb);
    expect(preprocessing).toMatchObject({ crop: { height: 20, width: 20 }, bgr: true });
    expect(preprocessing.description).toContain('from model.preprocessor_config.json');
    expect(await readPreprocessing(path.join(folder, 'model.pth.tar'), rgb)).toEqual(preprocessing);
  });

  it('reads open_clip’s format, which keeps the aspect ratio unless it says otherwise', async () => {
    const published = { size: 224, resize: 224, kernel: 'cubic', mean: [0.1, 0.2, 0.3], std: [1, 2, 3] } as const;
    const read = (settings: unknown) =>
      readPreprocessing('model.pt', rgb, published, new Map([['preprocess_cfg', settings]]));
    expect(await read({ mean: [0.5, 0.5, 0.5] })).toMatchObject({
      resize: { shortestEdge: 224 },
      kernel: 'cubic',
      crop: { height: 224, width: 224 },
      mean: [0.5, 0.5, 0.5],
      std: [1, 2, 3],
      assumed: false,
    });
    const squashed = await read({ interpolation: 'bilinear', resize_mode: 'squash' });
    expect(squashed).toMatchObject({ resize: { height: 224, width: 224 }, kernel: 'linear', mean: [0.1, 0.2, 0.3] });
    await expect(read({ resize_mode: 'longest' })).rejects.toThrow(
      'open_clip_config.json: preprocess_cfg: resize_mode',
    );
  });

  // Compared with timm 1.0's create_transform on pictures.
  it.each([
    [{ crop_pct: 0.9 }, { shortestEdge: 248 }],
    [
      { crop_pct: 0.9, crop_mode: 'squash' },
      { height: 248, width: 248 },
    ],
    [{ crop_pct: 0.9, input_size: [3, 192, 256] }, { covering: { height: 213, width: 284 } }],
    [
      { crop_pct: 1, input_size: [3, 192, 256], crop_mode: 'squash' },
      { height: 192, width: 256 },
    ],
  ])('reads timm’s format: %j', async (settings, resize) => {
    const steps = { input_size: [3, 224, 224], mean: [0.5, 0.5, 0.5], std: [0.1, 0.2, 0.3], ...settings };
    const preprocessing = await readPreprocessing('model.pth', rgb, undefined, new Map([['pretrained_cfg', steps]]));
    expect(preprocessing).toMatchObject({ resize, kernel: 'cubic', std: [0.1, 0.2, 0.3], assumed: false });
  });

  it('refuses timm’s borders', async () => {
    const steps = { input_size: [3, 224, 224], mean: [0, 0, 0], std: [1, 1, 1], crop_mode: 'border' };
    await expect(readPreprocessing('model.pth', rgb, undefined, new Map([['pretrained_cfg', steps]]))).rejects.toThrow(
      'config.json: pretrained_cfg: crop_mode',
    );
  });

  it('lets the network’s own input size have the last word', async () => {
    const { crop, resize } = await withConfig({ size: 64 }, { ...rgb, height: 32, width: 48 });
    expect([crop, resize]).toEqual([
      { height: 32, width: 48 },
      { height: 32, width: 48 },
    ]);
  });

  it('says where a family’s published way is a guess, unless a file tells', async () => {
    const published = { size: 224, resize: 256, kernel: 'cubic', mean: [0.1, 0.2, 0.3], std: [1, 2, 3] } as const;
    expect(await readPreprocessing('model.pt', rgb, published)).toMatchObject({ assumed: false });
    const guessed = { ...published, guessed: true };
    expect(await readPreprocessing('model.pt', rgb, guessed)).toMatchObject({ mean: [0.1, 0.2, 0.3], assumed: true });
    const folder = await temporaryFolder();
    await writeFile(path.join(folder, 'preprocessor_config.json'), '{"size": 10}');
    expect(await readPreprocessing(path.join(folder, 'model.pt'), rgb, guessed)).toMatchObject({ assumed: false });
  });

  it('guesses where nothing is said, and says so', async () => {
    const folder = await temporaryFolder();
    const colour = await readPreprocessing(path.join(folder, 'model.onnx'), rgb);
    expect(colour).toMatchObject({ mean: [0.485, 0.456, 0.406], assumed: true });
    const grey = await readPreprocessing(path.join(folder, 'model.onnx'), { ...rgb, channels: 1 });
    expect(grey).toMatchObject({ mean: [0.5], std: [0.5], assumed: true });
  });

  it.each([
    ['broken JSON', '{"size": ', 'not valid JSON'],
    ['a size beyond reason', { size: 1e9 }, 'size'],
    ['a mean that is no number', { image_mean: 'dark' }, 'image_mean'],
  ])('names the file when it holds %s', async (_, config, reason) => {
    await expect(withConfig(config)).rejects.toThrow('preprocessor_config.json');
    await expect(withConfig(config)).rejects.toThrow(reason);
  });
});

describe('images that are kept whole', () => {
  const vilt = { size: 384, resize: 384, multipleOf: 32, kernel: 'cubic', ...INCEPTION } as const;

  async function withSize(config: object) {
    const folder = await temporaryFolder();
    await writeFile(path.join(folder, 'preprocessor_config.json'), JSON.stringify(config));
    return readPreprocessing(path.join(folder, 'model.safetensors'), rgb, vilt);
  }

  // As get_resize_output_image_size of transformers 5.24.0 (models/vilt/image_processing_pil_vilt.py) has it.
  it.each([
    [480, 640, 384, 512],
    [640, 480, 512, 384],
    [384, 384, 384, 384],
    [333, 500, 384, 576],
    [100, 1000, 64, 608],
    [2000, 300, 608, 96],
    [37, 41, 384, 416],
    [24, 40, 352, 608],
  ])('%i×%i becomes %i×%i, as ViLT’s image processor has it', async (height, width, rows, columns) => {
    const image = { pixels: Buffer.alloc(height * width), width, height, channels: 1 as const };
    const source = new PixelSource([{ id: 'a', file: '', label: 0, image: { read: async () => image } }]);
    const preprocessing = await withSize({ size: 384, size_divisor: 32 });
    expect(preprocessing).toEqual(await withSize({ size: { shortest_edge: 384 } }));
    const pixels = await source.load(0, preprocessing);
    expect(pixels).toMatchObject({ height: rows, width: columns });
    expect(inputTensor([pixels], 1, rgb, preprocessing).dims).toEqual([1, 3, rows, columns]);
  });

  it('are at least one patch wide, however long', async () => {
    const image = { pixels: Buffer.alloc(4000), width: 4000, height: 1, channels: 1 as const };
    const source = new PixelSource([{ id: 'a', file: '', label: 0, image: { read: async () => image } }]);
    expect(await source.load(0, await withSize({}))).toMatchObject({ height: 32, width: 608 });
  });

  it('are as the family has them where nothing is said, and the description tells', async () => {
    const preprocessing = await readPreprocessing('model.safetensors', rgb, vilt);
    expect(preprocessing).toMatchObject({ resize: { shortestEdge: 384, longestEdge: 639, multipleOf: 32 } });
    expect(preprocessing.description).toMatch(/^resize to shortest edge 384, longest at most 639, multiples of 32/);
  });

  it('are refused in sizes that cost too much or fit no patches', async () => {
    await expect(withSize({ size: 4096 })).rejects.toThrow('a shortest edge of 4096 pixels, not 32 to 768');
    await expect(withSize({ size: 384, size_divisor: 5 })).rejects.toThrow('size_divisor: 5 is no multiple');
  });
});

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>';

describe('from image file to input tensor', () => {
  /** A 2×1 image: red, then a half transparent blue. */
  async function imageFile(name: string, make: (image: Sharp) => Sharp): Promise<string> {
    const file = path.join(await temporaryFolder(), name);
    const raw = Buffer.from([255, 0, 0, 255, 0, 0, 255, 128]);
    await make(sharp(raw, { raw: { width: 2, height: 1, channels: 4 } })).toFile(file);
    return file;
  }

  async function load(file: string, config: object, input = rgb): Promise<Pixels> {
    const samples = [{ id: 'a', file, image: fileImage(file), label: 0 }];
    return new PixelSource(samples).load(0, await withConfig(config, input));
  }

  it('decodes to RGB without alpha', async () => {
    const file = await imageFile('a.png', (image) => image.png());
    expect((await load(file, { size: { height: 1, width: 2 } })).values).toEqual(Uint8Array.of(255, 0, 0, 0, 0, 255));
  });

  it('turns a picture as the camera was held', async () => {
    const file = await imageFile('a.png', (image) => image.withMetadata({ orientation: 3 }).png());
    expect((await load(file, { size: { height: 1, width: 2 } })).values).toEqual(Uint8Array.of(0, 0, 255, 255, 0, 0));
  });

  it('shows the transparent colour of a GIF, as PIL does', async () => {
    const file = path.join(await temporaryFolder(), 'a.gif');
    const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
    // The first colour of the palette, which is the transparent one.
    gif.set([200, 100, 50], 13);
    const comment = Buffer.from('!\xfe\x03abc\x00', 'latin1');
    for (const content of [gif, Buffer.concat([gif.subarray(0, 19), comment, gif.subarray(19)])]) {
      await writeFile(file, content);
      expect((await load(file, { size: { height: 1, width: 1 } })).values).toEqual(Uint8Array.of(200, 100, 50));
    }
    await writeFile(file, gif.subarray(0, 24));
    await expect(load(file, {})).rejects.toThrow();
  });

  it('mixes inks by PIL’s formula', async () => {
    const file = path.join(await temporaryFolder(), 'inks.tif');
    await writeFile(file, cmykTiff([10, 100, 200, 50], [0, 255, 128, 0]));
    // Image.open(file).convert('RGB') of Pillow 13.0.0.
    expect((await load(file, { size: { height: 1, width: 2 } })).values).toEqual(
      Uint8Array.of(197, 125, 44, 255, 0, 127),
    );
  });

  it('takes colours as they are stored, whatever a profile says', async () => {
    const file = await imageFile('a.png', (image) => image.withIccProfile('p3').png());
    const stored = await sharp(file, { ignoreIcc: true }).removeAlpha().raw().toBuffer();
    expect([...stored]).not.toEqual([255, 0, 0, 0, 0, 255]);
    expect([...(await load(file, { size: { height: 1, width: 2 } })).values]).toEqual([...stored]);
  });

  it('repeats a grey image in every channel', async () => {
    const file = path.join(await temporaryFolder(), 'grey.png');
    await sharp(Buffer.from([10, 200]), { raw: { width: 2, height: 1, channels: 1 } })
      .png()
      .toFile(file);
    expect((await load(file, { size: { height: 1, width: 2 } })).values).toEqual(
      Uint8Array.of(10, 10, 10, 200, 200, 200),
    );
  });

  // ResizeKeepRatio((213, 284)) of timm 1.0.
  it.each([
    [300, 240, 284, 227],
    [160, 100, 341, 213],
    [150, 300, 284, 568],
    [7, 5, 298, 213],
    [301, 233, 284, 220],
  ])('covers an oblong: %i×%i becomes %i×%i', async (width, height, columns, rows) => {
    const image = { pixels: Buffer.alloc(height * width), width, height, channels: 1 as const };
    const source = new PixelSource([{ id: 'a', file: '', label: 0, image: { read: async () => image } }]);
    const whole = { ...(await withConfig({})), resize: { covering: { height: 213, width: 284 } }, crop: undefined };
    expect(await source.load(0, whole)).toMatchObject({ height: rows, width: columns });
  });

  it('crops the centre', async () => {
    const file = path.join(await temporaryFolder(), 'wide.png');
    await sharp(Buffer.from([1, 2, 3, 4]), { raw: { width: 4, height: 1, channels: 1 } })
      .png()
      .toFile(file);
    const config = {
      size: { shortest_edge: 1 },
      do_center_crop: true,
      crop_size: { height: 1, width: 1 },
      resample: 0,
    };
    expect(await load(file, config)).toEqual({ height: 1, width: 1, values: Uint8Array.of(2, 2, 2) });
  });

  // As np_center_crop of transformers 5.24.0 does.
  it('leaves an image as it is where that is asked for, and puts zeros around what is smaller than its crop', async () => {
    const file = path.join(await temporaryFolder(), 'wide.png');
    await sharp(Buffer.from([1, 2, 3]), { raw: { width: 3, height: 1, channels: 1 } })
      .png()
      .toFile(file);
    const cropped = { do_center_crop: true, crop_size: { height: 2, width: 2 } };
    const values = Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2);
    expect(await load(file, { ...cropped, do_resize: false })).toEqual({ height: 2, width: 2, values });
    const shrunk = await load(file, { ...cropped, size: { height: 1, width: 1 }, resample: 0 });
    expect([...shrunk.values]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2]);
  });

  it.each([
    [
      'a truncated PNG',
      async (file: string) =>
        writeFile(
          file,
          (
            await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
              .png({ compressionLevel: 0 })
              .toBuffer()
          ).subarray(0, 5000),
        ),
      'read error',
    ],
    ['a text', (file: string) => writeFile(file, 'this is no image'), 'no PNG, JPEG'],
    ['a drawing', (file: string) => writeFile(file, SVG), 'no PNG, JPEG'],
    ['HEIC', (file: string) => writeFile(file, '\0\0\0\x18ftypheic\0\0\0\0mif1heic'), 'convert it to JPEG'],
    ['nothing', (file: string) => writeFile(file, ''), 'the file is empty'],
    [
      'a Git LFS pointer',
      (file: string) => writeFile(file, 'version https://git-lfs.github.com/spec/v1\n'),
      'git lfs pull',
    ],
  ])('gives an error for a .png that holds %s', async (_, write, reason) => {
    const file = path.join(await temporaryFolder(), 'bad.png');
    await write(file);
    await expect(load(file, { size: 8 })).rejects.toThrow(reason);
  });

  it('normalises per channel, in the order and layout of the network', async () => {
    const config = { image_mean: [0.5, 0.25, 0], image_std: [0.5, 1, 2], size: { height: 1, width: 2 } };
    const pixels = { height: 1, width: 2, values: Uint8Array.of(255, 0, 51, 0, 255, 102) };
    const planar = inputTensor([pixels], 1, rgb, await withConfig(config));
    expect(planar.dims).toEqual([1, 3, 1, 2]);
    expect([...planar.data].map((value) => Number(Number(value).toFixed(4)))).toEqual([1, -1, -0.25, 0.75, 0.1, 0.2]);
    const flipped = { ...config, do_flip_channel_order: true };
    const interleaved = inputTensor([pixels], 2, { ...rgb, channelsFirst: false }, await withConfig(flipped));
    expect(interleaved.dims).toEqual([2, 1, 2, 3]);
    expect([...interleaved.data].slice(0, 6).map((value) => Number(Number(value).toFixed(4)))).toEqual([
      -0.6, -0.25, 0.5, -0.2, 0.75, 0,
    ]);
  });

  it('gives raw bytes to a network that takes them, and half floats to one of half precision', async () => {
    const config = { do_rescale: false, do_normalize: false, size: { height: 1, width: 1 } };
    const pixels = { height: 1, width: 1, values: Uint8Array.of(1, 2, 255) };
    const bytes = inputTensor([pixels], 1, { ...rgb, elementType: 'uint8' }, await withConfig(config));
    expect([...bytes.data]).toEqual([1, 2, 255]);
    const halves = inputTensor([pixels], 1, { ...rgb, elementType: 'float16' }, await withConfig(config));
    expect(halves.type).toBe('float16');
    expect([...halves.data].map(Number)).toEqual([0x3c00, 0x4000, 0x5bf8]);
  });

  it('leaves it to a network that takes bytes to normalise them, whatever lies beside it', async () => {
    const input = { ...rgb, elementType: 'uint8', height: 1, width: 1 } as const;
    const config = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5], size: { height: 1, width: 1 } };
    const pixels = { height: 1, width: 1, values: Uint8Array.of(1, 2, 255) };
    const preprocessing = await withConfig(config, input);
    expect(preprocessing.description).toContain('(x − [0, 0, 0]) / [1, 1, 1]; from preprocessor_config.json');
    expect([...inputTensor([pixels], 1, input, preprocessing).data]).toEqual([1, 2, 255]);
  });

  it('weighs colours like PIL for a grey network', async () => {
    const config = { do_rescale: false, do_normalize: false, size: { height: 1, width: 1 } };
    const pixels = { height: 1, width: 1, values: Uint8Array.of(100, 50, 200) };
    const grey = inputTensor([pixels], 1, { ...rgb, channels: 1 }, await withConfig(config));
    expect([...grey.data]).toEqual([Math.round(0.299 * 100 + 0.587 * 50 + 0.114 * 200)]);
  });
});

/** A TIFF file of one row of pixels in cyan, magenta, yellow and black. */
function cmykTiff(...pixels: readonly (readonly number[])[]): Buffer {
  const bytes = pixels.flat();
  const depths = 8 + 2 + 8 * 12 + 4;
  // Width, height, depths, kind of colours, place of the pixels, channels, rows in one strip, bytes.
  const tags: [tag: number, type: 3 | 4, count: number, value: number][] = [
    [256, 3, 1, pixels.length],
    [257, 3, 1, 1],
    [258, 3, 4, depths],
    [262, 3, 1, 5],
    [273, 4, 1, depths + 8],
    [277, 3, 1, 4],
    [278, 3, 1, 1],
    [279, 4, 1, bytes.length],
  ];
  const file = Buffer.alloc(depths + 8 + bytes.length);
  file.write('II*');
  file.writeUInt32LE(8, 4);
  file.writeUInt16LE(tags.length, 8);
  for (const [index, [tag, type, count, value]] of tags.entries()) {
    const at = 10 + 12 * index;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(type, at + 2);
    file.writeUInt32LE(count, at + 4);
    file.writeUInt32LE(value, at + 8);
  }
  for (let channel = 0; channel < 4; channel += 1) file.writeUInt16LE(8, depths + 2 * channel);
  file.set(bytes, depths + 8);
  return file;
}
