import { ELEMENT_TYPES } from './format.ts';
import { usedParts } from './usedParts.ts';
import type { WeightFile } from './weightFile.ts';
import { isFloat, isHalf, type WeightReader } from './weightReader.ts';
import { elements, type NewModel, type NewNode, type NewTensor } from './writeModel.ts';

/** Values that are copied at a time. */
const PART = 2 ** 16;

/** Whether a node makes single precision of whatever it takes. */
export function isCastToSingle({ op, attributes }: NewNode): boolean {
  return op === 'Cast' && attributes?.to === ELEMENT_TYPES.float32;
}

/** How many bytes the weights of a model have in single precision. */
export function singlePrecisionBytes({ initializers = [] }: NewModel): number {
  return initializers.reduce((sum, { shape }) => sum + Float32Array.BYTES_PER_ELEMENT * elements(shape), 0);
}

/** How many bytes of weights there are in half precision that a model casts to single precision. */
export function castHalvesBytes({ nodes, initializers = [] }: NewModel): number {
  const cast = new Set(nodes.filter(isCastToSingle).map(({ inputs }) => inputs[0]));
  const halves = initializers.filter((tensor) => cast.has(tensor.name) && isHalf(tensor));
  return halves.reduce((sum, { shape }) => sum + Uint16Array.BYTES_PER_ELEMENT * elements(shape), 0);
}

/** The model with its weights from elsewhere in the file, those that it casts to single precision cast already. */
export async function inSinglePrecision(
  model: NewModel,
  reader: WeightReader,
  file: WeightFile,
): Promise<NewModel & { initializers: NewTensor[] }> {
  const tensors = new Map(model.initializers?.map((tensor) => [tensor.name, tensor]));
  const casts = new Map<NewNode, NewTensor>();
  for (const node of model.nodes) {
    const tensor = tensors.get(node.inputs[0] ?? '');
    if (!tensor || !isFloat(tensor) || !isCastToSingle(node)) continue;
    const values = await file.add(parts(tensor, (start, count) => reader.floats(tensor, start, count)));
    casts.set(node, { name: node.outputs[0] ?? '', type: 'float32', shape: tensor.shape, values });
  }
  const others = usedParts({ ...model, nodes: model.nodes.filter((node) => !casts.has(node)) });
  const initializers = [...casts.values()];
  for (const tensor of others.initializers ?? []) {
    const values =
      tensor.values instanceof Uint8Array
        ? tensor.values
        : await file.add(parts(tensor, (start, count) => reader.bytes(tensor, start, count)));
    initializers.push({ ...tensor, values });
  }
  return { ...others, initializers };
}

async function* parts<T>({ shape }: NewTensor, read: (start: number, count: number) => Promise<T>): AsyncGenerator<T> {
  const count = elements(shape);
  for (let start = 0; start < count; start += PART) yield await read(start, Math.min(PART, count - start));
}
