import { quoted, UnreadableError } from '../../files/unreadable.ts';
import { ELEMENT_BYTES, type ElementType } from '../../onnx/format.ts';

// What a container says of a tensor: its type, its shape and with it how many elements it has, checked.

/** A type that tensors are stored in; `element` is left out for those that no network is built from here. */
export interface StoredType {
  readonly name: string;
  readonly bytes: number;
  readonly element?: ElementType;
}

/** One that networks are built from. */
export function storedType(element: ElementType): StoredType {
  return { name: element, bytes: ELEMENT_BYTES[element], element };
}

/** The type as networks have it. */
export function requireElementType({ name, element }: StoredType, tensor: string): ElementType {
  if (element) return element;
  throw new UnreadableError(
    `its tensor ${quoted(tensor)} is of the type ${name}, which can't be used`,
    'Convert it to float32 and save the state dict again.',
  );
}

/** Tensors of more axes than PyTorch allows. */
const MAX_RANK = 64;

/** The sizes of a tensor's axes, checked to be whole numbers. */
export function shapeOf(value: unknown, tensor: string): number[] {
  const shape = Array.isArray(value) ? value.filter(isCount) : [];
  if (!Array.isArray(value) || shape.length < value.length || shape.length > MAX_RANK) {
    throw new UnreadableError(`its tensor ${quoted(tensor)} has no valid shape`);
  }
  return shape;
}

/** The number of elements of a shape, which a file may claim any of. */
export function countOf(shape: readonly number[], tensor: string): number {
  if (shape.includes(0)) return 0;
  const count = shape.reduce((product, size) => product * size, 1);
  if (!Number.isSafeInteger(count)) {
    throw new UnreadableError(`its tensor ${quoted(tensor)} would have ${count} elements`);
  }
  return count;
}

/** Whether a value is a size or offset that numbers hold exactly. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
