import type { Weights } from '../weights.ts';
import { type Architecture, INCEPTION, type ModelConfig, type RecognisedNetwork } from './architecture.ts';
import { refuseUntraced } from './configured.ts';
import {
  averagePool,
  type ConvNormOptions,
  classifierIn,
  convNorm,
  IMAGE,
  imageInput,
  maxPool,
  outputs,
  renameModules,
  TORCHVISION,
} from './convolutional.ts';
import type { Graph, Value } from './graph.ts';
import { globalAveragePool } from './layers.ts';
import { shapeOf } from './naming.ts';

/**
 * GoogLeNet ("Going Deeper with Convolutions", Szegedy et al. 2014) and Inception v3 ("Rethinking the Inception
 * Architecture", Szegedy et al. 2015). Names are torchvision's, which timm shares: `inception3a.branch1.conv`,
 * `Mixed_5b.branch1x1.conv`, `fc`. The auxiliary classifiers are for training alone.
 *
 * Both were trained on pixels in -1..1. torchvision's published networks are given ImageNet's statistics and bring them
 * to that range themselves (`transform_input`); here it is the preprocessing that gives that range.
 */
export const inception: Architecture = { family: 'GoogLeNet, Inception v3', recognise };

/** Every weight that the graphs below can use, heads, and the auxiliary classifiers. */
const KNOWN =
  /^((conv[123]|inception\d[a-e]\.(branch1|branch[23]\.[01]|branch4\.1)|Conv2d_\w+|Mixed_\w+\.branch\w+)\.(conv\.weight|bn\.\w+)|(fc|classifier|head|linear|last_linear|aux[12]|AuxLogits)\..*)$/;

/** A kind of module: what it makes of its input, and the parts that it has. */
type Module = (graph: Graph, x: Value, name: string) => Value;

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const weights = renameModules(original, (name) => name);
  const isGoogLeNet = ['conv1', 'inception3a.branch2.1', 'inception5b.branch4.1'].every((name) =>
    hasUnit(weights, name),
  );
  const isV3 = ['Conv2d_1a_3x3', 'Mixed_5b.branch5x5_1', 'Mixed_7c.branch3x3dbl_3b'].every((name) =>
    hasUnit(weights, name),
  );
  if (!isGoogLeNet && !isV3) return undefined;
  const family = isGoogLeNet ? 'GoogLeNet' : 'Inception v3';
  const strange = [...weights.tensors.keys()].find((name) => !KNOWN.test(name));
  if (strange !== undefined)
    throw new Error(`it is of the family ${family} with parts that can't be built: "${strange}"`);
  refuseUntraced(config, 'Inception');
  const last = isGoogLeNet ? GOOGLENET_LAST : V3_LAST;
  const width = last.reduce((sum, name) => sum + (shapeOf(weights, `${name}.conv.weight`)[0] ?? 0), 0);
  const classifier = classifierIn(weights, 'fc', width);
  return {
    architecture: family,
    modality: 'image',
    image: {
      input: IMAGE,
      published: {
        ...TORCHVISION,
        ...INCEPTION,
        ...(isV3 ? { size: 299, resize: 342, minimum: 75 } : { minimum: 15 }),
      },
    },
    hasLogits: classifier !== undefined,
    featurePoint: 'mean of the last module, input of fc',
    build: (graph) => {
      graph.use(weights);
      const x = isGoogLeNet ? buildGoogLeNet(graph, imageInput(graph)) : buildV3(graph, imageInput(graph));
      outputs(graph, globalAveragePool(graph, x), classifier);
    },
  };
}

/** The units whose channels together are the features. */
const GOOGLENET_LAST = ['branch1', 'branch2.1', 'branch3.1', 'branch4.1'].map((part) => `inception5b.${part}`);
const V3_LAST = ['branch1x1', 'branch3x3_2a', 'branch3x3_2b', 'branch3x3dbl_3a', 'branch3x3dbl_3b', 'branch_pool'].map(
  (part) => `Mixed_7c.${part}`,
);

function hasUnit(weights: Weights, name: string): boolean {
  return weights.tensors.has(`${name}.conv.weight`) && weights.tensors.has(`${name}.bn.running_mean`);
}

/** Convolution, norm and ReLU; padded so that the size stays, unless said. */
function unit(graph: Graph, x: Value, name: string, options: ConvNormOptions = {}): Value {
  const [, , height = 1, width = 1] = graph.shape(`${name}.conv.weight`);
  const padding = [(height - 1) / 2, (width - 1) / 2] as const;
  return convNorm(graph, x, `${name}.conv`, `${name}.bn`, { padding, epsilon: 1e-3, ...options });
}

function chain(graph: Graph, x: Value, name: string, parts: readonly string[], last: ConvNormOptions = {}): Value {
  return parts.reduce((y, part, index) => unit(graph, y, `${name}.${part}`, index === parts.length - 1 ? last : {}), x);
}

function concat(graph: Graph, branches: readonly Value[]): Value {
  return graph.node('Concat', branches, { axis: 1 });
}

