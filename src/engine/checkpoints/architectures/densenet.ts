import type { Weights } from '../weights.ts';
import type { Architecture, ModelConfig, RecognisedNetwork } from './architecture.ts';
import { refuseUntraced } from './configured.ts';
import {
  activate,
  averagePool,
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
import { batchNorm, conv, globalAveragePool } from './layers.ts';
import { countOf, shapeOf } from './naming.ts';

/**
 * "Densely Connected Convolutional Networks" (Huang et al. 2016): every layer takes what all before it in its block gave.
 * Canonical names are torchvision's, which timm shares: `features.denseblock1.denselayer1.norm1`, `classifier`.
 */
export const densenet: Architecture = { family: 'DenseNet', recognise };

/** torchvision's published files still have the names of its first version: `norm.1` for `norm1`. */
function canonicalName(name: string): string {
  return name.replace(/(\.denselayer\d+\.(?:norm|conv))\.([12])\./, '$1$2.');
}

/** Every weight that the graph below can use, and heads. */
const KNOWN =
  /^(features\.(conv0\.weight|norm[05]\.\w+|denseblock\d+\.denselayer\d+\.(norm[12]\.\w+|conv[12]\.weight)|transition\d+\.(norm\.\w+|conv\.weight))|(classifier|fc|head|linear|last_linear)\..*)$/;

function recognise(original: Weights, config: ModelConfig | undefined): RecognisedNetwork | undefined {
  const weights = renameModules(original, canonicalName);
  const blocks = countOf(weights, (block) => `${layerName(block, 0)}.conv2.weight`);
  const stem = shapeOf(weights, 'features.conv0.weight');
  if (blocks === 0 || stem[1] !== 3 || !weights.tensors.has('features.norm5.running_mean')) return undefined;
  if (weights.tensors.has('features.conv1.weight')) {
    throw new Error('it is a DenseNet with a deep stem (timm’s densenetblur121d, densenet264d), which can’t be built');
  }
  const strange = [...weights.tensors.keys()].find((name) => !KNOWN.test(name));
  if (strange !== undefined) throw new Error(`it is a DenseNet with parts that can't be built: "${strange}"`);
  refuseUntraced(config, 'DenseNet');
  const layers = Array.from({ length: blocks }, (_, block) =>
    countOf(weights, (layer) => `${layerName(block, layer)}.conv2.weight`),
  );
  const [width = 0] = shapeOf(weights, 'features.norm5.weight');
  const classifier = classifierIn(weights, 'classifier', width);
  return {
    // A layer has two convolutions; there are the stem, one transition between blocks, and the classifier.
    architecture: `DenseNet-${2 * layers.reduce((sum, count) => sum + count, 0) + blocks + 1}`,
    modality: 'image',
    image: { input: IMAGE, published: TORCHVISION },
    hasLogits: classifier !== undefined,
    featurePoint: 'mean of the last block, input of the classifier',
    build: (graph) => {
      graph.use(weights);
      build(graph, layers, classifier);
    },
  };
}

function layerName(block: number, layer: number): string {
  return `features.denseblock${block + 1}.denselayer${layer + 1}`;
}

function build(graph: Graph, layers: readonly number[], classifier: string | undefined): void {
  const image = imageInput(graph);
  let x = convNorm(graph, image, 'features.conv0', 'features.norm0', { stride: 2, padding: 3 });
  x = maxPool(graph, x, 3, { stride: 2, padding: 1 });
  for (const [block, count] of layers.entries()) {
    if (block > 0) {
      const transition = `features.transition${block}`;
      x = averagePool(graph, conv(graph, normalised(graph, x, `${transition}.norm`), `${transition}.conv`), 2, {});
    }
    for (let layer = 0; layer < count; layer += 1) {
      const name = layerName(block, layer);
      const inner = convNorm(graph, normalised(graph, x, `${name}.norm1`), `${name}.conv1`, `${name}.norm2`, {});
      x = graph.node('Concat', [x, conv(graph, inner, `${name}.conv2`, { padding: 1 })], { axis: 1 });
    }
    x = graph.mark(`features.denseblock${block + 1}`, x);
  }
  outputs(graph, globalAveragePool(graph, normalised(graph, x, 'features.norm5')), classifier);
}

function normalised(graph: Graph, x: Value, norm: string): Value {
  return activate(graph, batchNorm(graph, x, norm), 'relu');
}
