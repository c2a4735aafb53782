import type { Weights } from '../weights.ts';
import type { Architecture, ModelConfig, PublishedPreprocessing, RecognisedNetwork } from './architecture.ts';
import { assumedSettings, refuseOthers, refuseUntraced } from './configured.ts';
import {
  activate,
  classifierIn,
  convNorm,
  IMAGE,
  imageInput,
  outputs,
  renameModules,
  squeezeExcite,
  TIMM,
  TORCHVISION,
} from './convolutional.ts';
import type { Graph, Value } from './graph.ts';
import { globalAveragePool } from './layers.ts';
import { countOf, shapeOf, textOf } from './naming.ts';

/**
 * RegNetX and, with squeeze-and-excitation, RegNetY: "Designing Network Design Spaces" (Radosavovic et al. 2020).
 * Canonical names are timm's: `stem.conv`, `s1.b1.conv1.conv`, `s1.b1.downsample.conv`, `head.fc`.
 */
export const regnet: Architecture = { family: 'RegNet', recognise };

/** From torchvision's names, and from Hugging Face's `regnet`. */
function canonicalName(name: string): string {
  return (
    name
      // torchvision.
      .replace(/^stem\.([01])\./, (_, part) => `stem.${PARTS[part]}.`)
      .replace(/^trunk_output\.block(\d+)\.block\d+-(\d+)\./, (_, stage, block) => `s${stage}.b${Number(block) + 1}.`)
      .replace(/\.proj\.([01])\./, (_, part) => `.downsample.${PARTS[part]}.`)
      .replace(/\.f\.([abc])\.([01])\./, (_, letter, part) => `.conv${'abc'.indexOf(letter) + 1}.${PARTS[part]}.`)
      .replace(/\.f\.se\./, '.se.')
      // Hugging Face, whose third convolution is layer.3 behind squeeze-and-excitation.
      .replace(/^regnet\./, '')
      .replace(/^embedder\.embedder\./, 'stem.')
      .replace(/^encoder\.stages\.(\d+)\.layers\.(\d+)\./, (_, stage, block) => `s${+stage + 1}.b${+block + 1}.`)
      .replace(/\.shortcut\./, '.downsample.')
      .replace(/\.layer\.2\.attention\.([02])\./, (_, part) => `.se.fc${Number(part) / 2 + 1}.`)
      .replace(/\.layer\.(\d)\.(?=convolution|normalization)/, (_, index) => `.conv${Math.min(3, Number(index) + 1)}.`)
      .replace(/\.convolution\./, '.conv.')
      .replace(/\.normalization\./, '.bn.')
      .replace(/^(fc|classifier)\./, 'head.fc.')
  );
}

const PARTS: Readonly<Record<string, string>> = { 0: 'conv', 1: 'bn' };

/** Every weight that the graph below can use, and heads. */
const KNOWN =
  /^(stem\.(conv\.weight|bn\.\w+)|s\d+\.b\d+\.((conv[123]|downsample)\.(conv\.weight|bn\.\w+)|se\.fc[12]\.(weight|bias))|head\..+)$/;

