import { quoted, UnreadableError } from '../../files/unreadable.ts';
import type { WeightType } from '../weights.ts';

/** A type that tensors are stored in; `weight` is left out for those that no network is built from here. */
export interface ElementType {
  readonly name: string;
  readonly bytes: number;
  readonly weight?: WeightType;
}

const BYTES: Record<WeightType, number> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** An element type that weights are used in. */
export function weightType(weight: WeightType): ElementType {
  return { name: weight, bytes: BYTES[weight], weight };
}

/** The type as weights have it. */
export function requireWeightType(type: ElementType, tensor: string): WeightType {
  if (type.weight) return type.weight;
  throw new UnreadableError(
    `its tensor ${quoted(tensor)} is of the type ${type.name}, which can't be used`,
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
