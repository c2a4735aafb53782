import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { zeros } from '../linalg/matrix.ts';
import { allocate, doubles, kernels, put, singles } from '../linalg/wasm/kernels.ts';

/** What the published EMMS code adds to every standard deviation. */
export const STANDARDISATION_EPSILON = 1e-8;

/** Samples whose embeddings are worked on at once: they stay in the second-level cache. */
const CHUNK = 32;
/** Columns whose moments are added up at once: they are padded to a multiple of it. */
const STRIP = 32;

/** Label embeddings `[n, d2]`, K of them, and what standardises their columns: (x − shift − offset)·scale. */
export interface LabelColumns {
  /** K of `[d2]`, the first sample: how far values are from it loses no digits to a large mean. */
  shifts: Float64Array[];
  /** K of `[d2]`, means relative to the first sample. */
  offsets: Float64Array[];
  /** K of `[d2]`, 1/(std + 1e-8); 0 for constant columns. */
  scales: Float64Array[];
  /** `[K, K]`, the inner products ⟨Zₖ, Zₗ⟩ of the standardised embeddings. */
  gram: Matrix;
}

/**
 * One pass over the samples, all in double precision. Values are taken relative to the first sample, which costs the
 * variances no more than n·ε: one sample of n is never farther than √n standard deviations from the mean.
 */
export function labelColumns(embeddings: readonly FloatMatrix[]): LabelColumns {
  const { rows: count = 0, cols: width = 0 } = embeddings[0] ?? {};
  const size = embeddings.length;
  const shifts = embeddings.map(({ data }) => Float64Array.from(data.subarray(0, width)));
  const pairs = (size * (size + 1)) / 2;
  const stride = Math.ceil(width / STRIP) * STRIP;
  const sums = zeros(size, stride);
  const products = zeros(pairs, stride);
  const [dataAt, shiftAt, sumsAt, productsAt, centredAt] = allocate(
    8 * size * CHUNK * width,
    8 * size * width,
    8 * size * stride,
    8 * pairs * stride,
    8 * size * CHUNK * STRIP,
  );
  putVectors(shiftAt, shifts);
  put(sumsAt, sums.data);
  put(productsAt, products.data);
  for (let from = 0; from < count; from += CHUNK) {
    const rows = Math.min(CHUNK, count - from);
    const kernel = putRows(dataAt, embeddings, from, rows) ? kernels.addMoments32 : kernels.addMoments64;
    kernel(dataAt, size, rows, width, shiftAt, sumsAt, productsAt, centredAt);
  }
  sums.data.set(doubles(sumsAt, sums.data.length));
  products.data.set(doubles(productsAt, products.data.length));

  const sum = (k: number, j: number) => sums.data[k * stride + j] as number;
  const covariance = (k: number, l: number, j: number) =>
    (products.data[((k * (k + 1)) / 2 + l) * stride + j] as number) - (sum(k, j) * sum(l, j)) / count;
  const scales = shifts.map((_, k) =>
    Float64Array.from({ length: width }, (_, j) => {
      const variance = covariance(k, k, j) / count;
      return variance > 0 ? 1 / (Math.sqrt(variance) + STANDARDISATION_EPSILON) : 0;
    }),
  );
  const gram = zeros(size, size);
  scales.forEach((scale, k) => {
    scales.slice(0, k + 1).forEach((other, l) => {
      const value = scale.reduce((total, factor, j) => total + factor * (other[j] as number) * covariance(k, l, j), 0);
      gram.data[k * size + l] = value;
      gram.data[l * size + k] = value;
    });
  });
  const offsets = shifts.map((_, k) => Float64Array.from({ length: width }, (_, j) => sum(k, j) / count));
  return { shifts, offsets, scales, gram };
}

/** What no value of `count` samples exceeds in magnitude, from their columns; NaN where some are no numbers. */
export function boundOf({ shifts, offsets, scales }: Omit<LabelColumns, 'gram'>, count: number): number {
  let bound = 0;
  shifts.forEach((shift, k) => {
    shift.forEach((origin, j) => {
      const scale = scales[k]?.[j] as number;
      const deviation = scale > 0 ? 1 / scale : 0;
      bound = Math.max(bound, Math.abs(origin) + Math.sqrt(count) * (Math.abs(offsets[k]?.[j] as number) + deviation));
    });
  });
  return bound;
}

/** Samples relative to a shift, `[b, d2]`, where the kernels work: valid until the next of them is called. */
export interface CentredRows {
  centred: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
  /** `[r, d2]`, Σ weight·(x − shift), in double precision whatever the precision of `centred`. */
  sums: Matrix;
}

/**
 * The rows of samples `from` to `to` of an embedding minus `shift`, and some weighted sums of them.
 *
 * @param shift `[d2]`
 * @param weights `[r, to − from]`
 */
