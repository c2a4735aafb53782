import type { Weights } from '../weights.ts';
import { classifierIn } from './convolutional.ts';
import { countOf, shapeOf } from './naming.ts';

// Where each library has the parts of a network of inverted residuals: all are the same parts under other names.

/** A convolution and its norm. */
type Step = readonly [conv: string, norm: string];

/** Convolutions with a norm each, and squeeze-and-excitation before the last of them. */
export interface Block {
  readonly steps: readonly Step[];
  readonly excitation: readonly [squeeze: string, excite: string] | undefined;
}

interface Stage {
  /** Of the module, for people. */
  readonly name: string;
  readonly blocks: readonly Block[];
}

export interface Parts {
  readonly library: 'timm' | 'torchvision' | 'Hugging Face';
  readonly stem: Step;
  readonly stages: readonly Stage[];
  /** The convolution before pooling; undefined where there is none. */
  readonly head: Step | undefined;
  /** MobileNetV3's layer between pooling and the classifier: a linear one, or a convolution of one pixel. */
  readonly hidden: string | undefined;
}

const expansion: Step = ['expansion.expand_conv', 'expansion.expand_bn'];
const depthwise: Step = ['depthwise_conv.depthwise_conv', 'depthwise_conv.depthwise_norm'];
const projection: Step = ['projection.project_conv', 'projection.project_bn'];
const se = ['se.conv_reduce', 'se.conv_expand'] as const;

/** The libraries' names in a block, those with more parts first. */
const LAYOUTS: readonly { readonly steps: readonly Step[]; readonly excitation?: readonly [string, string] }[] = [
  // timm: inverted residual, with a full convolution in place of two (EfficientNetV2), separable, plain.
  {
    steps: [
      ['conv_pw', 'bn1'],
      ['conv_dw', 'bn2'],
      ['conv_pwl', 'bn3'],
    ],
    excitation: se,
  },
  {
    steps: [
      ['conv_exp', 'bn1'],
      ['conv_pwl', 'bn2'],
    ],
    excitation: se,
  },
  {
    steps: [
      ['conv_dw', 'bn1'],
      ['conv_pw', 'bn2'],
    ],
    excitation: se,
  },
  { steps: [['conv', 'bn1']] },
  // torchvision's MobileNetV3 and EfficientNet.
  { steps: numbered('block', 0, 1, 3), excitation: ['block.2.fc1', 'block.2.fc2'] },
  { steps: numbered('block', 0, 1, 2) },
  { steps: numbered('block', 0, 2), excitation: ['block.1.fc1', 'block.1.fc2'] },
  { steps: numbered('block', 0, 1) },
  { steps: numbered('block', 0) },
  // torchvision's MobileNetV2.
  { steps: [...numbered('conv', 0, 1), ['conv.2', 'conv.3']] },
  { steps: [...numbered('conv', 0), ['conv.1', 'conv.2']] },
  // torchvision's MNASNet; its first block lies open in the network.
  {
    steps: [
      ['layers.0', 'layers.1'],
      ['layers.3', 'layers.4'],
      ['layers.6', 'layers.7'],
    ],
  },
  {
    steps: [
      ['3', '4'],
      ['6', '7'],
    ],
  },
  // Hugging Face's EfficientNet.
  { steps: [expansion, depthwise, projection], excitation: ['squeeze_excite.reduce', 'squeeze_excite.expand'] },
  { steps: [depthwise, projection], excitation: ['squeeze_excite.reduce', 'squeeze_excite.expand'] },
  // Hugging Face's MobileNetV2.
  { steps: ['expand_1x1', 'conv_3x3', 'reduce_1x1'].map(packed) },
  { steps: ['conv_3x3', 'reduce_1x1'].map(packed) },
];

function numbered(name: string, ...indices: number[]): Step[] {
  return indices.map((index) => [`${name}.${index}.0`, `${name}.${index}.1`]);
}

