import { FileBytes } from '../checkpoints/containers/byteSource.ts';
import { ATTRIBUTE, DIM, ENTRY, GRAPH, MODEL, NODE, SHAPE, TENSOR, TENSOR_TYPE, TYPE, VALUE } from './format.ts';
import { type Field, ProtobufReader } from './protobuf.ts';

/** A node of the graph: names only. */
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Integer attributes by name (`group`, `transB`, …); the first value of lists is enough for what we ask. */
  readonly ints: ReadonlyMap<string, number>;
}

/** A dimension is a number when it is fixed, and a name (or nothing) when it is dynamic. */
export interface OnnxValue {
  readonly name: string;
  /** One of ELEMENT_TYPES, or a type that no network takes. */
  readonly elementType: number;
  readonly shape: readonly (number | string)[];
}

/** What an ONNX file says about itself, without its weights. */
export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  /** Dimensions of each stored weight, by name. */
  readonly initializers: ReadonlyMap<string, readonly number[]>;
  /** Graph inputs that are not weights. */
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** Networks have thousands of nodes and weights, and some ten fields each: many more is a damaged or hostile file. */
const MAX_PARTS = 200_000;
const MAX_FIELDS = 2_000_000;

/**
 * Reads the structure of an ONNX file, skipping its weights.
 * @throws Error saying what is wrong with the bytes
 */
export function readOnnxModel(path: string): OnnxModel {
  const file = new FileBytes(path);
  try {
    return new ModelReader(new ProtobufReader(file)).read();
  } finally {
    file.close();
  }
}

class ModelReader {
  readonly #protobuf: ProtobufReader;
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, number[]>();
  readonly #inputs: OnnxValue[] = [];
  readonly #outputs: OnnxValue[] = [];
  readonly #metadata = new Map<string, string>();
  #parts = 0;
  #fields = 0;

  constructor(protobuf: ProtobufReader) {
    this.#protobuf = protobuf;
  }

  read(): OnnxModel {
    for (const field of this.#inside()) {
      if (field.number === MODEL.graph && field.wire === 2) this.#graph(field);
      else if (field.number === MODEL.metadata && field.wire === 2) this.#entry(field);
    }
    if (this.#nodes.length === 0) throw new Error('there is no graph in it');
    return {
      nodes: this.#nodes,
      initializers: this.#initializers,
      inputs: this.#inputs.filter(({ name }) => !this.#initializers.has(name)),
      outputs: this.#outputs,
      metadata: this.#metadata,
    };
  }

  #graph(graph: Field): void {
    for (const field of this.#inside(graph)) {
      if (field.wire !== 2) continue;
      if (field.number === GRAPH.node) this.#node(field);
      else if (field.number === GRAPH.initializer) {
        this.#countPart();
        const { name, dims } = this.#tensor(field);
        this.#initializers.set(name, dims);
      } else if (field.number === GRAPH.input) this.#inputs.push(this.#value(field));
      else if (field.number === GRAPH.output) this.#outputs.push(this.#value(field));
    }
  }

  #node(node: Field): void {
    this.#countPart();
    const inputs: string[] = [];
    const outputs: string[] = [];
    const ints = new Map<string, number>();
    let op = '';
    let constant: number[] | undefined;
    for (const field of this.#inside(node)) {
      if (field.number === NODE.input) inputs.push(this.#protobuf.string(field));
      else if (field.number === NODE.output) outputs.push(this.#protobuf.string(field));
      else if (field.number === NODE.op) op = this.#protobuf.string(field);
      else if (field.number === NODE.attribute) {
        const attribute = this.#attribute(field);
        if (attribute.int !== undefined) ints.set(attribute.name, attribute.int);
        if (attribute.dims) constant = attribute.dims;
      }
    }
    // Some exporters store weights as Constant nodes.
    if (op === 'Constant' && constant && outputs[0] !== undefined) this.#initializers.set(outputs[0], constant);
    this.#nodes.push({ op, inputs, outputs, ints });
  }

  #attribute(attribute: Field): { name: string; int: number | undefined; dims: number[] | undefined } {
    let name = '';
    let int: number | undefined;
    let dims: number[] | undefined;
    for (const field of this.#inside(attribute)) {
      if (field.number === ATTRIBUTE.name) name = this.#protobuf.string(field);
      else if (field.number === ATTRIBUTE.int) int = field.value;
      else if (field.number === ATTRIBUTE.ints) int ??= this.#protobuf.varints(field).next().value ?? undefined;
      else if (field.number === ATTRIBUTE.tensor) dims = this.#tensor(field).dims;
    }
    return { name, int, dims };
  }

  #tensor(tensor: Field): { name: string; dims: number[] } {
    const dims: number[] = [];
    let name = '';
    for (const field of this.#inside(tensor)) {
      if (field.number === TENSOR.name) name = this.#protobuf.string(field);
      else if (field.number === TENSOR.dims) {
        for (const dim of this.#protobuf.varints(field)) {
          dims.push(dim);
          if (dims.length > 64) throw new Error('a weight with more than 64 dimensions');
        }
      }
    }
    return { name, dims };
  }

  #value(value: Field): OnnxValue {
    this.#countPart();
    let name = '';
    let elementType = 0;
    const shape: (number | string)[] = [];
    for (const field of this.#inside(value)) {
      if (field.number === VALUE.name) name = this.#protobuf.string(field);
      else if (field.number === VALUE.type) {
        for (const type of this.#inside(field)) {
          if (type.number !== TYPE.tensor) continue;
          for (const part of this.#inside(type)) {
            if (part.number === TENSOR_TYPE.element) elementType = part.value;
            else if (part.number === TENSOR_TYPE.shape) for (const size of this.#dimensions(part)) shape.push(size);
          }
        }
      }
    }
    return { name, elementType, shape };
  }

  *#dimensions(shape: Field): Generator<number | string> {
    for (const dim of this.#inside(shape)) {
      if (dim.number !== SHAPE.dim) continue;
      let size: number | string = '?';
      for (const field of this.#inside(dim)) {
        if (field.number === DIM.value) size = field.value;
        else if (field.number === DIM.param) size = this.#protobuf.string(field);
      }
      yield size;
    }
  }

  #entry(entry: Field): void {
    this.#countPart();
    let key = '';
    let value = '';
    for (const field of this.#inside(entry)) {
      if (field.number === ENTRY.key) key = this.#protobuf.string(field);
      else if (field.number === ENTRY.value) value = this.#protobuf.string(field);
    }
    this.#metadata.set(key, value);
  }

  /** Of what is kept: nodes, weights, inputs and outputs, metadata. */
  #countPart(): void {
    this.#parts += 1;
    if (this.#parts > MAX_PARTS) throw new Error('it has more parts than any network');
  }

  *#inside(message?: Field): Generator<Field> {
    for (const field of this.#protobuf.fields(message?.start, message?.end)) {
      this.#fields += 1;
      if (this.#fields > MAX_FIELDS) throw new Error('it has more fields than any network');
      yield field;
    }
  }
}
