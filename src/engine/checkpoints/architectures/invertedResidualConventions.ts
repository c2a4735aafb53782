import type { Weights } from '../weights.ts';
import type { ModelConfig } from './architecture.ts';
import { describesNetwork, refuseOthers } from './configured.ts';
import { type Family, HUGGING_FACE_SIDES } from './invertedResidualFamilies.ts';
import type { Parts } from './invertedResidualNames.ts';
import type { ConvOptions } from './layers.ts';
import { numberOf, publishedName, textOf } from './naming.ts';
import { numbersIn } from './visionTransformer.ts';

// What the libraries disagree about in networks of inverted residuals, and what leaves no trace in the weights.

export interface Conventions {
  readonly epsilon: number;
  readonly padding: Padding;
  /** Stages without a residual connection. */
  readonly plainStages: readonly number[];
  /** Whether no stage's first block has one. */
  readonly plainStarts: boolean;
}

/** Zeros around the input of a convolution; of the stem, which is in no block, and of the blocks by their number. */
type Padding = (place: {
  readonly kernel: number;
  readonly stride: number;
  readonly block: number | undefined;
}) => NonNullable<ConvOptions['padding']>;

const evenly: Padding = ({ kernel }) => (kernel - 1) / 2;
const asTensorFlow: Padding = () => 'same';

/** @param architecture with its size where that is a published one */
export function conventionsOf(
  weights: Weights,
  parts: Parts,
  family: Family,
  architecture: string,
  config: ModelConfig | undefined,
): Conventions {
  const { library, stages } = parts;
  const { name, plainStages = [] } = family;
  const common = { plainStages, plainStarts: false };
  if (library === 'Hugging Face' && name === 'EfficientNet') {
    const epsilon = numberOf(config, 'batch_norm_eps') ?? 1e-3;
    const padding = paddedFor(evenlyPadded(parts, family, architecture, config));
    return { epsilon, padding, plainStages, plainStarts: true };
  }
  if (library === 'Hugging Face') {
    const epsilon = numberOf(config, 'layer_norm_eps') ?? 1e-3;
    const padding = config?.get('tf_padding') === false ? evenly : asTensorFlow;
    return { ...common, epsilon, padding, ...(name === 'MobileNetV2' ? { plainStages: [0] } : {}) };
  }
  if (library === 'torchvision') {
    const blocks = stages.reduce((sum, stage) => sum + stage.blocks.length, 0);
    const larger = name.startsWith('EfficientNet') && [39, 40, 45, 55, 57, 79].includes(blocks);
    return { ...common, epsilon: larger || name.startsWith('MobileNetV3') ? 1e-3 : 1e-5, padding: evenly };
  }
  const ported = isPorted(weights, architecture, config) ?? false;
  return { ...common, epsilon: ported ? 1e-3 : 1e-5, padding: ported ? asTensorFlow : evenly };
}

/** Hugging Face's EfficientNet pads strided convolutions as TensorFlow pads even images, but for some blocks. */
function paddedFor(even: readonly number[]): Padding {
  return ({ kernel, stride, block }) => {
    const half = (kernel - 1) / 2;
    const more = stride === 2 && !(block !== undefined && even.includes(block));
    return more ? [half - 1, half - 1, half, half] : half;
  };
}

/** The blocks that its config.json names, else those that get a map of odd size at the published size of image. */
function evenlyPadded(
  { stages }: Parts,
  { strides }: Family,
  architecture: string,
  config: ModelConfig | undefined,
): readonly number[] {
  if (describesNetwork(config)) return numbersIn(config, 'depthwise_padding') ?? [];
  let side = Math.ceil((HUGGING_FACE_SIDES.get(architecture) ?? 0) / 2);
  let block = 0;
  const odd: number[] = [];
  for (const [index, { blocks }] of stages.entries()) {
    if (strides[index] === 2 && side % 2 === 1) odd.push(block);
    side = Math.ceil(side / (strides[index] ?? 1));
    block += blocks.length;
  }
  return odd;
}

/** timm's networks that are there as ports from TensorFlow alone, and those that are there as both. */
const PORTS_ALONE = /^EfficientNetV2-B|-Minimal$/;
const PORTED_TOO = /^(EfficientNet|MobileNetV3)/;

/**
 * Whether weights under timm's names come from TensorFlow: by their published name.
 * @param architecture with its size where that is a published one
 * @returns undefined when nothing tells
 */
export function isPorted(weights: Weights, architecture: string, config: ModelConfig | undefined): boolean | undefined {
  const published = publishedName(weights, config);
  // The pruned ones were ports before.
  if (/(^|\W)tf_|efficientnet_b\d_pruned/.test(published)) return true;
  if (PORTS_ALONE.test(architecture)) return true;
  return PORTED_TOO.test(architecture) && !/efficientnet|mobilenetv3|tinynet/.test(published) ? undefined : false;
}

/** @throws Error naming what Hugging Face's config.json says that a network is not built by */
export function refuseOtherSettings(config: ModelConfig | undefined, { library }: Parts, family: Family): void {
  const refuse = (what: string) => {
    throw new Error(`it is of the family ${family.name}, but with ${what}, which can’t be built`);
  };
  const activation = textOf(config, 'hidden_act')?.replace(/^swish$/, 'silu');
  if (activation !== undefined && activation !== family.activation) refuse(`the activation "${activation}"`);
  if (library !== 'Hugging Face') return;
  refuseOthers(config, family.name, /^(efficientnet|mobilenet_v[12])$/);
  const pooling = textOf(config, 'pooling_type') ?? 'mean';
  if (pooling !== 'mean') refuse(`pooling_type: "${pooling}"`);
  const strides = numbersIn(config, 'strides');
  if (strides?.some((stride, stage) => stride !== family.strides[stage])) refuse(`strides: [${strides}]`);
}