function packed(name: string): Step {
  return [`${name}.convolution`, `${name}.normalization`];
}

/** How many blocks each stage of MobileNetV1, V2, V3-Large and V3-Small has, where a library doesn't group them. */
const FLAT_STAGES = [
  [1, 2, 2, 6, 2],
  [1, 2, 3, 4, 3, 3, 1],
  [1, 2, 3, 4, 2, 3],
  [1, 2, 3, 2, 3],
];

/** Where the libraries have stem, blocks and the last convolution. */
const TRUNK = /^(conv_stem|bn[12]|blocks|conv_head|features|layers?|conv_1x1|embeddings|encoder)\./;

/** The parts of a network; undefined when no library names them so. */
export function findParts(weights: Weights): Parts | undefined {
  const isStem = ([conv, norm]: Step) =>
    shapeOf(weights, `${conv}.weight`)[1] === 3 && weights.tensors.has(`${norm}.running_mean`);
  const only = (step: Step) => (weights.tensors.has(`${step[1]}.weight`) ? step : undefined);
  const blocksOf = (name: (index: number) => string) => {
    const blocks: Block[] = [];
    for (let block = blockAt(weights, name(0)); block; block = blockAt(weights, name(blocks.length)))
      blocks.push(block);
    return blocks;
  };
  const stagesOf = (name: (index: number) => string) => {
    const stages: Stage[] = [];
    for (let stage = 0; ; stage += 1) {
      const blocks = blocksOf((block) => `${name(stage)}.${block}`);
      if (blocks.length === 0) return stages;
      stages.push({ name: name(stage), blocks });
    }
  };

  const timm: Step = ['conv_stem', 'bn1'];
  if (isStem(timm)) {
    const head = only(['conv_head', 'bn2']);
    return {
      library: 'timm',
      stem: timm,
      stages: stagesOf((stage) => `blocks.${stage}`),
      head,
      hidden: !head && weights.tensors.has('conv_head.weight') ? 'conv_head' : undefined,
    };
  }
  const torchvision: Step = ['features.0.0', 'features.0.1'];
  if (isStem(torchvision)) {
    const flat = blocksOf((block) => `features.${block + 1}`);
    const nested = stagesOf((stage) => `features.${stage + 1}`);
    const last = Math.max(flat.length, nested.length) + 1;
    return {
      library: 'torchvision',
      stem: torchvision,
      stages: nested.length > 0 ? nested : grouped(weights, flat, (block) => `features.${block + 1}`),
      head: only([`features.${last}.0`, `features.${last}.1`]),
      hidden: hasHiddenLayer(weights) ? 'classifier.0' : undefined,
    };
  }
  const mnasnet: Step = ['layers.0', 'layers.1'];
  const first = blockAt(weights, 'layers');
  if (isStem(mnasnet) && first) {
    return {
      library: 'torchvision',
      stem: mnasnet,
      stages: [{ name: 'layers.7', blocks: [first] }, ...stagesOf((stage) => `layers.${stage + 8}`)],
      head: only(['layers.14', 'layers.15']),
      hidden: undefined,
    };
  }
  const huggingFace = { library: 'Hugging Face', hidden: undefined } as const;
  const efficientnet: Step = ['embeddings.convolution', 'embeddings.batchnorm'];
  if (isStem(efficientnet)) {
    const name = (index: number) => `encoder.blocks.${index}`;
    const stages = groupedByChannels(weights, blocksOf(name), name);
    return { ...huggingFace, stem: efficientnet, stages, head: only(['encoder.top_conv', 'encoder.top_bn']) };
  }
  const mobilenetV2 = packed('conv_stem.first_conv');
  if (isStem(mobilenetV2)) {
    const name = (index: number) => (index === 0 ? 'conv_stem' : `layer.${index - 1}`);
    const stages = grouped(weights, blocksOf(name), name);
    return { ...huggingFace, stem: mobilenetV2, stages, head: only(packed('conv_1x1')) };
  }
  const mobilenetV1 = packed('conv_stem');
  if (isStem(mobilenetV1)) {
    // Depthwise and pointwise layers take turns.
    const layers = countOf(weights, (layer) => `layer.${layer}.convolution.weight`);
    const blocks = Array.from({ length: Math.floor(layers / 2) }, (_, index): Block => {
      const steps = [packed(`layer.${2 * index}`), packed(`layer.${2 * index + 1}`)];
      return { steps, excitation: undefined };
    });
    const stages = grouped(weights, blocks, (index) => `layer.${2 * index + 1}`);
    return { ...huggingFace, stem: mobilenetV1, stages, head: undefined };
  }
  return undefined;
}

