import { PbfWriter } from 'pbf';

export interface TestNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly group?: number;
  readonly domain?: string;
}

export interface TestGraph {
  readonly nodes: readonly TestNode[];
  readonly weights: Readonly<Record<string, readonly number[]>>;
  readonly input?: { readonly name: string; readonly type: number; readonly shape: readonly (number | string)[] };
  readonly outputs: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly irVersion?: number;
  readonly opset?: number;
}

/** A small ONNX file, as bytes: the structure a test needs, with weights of zeros. */
export function onnxFile(graph: TestGraph): Uint8Array {
  const input = graph.input ?? { name: 'x', type: 1, shape: ['N', 3, 8, 8] };
  return message((model) => {
    model.writeVarintField(1, graph.irVersion ?? 8);
    model.writeBytesField(
      7,
      message((g) => {
        for (const node of graph.nodes) g.writeBytesField(1, nodeBytes(node));
        for (const [name, dims] of Object.entries(graph.weights)) g.writeBytesField(5, tensorBytes(name, dims));
        g.writeBytesField(11, valueBytes(input.name, input.type, input.shape));
        for (const output of graph.outputs) g.writeBytesField(12, valueBytes(output, 1, ['N', 4]));
      }),
    );
    model.writeBytesField(
      8,
      message((opset) => opset.writeVarintField(2, graph.opset ?? 17)),
    );
    for (const domain of new Set(graph.nodes.flatMap((node) => node.domain ?? []))) {
      model.writeBytesField(
        8,
        message((opset) => {
          opset.writeStringField(1, domain);
          opset.writeVarintField(2, 1);
        }),
      );
    }
    for (const [key, value] of Object.entries(graph.metadata ?? {})) {
      model.writeBytesField(
        14,
        message((entry) => {
          entry.writeStringField(1, key);
          entry.writeStringField(2, value);
        }),
      );
    }
  });
}

/** A classifier of images [N,3,8,8] into four classes: convolution, pooling, linear layer. */
export const classifier: TestGraph = {
  nodes: [
    { op: 'Conv', inputs: ['x', 'conv.w'], output: 'conv' },
    { op: 'Relu', inputs: ['conv'], output: 'relu' },
    { op: 'GlobalAveragePool', inputs: ['relu'], output: 'pool' },
    { op: 'Flatten', inputs: ['pool'], output: 'flat' },
    { op: 'Gemm', inputs: ['flat', 'head.w', 'head.b'], output: 'y' },
  ],
  weights: { 'conv.w': [6, 3, 1, 1], 'head.w': [6, 4], 'head.b': [4] },
  outputs: ['y'],
};

function nodeBytes(node: TestNode): Uint8Array {
  return message((n) => {
    for (const input of node.inputs) n.writeStringField(1, input);
    n.writeStringField(2, node.output);
    n.writeStringField(4, node.op);
    if (node.domain !== undefined) n.writeStringField(7, node.domain);
    const { group } = node;
    if (group !== undefined) {
      n.writeBytesField(
        5,
        message((attribute) => {
          attribute.writeStringField(1, 'group');
          attribute.writeVarintField(3, group);
          attribute.writeVarintField(20, 2);
        }),
      );
    }
  });
}

function tensorBytes(name: string, dims: readonly number[]): Uint8Array {
  return message((tensor) => {
    tensor.writePackedVarint(1, [...dims]);
    tensor.writeVarintField(2, 1);
    tensor.writeStringField(8, name);
    const values = dims.reduce((product, size) => product * size, 1);
    // A weight may claim any size; only one of a sensible size has values.
    if (values < 1e6) tensor.writeBytesField(9, new Uint8Array(4 * values));
  });
}

function valueBytes(name: string, type: number, shape: readonly (number | string)[]): Uint8Array {
  const dims = message((s) => {
    for (const size of shape) {
      s.writeBytesField(
        1,
        message((dim) => (typeof size === 'number' ? dim.writeVarintField(1, size) : dim.writeStringField(2, size))),
      );
    }
  });
  return message((value) => {
    value.writeStringField(1, name);
    value.writeBytesField(
      2,
      message((t) =>
        t.writeBytesField(
          1,
          message((tensorType) => {
            tensorType.writeVarintField(1, type);
            tensorType.writeBytesField(2, dims);
          }),
        ),
      ),
    );
  });
}

/** What appends a part to the graph of a model: protobuf merges a message that appears twice. */
export function graphPart(field: number, part: (writer: PbfWriter) => void): Uint8Array {
  return message((model) =>
    model.writeBytesField(
      7,
      message((graph) => graph.writeBytesField(field, message(part))),
    ),
  );
}

/** The bytes of a protobuf message. */
export function message(fields: (writer: PbfWriter) => void): Uint8Array {
  const writer = new PbfWriter();
  fields(writer);
  return writer.finish();
}
