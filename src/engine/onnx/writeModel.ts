import { PbfWriter } from 'pbf';
import {
  ATTRIBUTE,
  DIM,
  ELEMENT_TYPES,
  type ElementType,
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

const IR_VERSION = 9;
const OPSETS = new Map([
  ['', 20],
  ['com.microsoft', 1],
]);
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** One that is not known here is encoded as ONNX has it, its name included. */
export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly encoded: Uint8Array };

export interface NewNode {
  readonly op: string;
  /** An empty name leaves an optional input out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Left out for ONNX's own operators. */
  readonly domain?: string;
}

/** A weight or constant: its values little-endian, or where they lie in another file. */
export interface NewTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly values: Uint8Array | { readonly location: string; readonly offset: number; readonly bytes: number };
}

export interface NewInput {
  readonly name: string;
  readonly type: ElementType;
  /** A name stands for a dimension that is free, `?` for one that has no name. */
  readonly shape: readonly (number | string)[];
}

export interface NewModel {
  /** In an order in which they can be computed. */
  readonly nodes: readonly NewNode[];
  readonly initializers?: readonly NewTensor[];
  readonly inputs: readonly NewInput[];
  /** Names; the runtime infers types and shapes. */
  readonly outputs: readonly string[];
  /** Versions of the operators by domain; left out for the latest, of ONNX and of ONNX Runtime's own. */
  readonly opsets?: ReadonlyMap<string, number>;
}

/** How many values there are in a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The bytes of an ONNX model. */
export function writeModel(model: NewModel): Uint8Array {
  const writer = new PbfWriter();
  writer.writeVarintField(MODEL.irVersion, IR_VERSION);
  writer.writeMessage(MODEL.graph, writeGraph, model);
  for (const opset of model.opsets ?? OPSETS) writer.writeMessage(MODEL.opset, writeOpset, opset);
  return writer.finish();
}

/** A model with one of its tensors made an output, in a few bytes: protobuf merges a message that appears twice. */
export function withOutput(model: Uint8Array, tensor: string): Uint8Array {
  const writer = new PbfWriter();
  writer.writeMessage(MODEL.graph, (name, graph) => graph.writeMessage(GRAPH.output, writeOutput, name), tensor);
  return Buffer.concat([model, writer.finish()]);
}

function writeOpset([domain, version]: readonly [string, number], writer: PbfWriter): void {
  if (domain !== '') writer.writeStringField(OPSET.domain, domain);
  writer.writeVarintField(OPSET.version, version);
}

function writeGraph({ nodes, initializers = [], inputs, outputs }: NewModel, writer: PbfWriter): void {
  for (const node of nodes) writer.writeMessage(GRAPH.node, writeNode, node);
  writer.writeStringField(GRAPH.name, 'emms');
  for (const tensor of initializers) writer.writeMessage(GRAPH.initializer, writeTensor, tensor);
  for (const input of inputs) writer.writeMessage(GRAPH.input, writeInput, input);
  for (const output of outputs) writer.writeMessage(GRAPH.output, writeOutput, output);
}

function writeNode({ op, inputs, outputs, attributes = {}, domain = '' }: NewNode, writer: PbfWriter): void {
  for (const input of inputs) writer.writeStringField(NODE.input, input);
  for (const output of outputs) writer.writeStringField(NODE.output, output);
  writer.writeStringField(NODE.op, op);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'object' && 'encoded' in value) writer.writeBytesField(NODE.attribute, value.encoded);
    else writer.writeMessage(NODE.attribute, writeAttribute, [name, value]);
  }
  if (domain !== '') writer.writeStringField(NODE.domain, domain);
}

function writeAttribute(
  [name, value]: readonly [string, Exclude<Attribute, { encoded: Uint8Array }>],
  writer: PbfWriter,
): void {
  writer.writeStringField(ATTRIBUTE.name, name);
  if (typeof value === 'number') {
    writer.writeVarintField(ATTRIBUTE.int, value);
    writer.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.int);
  } else if (typeof value === 'string') {
    writer.writeStringField(ATTRIBUTE.string, value);
    writer.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.string);
  } else if ('float' in value) {
    writer.writeFloatField(ATTRIBUTE.float, value.float);
    writer.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.float);
  } else {
    for (const item of value) writer.writeVarintField(ATTRIBUTE.ints, item);
    writer.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPE.ints);
  }
}

/** The fields of a weight as a message of ONNX. */
export function writeTensor({ name, type, shape, values }: NewTensor, writer: PbfWriter): void {
  writer.writePackedVarint(TENSOR.dims, [...shape]);
  writer.writeVarintField(TENSOR.type, ELEMENT_TYPES[type]);
  writer.writeStringField(TENSOR.name, name);
  if (values instanceof Uint8Array) {
    writer.writeBytesField(TENSOR.values, values);
    return;
  }
  const place = { location: values.location, offset: String(values.offset), length: String(values.bytes) };
  for (const entry of Object.entries(place)) writer.writeMessage(TENSOR.external, writeEntry, entry);
  writer.writeVarintField(TENSOR.location, EXTERNAL);
}

function writeEntry([key, value]: readonly [string, string], writer: PbfWriter): void {
  writer.writeStringField(ENTRY.key, key);
  writer.writeStringField(ENTRY.value, value);
}

function writeInput(input: NewInput, writer: PbfWriter): void {
  writer.writeStringField(VALUE.name, input.name);
  writer.writeMessage(VALUE.type, (value, type) => type.writeMessage(TYPE.tensor, writeTensorType, value), input);
}

function writeTensorType({ type, shape }: NewInput, writer: PbfWriter): void {
  writer.writeVarintField(TENSOR_TYPE.element, ELEMENT_TYPES[type]);
  writer.writeMessage(TENSOR_TYPE.shape, writeShape, shape);
}

function writeShape(shape: NewInput['shape'], writer: PbfWriter): void {
  for (const size of shape) writer.writeMessage(SHAPE.dim, writeDimension, size);
}

function writeDimension(size: number | string, writer: PbfWriter): void {
  if (typeof size === 'number') writer.writeVarintField(DIM.value, size);
  else if (size !== UNNAMED) writer.writeStringField(DIM.param, size);
}

function writeOutput(name: string, writer: PbfWriter): void {
  writer.writeStringField(VALUE.name, name);
}
