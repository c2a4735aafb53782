import { PbfWriter } from 'pbf';
import { MemoryBytes } from '../checkpoints/containers/byteSource.ts';
import { GRAPH, MODEL, NODE, OPSET, TENSOR } from './format.ts';
import { type Field, ProtobufReader } from './protobuf.ts';
import { type NewInput, OPSETS, writeModel } from './writeModel.ts';

/** A node of a model that is there already: only its values can be changed. */
export interface NodeParts {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Protobuf of all the rest but its name: domain, attributes. */
  readonly rest: Uint8Array;
}

/** A model in parts that can be put together anew. Weights in other files stay there. */
export interface ModelParts {
  readonly nodes: readonly NodeParts[];
  /** Protobuf of each weight, without its name. */
  readonly initializers: ReadonlyMap<string, Uint8Array>;
  /** Protobuf of the version of the operators of each domain. */
  readonly opsets: ReadonlyMap<string, Uint8Array>;
}

/** @param rename for the names of all values */
export function readParts(bytes: Uint8Array, rename: (name: string) => string): ModelParts {
  const protobuf = new ProtobufReader(new MemoryBytes(bytes));
  const nodes: NodeParts[] = [];
  const initializers = new Map<string, Uint8Array>();
  const opsets = new Map<string, Uint8Array>();
  /** The names in some of a message's fields, and all other fields. */
  const split = (message: Field, ...named: number[]) => {
    const names = new Map(named.map((number) => [number, [] as string[]]));
    const rest = new PbfWriter();
    for (const field of protobuf.fields(message.start, message.end)) {
      const kept = names.get(field.number);
      if (kept) kept.push(protobuf.string(field));
      else if (field.wire === 2) rest.writeBytesField(field.number, bytes.subarray(field.start, field.end));
      else rest.writeVarintField(field.number, field.value);
    }
    return { of: (number: number) => names.get(number) ?? [], rest: rest.finish() };
  };
  // An optional value that is left out has no name.
  const renamed = (name: string) => (name === '' ? '' : rename(name));
  const readNode = (node: Field) => {
    const { of, rest } = split(node, NODE.input, NODE.output, NODE.name, NODE.op);
    const [op = ''] = of(NODE.op);
    nodes.push({
      op,
      inputs: of(NODE.input).map(renamed),
      outputs: of(NODE.output).map(renamed),
      rest,
    });
  };
  for (const part of protobuf.fields()) {
    if (part.number === MODEL.opset) {
      const [domain = ''] = split(part, OPSET.domain).of(OPSET.domain);
      opsets.set(domain, bytes.subarray(part.start, part.end));
    } else if (part.number === MODEL.graph) {
      for (const field of protobuf.fields(part.start, part.end)) {
        if (field.number === GRAPH.node) readNode(field);
        else if (field.number === GRAPH.initializer) {
          const { of, rest } = split(field, TENSOR.name);
          initializers.set(rename(of(TENSOR.name)[0] ?? ''), rest);
        }
      }
    }
  }
  return { nodes, initializers, opsets };
}

/** The bytes of an ONNX model, without what the outputs don't follow from. */
export function writeParts(
  { nodes, initializers, opsets }: ModelParts,
  inputs: readonly NewInput[],
  outputs: readonly string[],
): Uint8Array {
  const needed = new Set(outputs);
  const kept: NodeParts[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    kept.push(node);
    for (const input of node.inputs) needed.add(input);
  }
  const graph = new PbfWriter();
  for (const node of kept.reverse()) graph.writeBytesField(GRAPH.node, nodeBytes(node));
  for (const [name, rest] of initializers) {
    if (needed.has(name)) graph.writeBytesField(GRAPH.initializer, Buffer.concat([named(TENSOR.name, [name]), rest]));
  }
  const model = new PbfWriter();
  model.writeBytesField(MODEL.graph, graph.finish());
  for (const [domain, opset] of opsets) {
    if (!Object.hasOwn(OPSETS, domain)) model.writeBytesField(MODEL.opset, opset);
  }
  // Protobuf merges a message that appears twice: the graph with the inputs and outputs, and that with the rest.
  return Buffer.concat([writeModel({ nodes: [], inputs, outputs }), model.finish()]);
}

function nodeBytes({ op, inputs, outputs, rest }: NodeParts): Uint8Array {
  return Buffer.concat([named(NODE.input, inputs), named(NODE.output, outputs), named(NODE.op, [op]), rest]);
}

function named(field: number, names: readonly string[]): Uint8Array {
  const writer = new PbfWriter();
  for (const name of names) writer.writeStringField(field, name);
  return writer.finish();
}
