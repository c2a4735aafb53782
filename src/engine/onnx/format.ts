/** Numbers of the fields of the messages in onnx.proto3, as far as they are read or written here. */
export const MODEL = { irVersion: 1, graph: 7, opset: 8, metadata: 14, training: 20, functions: 25 } as const;
export const OPSET = { domain: 1, version: 2 } as const;
export const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12, quantization: 14, sparse: 15 } as const;
export const NODE = { input: 1, output: 2, name: 3, op: 4, attribute: 5, domain: 7, overload: 8 } as const;
export const ATTRIBUTE = {
  name: 1,
  float: 2,
  int: 3,
  string: 4,
  tensor: 5,
  graph: 6,
  ints: 8,
  graphs: 11,
  doc: 13,
  type: 20,
  reference: 21,
  sparse: 22,
} as const;
export const TENSOR = {
  dims: 1,
  type: 2,
  floats: 4,
  int32s: 5,
  int64s: 7,
  name: 8,
  values: 9,
  doubles: 10,
  doc: 12,
  external: 13,
  location: 14,
  metadata: 16,
} as const;
export const VALUE = { name: 1, type: 2 } as const;
export const TYPE = { tensor: 1 } as const;
export const TENSOR_TYPE = { element: 1, shape: 2 } as const;
export const SHAPE = { dim: 1 } as const;
export const DIM = { value: 1, param: 2 } as const;
export const ENTRY = { key: 1, value: 2 } as const;

/** TensorProto.DataType of the types that inputs and weights of networks have. */
export const ELEMENT_TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
} as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

/** Bytes that an element takes. */
export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  float64: 8,
  bfloat16: 2,
};

/** In place of the name of a dimension that has none. */
export const UNNAMED = '?';

/** TensorProto.DataLocation of values that lie in another file. */
export const EXTERNAL = 1;
