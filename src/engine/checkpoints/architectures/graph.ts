import path from 'node:path';
import { ELEMENT_TYPES, type ElementType } from '../../onnx/format.ts';
import {
  type Attribute,
  type NewInput,
  type NewModel,
  type NewNode,
  type NewTensor,
  writeModel,
} from '../../onnx/writeModel.ts';
import type { RunnableModel } from '../checkpoint.ts';
import type { Weights, WeightTensor } from '../weights.ts';

/** Where a Slice ends that goes on up to the end of its axis. */
export const END = 2 ** 31;

/** Name of a tensor in the graph: what nodes take and give. */
export type Value = string;

/**
 * Builds an ONNX graph over named weights. Nothing is read or copied: a weight becomes an initializer that points into
 * the checkpoint's file (ONNX external data), and values stored in half or double precision get a Cast to float32.
 */
export class Graph {
  #weights: Weights;
  readonly #folder: string;
  readonly #nodes: NewNode[] = [];
  readonly #initializers: NewTensor[] = [];
  readonly #inputs: NewInput[] = [];
  readonly #outputs: Value[] = [];
  readonly #marks: string[] = [];
  readonly #loaded = new Map<WeightTensor, Value>();
  readonly #names = new Set<Value>();
  #count = 0;

  /** @param weights files must be real paths (no links), or ONNX Runtime refuses to follow them */
  constructor(weights: Weights) {
    this.#weights = weights;
    this.#folder = commonFolder(weights.files);
  }

  /** From here on names mean these weights: the same files' under other names, or in other shapes of as many values. */
  use(weights: Weights): void {
    this.#weights = weights;
  }

  /** Whether there is a weight of this name. */
  has(name: string): boolean {
    return this.#weights.tensors.has(name);
  }

  /** Shape of a weight. @throws Error when there is none of this name */
  shape(name: string): readonly number[] {
    return this.#find(name).shape;
  }

  /**
   * The weight as a float32 value.
   * @param shape that it must have, where the layer's other weights tell it
   * @throws Error naming the weight when it is missing or of another shape
   */
  weight(name: string, shape?: readonly number[]): Value {
    const tensor = this.#find(name);
    if (shape !== undefined && tensor.shape.join() !== shape.join()) {
      throw new Error(`the weight "${name}" has the shape [${tensor.shape}], where its layer’s others need [${shape}]`);
    }
    const loaded = this.#loaded.get(tensor);
    if (loaded !== undefined) return loaded;
    const value = this.#load(name, tensor);
    this.#loaded.set(tensor, value);
    return value;
  }

  /** A float32 constant, or an int64 one. */
  constant(
    values: readonly number[],
    shape: readonly number[] = [values.length],
    type: 'float32' | 'int64' = 'float32',
  ): Value {
    const name = this.#fresh('constant');
    const data = type === 'int64' ? BigInt64Array.from(values, BigInt) : Float32Array.from(values);
    this.#initializers.push({ name, type, shape, values: new Uint8Array(data.buffer) });
    return name;
  }

  /** A one-dimensional int64 constant: shapes, axes, paddings. */
  integers(...values: number[]): Value {
    return this.constant(values, [values.length], 'int64');
  }

  /** An int64 scalar. */
  integer(value: number): Value {
    return this.constant([value], [], 'int64');
  }

  /** @param shape a name stands for a dimension that is free */
  input(name: string, type: ElementType, shape: readonly (number | string)[]): Value {
    this.#inputs.push({ name, type, shape });
    return name;
  }

  /** One node with one output. An empty name in `inputs` leaves an optional input out. */
  node(op: string, inputs: readonly Value[], attributes: Readonly<Record<string, Attribute>> = {}, domain = ''): Value {
    const output = this.#fresh(op);
    this.#nodes.push({ op, inputs, outputs: [output], attributes, domain });
    return output;
  }

  /** One node with several outputs. */
  nodes(
    op: string,
    inputs: readonly Value[],
    outputs: number,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Value[] {
    const names = Array.from({ length: outputs }, () => this.#fresh(op));
    this.#nodes.push({ op, inputs, outputs: names, attributes });
    return names;
  }

  /**
   * Gives a value a name of its own, so that a person can choose it as the feature point: the name that the module has
   * in PyTorch (`layer3`, `blocks.5`, `encoder.layer.11`).
   */
  mark(name: string, value: Value): Value {
    // Two parts of a network may call their modules the same: the first has the name.
    if (this.#marks.includes(name)) return value;
    this.#nodes.push({ op: 'Identity', inputs: [value], outputs: [name] });
    this.#marks.push(name);
    return name;
  }

  /** Names that were given by `mark`, in their order. */
  get marks(): readonly string[] {
    return this.#marks;
  }

  /** Gives a value a name of its own and makes it an output. */
  output(name: string, value: Value): void {
    this.#outputs.push(this.mark(name, value));
  }

  /** What it computes so far. */
  get network(): Required<Omit<NewModel, 'opsets'>> {
    return { nodes: this.#nodes, initializers: this.#initializers, inputs: this.#inputs, outputs: this.#outputs };
  }

  /** The model; its external data is relative to the folder that holds every file of weights. */
  build(): RunnableModel {
    const { network } = this;
    return { model: () => writeModel(network), weightsFolder: this.#folder, network };
  }

  #find(name: string): WeightTensor {
    const tensor = this.#weights.tensors.get(name);
    if (!tensor) throw new Error(`the weight "${name}" is missing`);
    return tensor;
  }

  #load(weightName: string, tensor: WeightTensor): Value {
    // Two encoders of one network may use the same names.
    const name = this.#names.has(weightName) ? this.#fresh(weightName) : weightName;
    this.#names.add(name);
    const axes = tensor.storedAxes;
    const stored = axes ? axes.map((axis) => tensor.shape[axis] as number) : tensor.shape;
    const location = path.relative(this.#folder, tensor.file).split(path.sep).join('/');
    this.#initializers.push({
      name,
      type: tensor.type,
      shape: stored,
      values: { location, offset: tensor.offset, bytes: tensor.bytes },
    });
    const cast = tensor.type === 'float32' ? name : this.node('Cast', [name], { to: ELEMENT_TYPES.float32 });
    if (!axes) return cast;
    // Axis i of what is stored is axis axes[i] of the tensor: the transposition takes them back.
    return this.node('Transpose', [cast], { perm: tensor.shape.map((_, axis) => axes.indexOf(axis)) });
  }

  #fresh(prefix: string): Value {
    this.#count += 1;
    return `${prefix}_${this.#count}`;
  }
}

/** The innermost folder that all files lie in. */
function commonFolder(files: readonly string[]): string {
  const [first = '', ...others] = files.map((file) => path.dirname(file));
  let folder = first;
  const holds = (other: string) =>
    other === folder || other.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);
  while (!others.every(holds) && folder !== path.dirname(folder)) folder = path.dirname(folder);
  return folder;
}
