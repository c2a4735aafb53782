import { PbfWriter } from 'pbf';
import { MemoryBytes } from '../files/byteSource.ts';
import { GRAPH, MODEL, TENSOR } from './format.ts';
import { type Field, ProtobufReader } from './protobuf.ts';
import { type NewTensor, writeTensor } from './writeModel.ts';

/** Protobuf's type of fields that have a length. */
const WITH_LENGTH = 2;

/** The weights of a model by their names: the bytes of those it holds itself, undefined for those in other files. */
export function weightsOf(model: Uint8Array): Map<string, Buffer | undefined> {
  const protobuf = new ProtobufReader(new MemoryBytes(model));
  const weights = new Map<string, Buffer | undefined>();
  for (const graph of protobuf.fields()) {
    if (graph.number !== MODEL.graph) continue;
    for (const part of protobuf.fields(graph.start, graph.end)) {
      if (part.number !== GRAPH.initializer) continue;
      const { name, values } = tensorParts(protobuf, part);
      weights.set(
        name,
        values && Buffer.from(model.buffer, model.byteOffset + values.start, values.end - values.start),
      );
    }
  }
  return weights;
}

/** A model with other weights in place of its own of the same names, and all else as it is. */
export function replaceWeights(model: Uint8Array, weights: readonly NewTensor[]): Uint8Array {
  const protobuf = new ProtobufReader(new MemoryBytes(model));
  const others = new Map(weights.map((weight) => [weight.name, weight]));
  const parts: Uint8Array[] = [];
  let end = 0;
  for (const field of protobuf.fields()) {
    if (field.number === MODEL.graph) {
      const graph: Uint8Array[] = [];
      let partEnd = field.start;
      for (const part of protobuf.fields(field.start, field.end)) {
        const other = part.number === GRAPH.initializer && others.get(tensorParts(protobuf, part).name);
        graph.push(other ? initializer(other) : model.subarray(partEnd, part.end));
        partEnd = part.end;
      }
      const header = new PbfWriter();
      header.writeTag(MODEL.graph, WITH_LENGTH);
      header.writeVarint(graph.reduce((sum, { length }) => sum + length, 0));
      parts.push(header.finish(), ...graph);
    } else parts.push(model.subarray(end, field.end));
    end = field.end;
  }
  return Buffer.concat(parts);
}

function initializer(weight: NewTensor): Uint8Array {
  const writer = new PbfWriter();
  writer.writeMessage(GRAPH.initializer, writeTensor, weight);
  return writer.finish();
}

function tensorParts(protobuf: ProtobufReader, tensor: Field): { name: string; values: Field | undefined } {
  const parts = new Map([...protobuf.fields(tensor.start, tensor.end)].map((part) => [part.number, part]));
  const name = parts.get(TENSOR.name);
  return { name: name ? protobuf.string(name) : '', values: parts.get(TENSOR.values) };
}
