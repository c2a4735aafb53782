import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { InputError } from '../errors.ts';
import { IMAGENET, type ModelConfig, type PublishedPreprocessing } from './architectures/architecture.ts';
import type { ImageInput } from './checkpoint.ts';

export interface Size {
  readonly height: number;
  readonly width: number;
}

/**
 * An image that is kept whole, in its aspect ratio: its shorter edge becomes `shortestEdge`, unless the longer one would be
 * longer than `longestEdge`, and both are cut down to multiples of a number of pixels.
 */
export interface WholeImage {
  readonly shortestEdge: number;
  readonly longestEdge: number;
  readonly multipleOf: number;
}

/** How an image becomes an input tensor: resize, crop, then (x · scale − mean) / std on x in 0..255, per channel. */
export interface Preprocessing {
  /** Size after resizing, in pixels. `shortestEdge` keeps the aspect ratio. */
  readonly resize: Size | { readonly shortestEdge: number } | WholeImage;
  readonly kernel: 'nearest' | 'linear' | 'cubic' | 'lanczos3';
  /** Size of the network's input: a centre crop of the resized image; undefined where that is kept whole. */
  readonly crop: Size | undefined;
  /** How half a pixel of the crop's place is rounded: Hugging Face's processors and torchvision differ. */
  readonly cropOffset: 'floor' | 'halfToEven';
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Whether the network takes blue first. */
  readonly bgr: boolean;
  /** For people: the steps, and where they were said. */
  readonly description: string;
  /** True when nothing beside the weights said it. */
  readonly assumed: boolean;
}

const DEFAULT_SIZE = 224;
const MAX_SIZE = 4096;
/** Of the longer edge by the shorter one, where images are kept whole: ViLT's, after the proportions in COCO. */
const LONGEST_EDGE = 1333 / 800;
/** Of images that are kept whole, by the size that the network was trained on: its cost grows with their square. */
const MAX_ENLARGEMENT = 2;
const MAX_CONFIG_BYTES = 1024 * 1024;

const side = z.int().min(1).max(MAX_SIZE);
const channels = z.union([z.number(), z.array(z.number()).min(1).max(4)]);

/** The part of Hugging Face's preprocessor_config.json that says what happens to pixels. */
const configSchema = z.object({
  do_resize: z.boolean().default(true),
  size: z.union([side, z.object({ height: side, width: side }), z.object({ shortest_edge: side })]).optional(),
  resample: z.int().optional(),
  do_center_crop: z.boolean().default(false),
  crop_size: z.union([side, z.object({ height: side, width: side })]).optional(),
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  do_normalize: z.boolean().default(true),
  image_mean: channels.optional(),
  image_std: channels.optional(),
  do_flip_channel_order: z.boolean().default(false),
  size_divisor: side.optional(),
});
type Config = z.infer<typeof configSchema>;

/** The part of timm's pretrained_cfg that says what happens to pixels. */
const timmSchema = z.object({
  input_size: z.tuple([z.int(), side, side]),
  interpolation: z.string().default('bicubic'),
  crop_pct: z.number().min(0.1).max(1).default(0.875),
  mean: z.array(z.number()).min(1).max(4),
  std: z.array(z.number()).min(1).max(4),
});
type TimmConfig = z.infer<typeof timmSchema>;

/** The part of open_clip's open_clip_config.json that says what happens to pixels; what it leaves out is as CLIP has it. */
const openClipSchema = z.object({
  mean: z.tuple([z.number(), z.number(), z.number()]).optional(),
  std: z.tuple([z.number(), z.number(), z.number()]).optional(),
  interpolation: z.enum(['bicubic', 'bilinear']).default('bicubic'),
  resize_mode: z.enum(['shortest', 'squash']).default('shortest'),
});

const TIMM_KERNELS = new Map<string, Preprocessing['kernel']>([
  ['nearest', 'nearest'],
  ['bilinear', 'linear'],
  ['bicubic', 'cubic'],
  ['lanczos', 'lanczos3'],
]);

/** PIL's numbers for interpolation. */
const KERNELS = new Map<number, Preprocessing['kernel']>([
  [0, 'nearest'],
  [1, 'lanczos3'],
  [2, 'linear'],
  [3, 'cubic'],
]);

/**
 * Preprocessing of a checkpoint: `<name>.preprocessor_config.json` beside it, else `preprocessor_config.json` in its
 * folder (both in Hugging Face's format), else `pretrained_cfg` in its config.json (timm's), else `preprocess_cfg` in its
 * open_clip_config.json, else the way that its family was published with, else the usual one of its kind, marked as
 * assumed.
 * @param published of the network's family, where it is known
 * @param config what config.json and open_clip_config.json beside the weights say
 * @throws InputError naming the configuration file when it can't be understood
 */
