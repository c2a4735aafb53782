import type { FloatMatrix, Matrix } from './matrix.ts';
import { zeros } from './matrix.ts';
import { allocate, doubles, integers, kernels, put } from './wasm/kernels.ts';

/**
 * Samples that travel together through products: bounds the memory, `[d, 2000]` doubles. No power of two: the rows of such a
 * block would compete for the same lines of the cache, and products take a tenth longer.
 */
export const BLOCK_SAMPLES = 2000;
/** Numbers that are looked at together: they stay in the first-level cache. */
const CHUNK = 4096;

/**
 * The sums of rows minus `shift`, per group.
 *
 * @param samples `[n, d]`
 * @param from the first of the rows
 * @param groups `[rows]`, the group of each, from 0
 * @param shift `[d]`
 * @returns `[groupCount, d]`
 */
export function sumRows(
  { cols, data }: FloatMatrix,
  from: number,
  groups: Int32Array,
  groupCount: number,
  shift: Float64Array,
): Matrix {
  const rows = groups.length;
  const part = data.subarray(from * cols, (from + rows) * cols);
  const sums = zeros(groupCount, cols);
  const [dataAt, shiftAt, groupsAt, sumsAt] = allocate(
    part.byteLength,
    shift.byteLength,
    groups.byteLength,
    sums.data.byteLength,
  );
  put(dataAt, part);
  put(shiftAt, shift);
  integers(groupsAt, rows).set(groups);
  put(sumsAt, sums.data);
  const kernel = part instanceof Float32Array ? kernels.sumRows32 : kernels.sumRows64;
  kernel(dataAt, rows, cols, shiftAt, groupsAt, sumsAt);
  sums.data.set(doubles(sumsAt, sums.data.length));
  return sums;
}

/**
 * Adds Σ(x − shift)² of samples `from` to `to` to `squares`.
 *
 * @param samples `[n, d]`
 * @param shift `[d]`
 * @param squares `[d]`
 */
export function addSquares(
  { cols, data }: FloatMatrix,
  from: number,
  to: number,
  shift: Float64Array,
  squares: Float64Array,
): void {
  const part = data.subarray(from * cols, to * cols);
  const [dataAt, shiftAt, squaresAt] = allocate(part.byteLength, shift.byteLength, squares.byteLength);
  put(dataAt, part);
  put(shiftAt, shift);
  put(squaresAt, squares);
  const kernel = part instanceof Float32Array ? kernels.sumSquares32 : kernels.sumSquares64;
  kernel(dataAt, to - from, cols, shiftAt, squaresAt);
  squares.set(doubles(squaresAt, squares.length));
}

/**
 * Samples by columns, the layout that a Gram matrix reads fastest: (x − shift − offset)·scale of samples `from` to `to`.
 *
 * @param features `[n, d]`
 * @param shift `[d]`
 * @param offset `[d]`
 * @param scale `[d]`
 * @returns `[d, to − from]`, where the kernels work: valid until the next of them is called
 */
export function standardisedColumns(
  { cols, data }: FloatMatrix,
  from: number,
  to: number,
  shift: Float64Array,
  offset: Float64Array,
  scale: Float64Array,
): Matrix {
  const rows = to - from;
  const part = data.subarray(from * cols, to * cols);
  const [dataAt, shiftAt, offsetAt, scaleAt, resultAt] = allocate(
    part.byteLength,
    shift.byteLength,
    offset.byteLength,
    scale.byteLength,
    8 * part.length,
  );
  put(dataAt, part);
  put(shiftAt, shift);
  put(offsetAt, offset);
  put(scaleAt, scale);
  const kernel = part instanceof Float32Array ? kernels.standardiseColumns32 : kernels.standardiseColumns64;
  kernel(dataAt, rows, cols, shiftAt, offsetAt, scaleAt, resultAt);
  return { rows: cols, cols: rows, data: doubles(resultAt, part.length) };
}

/** Index of the first number that is NaN or not smaller than `limit` in magnitude, or −1. */
export function firstNotBelow(values: Float32Array | Float64Array, limit: number): number {
  const [valuesAt] = allocate(CHUNK * values.BYTES_PER_ELEMENT);
  const kernel = values instanceof Float32Array ? kernels.allSmaller32 : kernels.allSmaller64;
  for (let from = 0; from < values.length; from += CHUNK) {
    const part = values.subarray(from, from + CHUNK);
    put(valuesAt, part);
    if (kernel(valuesAt, part.length, limit) === 0) {
      return from + part.findIndex((value) => !(Math.abs(value) < limit));
    }
  }
  return -1;
}
