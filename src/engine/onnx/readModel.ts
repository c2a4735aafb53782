import { FileBytes } from '../files/byteSource.ts';
import {
  ATTRIBUTE,
  DIM,
  ELEMENT_TYPES,
  ENTRY,
  EXTERNAL,
  GRAPH,
  MODEL,
  NODE,
  OPSET,
  SHAPE,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
  UNNAMED,
  VALUE,
} from './format.ts';
import { type Field, ProtobufReader } from './protobuf.ts';
import type { Attribute, NewNode } from './writeModel.ts';

/** A dimension is a number when it is fixed, and a name (or nothing) when it is dynamic. */
export interface OnnxValue {
  readonly name: string;
  /** One of ELEMENT_TYPES, or a type that no network takes. */
  readonly elementType: number;
  readonly shape: readonly (number | string)[];
}

/** A weight or constant. Its values are not read. */
export interface StoredTensor {
  readonly shape: readonly number[];
  /** One of ELEMENT_TYPES, or a type that is not read here. */
  readonly elementType: number;
  /** Undefined where they are kept in a way that is not read here. */
  readonly values: StoredValues | undefined;
}

/** Where values are: little-endian or as varints in the file, or little-endian in another beside it. */
type StoredValues =
  | { readonly kind: 'bytes' | 'varints'; readonly start: number; readonly end: number }
  | {
      readonly kind: 'external';
      readonly location: string;
      readonly offset: number;
      readonly bytes: number | undefined;
    };

/** What an ONNX file says about itself, without its weights. */
export interface OnnxModel {
  /** In the order of the file. */
  readonly nodes: readonly NewNode[];
  /** By name; those of nodes that hold a constant, too. */
  readonly initializers: ReadonlyMap<string, StoredTensor>;
  /** Graph inputs that are not weights. */
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: ReadonlyMap<string, string>;
  /** Versions of the operators by domain. */
  readonly opsets: ReadonlyMap<string, number>;
  /** Whether the above is all that it computes by: no graphs inside of nodes, functions or sparse weights. */
  readonly complete: boolean;
}

/** Networks have thousands of nodes and weights: many more is a damaged or hostile file. */
const MAX_PARTS = 200_000;
/** Of all nodes together. Attributes of networks are few numbers each; larger ones are trees or tables. */
const MAX_ATTRIBUTE_BYTES = 4 * 2 ** 20;