export async function readPreprocessing(
  checkpoint: string,
  input: ImageInput,
  published?: PublishedPreprocessing,
  config?: ModelConfig,
): Promise<Preprocessing> {
  const folder = path.dirname(checkpoint);
  const stem = path.basename(checkpoint).replace(/(\.pth\.tar|\.[^.]*)$/i, '');
  for (const name of [`${stem}.preprocessor_config.json`, 'preprocessor_config.json']) {
    const file = path.join(folder, name);
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile()) continue;
    if (found.size > MAX_CONFIG_BYTES)
      throw new InputError(`${file}: larger than any preprocessing needs. Remove or mend it.`);
    return fromConfig(parseConfig(await readFile(file, 'utf8'), file), input, published, file);
  }
  const timm = timmSchema.safeParse(config?.get('pretrained_cfg') ?? (config && Object.fromEntries(config)));
  if (timm.success) return fromTimm(timm.data, input);
  if (!published) return assumed(input);
  const openClip = config?.get('preprocess_cfg');
  if (openClip === undefined) return fromFamily(published, input, 'as its family was published');
  return fromOpenClip(openClip, published, input, path.join(folder, 'open_clip_config.json'));
}

function fromOpenClip(
  settings: unknown,
  published: PublishedPreprocessing,
  input: ImageInput,
  file: string,
): Preprocessing {
  const parsed = openClipSchema.safeParse(settings);
  if (!parsed.success) throw notUnderstood(`${file}: preprocess_cfg`, parsed.error);
  const { mean = published.mean, std = published.std, interpolation, resize_mode } = parsed.data;
  const { size } = published;
  const kernel = interpolation === 'bicubic' ? 'cubic' : 'linear';
  const steps = { size, resize: size, kernel, mean, std } as const;
  return fromFamily(
    resize_mode === 'shortest' ? { ...steps, keepsAspect: true } : steps,
    input,
    'from preprocess_cfg in open_clip_config.json',
  );
}

function fromTimm({ input_size, crop_pct, interpolation, mean, std }: TimmConfig, input: ImageInput): Preprocessing {
  const [, height, width] = input_size;
  const crop = networkSize(input) ?? { height, width };
  const edge = Math.floor(Math.min(crop.height, crop.width) / crop_pct);
  return describe(
    {
      resize: { shortestEdge: edge },
      kernel: TIMM_KERNELS.get(interpolation) ?? 'cubic',
      crop,
      cropOffset: 'halfToEven',
      scale: 1 / 255,
      mean: perChannel(mean, input.channels, IMAGENET.mean),
      std: perChannel(std, input.channels, IMAGENET.std),
      bgr: false,
      assumed: false,
    },
    'from pretrained_cfg in config.json',
  );
}

function fromFamily(published: PublishedPreprocessing, input: ImageInput, source: string): Preprocessing {
  const { size, resize, keepsAspect, kernel, mean, std } = published;
  const whole = wholeImage(published);
  const crop = networkSize(input) ?? square(size);
  // A network of another input size than the published one keeps the published proportion.
  const edge = Math.round((resize / size) * Math.min(crop.height, crop.width));
  return describe(
    {
      resize: whole ?? (resize === size && !keepsAspect ? crop : { shortestEdge: edge }),
      kernel,
      crop: whole ? undefined : crop,
      cropOffset: 'halfToEven',
      scale: 1 / 255,
      mean: perChannel(mean, input.channels, IMAGENET.mean),
      std: perChannel(std, input.channels, IMAGENET.std),
      bgr: false,
      assumed: false,
    },
    source,
  );
}

function parseConfig(text: string, file: string): Config {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new InputError(
      `${file}: not valid JSON (${error instanceof Error ? error.message : error}). Mend or remove it.`,
    );
  }
  const config = configSchema.safeParse(json);
  if (!config.success) throw notUnderstood(file, config.error);
  return config.data;
}

