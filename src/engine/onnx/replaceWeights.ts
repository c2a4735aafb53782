import { PbfWriter } from 'pbf';
import type { ByteSource } from '../files/byteSource.ts';
import { GRAPH, MODEL, TENSOR } from './format.ts';
import { type Field, ProtobufReader } from './protobuf.ts';
import { type NewTensor, writeTensor } from './writeModel.ts';

/** Protobuf's type of fields that have a length. */
const WITH_LENGTH = 2;

/** The weights of a model by their names: where it holds their bytes itself, undefined for those in other files. */
export function weightsOf(model: ByteSource): Map<string, Field | undefined> {
  const protobuf = new ProtobufReader(model);
  const weights = new Map<string, Field | undefined>();
  for (const graph of protobuf.fields()) {
    if (graph.number !== MODEL.graph) continue;
    for (const part of protobuf.fields(graph)) {
      if (part.number !== GRAPH.initializer) continue;
      const { name, values } = tensorParts(protobuf, part);
      weights.set(name, values);
    }
  }
  return weights;
}

/** A model with other weights in place of its own of the same names, and all else as it is. */
export function replaceWeights(model: ByteSource, weights: readonly NewTensor[]): Uint8Array {
  const protobuf = new ProtobufReader(model);
  const others = new Map(weights.map((weight) => [weight.name, weight]));
  const parts: Uint8Array[] = [];
  let end = 0;
  for (const field of protobuf.fields()) {
    if (field.number === MODEL.graph) {
      const graph: Uint8Array[] = [];
      let keptFrom = field.start;
      let partEnd = field.start;
      for (const part of protobuf.fields(field)) {
        const other = part.number === GRAPH.initializer && others.get(tensorParts(protobuf, part).name);
        if (other) {
          graph.push(model.bytes(keptFrom, partEnd - keptFrom), initializer(other));
          keptFrom = part.end;
        }
        partEnd = part.end;
      }
      graph.push(model.bytes(keptFrom, partEnd - keptFrom));
      const header = new PbfWriter();
      header.writeTag(MODEL.graph, WITH_LENGTH);
      header.writeVarint(graph.reduce((sum, { length }) => sum + length, 0));
      parts.push(header.finish(), ...graph);
    } else parts.push(model.bytes(end, field.end - end));
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
  let name = '';
  let values: Field | undefined;
  for (const part of protobuf.fields(tensor)) {
    if (part.number === TENSOR.name) name = protobuf.string(part);
    else if (part.number === TENSOR.values) values = part;
  }
  return { name, values };
}
