import path from 'node:path';
import * as z from 'zod';
import { InputError } from '../errors.ts';
import { IMAGENET, type ModelConfig, type PublishedPreprocessing } from './architectures/architecture.ts';
import type { ImageInput, Preprocessing, Size, WholeImage } from './checkpoint.ts';
import { type ImageProcessor, notUnderstood, readImageProcessor, side, square } from './imageProcessor.ts';

const DEFAULT_SIZE = 224;
/** Of the longer edge by the shorter one, where images are kept whole: ViLT's, after the proportions in COCO. */
const LONGEST_EDGE = 1333 / 800;
/** Of images that are kept whole, by the size that the network was trained on: its cost grows with their square. */
const MAX_ENLARGEMENT = 2;

/** The part of timm's pretrained_cfg that says what happens to pixels. */
const timmSchema = z.object({
  input_size: z.tuple([z.int(), side, side]),
  interpolation: z.string().default('bicubic'),
  crop_pct: z.number().min(0.1).max(1).default(0.875),
  crop_mode: z.string().default('center'),
  mean: z.array(z.number()).min(1).max(4),
  std: z.array(z.number().positive()).min(1).max(4),
});
type TimmConfig = z.infer<typeof timmSchema>;

/** The part of open_clip's open_clip_config.json that says what happens to pixels; what it leaves out is as CLIP has it. */
const openClipSchema = z.object({
  mean: z.tuple([z.number(), z.number(), z.number()]).optional(),
  std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]).optional(),
  interpolation: z.enum(['bicubic', 'bilinear']).default('bicubic'),
  resize_mode: z.enum(['shortest', 'squash']).default('shortest'),
});

const TIMM_KERNELS = new Map<string, Preprocessing['kernel']>([
  ['nearest', 'nearest'],
  ['box', 'box'],
  ['bilinear', 'linear'],
  ['hamming', 'hamming'],
  ['bicubic', 'cubic'],
  ['lanczos', 'lanczos3'],
]);

/**
 * Preprocessing of a checkpoint: what Hugging Face's files beside it say, else `pretrained_cfg` in its config.json
 * (timm's), else `preprocess_cfg` in its open_clip_config.json, else the way that its family was published with, else the
 * usual one of its kind, marked as assumed.
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
  const found = await readImageProcessor(checkpoint);
  if (found) return fromImageProcessor(found.processor, input, published, found.file);
  const timm = timmSchema.safeParse(config?.get('pretrained_cfg') ?? (config && Object.fromEntries(config)));
  if (timm.success) return fromTimm(timm.data, input, path.join(folder, 'config.json'));
  if (!published) return assumed(input);
  const openClip = config?.get('preprocess_cfg');
  if (openClip === undefined)
    return fromFamily(
      published,
      input,
      published.named ? `as ${published.named} was published` : 'as its family was published',
    );
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

function fromTimm(
  { input_size, crop_pct, crop_mode, ...steps }: TimmConfig,
  input: ImageInput,
  file: string,
): Preprocessing {
  const { interpolation, mean, std } = steps;
  const [, height, width] = input_size;
  const crop = networkSize(input) ?? { height, width };
  const around = { height: Math.floor(crop.height / crop_pct), width: Math.floor(crop.width / crop_pct) };
  if (crop_mode === 'border') {
    throw new InputError(
      `${file}: pretrained_cfg: crop_mode: "border" is not understood. Make it "center" or "squash".`,
    );
  }
  const resize =
    crop_mode === 'squash'
      ? around
      : crop.height === crop.width
        ? { shortestEdge: around.height }
        : { covering: around };
  return describe(
    {
      resize,
      kernel: TIMM_KERNELS.get(interpolation) ?? 'cubic',
      crop,
      ...cropAndNormalise(mean, std, input),
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
      ...cropAndNormalise(mean, std, input),
      assumed: published.guessed ?? false,
    },
    source,
  );
}

/** How torchvision, and timm after it, crops and normalises. */
function cropAndNormalise(mean: readonly number[], std: readonly number[], input: ImageInput) {
  return { cropOffset: 'halfToEven', ...normalise(1 / 255, mean, std, input), bgr: false } as const;
}

/** What was asked for, per channel; a network that takes bytes normalises them itself, whatever lies beside it. */
function normalise(
  scale: number,
  mean: number | readonly number[],
  std: number | readonly number[],
  { channels, elementType }: ImageInput,
) {
  return elementType === 'uint8'
    ? { scale: 1, mean: perChannel(0, channels), std: perChannel(1, channels) }
    : { scale, mean: perChannel(mean, channels), std: perChannel(std, channels) };
}

