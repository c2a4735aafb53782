import path from 'node:path';
import * as z from 'zod';
import { InputError } from '../errors.ts';
import { IMAGENET, INCEPTION, OPENAI_CLIP } from './architectures/architecture.ts';
import type { Preprocessing, Size } from './checkpoint.ts';
import { readConfigFile } from './configFile.ts';

// Hugging Face's preprocessor_config.json, or image_processor in processor_config.json. Its keys mean what the image
// processor that it names makes of them, and that one's defaults stand for keys that are left out (transformers 5.24.0,
// models/*/image_processing_pil_*.py).

const MAX_SIZE = 4096;
/** Of an image, in pixels. */
export const side = z.int().min(1).max(MAX_SIZE);
const perChannel = <Value extends z.ZodType>(value: Value) => z.union([value, z.array(value).min(1).max(4)]);

/** The part of the file that says what happens to pixels. */
const fileSchema = z.object({
  image_processor_type: z.string().optional(),
  feature_extractor_type: z.string().optional(),
  do_resize: z.boolean().default(true),
  size: z.union([side, z.object({ height: side, width: side }), z.object({ shortest_edge: side })]).optional(),
  resample: z.int().optional(),
  do_center_crop: z.boolean().optional(),
  crop_size: z.union([side, z.object({ height: side, width: side })]).optional(),
  crop_pct: z.number().min(0.1).max(1).default(0.875),
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  rescale_offset: z.boolean().default(false),
  do_normalize: z.boolean().default(true),
  image_mean: perChannel(z.number()).optional(),
  image_std: perChannel(z.number().positive()).optional(),
  include_top: z.boolean().default(true),
  do_flip_channel_order: z.boolean().default(false),
  size_divisor: side.optional(),
});
type File = z.infer<typeof fileSchema>;
const withinProcessor = z.object({ image_processor: z.record(z.string(), z.unknown()) });