/** Parts that the network's values follow from, and that are not read. */
const UNREAD = {
  model: new Set<number>([MODEL.training, MODEL.functions]),
  graph: new Set<number>([GRAPH.quantization, GRAPH.sparse]),
  node: new Set<number>([NODE.overload]),
  attribute: new Set<number>([ATTRIBUTE.graph, ATTRIBUTE.graphs, ATTRIBUTE.reference, ATTRIBUTE.sparse]),
} as const;
/** Types whose values are varints of 32 bits where they are not little-endian. */
const INT32S = new Set<number>([
  ELEMENT_TYPES.int32,
  ELEMENT_TYPES.int16,
  ELEMENT_TYPES.int8,
  ELEMENT_TYPES.uint8,
  ELEMENT_TYPES.bool,
  ELEMENT_TYPES.float16,
  ELEMENT_TYPES.bfloat16,
]);

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
  readonly #nodes: NewNode[] = [];
  readonly #initializers = new Map<string, StoredTensor>();
  readonly #inputs: OnnxValue[] = [];
  readonly #outputs: OnnxValue[] = [];
  readonly #metadata = new Map<string, string>();
  readonly #opsets = new Map<string, number>();
  #complete = true;
  #parts = 0;
  #attributeBytes = 0;

  constructor(protobuf: ProtobufReader) {
    this.#protobuf = protobuf;
  }

  read(): OnnxModel {
    for (const field of this.#protobuf.fields()) {
      if (UNREAD.model.has(field.number)) this.#complete = false;
      if (field.wire !== 2) continue;
      if (field.number === MODEL.graph) this.#graph(field);
      else if (field.number === MODEL.metadata) {
        this.#countPart();
        this.#entry(field, this.#metadata);
      } else if (field.number === MODEL.opset) this.#opset(field);
    }
    if (this.#nodes.length === 0) throw new Error('there is no graph in it');
    return {
      nodes: this.#nodes,
      initializers: this.#initializers,
      inputs: this.#inputs.filter(({ name }) => !this.#initializers.has(name)),
      outputs: this.#outputs,
      metadata: this.#metadata,
      opsets: this.#opsets,
      complete: this.#complete,
    };
  }

  #graph(graph: Field): void {
    for (const field of this.#protobuf.fields(graph)) {
      if (UNREAD.graph.has(field.number)) this.#complete = false;
      if (field.wire !== 2) continue;
      if (field.number === GRAPH.node) this.#node(field);
      else if (field.number === GRAPH.initializer) {
        this.#countPart();
        const { name, tensor } = this.#tensor(field);
        this.#initializers.set(name, tensor);
      } else if (field.number === GRAPH.input) this.#inputs.push(this.#value(field));
      else if (field.number === GRAPH.output) this.#outputs.push(this.#value(field));
    }
  }

  #opset(opset: Field): void {
    let domain = '';
    let version = 0;
    for (const field of this.#protobuf.fields(opset)) {
      if (field.number === OPSET.domain) domain = this.#protobuf.string(field);
      else if (field.number === OPSET.version) version = field.value;
    }
    this.#opsets.set(domain, version);
  }

  #node(node: Field): void {
    this.#countPart();
    const inputs: string[] = [];
    const outputs: string[] = [];
    const attributes: Field[] = [];
    let op = '';
    let domain = '';
    for (const field of this.#protobuf.fields(node)) {
      if (UNREAD.node.has(field.number)) this.#complete = false;
      else if (field.number === NODE.input) inputs.push(this.#protobuf.string(field));
      else if (field.number === NODE.output) outputs.push(this.#protobuf.string(field));
      else if (field.number === NODE.op) op = this.#protobuf.string(field);
      else if (field.number === NODE.domain) domain = this.#protobuf.string(field);
      else if (field.number === NODE.attribute) attributes.push(field);
    }
    const [output] = outputs;
    // Some exporters store weights as Constant nodes.
    const constant = op === 'Constant' && output !== undefined ? this.#constant(attributes) : undefined;
    if (constant && output !== undefined) this.#initializers.set(output, constant);
    else {
      const read = attributes.flatMap((attribute) => this.#attribute(attribute));
      this.#nodes.push({ op, inputs, outputs, attributes: Object.fromEntries(read), domain });
    }
  }

  #constant(attributes: readonly Field[]): StoredTensor | undefined {
    for (const attribute of attributes) {
      for (const field of this.#protobuf.fields(attribute)) {
        if (field.number === ATTRIBUTE.tensor) return this.#tensor(field).tensor;
      }
    }
    return undefined;
  }

  /** Its name and value; nothing where it is left out. */
  #attribute(attribute: Field): [string, Attribute][] {
    this.#attributeBytes += attribute.end - attribute.start;
    if (this.#attributeBytes > MAX_ATTRIBUTE_BYTES) {
      this.#complete = false;
      return [];
    }
    let name = '';
    const ints: number[] = [];
    let value: Attribute | undefined;
    let isKnown = true;
    for (const field of this.#protobuf.fields(attribute)) {
      if (UNREAD.attribute.has(field.number)) this.#complete = false;
      else if (field.number === ATTRIBUTE.name) name = this.#protobuf.string(field);
      else if (field.number === ATTRIBUTE.float) value = { float: this.#protobuf.float(field) };
      else if (field.number === ATTRIBUTE.int) value = field.value;
      else if (field.number === ATTRIBUTE.ints) {
        for (const int of this.#protobuf.varints(field)) ints.push(int);
        value = ints;
      } else if (field.number !== ATTRIBUTE.type && field.number !== ATTRIBUTE.doc) isKnown = false;
    }
    // The largest whole numbers stand for an end of whatever length.
    const isExact = [value].flat().every((number) => typeof number !== 'number' || Number.isSafeInteger(number));
    if (value !== undefined && isKnown && isExact) return [[name, value]];
    return [[name, { encoded: this.#protobuf.bytes(attribute) }]];
  }

  #tensor(field: Field): { name: string; tensor: StoredTensor } {
    const shape: number[] = [];
    const external = new Map<string, string>();
    const values: Field[] = [];
    let name = '';
    let elementType = 0;
    let location = 0;
    for (const part of this.#protobuf.fields(field)) {
      if (part.number === TENSOR.name) name = this.#protobuf.string(part);
      else if (part.number === TENSOR.type) elementType = part.value;
      else if (part.number === TENSOR.location) location = part.value;
      else if (part.number === TENSOR.external) this.#entry(part, external);
      else if (part.number === TENSOR.dims) {
        for (const size of this.#protobuf.varints(part)) {
          if (size < 0) throw new Error('a weight with a negative dimension');
          shape.push(size);
          if (shape.length > 64) throw new Error('a weight with more than 64 dimensions');
        }
      } else if (part.number !== TENSOR.doc && part.number !== TENSOR.metadata) values.push(part);
    }
    const stored = location === EXTERNAL ? externalValues(external) : valuesInside(values, elementType);
    return { name, tensor: { shape, elementType, values: stored } };
  }

  #value(value: Field): OnnxValue {
    this.#countPart();
    let name = '';
    let elementType = 0;
    const shape: (number | string)[] = [];
    for (const field of this.#protobuf.fields(value)) {
      if (field.number === VALUE.name) name = this.#protobuf.string(field);
      else if (field.number === VALUE.type) {
        for (const type of this.#protobuf.fields(field)) {
          if (type.number !== TYPE.tensor) continue;
          for (const part of this.#protobuf.fields(type)) {
            if (part.number === TENSOR_TYPE.element) elementType = part.value;
            else if (part.number === TENSOR_TYPE.shape) for (const size of this.#dimensions(part)) shape.push(size);
          }
        }
      }
    }
    return { name, elementType, shape };
  }

  *#dimensions(shape: Field): Generator<number | string> {
    for (const dim of this.#protobuf.fields(shape)) {
      if (dim.number !== SHAPE.dim) continue;
      let size: number | string = UNNAMED;
      for (const field of this.#protobuf.fields(dim)) {
        if (field.number === DIM.value) size = field.value;
        else if (field.number === DIM.param) size = this.#protobuf.string(field);
      }
      yield size;
    }
  }

  #entry(entry: Field, entries: Map<string, string>): void {
    let key = '';
    let value = '';
    for (const field of this.#protobuf.fields(entry)) {
      if (field.number === ENTRY.key) key = this.#protobuf.string(field);
      else if (field.number === ENTRY.value) value = this.#protobuf.string(field);
    }
    entries.set(key, value);
  }

  /** Of what is kept: nodes, weights, inputs and outputs, metadata. */
  #countPart(): void {
    this.#parts += 1;
    if (this.#parts > MAX_PARTS) throw new Error('it has more parts than any network');
  }
}

/** Where a tensor's values are, of the fields that hold them. */
function valuesInside([field, ...others]: readonly Field[], elementType: number): StoredValues | undefined {
  // Without values there are none to be read.
  if (!field) return { kind: 'bytes', start: 0, end: 0 };
  const { number, wire, start, end } = field;
  if (others.length > 0 || wire !== 2) return undefined;
  const isBytes =
    number === TENSOR.values ||
    (number === TENSOR.floats && elementType === ELEMENT_TYPES.float32) ||
    (number === TENSOR.doubles && elementType === ELEMENT_TYPES.float64);
  const isVarints =
    (number === TENSOR.int64s && elementType === ELEMENT_TYPES.int64) ||
    (number === TENSOR.int32s && INT32S.has(elementType));
  return isBytes || isVarints ? { kind: isBytes ? 'bytes' : 'varints', start, end } : undefined;
}

function externalValues(entries: ReadonlyMap<string, string>): StoredValues | undefined {
  const location = entries.get('location');
  const offset = Number(entries.get('offset') ?? 0);
  const bytes = entries.has('length') ? Number(entries.get('length')) : undefined;
  const areSizes = [offset, bytes ?? 0].every((size) => Number.isSafeInteger(size) && size >= 0);
  return location && areSizes ? { kind: 'external', location, offset, bytes } : undefined;
}