/** Published sizes, in multiply-adds per image, by the width of the last stage. */
const X_SIZES = new Map([
  [368, '200MF'],
  [400, '400MF'],
  [528, '600MF'],
  [672, '800MF'],
  [912, '1.6GF'],
  [1008, '3.2GF'],
  [1360, '4GF'],
  [1624, '6.4GF'],
  [1920, '8GF'],
  [2240, '12GF'],
  [2048, '16GF'],
  [2520, '32GF'],
]);
const Y_SIZES = new Map([
  [368, '200MF'],
  [440, '400MF'],
  [608, '600MF'],
  [768, '800MF'],
  [784, '800MF'],
  [888, '1.6GF'],
  [1512, '3.2GF'],
  [1088, '4GF'],
  [1296, '6.4GF'],
  [2016, '8GF'],
  [2240, '12GF'],
  [3024, '16GF'],
  [3712, '32GF'],
  [7392, '128GF'],
]);

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const weights = renameModules(original, canonicalName);
  const has = (name: string) => weights.tensors.has(name);
  const [, colors, kernel] = shapeOf(weights, 'stem.conv.weight');
  const telltale = ['conv1', 'conv2', 'conv3'].map((part) => `s1.b1.${part}.conv.weight`);
  if (colors !== 3 || kernel !== 3 || !['stem.bn.running_mean', ...telltale].every(has)) return undefined;
  const strange = [...weights.tensors.keys()].find((name) => !KNOWN.test(name));
  if (strange !== undefined) throw new Error(`it is a RegNet with parts that can't be built: "${strange}"`);
  if (!has('s2.b1.downsample.conv.weight')) throw new Error('it is a RegNetZ, which can’t be built');
  refuseOthers(config, 'RegNet', /^regnet[xy]?(_\w+)?$/);
  refuseUntraced(config, 'RegNet');
  const activation = textOf(config, 'hidden_act') ?? 'relu';
  if (activation !== 'relu')
    throw new Error(`it is a RegNet with the activation "${activation}", which can’t be built`);

  const stages = stagesOf(weights);
  const letter = has('s1.b1.se.fc1.weight') ? 'Y' : 'X';
  const [width = 0] = shapeOf(weights, `s${stages.length}.b1.conv3.conv.weight`);
  const size = (letter === 'Y' ? Y_SIZES : X_SIZES).get(width);
  const classifier = classifierIn(weights, 'head', width);
  return {
    architecture: `RegNet${letter}${size === undefined ? '' : `-${size}`}`,
    modality: 'image',
    image: { input: IMAGE, published: publishedFor(original) },
    hasLogits: classifier !== undefined,
    featurePoint: 'mean of the last stage, input of the classifier',
    assumed: assumedSettings(config, size !== undefined, 'activation and strides'),
    build: (graph) => {
      graph.use(weights);
      const firstStride = config?.get('downsample_in_first_stage') === false ? 1 : 2;
      outputs(graph, build(graph, stages, firstStride), classifier);
    },
  };
}

/** Number of blocks in each stage. */
function stagesOf(weights: Weights): number[] {
  const stages = countOf(weights, (stage) => `s${stage + 1}.b1.conv1.conv.weight`);
  return Array.from({ length: stages }, (_, stage) =>
    countOf(weights, (block) => `s${stage + 1}.b${block + 1}.conv1.conv.weight`),
  );
}

function publishedFor(original: Weights): PublishedPreprocessing {
  return original.tensors.has('stem.0.weight') ? TORCHVISION : TIMM;
}

function build(graph: Graph, stages: readonly number[], firstStride: number): Value {
  let x = convNorm(graph, imageInput(graph), 'stem.conv', 'stem.bn', { stride: 2, padding: 1 });
  for (const [stage, blocks] of stages.entries()) {
    for (let block = 0; block < blocks; block += 1) {
      const stride = block > 0 ? 1 : stage === 0 ? firstStride : 2;
      x = blockOf(graph, x, `s${stage + 1}.b${block + 1}`, stride);
    }
    x = graph.mark(`s${stage + 1}`, x);
  }
  return globalAveragePool(graph, x);
}

function blockOf(graph: Graph, x: Value, name: string, stride: number): Value {
  const part = (y: Value, unit: string, options: Parameters<typeof convNorm>[4]) =>
    convNorm(graph, y, `${name}.${unit}.conv`, `${name}.${unit}.bn`, options);
  const [channels = 1, perGroup = 1] = graph.shape(`${name}.conv2.conv.weight`);
  let y = part(x, 'conv1', {});
  y = part(y, 'conv2', { stride, padding: 1, groups: channels / perGroup });
  if (graph.has(`${name}.se.fc1.weight`))
    y = squeezeExcite(graph, y, `${name}.se.fc1`, `${name}.se.fc2`, 'relu', 'sigmoid');
  y = part(y, 'conv3', { activation: 'none' });
  const hasShortcut = graph.has(`${name}.downsample.conv.weight`);
  const shortcut = hasShortcut ? part(x, 'downsample', { stride, activation: 'none' }) : x;
  return activate(graph, graph.node('Add', [y, shortcut]), 'relu');
}