function buildGoogLeNet(graph: Graph, image: Value): Value {
  const pool = (x: Value, size: number) => maxPool(graph, x, size, { stride: 2, ceil: true });
  let x = pool(unit(graph, image, 'conv1', { stride: 2 }), 3);
  x = pool(unit(graph, unit(graph, x, 'conv2'), 'conv3'), 3);
  for (const letter of 'ab') x = googLeNetModule(graph, x, `inception3${letter}`);
  x = pool(x, 3);
  for (const letter of 'abcde') x = googLeNetModule(graph, x, `inception4${letter}`);
  x = pool(x, 2);
  for (const letter of 'ab') x = googLeNetModule(graph, x, `inception5${letter}`);
  return x;
}

function googLeNetModule(graph: Graph, x: Value, name: string): Value {
  const branches = [
    unit(graph, x, `${name}.branch1`),
    chain(graph, x, name, ['branch2.0', 'branch2.1']),
    chain(graph, x, name, ['branch3.0', 'branch3.1']),
    unit(graph, maxPool(graph, x, 3, { stride: 1, padding: 1, ceil: true }), `${name}.branch4.1`),
  ];
  return graph.mark(name, concat(graph, branches));
}

function buildV3(graph: Graph, image: Value): Value {
  const unpadded = { padding: 0 };
  let x = unit(graph, image, 'Conv2d_1a_3x3', { stride: 2, ...unpadded });
  x = unit(graph, x, 'Conv2d_2a_3x3', unpadded);
  x = maxPool(graph, unit(graph, x, 'Conv2d_2b_3x3'), 3, { stride: 2 });
  x = unit(graph, x, 'Conv2d_3b_1x1');
  x = maxPool(graph, unit(graph, x, 'Conv2d_4a_3x3', unpadded), 3, { stride: 2 });
  for (const [name, module] of V3_MODULES) x = graph.mark(name, module(graph, x, name));
  return x;
}

const moduleA: Module = (graph, x, name) =>
  concat(graph, [
    unit(graph, x, `${name}.branch1x1`),
    chain(graph, x, name, ['branch5x5_1', 'branch5x5_2']),
    chain(graph, x, name, ['branch3x3dbl_1', 'branch3x3dbl_2', 'branch3x3dbl_3']),
    pooled(graph, x, name),
  ]);

const moduleB: Module = (graph, x, name) =>
  concat(graph, [
    unit(graph, x, `${name}.branch3x3`, HALVING),
    chain(graph, x, name, ['branch3x3dbl_1', 'branch3x3dbl_2', 'branch3x3dbl_3'], HALVING),
    maxPool(graph, x, 3, { stride: 2 }),
  ]);

const moduleC: Module = (graph, x, name) =>
  concat(graph, [
    unit(graph, x, `${name}.branch1x1`),
    chain(
      graph,
      x,
      name,
      [1, 2, 3].map((part) => `branch7x7_${part}`),
    ),
    chain(
      graph,
      x,
      name,
      [1, 2, 3, 4, 5].map((part) => `branch7x7dbl_${part}`),
    ),
    pooled(graph, x, name),
  ]);

const moduleD: Module = (graph, x, name) =>
  concat(graph, [
    chain(graph, x, name, ['branch3x3_1', 'branch3x3_2'], HALVING),
    chain(
      graph,
      x,
      name,
      [1, 2, 3, 4].map((part) => `branch7x7x3_${part}`),
      HALVING,
    ),
    maxPool(graph, x, 3, { stride: 2 }),
  ]);

const moduleE: Module = (graph, x, name) => {
  const single = unit(graph, x, `${name}.branch3x3_1`);
  const double = chain(graph, x, name, ['branch3x3dbl_1', 'branch3x3dbl_2']);
  return concat(graph, [
    unit(graph, x, `${name}.branch1x1`),
    ...['2a', '2b'].map((part) => unit(graph, single, `${name}.branch3x3_${part}`)),
    ...['3a', '3b'].map((part) => unit(graph, double, `${name}.branch3x3dbl_${part}`)),
    pooled(graph, x, name),
  ]);
};

const V3_MODULES: readonly (readonly [name: string, module: Module])[] = [
  ['Mixed_5b', moduleA],
  ['Mixed_5c', moduleA],
  ['Mixed_5d', moduleA],
  ['Mixed_6a', moduleB],
  ['Mixed_6b', moduleC],
  ['Mixed_6c', moduleC],
  ['Mixed_6d', moduleC],
  ['Mixed_6e', moduleC],
  ['Mixed_7a', moduleD],
  ['Mixed_7b', moduleE],
  ['Mixed_7c', moduleE],
];

const HALVING: ConvNormOptions = { stride: 2, padding: 0 };

function pooled(graph: Graph, x: Value, name: string): Value {
  const average = averagePool(graph, x, 3, { stride: 1, padding: 1, countPadding: true });
  return unit(graph, average, `${name}.branch_pool`);
}