export function centreRows(
  { data, cols: width }: FloatMatrix,
  shift: Float64Array,
  from: number,
  to: number,
  weights: Matrix,
  single: boolean,
): CentredRows {
  const count = to - from;
  const bytes = single ? 4 : 8;
  const sums = zeros(weights.rows, width);
  const [centredAt, dataAt, shiftAt, weightsAt, sumsAt] = allocate(
    bytes * count * width,
    data.BYTES_PER_ELEMENT * CHUNK * width,
    shift.byteLength,
    weights.data.byteLength,
    sums.data.byteLength,
  );
  put(shiftAt, shift);
  put(weightsAt, weights.data);
  put(sumsAt, sums.data);
  const kernel =
    data instanceof Float32Array
      ? kernels[single ? 'centreRows32To32' : 'centreRows32To64']
      : kernels[single ? 'centreRows64To32' : 'centreRows64To64'];
  for (let first = 0; first < count; first += CHUNK) {
    const rows = Math.min(CHUNK, count - first);
    put(dataAt, data.subarray((from + first) * width, (from + first + rows) * width));
    const result = centredAt + bytes * first * width;
    kernel(dataAt, rows, width, shiftAt, result, weightsAt + 8 * first, count, weights.rows, sumsAt);
  }
  sums.data.set(doubles(sumsAt, sums.data.length));
  return { centred: single ? singles(centredAt, count * width) : doubles(centredAt, count * width), sums };
}

/**
 * The mixture Y = Σ tₖ·Zₖ of samples `from` to `to`, in single precision.
 *
 * @param weights t `[K]`
 * @returns `[to − from, d2]`, where the kernels work: valid until the next of them is called
 */
export function mixRows(
  embeddings: readonly FloatMatrix[],
  { shifts, offsets, scales }: Omit<LabelColumns, 'gram'>,
  weights: readonly number[],
  from: number,
  to: number,
): Float32Array<ArrayBuffer> {
  const { length: size } = embeddings;
  const { cols: width = 0 } = embeddings[0] ?? {};
  const count = to - from;
  const factors = scales.map((scale, k) => Float32Array.from(scale, (value) => value * (weights[k] as number)));
  const constant = Float32Array.from({ length: width }, (_, j) =>
    factors.reduce((sum, factor, k) => sum + (factor[j] as number) * (offsets[k]?.[j] as number), 0),
  );
  const origins = isSingle(embeddings) ? shifts.map((shift) => new Float32Array(shift)) : shifts;
  const [resultAt, dataAt, shiftAt, factorsAt, constantAt] = allocate(
    4 * count * width,
    8 * size * CHUNK * width,
    8 * size * width,
    4 * size * width,
    4 * width,
  );
  putVectors(shiftAt, origins);
  putVectors(factorsAt, factors);
  put(constantAt, constant);
  for (let first = 0; first < count; first += CHUNK) {
    const rows = Math.min(CHUNK, count - first);
    const kernel = putRows(dataAt, embeddings, from + first, rows) ? kernels.mixRows32 : kernels.mixRows64;
    kernel(dataAt, size, rows, width, shiftAt, factorsAt, constantAt, resultAt + 4 * first * width);
  }
  return singles(resultAt, count * width);
}

/**
 * Adds Σᵢ fᵢ·(xᵢₖ − shiftₖ) over samples `from` and on, per embedding and column, to `sums`, and Σᵢ fᵢ² to its last row.
 *
 * @param others f `[b, d2]`
 * @param sums `[K + 1, d2]`
 */
export function addDots(
  embeddings: readonly FloatMatrix[],
  { shifts }: LabelColumns,
  others: Float32Array,
  from: number,
  sums: Matrix,
): void {
  const { cols: width } = sums;
  const size = embeddings.length;
  const [dataAt, othersAt, shiftAt, sumsAt] = allocate(
    8 * size * CHUNK * width,
    4 * CHUNK * width,
    sums.data.byteLength,
    sums.data.byteLength,
  );
  putVectors(shiftAt, [...shifts, new Float64Array(width)]);
  put(sumsAt, sums.data);
  const count = others.length / width;
  for (let first = 0; first < count; first += CHUNK) {
    const rows = Math.min(CHUNK, count - first);
    put(othersAt, others.subarray(first * width, (first + rows) * width));
    const kernel = putRows(dataAt, embeddings, from + first, rows) ? kernels.addDots32 : kernels.addDots64;
    kernel(dataAt, size, rows, width, shiftAt, othersAt, sumsAt);
  }
  sums.data.set(doubles(sumsAt, sums.data.length));
}

/** Copies `rows` samples of every embedding from sample `from` on; whether they are in single precision. */
function putRows(pointer: number, embeddings: readonly FloatMatrix[], from: number, rows: number): boolean {
  const single = isSingle(embeddings);
  const { cols: width = 0 } = embeddings[0] ?? {};
  const length = rows * width;
  embeddings.forEach(({ data }, k) => {
    const part = data.subarray(from * width, from * width + length);
    if (single) {
      put(pointer + 4 * k * length, part);
    } else {
      doubles(pointer + 8 * k * length, length).set(part);
    }
  });
  return single;
}

function isSingle(embeddings: readonly FloatMatrix[]): boolean {
  return embeddings.every(({ data }) => data instanceof Float32Array);
}

function putVectors(pointer: number, vectors: readonly (Float32Array | Float64Array)[]): void {
  vectors.forEach((vector, k) => {
    put(pointer + k * vector.byteLength, vector);
  });
}
