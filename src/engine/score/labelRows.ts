import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { paste, zeros } from '../linalg/matrix.ts';
import { allocate, doubles, kernels, put } from '../linalg/wasm/kernels.ts';
import { STANDARDISATION_EPSILON } from './evidence.ts';

/** Samples whose embeddings are worked on at once: they stay in the second-level cache. */
const CHUNK = 32;

/** Label embeddings `[n, d2]`, K of them, and what standardises their columns: (x − shift − offset)·scale. */
export interface LabelColumns {
  embeddings: readonly FloatMatrix[];
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
  const sums = zeros(size, width);
  const products = zeros(pairs, width);
  const [dataAt, shiftAt, sumsAt, productsAt] = allocate(
    8 * size * CHUNK * width,
    8 * size * width,
    8 * size * width,
    8 * pairs * width,
  );
  putVectors(shiftAt, shifts);
  put(sumsAt, sums.data);
  put(productsAt, products.data);
  for (let from = 0; from < count; from += CHUNK) {
    const rows = Math.min(CHUNK, count - from);
    const kernel = putRows(dataAt, embeddings, from, rows) ? kernels.addMoments32 : kernels.addMoments64;
    kernel(dataAt, size, rows, width, shiftAt, sumsAt, productsAt);
  }
  sums.data.set(doubles(sumsAt, sums.data.length));
  products.data.set(doubles(productsAt, products.data.length));

  const sum = (k: number, j: number) => sums.data[k * width + j] as number;
  const covariance = (k: number, l: number, j: number) =>
    (products.data[((k * (k + 1)) / 2 + l) * width + j] as number) - (sum(k, j) * sum(l, j)) / count;
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
  return { embeddings, shifts, offsets, scales, gram };
}

/**
 * The mixtures Σₖ (x − shift)·factor of samples `from` to `to`.
 *
 * @param factors K of `[d2]`
 * @param mixtures receives `[to − from, d2]`
 * @param vectors `[r, d2]`
 * @returns `[r, to − from]`, the products of the vectors with the mixtures, in double precision
 */
export function mixRows(
  { embeddings, shifts }: Pick<LabelColumns, 'embeddings' | 'shifts'>,
  factors: readonly Float64Array[],
  from: number,
  to: number,
  mixtures: Float32Array | Float64Array,
  vectors: Matrix,
): Matrix {
  const { cols: width } = vectors;
  const size = embeddings.length;
  const products = zeros(vectors.rows, to - from);
  const [dataAt, shiftAt, factorsAt, mixtureAt, vectorsAt, productsAt] = allocate(
    8 * size * CHUNK * width,
    8 * size * width,
    8 * size * width,
    8 * CHUNK * width,
    vectors.data.byteLength,
    8 * vectors.rows * CHUNK,
  );
  putVectors(shiftAt, shifts);
  putVectors(factorsAt, factors);
  put(vectorsAt, vectors.data);
  for (let first = from; first < to; first += CHUNK) {
    const rows = Math.min(CHUNK, to - first);
    const kernel = putRows(dataAt, embeddings, first, rows) ? kernels.mixRows32 : kernels.mixRows64;
    kernel(dataAt, size, rows, width, shiftAt, factorsAt, mixtureAt, vectorsAt, vectors.rows, productsAt);
    mixtures.set(doubles(mixtureAt, rows * width), (first - from) * width);
    const part: Matrix = { rows: vectors.rows, cols: rows, data: doubles(productsAt, vectors.rows * rows) };
    paste(products, part, 0, first - from);
  }
  return products;
}

/** Inner products of a fit f `[b, d2]` of some samples. */
interface FitProducts {
  /** `[K]`, ⟨f, Zₖ⟩ */
  fitted: Float64Array;
  /** |f|² */
  square: number;
  /** `[r, b]`, those of every row with given vectors. */
  products: Matrix;
}

/**
 * The inner products of a fit of the samples from `from` on with their standardised embeddings.
 *
 * @param fits `[b, d2]`
 * @param vectors `[r, d2]`
 */
export function fitProducts(
  { embeddings, shifts, offsets, scales }: LabelColumns,
  from: number,
  fits: Float32Array | Float64Array,
  vectors: Matrix,
): FitProducts {
  const { cols: width } = vectors;
  const size = embeddings.length;
  const count = fits.length / width;
  const products = zeros(vectors.rows, count);
  const [dataAt, meansAt, scalesAt, fitsAt, sumsAt, vectorsAt, productsAt] = allocate(
    8 * size * CHUNK * width,
    8 * size * width,
    8 * size * width,
    8 * CHUNK * width,
    8 * (size + 1),
    vectors.data.byteLength,
    8 * vectors.rows * CHUNK,
  );
  putVectors(
    meansAt,
    shifts.map((shift, k) => shift.map((value, j) => value + (offsets[k]?.[j] as number))),
  );
  putVectors(scalesAt, scales);
  doubles(sumsAt, size + 1).fill(0);
  put(vectorsAt, vectors.data);
  for (let first = 0; first < count; first += CHUNK) {
    const rows = Math.min(CHUNK, count - first);
    const kernel = putRows(dataAt, embeddings, from + first, rows) ? kernels.dotRows32 : kernels.dotRows64;
    doubles(fitsAt, rows * width).set(fits.subarray(first * width, (first + rows) * width));
    kernel(dataAt, size, rows, width, meansAt, scalesAt, fitsAt, sumsAt, vectorsAt, vectors.rows, productsAt);
    const part: Matrix = { rows: vectors.rows, cols: rows, data: doubles(productsAt, vectors.rows * rows) };
    paste(products, part, 0, first);
  }
  const sums = doubles(sumsAt, size + 1).slice();
  return { fitted: sums.subarray(0, size), square: sums[size] as number, products };
}

/** Copies `rows` samples of every embedding from sample `from` on; whether they are in single precision. */
function putRows(pointer: number, embeddings: readonly FloatMatrix[], from: number, rows: number): boolean {
  const single = embeddings.every(({ data }) => data instanceof Float32Array);
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

function putVectors(pointer: number, vectors: readonly Float64Array[]): void {
  vectors.forEach((vector, k) => {
    put(pointer + 8 * k * vector.length, vector);
  });
}