function blockAt(weights: Weights, name: string): Block | undefined {
  const has = (part: string) => weights.tensors.has(`${name}.${part}.weight`);
  const layout = LAYOUTS.find(({ steps }) => steps.every(([conv, norm]) => has(conv) && has(norm)));
  if (!layout) return undefined;
  const [squeeze, excite] = layout.excitation ?? [];
  return {
    steps: layout.steps.map(([conv, norm]) => [`${name}.${conv}`, `${name}.${norm}`]),
    excitation: squeeze && excite && has(squeeze) ? [`${name}.${squeeze}`, `${name}.${excite}`] : undefined,
  };
}

/** Blocks in stages: as many as published, else a new one wherever the number of channels changes. */
function grouped(weights: Weights, blocks: readonly Block[], name: (index: number) => string): Stage[] {
  const counts = FLAT_STAGES.find((stages) => stages.reduce((sum, count) => sum + count) === blocks.length);
  if (!counts) return groupedByChannels(weights, blocks, name);
  return stagesFrom(
    counts.map((_, stage) => counts.slice(0, stage).reduce((sum, count) => sum + count, 0)),
    blocks,
    name,
  );
}

function groupedByChannels(weights: Weights, blocks: readonly Block[], name: (index: number) => string): Stage[] {
  const starts = blocks.flatMap((block, index) => {
    const before = blocks[index - 1];
    return before && outputsOf(weights, before) === outputsOf(weights, block) ? [] : [index];
  });
  return stagesFrom(starts, blocks, name);
}

/** @param starts the number of each stage's first block */
function stagesFrom(starts: readonly number[], blocks: readonly Block[], name: (index: number) => string): Stage[] {
  return starts.map((start, stage) => {
    const end = starts[stage + 1] ?? blocks.length;
    return { name: name(end - 1), blocks: blocks.slice(start, end) };
  });
}

/** A weight of the network's trunk that none of its parts has: the trunk is of another kind than it seems. */
export function partBeside(weights: Weights, { stem, stages, head = stem, hidden }: Parts): string | undefined {
  const steps = stages.flatMap(({ blocks }) => blocks.flatMap((block) => [...block.steps, block.excitation ?? []]));
  const modules = new Set([stem, head, ...steps].flat().concat(hidden ?? []));
  return [...weights.tensors.keys()].find(
    (name) => TRUNK.test(name) && !modules.has(name.slice(0, name.lastIndexOf('.'))),
  );
}

/** Channels that a block gives. */
export function outputsOf(weights: Weights, block: Block): number {
  return shapeOf(weights, `${block.steps.at(-1)?.[0]}.weight`)[0] ?? 0;
}

/** Whether torchvision's `classifier.0` is MobileNetV3's layer, not the classifier: it widens, or another follows. */
function hasHiddenLayer(weights: Weights): boolean {
  const [to = 0, from = 0] = shapeOf(weights, 'classifier.0.weight');
  return to > from || (to > 0 && weights.tensors.has('classifier.3.weight'));
}

/** The classifier of features of that width. */
export function classifierOf(weights: Weights, parts: Parts, width: number): string | undefined {
  return classifierIn(weights, parts.hidden === 'classifier.0' ? 'classifier.3' : 'classifier', width);
}
