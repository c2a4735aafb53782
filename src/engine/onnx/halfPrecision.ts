import { MemoryBytes } from '../files/byteSource.ts';
import { ATTRIBUTE, ELEMENT_TYPES, TENSOR } from './format.ts';
import { ProtobufReader } from './protobuf.ts';
import { isCastToSingle } from './singlePrecision.ts';
import { usedParts } from './usedParts.ts';
import { castHalves, isHalf } from './weightReader.ts';
import type { Attribute, NewModel, NewNode, NewTensor } from './writeModel.ts';

const HALF_TYPES: ReadonlySet<number> = new Set([ELEMENT_TYPES.float16, ELEMENT_TYPES.bfloat16]);
/** Attributes of ONNX's operators that are the type of what they give, or compute in. */
const TYPE_ATTRIBUTES: ReadonlySet<string> = new Set([
  'to',
  'dtype',
  'output_dtype',
  'output_datatype',
  'stash_type',
  'softmax_precision',
  'precision',
]);
/** Operators whose results follow from how numbers are stored. */
const OF_BITS: ReadonlySet<string> = new Set(['BitCast']);

/** Whether a model computes with weights in half precision as they are, and can do so in another. */
export function computesInHalf({ nodes, initializers = [] }: NewModel): boolean {
  const halves = new Set(initializers.filter(isHalf).map(({ name }) => name));
  return (
    nodes.some(({ op, inputs }) => op !== 'Cast' && inputs.some((input) => halves.has(input))) &&
    !nodes.some(({ op }) => OF_BITS.has(op))
  );
}

/**
 * The same network in single precision. Its inputs keep their types, and its large weights too: these are cast where they
 * are used. Those that the model holds are cast here, for what the runtime fuses depends on them.
 */
export function computeInSingle(model: NewModel): NewModel {
  const initializers = model.initializers?.map(heldInSingle) ?? [];
  const halves = new Set([...model.inputs, ...initializers].filter(isHalf).map(({ name }) => name));
  const nodes: NewNode[] = [];
  const casts = new Map<string, string>();
  const inSingle = (value: string): string => {
    if (!halves.has(value)) return value;
    const known = casts.get(value);
    if (known !== undefined) return known;
    const single = `${value} in single precision`;
    casts.set(value, single);
    nodes.push(castToSingle(value, single));
    return single;
  };
  for (const node of model.nodes) {
    const inputs = node.op === 'Cast' ? node.inputs : node.inputs.map(inSingle);
    const attributes = Object.entries(node.attributes ?? {});
    if (attributes.some(([, value]) => isHalfTensor(value))) nodes.push(...castAfter({ ...node, inputs }));
    else nodes.push({ ...node, inputs, attributes: Object.fromEntries(attributes.map(typedSingle)) });
  }
  return { ...model, nodes, initializers };
}

/** The same network, in which rows of a table in half precision are looked up before they are cast, not the other way round. */
export function castAfterLookups(model: NewModel): NewModel {
  const halves = new Set(model.initializers?.filter(isHalf).map(({ name }) => name));
  const tables = new Map<string, string>();
  for (const node of model.nodes) {
    const [stored = ''] = node.inputs;
    const [cast = ''] = node.outputs;
    if (isCastToSingle(node) && halves.has(stored)) tables.set(cast, stored);
  }
  const nodes = model.nodes.flatMap((node) => {
    const [cast = '', ...others] = node.inputs;
    const table = node.op === 'Gather' ? tables.get(cast) : undefined;
    return table === undefined ? [node] : castAfter({ ...node, inputs: [table, ...others] });
  });
  return usedParts({ ...model, nodes });
}

/** A node that gives half precision, and casts of that to what it is to give. */
function castAfter(node: NewNode): NewNode[] {
  const half = (output: string) => `${output} in half precision`;
  const casts = node.outputs.map((output) => castToSingle(half(output), output));
  return [{ ...node, outputs: node.outputs.map(half) }, ...casts];
}

function castToSingle(from: string, to: string): NewNode {
  return { op: 'Cast', inputs: [from], outputs: [to], attributes: { to: ELEMENT_TYPES.float32 } };
}

function heldInSingle(tensor: NewTensor): NewTensor {
  if (!isHalf(tensor) || !(tensor.values instanceof Uint8Array)) return tensor;
  const halves = new Uint16Array(Uint8Array.from(tensor.values).buffer);
  const values = new Float32Array(halves.length);
  castHalves(tensor.type, halves, values);
  return { ...tensor, type: 'float32', values: new Uint8Array(values.buffer) };
}

function typedSingle([name, value]: [string, Attribute]): [string, Attribute] {
  const isHalfType = TYPE_ATTRIBUTES.has(name) && typeof value === 'number' && HALF_TYPES.has(value);
  return [name, isHalfType ? ELEMENT_TYPES.float32 : value];
}

/** Whether an attribute is numbers in half precision. */
function isHalfTensor(attribute: Attribute): boolean {
  if (typeof attribute !== 'object' || !('encoded' in attribute)) return false;
  const protobuf = new ProtobufReader(new MemoryBytes(attribute.encoded));
  for (const field of protobuf.fields()) {
    if (field.number !== ATTRIBUTE.tensor) continue;
    for (const part of protobuf.fields(field)) {
      if (part.number === TENSOR.type) return HALF_TYPES.has(part.value);
    }
  }
  return false;
}
