import type { OnnxModel } from '../../onnx/readModel.ts';
import type { NewNode } from '../../onnx/writeModel.ts';
import type { FeaturePoint } from '../checkpoint.ts';

/** Layers with weights. The input of the last one before the class scores is the features. */
const HEADS = new Map<string, FeaturePoint['channelAxis']>([
  ['Gemm', 'last'],
  ['MatMul', 'last'],
  ['FusedMatMul', 'last'],
  ['FusedGemm', 'last'],
  ['QGemm', 'last'],
  ['QLinearMatMul', 'last'],
  ['MatMulInteger', 'last'],
  ['DynamicQuantizeMatMul', 'last'],
  ['Conv', 'second'],
  ['FusedConv', 'second'],
  ['QLinearConv', 'second'],
  ['ConvInteger', 'second'],
]);

/** How people name the output with the class scores. */
const CLASS_SCORES = /logit|prob|score|class|softmax/i;

/** Layers that turn scores into probabilities: what they end is a classifier. */
const PROBABILITIES = new Set(['Softmax', 'LogSoftmax', 'Sigmoid', 'HardSigmoid', 'QLinearSoftmax', 'QLinearSigmoid']);

/** Layers that move values about or change their type, but leave them what they are. */
const SHAPE_ONLY = new Set([
  'Identity',
  'Cast',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Dropout',
  'QuantizeLinear',
  'DequantizeLinear',
]);

/**
 * Layers that may stand between a convolutional head and the class scores, as in SqueezeNet. Without class scores they
 * are the end of a network that was cut off before its head.
 */
const AFTER_CONVOLUTIONAL_HEAD = new Set([
  'Relu',
  'Clip',
  'GlobalAveragePool',
  'AveragePool',
  'ReduceMean',
  'QLinearGlobalAveragePool',
]);

/** Layers that add a bias or scale by a constant. */
const ARITHMETIC = new Set(['Add', 'Sub', 'Mul', 'Div', 'QLinearAdd', 'QLinearMul']);

/**
 * Finds the input of the classifier head: from the output with the class scores back to the last layer with weights.
 * A network that ends in something else (pooled features, an activation) has no head; its output is the features.
 */
export function findFeaturePoint(model: OnnxModel): FeaturePoint | undefined {
  const named = model.outputs.find(({ name }) => CLASS_SCORES.test(name));
  const output = named ?? model.outputs[0];
  if (!output) return undefined;

  const producers = new Map<string, NewNode>();
  for (const node of model.nodes) for (const name of node.outputs) producers.set(name, node);
  const constants = constantTensors(model);

  let tensor = output.name;
  let isClassifier = named !== undefined;
  let sawActivation = false;
  // A graph has no cycles, but a hostile file may; every node is passed at most once.
  for (let steps = 0; steps <= model.nodes.length; steps += 1) {
    const node = producers.get(tensor);
    if (!node) break;
    const [data, second] = node.inputs;
    if (data === undefined) break;
    const channelAxis = HEADS.get(node.op);
    if (channelAxis !== undefined) {
      const weight = node.inputs.find((name, index) => index > 0 && constants.has(name) && !isScalar(model, name));
      if (weight === undefined || (sawActivation && !isClassifier)) break;
      return { tensor: data, channelAxis, logits: output.name };
    }
    if (PROBABILITIES.has(node.op)) isClassifier = true;
    else if (AFTER_CONVOLUTIONAL_HEAD.has(node.op)) sawActivation = true;
    else if (ARITHMETIC.has(node.op) && second !== undefined && constants.has(data) && !constants.has(second)) {
      tensor = second;
      continue;
    } else if (!SHAPE_ONLY.has(node.op) && !(ARITHMETIC.has(node.op) && second !== undefined && constants.has(second)))
      break;
    tensor = data;
  }
  const rank = output.shape.length;
  return { tensor: output.name, channelAxis: rank === 4 ? 'second' : 'last', logits: undefined };
}

/** Names of the weights, and of what follows from weights alone (a dequantised or transposed one, say). */
function constantTensors(model: OnnxModel): Set<string> {
  const constants = new Set(model.initializers.keys());
  for (const node of model.nodes) {
    if (node.inputs.every((name) => name === '' || constants.has(name))) {
      for (const name of node.outputs) constants.add(name);
    }
  }
  return constants;
}

function isScalar(model: OnnxModel, name: string): boolean {
  return model.initializers.get(name)?.shape.every((size) => size === 1) ?? false;
}
