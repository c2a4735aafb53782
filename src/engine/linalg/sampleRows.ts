import type { FloatMatrix, Matrix } from './matrix.ts';
import { zeros } from './matrix.ts';
import { allocate, doubles, integers, kernels, put, singles } from './wasm/kernels.ts';

/**
 * Samples that travel together through products: bounds the memory, `[d, 2000]` doubles. No power of two: the rows of such a
 * block would compete for the same lines of the cache, and products take a tenth longer.
 */
export const BLOCK_SAMPLES = 2000;
/** Numbers that are looked at together: they stay in the first-level cache. */
const CHUNK = 4096;
/** Numbers that are copied at once to where the kernels work: they are in the second-level cache when these read them. */
const COPIED = 65_536;

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
  samples: FloatMatrix,
  from: number,
  groups: Int32Array,
  groupCount: number,
  shift: Float64Array,
): Matrix {
  const { cols, data } = samples;
  const rows = groups.length;
  const sums = zeros(groupCount, cols);
  const [dataAt, shiftAt, groupsAt, sumsAt] = allocate(
    partBytes(samples),
    shift.byteLength,
    groups.byteLength,
    sums.data.byteLength,
  );
  put(shiftAt, shift);
  integers(groupsAt, rows).set(groups);
  put(sumsAt, sums.data);
  const kernel = data instanceof Float32Array ? kernels.sumRows32 : kernels.sumRows64;
  for (const [first, count] of copyInParts(samples, from, from + rows, dataAt)) {
    kernel(dataAt, count, cols, shiftAt, groupsAt + first * Int32Array.BYTES_PER_ELEMENT, sumsAt);
  }
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
  samples: FloatMatrix,
  from: number,
  to: number,
  shift: Float64Array,
  squares: Float64Array,
): void {
  const { cols, data } = samples;
  const [dataAt, shiftAt, squaresAt] = allocate(partBytes(samples), shift.byteLength, squares.byteLength);
  put(shiftAt, shift);
  put(squaresAt, squares);
  const kernel = data instanceof Float32Array ? kernels.sumSquares32 : kernels.sumSquares64;
  for (const [, count] of copyInParts(samples, from, to, dataAt)) kernel(dataAt, count, cols, shiftAt, squaresAt);
  squares.set(doubles(squaresAt, squares.length));
}

/** The standardisation of the columns of samples: (x − shift − offset)·scale, all `[d]`. */
export interface Standardisation {
  shift: Float64Array;
  offset: Float64Array;
  scale: Float64Array;
}

/**
 * Samples by columns, the layout that a Gram matrix reads fastest, standardised: samples `from` to `to`.
 *
 * @param features `[n, d]`
 * @returns `[d, to − from]`, where the kernels work: valid until the next of them is called
 */
export function standardisedColumns(
  features: FloatMatrix,
  from: number,
  to: number,
  standardisation: Standardisation,
): Matrix {
  const data = doubles(standardise(features, from, to, standardisation, false), (to - from) * features.cols);
  return { rows: features.cols, cols: to - from, data };
}

/** The same in single precision, computed in double; valid as long. */
export function singleColumns(
  features: FloatMatrix,
  from: number,
  to: number,
  standardisation: Standardisation,
): Float32Array<ArrayBuffer> {
  return singles(standardise(features, from, to, standardisation, true), (to - from) * features.cols);
}

/** Where the kernels put it. */
function standardise(
  features: FloatMatrix,
  from: number,
  to: number,
  { shift, offset, scale }: Standardisation,
  single: boolean,
): number {
  const { cols, data } = features;
  const rows = to - from;
  const bytes = single ? Float32Array.BYTES_PER_ELEMENT : Float64Array.BYTES_PER_ELEMENT;
  const [dataAt, shiftAt, offsetAt, scaleAt, resultAt] = allocate(
    partBytes(features),
    shift.byteLength,
    offset.byteLength,
    scale.byteLength,
    rows * cols * bytes,
  );
  put(shiftAt, shift);
  put(offsetAt, offset);
  put(scaleAt, scale);
  const kernel =
    data instanceof Float32Array
      ? kernels[single ? 'standardiseColumns32To32' : 'standardiseColumns32To64']
      : kernels[single ? 'standardiseColumns64To32' : 'standardiseColumns64To64'];
  for (const [first, count] of copyInParts(features, from, to, dataAt)) {
    kernel(dataAt, count, cols, shiftAt, offsetAt, scaleAt, resultAt + first * bytes, rows);
  }
  return resultAt;
}

/** Rows of a part: a multiple of what the kernels take together. */
function partRows({ cols }: FloatMatrix): number {
  return 8 * Math.max(1, Math.floor(COPIED / (8 * cols)));
}

/** The room that a part takes. */
function partBytes(samples: FloatMatrix): number {
  return partRows(samples) * samples.cols * samples.data.BYTES_PER_ELEMENT;
}

/** Copies rows `from` to `to` to `pointer`, part after part: yields the first row of each, counted from `from`, and how many it has. */
function* copyInParts(samples: FloatMatrix, from: number, to: number, pointer: number): Generator<[number, number]> {
  const step = partRows(samples);
  const { cols, data } = samples;
  for (let row = from; row < to; row += step) {
    const end = Math.min(row + step, to);
    put(pointer, data.subarray(row * cols, end * cols));
    yield [row - from, end - row];
  }
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