/** What an image processor takes for granted. */
interface Conventions {
  /** Whether a size of one number is that of the shorter edge, not of a square. */
  readonly shortestEdge?: true;
  readonly centerCrop?: true;
  /** PIL's number. */
  readonly resample: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const PLAIN: Conventions = { resample: 2, ...INCEPTION };
const CLIP: Conventions = { shortestEdge: true, centerCrop: true, resample: 3, ...OPENAI_CLIP };
const MOBILE: Conventions = { shortestEdge: true, centerCrop: true, resample: 2, ...INCEPTION };
const CONVENTIONS = new Map<string, Conventions>([
  ['Beit', { resample: 3, ...INCEPTION }],
  ['Bit', CLIP],
  ['CLIP', CLIP],
  ['ChineseCLIP', CLIP],
  ['ConvNext', { shortestEdge: true, resample: 3, ...INCEPTION }],
  ['DeiT', { centerCrop: true, resample: 3, ...INCEPTION }],
  ['EfficientNet', { resample: 3, ...INCEPTION }],
  ['MobileNetV1', MOBILE],
  ['MobileNetV2', MOBILE],
  ['Pvt', { resample: 2, ...IMAGENET }],
  ['Siglip', { resample: 3, ...INCEPTION }],
  ['ViTHybrid', CLIP],
]);

/** PIL's numbers for interpolation. */
const KERNELS = new Map<number, Preprocessing['kernel']>([
  [0, 'nearest'],
  [1, 'lanczos3'],
  [2, 'linear'],
  [3, 'cubic'],
  [4, 'box'],
  [5, 'hamming'],
]);
/** From this size on, ConvNeXt's images are squashed, not cropped. */
const CONVNEXT_SQUASHES = 384;

/**
 * What the file asks for; where it asks nothing, undefined. `mean` and `std` are of x · scale, one value or one per
 * channel.
 */
export interface ImageProcessor {
  readonly resize: Size | { readonly shortestEdge: number } | undefined;
  readonly crop: Size | undefined;
  /** Whether that is cut out of the middle, and zeros are put around what is smaller; else it is a size to bring images to. */
  readonly centerCrop: boolean;
  readonly kernel: Preprocessing['kernel'];
  readonly scale: number;
  readonly normalisation:
    | { readonly mean: number | readonly number[]; readonly std: number | readonly number[] }
    | undefined;
  readonly bgr: boolean;
  readonly multipleOf: number | undefined;
}

/**
 * What `<name>.preprocessor_config.json` beside a checkpoint says, else preprocessor_config.json in its folder, else
 * `image_processor` in processor_config.json, where transformers 5 saves it with a tokenizer.
 * @throws InputError naming the file that can't be understood
 */
export async function readImageProcessor(
  checkpoint: string,
): Promise<{ processor: ImageProcessor; file: string } | undefined> {
  const folder = path.dirname(checkpoint);
  const stem = path.basename(checkpoint).replace(/(\.pth\.tar|\.[^.]*)$/i, '');
  for (const name of [`${stem}.preprocessor_config.json`, 'preprocessor_config.json', 'processor_config.json']) {
    const file = path.join(folder, name);
    const json = await readConfigFile(file);
    const settings = name === 'processor_config.json' ? withinProcessor.safeParse(json).data?.image_processor : json;
    if (settings === undefined) continue;
    const parsed = fileSchema.safeParse(withoutNulls(settings));
    if (!parsed.success) throw notUnderstood(file, parsed.error);
    return { processor: interpret(parsed.data), file };
  }
  return undefined;
}

/** The error that names the first key which can't be understood. */
export function notUnderstood(place: string, { issues: [issue] }: z.ZodError): InputError {
  const what = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`;
  return new InputError(`${place}: ${what}. Mend or remove it.`);
}

function interpret(file: File): ImageProcessor {
  const type = (file.image_processor_type ?? file.feature_extractor_type)?.replace(
    /(FeatureExtractor|ImageProcessor)(Fast|Pil)?$/,
    '',
  );
  const conventions = CONVENTIONS.get(type ?? '') ?? PLAIN;
  return {
    ...geometry(file, type, conventions),
    kernel: KERNELS.get(file.resample ?? conventions.resample) ?? 'linear',
    scale: file.do_rescale ? file.rescale_factor : 1,
    normalisation: normalisation(file, type, conventions),
    bgr: file.do_flip_channel_order,
    multipleOf: file.size_divisor,
  };
}

/** Processors write null for what they leave to their defaults. */
function withoutNulls(json: unknown): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));
}

function geometry(
  file: File,
  type: string | undefined,
  { shortestEdge, centerCrop }: Conventions,
): Pick<ImageProcessor, 'resize' | 'crop' | 'centerCrop'> {
  const { size } = file;
  const edge = typeof size === 'number' ? size : size && 'shortest_edge' in size ? size.shortest_edge : undefined;
  const asked =
    edge !== undefined && (shortestEdge || typeof size !== 'number')
      ? { shortestEdge: edge }
      : typeof size === 'number'
        ? square(size)
        : size && 'height' in size
          ? size
          : undefined;
  if (type === 'ConvNext' && edge !== undefined) {
    const resize = edge < CONVNEXT_SQUASHES ? { shortestEdge: Math.trunc(edge / file.crop_pct) } : square(edge);
    return { resize: file.do_resize ? resize : undefined, crop: square(edge), centerCrop: file.do_resize };
  }
  const cropSize = typeof file.crop_size === 'number' ? square(file.crop_size) : file.crop_size;
  const cropped = (file.do_center_crop ?? centerCrop) ? cropSize : undefined;
  // What keeps its aspect ratio and is not cropped would have a size of its own: its centre is taken.
  const crop = cropped ?? (asked && 'shortestEdge' in asked ? square(asked.shortestEdge) : asked);
  return { resize: file.do_resize ? asked : undefined, crop, centerCrop: cropped !== undefined };
}

function normalisation(
  file: File,
  type: string | undefined,
  conventions: Conventions,
): ImageProcessor['normalisation'] {
  // A file that names no processor was written by hand, and means no more than it says.
  const mean = file.image_mean ?? (type === undefined ? undefined : conventions.mean);
  const std = file.image_std ?? (type === undefined ? undefined : conventions.std);
  if (type !== 'EfficientNet') return file.do_normalize ? { mean: mean ?? 0, std: std ?? 1 } : undefined;
  // x · scale − 1 with an offset, and with its top the deviation is divided by twice.
  const each = (values: number | readonly number[], map: (value: number) => number) =>
    typeof values === 'number' ? map(values) : values.map(map);
  const shift = file.rescale_offset ? 1 : 0;
  const shifted = each(file.do_normalize ? (mean ?? 0) : 0, (value) => value + shift);
  const powers = (file.do_normalize ? 1 : 0) + (file.include_top ? 1 : 0);
  return { mean: shifted, std: each(std ?? 1, (value) => value ** powers) };
}

export function square(edge: number): Size {
  return { height: edge, width: edge };
}
