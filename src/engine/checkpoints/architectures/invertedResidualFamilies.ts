import type { Activation } from './convolutional.ts';

// The published networks of inverted residuals. Strides and activations are not in the weights: they are known from the
// kinds of blocks that the stages begin with, in which the families differ.

/** How a family is, apart from its weights. */
export interface Family {
  readonly name: string;
  /** The kinds of its stages, see `kindOf`. */
  readonly kinds: RegExp;
  readonly strides: readonly number[];
  readonly activation: Activation;
  /** How many stages have ReLU instead. */
  readonly reluStages?: number;
  /** Whether a block ends with an activation, too. */
  readonly activatesLast?: true;
  /** Stages without a residual connection, whatever their channels. */
  readonly plainStages?: readonly number[];
  readonly excitation: readonly [activation: Activation, gate: 'sigmoid' | 'hardsigmoid'];
  /** Channels of the last block at width 1. */
  readonly width?: number;
}

const strides = [1, 2, 2, 2, 1, 2, 1];
const relu = { strides, activation: 'relu', excitation: ['relu', 'sigmoid'] } as const;
const relu6 = { strides, activation: 'relu6', excitation: ['relu6', 'sigmoid'] } as const;
const silu = { strides, activation: 'silu', excitation: ['silu', 'sigmoid'] } as const;
const large = {
  strides,
  activation: 'hardswish',
  reluStages: 3,
  plainStages: [6],
  excitation: ['relu', 'hardsigmoid'],
} as const;
const separable = { strides: [1, 2, 2, 2, 2], plainStages: [0, 1, 2, 3, 4], activatesLast: true } as const;
const small = { ...large, strides: [2, 2, 2, 1, 2, 1], reluStages: 2, plainStages: [5] };

export const FAMILIES: readonly Family[] = [
  { name: 'MobileNetV1', kinds: /^d3( d3){4}$/, ...relu6, ...separable, width: 1024 },
  { name: 'MobileNetV2', kinds: /^[di]3 i3 i3 i3 i3 i3 i3$/, ...relu6, width: 320 },
  { name: 'MNASNet', kinds: /^d3 i3 i5 i5 i3 i5 i3$/, ...relu, plainStages: [0, 6], width: 320 },
  { name: 'SE-MNASNet', kinds: /^d3 i3 i5s i3 i3s i5s i3$/, ...relu, plainStages: [0], width: 320 },
  { name: 'MobileNetV3-Large', kinds: /^d3 i3 i5s i3 i3s i5s( c1)?$/, ...large, width: 160 },
  { name: 'MobileNetV3-Small', kinds: /^d3s i3 i5s i5s i5s( c1)?$/, ...small, width: 96 },
  { name: 'MobileNetV3-Large-Minimal', kinds: /^d3 i3 i3 i3 i3 i3 c1$/, ...relu },
  { name: 'MobileNetV3-Small-Minimal', kinds: /^d3 i3 i3 i3 i3 c1$/, ...relu, strides: small.strides },
  { name: 'EfficientNet', kinds: /^d3s i3s i5s i3s i5s i5s i3s$/, ...silu },
  { name: 'EfficientNet-Lite', kinds: /^d3 i3 i5 i3 i5 i5 i3$/, ...relu6 },
  { name: 'EfficientNetV2', kinds: /^[ce]3 e3 e3 i3s i3s i3s( i3s)?$/, ...silu },
  { name: 'EfficientNetV2', kinds: /^c3 e3 e3 i3s i3s$/, ...silu, strides: [1, 2, 2, 2, 2] },
];

/** Published EfficientNets: blocks, width of the features, size of image. */
export const SIZES: readonly (readonly [name: string, blocks: number, width: number, size: number, resize: number])[] =
  [
    ['EfficientNet-B0', 16, 1280, 224, 256],
    ['EfficientNet-B1', 23, 1280, 240, 256],
    ['EfficientNet-B2', 23, 1408, 288, 288],
    ['EfficientNet-B3', 26, 1536, 300, 320],
    ['EfficientNet-B4', 32, 1792, 380, 384],
    ['EfficientNet-B5', 39, 2048, 456, 456],
    ['EfficientNet-B6', 45, 2304, 528, 528],
    ['EfficientNet-B7', 55, 2560, 600, 600],
    ['EfficientNetV2-S', 40, 1280, 384, 384],
    ['EfficientNetV2-M', 57, 1280, 480, 480],
    ['EfficientNetV2-L', 79, 1280, 480, 480],
    ['EfficientNetV2-B0', 21, 1280, 224, 256],
    ['EfficientNetV2-B1', 27, 1280, 240, 272],
    ['EfficientNetV2-B2', 28, 1408, 260, 292],
    ['EfficientNetV2-B3', 32, 1536, 300, 333],
  ];

/** Side of the images that Hugging Face's EfficientNets, which were Keras', are for. */
export const HUGGING_FACE_SIDES: ReadonlyMap<string, number> = new Map([
  ['EfficientNet-B0', 224],
  ['EfficientNet-B1', 240],
  ['EfficientNet-B2', 260],
  ['EfficientNet-B3', 300],
  ['EfficientNet-B4', 380],
  ['EfficientNet-B5', 456],
  ['EfficientNet-B6', 528],
  ['EfficientNet-B7', 600],
]);