function notUnderstood(place: string, { issues: [issue] }: z.ZodError): InputError {
  const what = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`;
  return new InputError(`${place}: ${what}. Mend or remove it.`);
}

function fromConfig(
  config: Config,
  input: ImageInput,
  published: PublishedPreprocessing | undefined,
  file: string,
): Preprocessing {
  const network = networkSize(input);
  const size = config.size;
  const asked = typeof size === 'number' ? { height: size, width: size } : size;
  const cropped = typeof config.crop_size === 'number' ? square(config.crop_size) : config.crop_size;
  // A network with a fixed input size has the last word.
  const crop =
    network ??
    (config.do_center_crop ? cropped : undefined) ??
    (asked && 'height' in asked ? asked : square(DEFAULT_SIZE));
  let resize: Preprocessing['resize'] = crop;
  if (config.do_resize && config.do_center_crop && asked) {
    resize = 'shortest_edge' in asked ? { shortestEdge: asked.shortest_edge } : asked;
  }
  const shortest = asked && ('shortest_edge' in asked ? asked.shortest_edge : Math.min(asked.height, asked.width));
  const whole = wholeImage(published, shortest, config.size_divisor, file);
  const ones = Array.from({ length: input.channels }, () => 1);
  const zeros = Array.from({ length: input.channels }, () => 0);
  return describe(
    {
      resize: whole ?? (covers(resize, crop) ? resize : crop),
      kernel: KERNELS.get(config.resample ?? 2) ?? 'linear',
      crop: whole ? undefined : crop,
      cropOffset: 'floor',
      scale: config.do_rescale ? config.rescale_factor : 1,
      mean: config.do_normalize ? perChannel(config.image_mean, input.channels, zeros) : zeros,
      std: config.do_normalize ? perChannel(config.image_std, input.channels, ones) : ones,
      bgr: config.do_flip_channel_order,
      assumed: false,
    },
    `from ${path.basename(file)}`,
  );
}

/**
 * How images are resized by a family that keeps them whole; undefined for all others.
 * @param shortestEdge as preprocessor_config.json has it, and `multipleOf` likewise
 * @throws InputError when they are of no use to the network
 */
function wholeImage(
  published: PublishedPreprocessing | undefined,
  shortestEdge = published?.size ?? 0,
  multipleOf = published?.multipleOf ?? 1,
  file = '',
): WholeImage | undefined {
  if (published?.multipleOf === undefined) return undefined;
  const { size, multipleOf: patch } = published;
  if (shortestEdge < patch || shortestEdge > MAX_ENLARGEMENT * size) {
    const limits = `${patch} to ${MAX_ENLARGEMENT * size}`;
    throw new InputError(`${file}: size: a shortest edge of ${shortestEdge} pixels, not ${limits}. Mend or remove it.`);
  }
  if (multipleOf % patch !== 0)
    throw new InputError(`${file}: size_divisor: ${multipleOf} is no multiple of the patches' ${patch}. Mend it.`);
  return { shortestEdge, longestEdge: Math.floor(LONGEST_EDGE * shortestEdge), multipleOf };
}

function assumed(input: ImageInput): Preprocessing {
  const crop = networkSize(input) ?? square(DEFAULT_SIZE);
  const raw = input.elementType === 'uint8';
  const normalisation = raw
    ? {
        scale: 1,
        mean: Array.from({ length: input.channels }, () => 0),
        std: Array.from({ length: input.channels }, () => 1),
      }
    : input.channels === 1
      ? { scale: 1 / 255, mean: [0.5], std: [0.5] }
      : { scale: 1 / 255, ...IMAGENET };
  return describe(
    { resize: crop, kernel: 'linear', crop, cropOffset: 'halfToEven', ...normalisation, bgr: false, assumed: true },
    raw ? 'assumed for a uint8 input' : input.channels === 1 ? 'assumed for a grey input' : "assumed: ImageNet's",
  );
}

function describe(steps: Omit<Preprocessing, 'description'>, source: string): Preprocessing {
  const { resize, crop } = steps;
  const size =
    'multipleOf' in resize
      ? `shortest edge ${resize.shortestEdge}, longest at most ${resize.longestEdge}, multiples of ${resize.multipleOf}`
      : 'shortestEdge' in resize
        ? `shortest edge ${resize.shortestEdge}`
        : `${resize.height}×${resize.width}`;
  const cropped = crop ? `, crop ${crop.height}×${crop.width}` : '';
  const scale = steps.scale === 1 ? 'x' : `x·${Number(steps.scale.toPrecision(4))}`;
  const round = (values: readonly number[]) => values.map((value) => Number(value.toPrecision(4))).join(', ');
  const description = `resize to ${size} (${steps.kernel})${cropped}, (${scale} − [${round(steps.mean)}]) / [${round(steps.std)}]${steps.bgr ? ', BGR' : ''}; ${source}`;
  return { ...steps, description };
}

function networkSize(input: ImageInput): Size | undefined {
  return input.height !== undefined && input.width !== undefined
    ? { height: input.height, width: input.width }
    : undefined;
}

function covers(resize: Preprocessing['resize'], crop: Size): boolean {
  return 'shortestEdge' in resize
    ? resize.shortestEdge >= Math.max(crop.height, crop.width)
    : resize.height >= crop.height && resize.width >= crop.width;
}

function square(edge: number): Size {
  return { height: edge, width: edge };
}

/** A value per channel, from one value, one per channel, or (for a grey network) the mean of three. */
function perChannel(
  values: number | readonly number[] | undefined,
  count: number,
  fallback: readonly number[],
): readonly number[] {
  if (values === undefined) return fallback;
  const list = typeof values === 'number' ? [values] : values;
  if (list.length === count) return list;
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  return Array.from({ length: count }, () => mean);
}
