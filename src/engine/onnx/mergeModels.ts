import { PbfWriter } from 'pbf';
import { MemoryBytes } from '../checkpoints/containers/byteSource.ts';
import { GRAPH, MODEL, NODE, OPSET, TENSOR } from './format.ts';
import { type Field, ProtobufReader } from './protobuf.ts';
import { type NewInput, OPSETS, writeModel } from './writeModel.ts';

export interface MergedModel {
  readonly inputs: readonly NewInput[];
  readonly outputs: readonly string[];
  /** Values that one model gives and others take. All further names are each model's own, even where they are the same. */
  readonly between: readonly string[];
}

/** One model of several that follow each other. Weights in other files stay there. */
export function mergeModels(models: readonly Uint8Array[], { inputs, outputs, between }: MergedModel): Uint8Array {
  const shared = new Set([...inputs.map(({ name }) => name), ...outputs, ...between]);
  const graph = new PbfWriter();
  const opsets = new Map<string, Uint8Array>();
  for (const [index, bytes] of models.entries()) {
    const model = new ModelParts(bytes, (name) => (name === '' || shared.has(name) ? name : `${index}:${name}`));
    model.copyGraph(graph);
    for (const [domain, opset] of model.opsets()) opsets.set(domain, opset);
  }
  const writer = new PbfWriter();
  writer.writeBytesField(MODEL.graph, graph.finish());
  for (const [domain, opset] of opsets) {
    if (!Object.hasOwn(OPSETS, domain)) writer.writeBytesField(MODEL.opset, opset);
  }
  // Protobuf merges a message that appears twice: the graph with the inputs and outputs, and that with the rest.
  return Buffer.concat([writeModel({ nodes: [], inputs, outputs }), writer.finish()]);
}

/** What a model is made of, copied as it is but for names. */
class ModelParts {
  readonly #bytes: Uint8Array;
  readonly #protobuf: ProtobufReader;
  readonly #rename: (name: string) => string;

  constructor(bytes: Uint8Array, rename: (name: string) => string) {
    this.#bytes = bytes;
    this.#protobuf = new ProtobufReader(new MemoryBytes(bytes));
    this.#rename = rename;
  }

  copyGraph(to: PbfWriter): void {
    for (const graph of this.#parts(MODEL.graph)) {
      for (const part of this.#protobuf.fields(graph.start, graph.end)) {
        if (part.number === GRAPH.node)
          to.writeBytesField(GRAPH.node, this.#renamed(part, NODE.input, NODE.output, NODE.name));
        if (part.number === GRAPH.initializer) {
          to.writeBytesField(GRAPH.initializer, this.#renamed(part, TENSOR.name));
        }
      }
    }
  }

  /** Versions of the operators, by their domain. */
  *opsets(): Generator<[string, Uint8Array]> {
    for (const opset of this.#parts(MODEL.opset)) {
      let domain = '';
      for (const field of this.#protobuf.fields(opset.start, opset.end)) {
        if (field.number === OPSET.domain) domain = this.#protobuf.string(field);
      }
      yield [domain, this.#payload(opset)];
    }
  }

  *#parts(number: number): Generator<Field> {
    for (const field of this.#protobuf.fields()) if (field.number === number) yield field;
  }

  #renamed(message: Field, ...names: number[]): Uint8Array {
    const writer = new PbfWriter();
    for (const field of this.#protobuf.fields(message.start, message.end)) {
      if (names.includes(field.number))
        writer.writeStringField(field.number, this.#rename(this.#protobuf.string(field)));
      else if (field.wire === 2) writer.writeBytesField(field.number, this.#payload(field));
      else writer.writeVarintField(field.number, field.value);
    }
    return writer.finish();
  }

  #payload({ start, end }: Field): Uint8Array {
    return this.#bytes.subarray(start, end);
  }
}
