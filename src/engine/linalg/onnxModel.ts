import { PbfWriter } from 'pbf';

/** Field numbers and values of onnx.proto. */
const ELEMENT_TYPE = { float32: 1, float64: 11 };
const ATTRIBUTE_TYPE_FLOAT = 1;
const ATTRIBUTE_TYPE_INT = 2;
const ATTRIBUTE_TYPE_INTS = 7;
const IR_VERSION = 8;
const OPSET_VERSION = 13;

export type ElementType = keyof typeof ELEMENT_TYPE;

export interface OnnxNode {
  operator: 'Gemm' | 'Transpose' | 'Concat' | 'ReduceSumSquare';
  inputs: readonly string[];
  output: string;
  integers?: Readonly<Record<string, number>>;
  lists?: Readonly<Record<string, readonly number[]>>;
  floats?: Readonly<Record<string, number>>;
}

/**
 * The bytes of an ONNX model whose inputs are matrices of any size.
 *
 * @param nodes in the order of computation; the output of the last one is that of the model
 */
export function onnxModel(type: ElementType, inputs: readonly string[], nodes: readonly OnnxNode[]): Uint8Array {
  const graph = message((writer) => {
    for (const node of nodes) writer.writeBytesField(1, nodeMessage(node));
    writer.writeStringField(2, 'kernel');
    for (const input of inputs) writer.writeBytesField(11, valueInfo(input, type));
    for (const { output } of nodes.slice(-1)) writer.writeBytesField(12, valueInfo(output, type));
  });
  return message((writer) => {
    writer.writeVarintField(1, IR_VERSION);
    writer.writeBytesField(7, graph);
    writer.writeBytesField(
      8,
      message((opset) => opset.writeVarintField(2, OPSET_VERSION)),
    );
  });
}

function nodeMessage({ operator, inputs, output, integers = {}, lists = {}, floats = {} }: OnnxNode): Uint8Array {
  return message((writer) => {
    for (const input of inputs) writer.writeStringField(1, input);
    writer.writeStringField(2, output);
    writer.writeStringField(4, operator);
    for (const [name, value] of Object.entries(integers)) {
      writer.writeBytesField(
        5,
        message((attribute) => {
          attribute.writeStringField(1, name);
          attribute.writeVarintField(3, value);
          attribute.writeVarintField(20, ATTRIBUTE_TYPE_INT);
        }),
      );
    }
    for (const [name, values] of Object.entries(lists)) {
      writer.writeBytesField(
        5,
        message((attribute) => {
          attribute.writeStringField(1, name);
          for (const value of values) attribute.writeVarintField(8, value);
          attribute.writeVarintField(20, ATTRIBUTE_TYPE_INTS);
        }),
      );
    }
    for (const [name, value] of Object.entries(floats)) {
      writer.writeBytesField(
        5,
        message((attribute) => {
          attribute.writeStringField(1, name);
          attribute.writeFloatField(2, value);
          attribute.writeVarintField(20, ATTRIBUTE_TYPE_FLOAT);
        }),
      );
    }
  });
}

/** A matrix of any size. */
function valueInfo(name: string, type: ElementType): Uint8Array {
  const dimension = (axis: string) => message((writer) => writer.writeStringField(2, `${name}_${axis}`));
  const shape = message((writer) => {
    writer.writeBytesField(1, dimension('rows'));
    writer.writeBytesField(1, dimension('cols'));
  });
  const tensorType = message((writer) => {
    writer.writeVarintField(1, ELEMENT_TYPE[type]);
    writer.writeBytesField(2, shape);
  });
  return message((writer) => {
    writer.writeStringField(1, name);
    writer.writeBytesField(
      2,
      message((type) => type.writeBytesField(1, tensorType)),
    );
  });
}

function message(write: (writer: PbfWriter) => void): Uint8Array {
  const writer = new PbfWriter();
  write(writer);
  return writer.finish();
}