function fromImageProcessor(
  processor: ImageProcessor,
  input: ImageInput,
  published: PublishedPreprocessing | undefined,
  file: string,
): Preprocessing {
  const { normalisation } = processor;
  const whole = wholeImage(published, shortestOf(processor.resize), processor.multipleOf, file);
  const asked = processor.crop ?? square(DEFAULT_SIZE);
  // A network with a fixed input size has the last word, and keeps the proportion of what was asked for.
  const crop = networkSize(input) ?? asked;
  const resize = processor.crop ? scaled(processor.resize, crop, asked) : undefined;
  const covering = processor.centerCrop || (resize && covers(resize, crop)) ? resize : crop;
  return describe(
    {
      resize: whole ?? covering,
      kernel: processor.kernel,
      crop: whole ? undefined : crop,
      cropOffset: 'floor',
      ...normalise(processor.scale, normalisation?.mean ?? 0, normalisation?.std ?? 1, input),
      bgr: processor.bgr,
      assumed: false,
    },
    `from ${path.basename(file)}`,
  );
}

/** The size that is to crop as what was asked for is to the crop that was asked for. */
function scaled(resize: ImageProcessor['resize'], crop: Size, asked: Size): ImageProcessor['resize'] {
  if (!resize || (crop.height === asked.height && crop.width === asked.width)) return resize;
  const down = (edge: number, to: number, from: number) => Math.round((edge * to) / from);
  return 'shortestEdge' in resize
    ? {
        shortestEdge: down(resize.shortestEdge, Math.max(crop.height, crop.width), Math.min(asked.height, asked.width)),
      }
    : {
        height: down(resize.height, crop.height, asked.height),
        width: down(resize.width, crop.width, asked.width),
      };
}

function shortestOf(resize: ImageProcessor['resize']): number | undefined {
  return resize && ('shortestEdge' in resize ? resize.shortestEdge : Math.min(resize.height, resize.width));
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
  const { mean, std } = input.channels === 1 ? { mean: [0.5], std: [0.5] } : IMAGENET;
  const kind =
    input.elementType === 'uint8' ? ' for a uint8 input' : input.channels === 1 ? ' for a grey input' : ": ImageNet's";
  return describe(
    { resize: crop, kernel: 'linear', crop, ...cropAndNormalise(mean, std, input), assumed: true },
    `assumed${kind}`,
  );
}

function describe(steps: Omit<Preprocessing, 'description'>, source: string): Preprocessing {
  const { resize, crop } = steps;
  const resized = resize ? `resize to ${sizeForPeople(resize)} (${steps.kernel})` : 'not resized';
  const cropped = crop ? `, crop ${crop.height}×${crop.width}` : '';
  const scale = steps.scale === 1 ? 'x' : `x·${Number(steps.scale.toPrecision(4))}`;
  const round = (values: readonly number[]) => values.map((value) => Number(value.toPrecision(4))).join(', ');
  const description = `${resized}${cropped}, (${scale} − [${round(steps.mean)}]) / [${round(steps.std)}]${steps.bgr ? ', BGR' : ''}; ${source}`;
  return { ...steps, description };
}

function sizeForPeople(resize: NonNullable<Preprocessing['resize']>): string {
  if ('multipleOf' in resize)
    return `shortest edge ${resize.shortestEdge}, longest at most ${resize.longestEdge}, multiples of ${resize.multipleOf}`;
  if ('shortestEdge' in resize) return `shortest edge ${resize.shortestEdge}`;
  const { height, width } = 'covering' in resize ? resize.covering : resize;
  return `${'covering' in resize ? 'the least covering ' : ''}${height}×${width}`;
}

function networkSize(input: ImageInput): Size | undefined {
  return input.height !== undefined && input.width !== undefined
    ? { height: input.height, width: input.width }
    : undefined;
}

function covers(resize: NonNullable<ImageProcessor['resize']>, crop: Size): boolean {
  return 'shortestEdge' in resize
    ? resize.shortestEdge >= Math.max(crop.height, crop.width)
    : resize.height >= crop.height && resize.width >= crop.width;
}

/** A value per channel, from one value, one per channel, or (for a grey network) the mean of three. */
function perChannel(values: number | readonly number[], count: number): readonly number[] {
  const list = typeof values === 'number' ? [values] : values;
  if (list.length === count) return list;
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  return Array.from({ length: count }, () => mean);
}
