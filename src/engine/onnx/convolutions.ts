import { isCastToSingle } from './singlePrecision.ts';
import { isFloat, type WeightReader } from './weightReader.ts';
import type { NewModel, NewNode, NewTensor } from './writeModel.ts';

/** Of ONNX's batch norm. */
const DEFAULT_EPSILON = 1e-5;

/** A convolution over height and width. Its weights are stored, whatever their precision is and the order of their axes. */
export interface Convolution {
  readonly node: NewNode;
  readonly weight: NewTensor;
  /** With groups, the inputs of one of them. */
  readonly shape: readonly [outputs: number, inputs: number, height: number, width: number];
  /** In what is stored of one output: from an input to the next, and from a place of height and width to the next. */
  readonly strides: { readonly input: number; readonly place: number };
  /** That takes its values, as nothing else does. */
  readonly norm: BatchNorm | undefined;
}

interface BatchNorm {
  readonly node: NewNode;
  readonly epsilon: number;
  readonly scale: NewTensor;
  readonly bias: NewTensor;
  readonly mean: NewTensor;
  readonly variance: NewTensor;
  /** Of the convolution. */
  readonly before: NewTensor | undefined;
}

/** Weights as they are stored, with the order in which a node wants their axes. */
interface Stored {
  readonly tensor: NewTensor;
  readonly order: readonly number[];
}

/** The convolutions of a model whose weights are stored, and those of the norm behind them. */
export function findConvolutions(model: NewModel): Convolution[] {
  const stored = storedWeights(model);
  const users = new Map<string, NewNode[]>();
  for (const node of model.nodes) {
    for (const input of node.inputs) {
      const others = users.get(input);
      if (others) others.push(node);
      else users.set(input, [node]);
    }
  }
  const vector = (value: string | undefined, length: number) => {
    const found = stored(value ?? '');
    return found?.order.length === 1 && found.tensor.shape[0] === length ? found.tensor : undefined;
  };
  const convolution = (node: NewNode): Convolution | undefined => {
    const found = node.op === 'Conv' ? stored(node.inputs[1] ?? '') : undefined;
    const layout = found && layoutOf(found);
    if (!layout) return undefined;
    const [output = ''] = node.outputs;
    const [next, ...others] = users.get(output) ?? [];
    if (!next || !isNorm(next) || others.length > 0 || model.outputs.includes(output)) {
      return { node, weight: found.tensor, ...layout, norm: undefined };
    }
    const [outputs] = layout.shape;
    const [scale, bias, mean, variance] = next.inputs.slice(1).map((value) => vector(value, outputs));
    const before = vector(node.inputs[2], outputs);
    if (!scale || !bias || !mean || !variance || (node.inputs[2] && !before)) return undefined;
    const epsilon = next.attributes?.epsilon;
    const norm = {
      node: next,
      epsilon: typeof epsilon === 'object' && 'float' in epsilon ? epsilon.float : DEFAULT_EPSILON,
      ...{ scale, bias, mean, variance, before },
    };
    return { node, weight: found.tensor, ...layout, norm };
  };
  return model.nodes.flatMap((node) => convolution(node) ?? []);
}

/**
 * What a batch norm makes of a convolution: its outputs times `scale`, plus `bias`, `[outputs]` each. Rounded as ONNX
 * Runtime rounds where it fuses the two.
 */
export async function foldedNorm(
  { before, epsilon, ...norm }: BatchNorm,
  reader: WeightReader,
): Promise<{ scale: Float32Array; bias: Float32Array }> {
  const read = async (tensor: NewTensor) => (await reader.floats(tensor, 0, tensor.shape[0] ?? 0)).slice();
  const { fround, sqrt } = Math;
  const variance = await read(norm.variance);
  const deviation = variance.map((value) => sqrt(fround(value + fround(epsilon))));
  const scale = (await read(norm.scale)).map((value, i) => value / (deviation[i] ?? 0));
  const mean = await read(norm.mean);
  const last = await read(norm.bias);
  if (!before) return { scale, bias: last.map((value, i) => value - fround((mean[i] ?? 0) * (scale[i] ?? 0))) };
  const centred = (await read(before)).map((value, i) => value - (mean[i] ?? 0));
  return { scale, bias: last.map((value, i) => fround((centred[i] ?? 0) * (scale[i] ?? 0)) + value) };
}

function layoutOf({ tensor, order }: Stored): Pick<Convolution, 'shape' | 'strides'> | undefined {
  const [outputs, inputs, height, width, ...others] = order.map((axis) => tensor.shape[axis] ?? 0);
  if (order[0] !== 0 || !outputs || !inputs || !height || !width || others.length > 0) return undefined;
  const stride = (axis = 0) => tensor.shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const strides = { input: stride(order[1]), place: stride(order[3]) };
  // Height and width have to be one axis.
  if (stride(order[2]) !== width * strides.place) return undefined;
  return { shape: [outputs, inputs, height, width], strides };
}

/** Whether a node is a batch norm that computes as networks do which are not trained. */
function isNorm({ op, outputs, attributes = {} }: NewNode): boolean {
  const others = outputs.slice(1).filter((output) => output !== '');
  return op === 'BatchNormalization' && others.length === 0 && !attributes.training_mode && attributes.spatial !== 0;
}

/** Finds the stored weights that are all that a value in single precision is made of. */
function storedWeights({ nodes, initializers = [] }: NewModel): (value: string) => Stored | undefined {
  const tensors = new Map(initializers.map((tensor) => [tensor.name, tensor]));
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
  return (value) => {
    let order: readonly number[] | undefined;
    let isSingle = false;
    for (let source = value; ; ) {
      const tensor = tensors.get(source);
      if (tensor) {
        if (!isFloat(tensor) || !(isSingle || tensor.type === 'float32')) return undefined;
        return { tensor, order: order ?? tensor.shape.map((_, axis) => axis) };
      }
      const maker = makers.get(source);
      if (!maker) return undefined;
      const perm = maker.attributes?.perm;
      if (isCastToSingle(maker)) isSingle = true;
      else if (maker.op === 'Transpose' && Array.isArray(perm)) {
        order = order?.map((axis) => perm[axis] ?? 0) ?? perm;
      } else if (maker.op !== 'Identity') return undefined;
      source = maker.inputs[0] ?? '';
    }
  };
}
