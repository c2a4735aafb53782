import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { type ByteSource, FileBytes } from '../../files/byteSource.ts';
import { ELEMENT_BYTES, ELEMENT_TYPES, type ElementType, UNNAMED } from '../../onnx/format.ts';
import { computesInHalf } from '../../onnx/halfPrecision.ts';
import { ProtobufReader } from '../../onnx/protobuf.ts';
import { type OnnxModel, readOnnxModel, type StoredTensor } from '../../onnx/readModel.ts';
import { elements, type NewInput, type NewModel, type NewTensor, writeModel } from '../../onnx/writeModel.ts';
import type { RunnableModel } from '../checkpoint.ts';
import { requirePixelsAfterPooling } from './pooling.ts';

/** Smaller weights are copied: shapes have to be in the model, and vectors are best aligned. */
const MAPPED_BYTES = 16 * 1024;
/** With fewer bytes that need not be copied, what loading takes is the runtime's own, and time. */
const WORTHWHILE_BYTES = 1024 * 1024;
/** Weights are not written as numbers of any length. */
const MAX_VARINTS = 1_000_000;
/** Whose operators ONNX Runtime infers the results' types of. */
const DOMAINS: ReadonlySet<string> = new Set(['', 'ai.onnx', 'com.microsoft']);
/** The first version of operators that ONNX Runtime supports. */
const FIRST_OPSET = 7;
/** Not those of 8 bits: ONNX Runtime lays quantised weights out anew while loading, or doesn't run. */
const WEIGHT_TYPES = ['float32', 'float16', 'bfloat16', 'float64', 'int64', 'int32', 'int16', 'bool'] as const;
const INPUT_TYPES = [...WEIGHT_TYPES, 'uint8'] as const;

/** A file beside an ONNX file, and its size. */
export interface ExternalFile {
  readonly path: string;
  readonly size: number;
}

/**
 * An ONNX file for the runtime: a model whose large weights lie where they are, in the file or in those beside it; the
 * whole file where it holds what is not read here, or is small.
 * @param image as it will be given it; left out where it takes none
 * @throws InputError when pooling would leave nothing of the image
 */
export async function loadOnnx(file: string, image?: NewInput): Promise<RunnableModel> {
  const model = readOnnxModel(file);
  const real = await realpath(file);
  const bytes = new FileBytes(real);
  try {
    const network = networkOf(model, new ValueReader(bytes, await externalFiles(model, file)));
    if (network && image) await requirePixelsAfterPooling(file, network, image);
    if (network && (mappedBytes(network) >= WORTHWHILE_BYTES || computesInHalf(network))) {
      return { model: () => writeModel(network), weightsFolder: path.dirname(real), network };
    }
  } finally {
    bytes.close();
  }
  const whole = await readFile(file);
  return { model: () => whole, weightsFolder: path.dirname(file) };
}

/** The files that a model's weights lie in beside it, by how it calls them: those that are there, in its folder. */
export async function externalFiles(model: OnnxModel, file: string): Promise<Map<string, ExternalFile>> {
  const folder = path.dirname(await realpath(file));
  const files = new Map<string, ExternalFile>();
  for (const { values } of model.initializers.values()) {
    if (values?.kind !== 'external' || path.isAbsolute(values.location) || files.has(values.location)) continue;
    const found = await realpath(path.join(path.dirname(file), values.location)).catch(() => undefined);
    if (!found?.startsWith(path.join(folder, path.sep))) continue;
    const status = await stat(found);
    if (status.isFile()) files.set(values.location, { path: found, size: status.size });
  }
  return files;
}

/** Bytes of the weights that need not be copied. */
function mappedBytes({ initializers = [] }: NewModel): number {
  return initializers.reduce((sum, { values }) => sum + (values instanceof Uint8Array ? 0 : values.bytes), 0);
}

/** The network with all that it computes by, undefined where something is not known here. */
function networkOf(model: OnnxModel, reader: ValueReader): NewModel | undefined {
  const { nodes, opsets } = model;
  const version = opsets.get('') ?? opsets.get('ai.onnx') ?? 0;
  if (!model.complete || version < FIRST_OPSET || !isSorted(model)) return undefined;
  if (nodes.some(({ domain = '' }) => !DOMAINS.has(domain))) return undefined;
  const inputs: NewInput[] = [];
  for (const { name, elementType, shape } of model.inputs) {
    const type = INPUT_TYPES.find((known) => ELEMENT_TYPES[known] === elementType);
    // An input of any rank has none.
    if (!type || shape.length === 0) return undefined;
    inputs.push({ name, type, shape: shape.map((size) => (Number(size) < 0 ? UNNAMED : size)) });
  }
  const initializers: NewTensor[] = [];
  for (const [name, tensor] of model.initializers) {
    const { shape, elementType } = tensor;
    const type = WEIGHT_TYPES.find((known) => ELEMENT_TYPES[known] === elementType);
    const values = type && reader.values(tensor, type);
    if (!values) return undefined;
    initializers.push({ name, type, shape, values });
  }
  return { nodes, initializers, inputs, outputs: model.outputs.map(({ name }) => name), opsets };
}

/** Whether every node takes what was computed before it. */
function isSorted({ nodes, inputs, initializers }: OnnxModel): boolean {
  const known = new Set(['', ...initializers.keys(), ...inputs.map(({ name }) => name)]);
  return nodes.every((node) => {
    const isKnown = node.inputs.every((input) => known.has(input));
    for (const output of node.outputs) known.add(output);
    return isKnown;
  });
}

/** Finds the values of weights, and reads those that are small. */
class ValueReader {
  readonly #file: FileBytes;
  readonly #external: ReadonlyMap<string, ExternalFile>;

  constructor(file: FileBytes, external: ReadonlyMap<string, ExternalFile>) {
    this.#file = file;
    this.#external = external;
  }

  /** Undefined where there are more or fewer than its shape has, or not where they should be. */
  values({ shape, values }: StoredTensor, type: ElementType): NewTensor['values'] | undefined {
    const folder = path.dirname(this.#file.file);
    const count = elements(shape);
    const bytes = count * ELEMENT_BYTES[type];
    if (values?.kind === 'external') {
      const file = this.#external.get(values.location);
      if (!file || (values.bytes ?? bytes) !== bytes || values.offset + bytes > file.size) return undefined;
      const location = path.relative(folder, file.path).split(path.sep).join('/');
      return { location, offset: values.offset, bytes };
    }
    if (values?.kind === 'varints') {
      return count > MAX_VARINTS ? undefined : packed(this.#file, values, count, ELEMENT_BYTES[type]);
    }
    if (!values || values.end - values.start !== bytes) return undefined;
    if (bytes < MAPPED_BYTES) return this.#file.bytes(values.start, bytes);
    return { location: path.basename(this.#file.file), offset: values.start, bytes };
  }
}

/** Whole numbers of any length in as many bytes each as their type has. */
function packed(
  source: ByteSource,
  range: { start: number; end: number },
  count: number,
  width: number,
): Uint8Array | undefined {
  const bytes = Buffer.alloc(count * width + BigInt64Array.BYTES_PER_ELEMENT);
  let written = 0;
  for (const value of new ProtobufReader(source).integers(range)) {
    if (written === count) return undefined;
    // The next number is written over what this one has too much.
    bytes.writeBigInt64LE(value, written * width);
    written += 1;
  }
  return written === count ? bytes.subarray(0, count * width) : undefined;
}
