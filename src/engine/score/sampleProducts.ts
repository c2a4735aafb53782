import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { addTo, rowRange, zeros } from '../linalg/matrix.ts';
import { multiply } from '../linalg/multiply.ts';
import { STANDARDISATION_EPSILON } from './evidence.ts';

/** Samples whose embeddings are held at once in double precision: they stay in the second-level cache. */
export const CHUNK = 8;

/** Inner products of standardised label embeddings Zₖ `[n, d2]`. */
interface SampleProducts {
  /** `[K, K]`, ⟨Zₖ, Zₗ⟩ */
  gram: Matrix;
  /** `[r, d2]` for every k: F·Zₖ with the features F `[r, n]`. */
  withFeatures: Matrix[];
}

/**
 * One sweep over the samples that never holds a standardised embedding: mean and scale of a column are applied to the sums
 * afterwards. All in double precision. Until then values are taken relative to the first sample, which costs the variances no more than n·ε: one
 * sample of n is never farther than √n standard deviations from the mean.
 *
 * @param embeddings K of `[n, d2]`
 * @param blocks the features F in blocks of samples `[r, b]`
 * @param dimension r
 */
export async function sampleProducts(
  embeddings: readonly FloatMatrix[],
  blocks: AsyncIterable<Matrix> | readonly Matrix[],
  dimension: number,
): Promise<SampleProducts> {
  const { rows: count = 0, cols: width = 0 } = embeddings[0] ?? {};
  const moments = emptyMoments(embeddings.length, width);
  const withFeatures = embeddings.map(() => zeros(dimension, width));
  const featureSums = new Float64Array(dimension);
  // Memory is used again from block to block: fresh pages cost more than the numbers that go into them.
  let shifted: Matrix[] = [];
  let first = 0;
  for await (const block of blocks) {
    if (shifted[0]?.rows !== block.cols) shifted = embeddings.map(() => zeros(block.cols, width));
    for (let from = 0; from < block.cols; from += CHUNK) {
      const to = Math.min(from + CHUNK, block.cols);
      const parts = shifted.map((matrix) => rowRange(matrix, from, to).data);
      addMoments(embeddings, first + from, parts, moments);
    }
    addRowSums(block, featureSums);
    for (const [k, right] of shifted.entries()) addTo(withFeatures[k] as Matrix, await multiply(block, right));
    first += block.cols;
  }

  const { offsets, scales, gram } = finishMoments(moments, count);
  withFeatures.forEach((products, k) => {
    centreAndScale(products, featureSums, offsets[k] as Float64Array, scales[k] as Float64Array);
  });
  return { gram, withFeatures };
}

/** Sums over samples of label embeddings, relative to their first row. */
interface LabelSums {
  /** K of `[d2]` */
  sums: Float64Array[];
  /** For k ≥ l `[d2]`, the sums of the products of embeddings k and l. */
  products: Float64Array[][];
}

function emptyMoments(size: number, width: number): LabelSums {
  return {
    sums: Array.from({ length: size }, () => new Float64Array(width)),
    products: Array.from({ length: size }, (_, k) => Array.from({ length: k + 1 }, () => new Float64Array(width))),
  };
}

/** Adds the samples from `first` on, as many as `parts` hold, which become the samples relative to the first row. */
function addMoments(
  embeddings: readonly FloatMatrix[],
  first: number,
  parts: readonly Float64Array[],
  { sums, products }: LabelSums,
): void {
  embeddings.forEach(({ cols, data }, k) => {
    const values = parts[k] as Float64Array;
    subtractFirstRow(data, first * cols, values, sums[k] as Float64Array);
    products[k]?.forEach((sum, l) => {
      addProducts(values, parts[l] as Float64Array, sum);
    });
  });
}

/** Means relative to the first row, 1/(std + 1e-8), and the inner products of the standardised embeddings. */
function finishMoments({ sums, products }: LabelSums, count: number) {
  const covariance = (k: number, l: number, j: number) =>
    (products[k]?.[l]?.[j] as number) - ((sums[k]?.[j] as number) * (sums[l]?.[j] as number)) / count;
  const scales = sums.map((sum, k) =>
    sum.map((_, j) => {
      const variance = covariance(k, k, j) / count;
      return variance > 0 ? 1 / (Math.sqrt(variance) + STANDARDISATION_EPSILON) : 0;
    }),
  );
  const gram = zeros(sums.length, sums.length);
  scales.forEach((scale, k) => {
    scales.slice(0, k + 1).forEach((other, l) => {
      const value = scale.reduce((sum, factor, j) => sum + factor * (other[j] as number) * covariance(k, l, j), 0);
      gram.data[k * gram.cols + l] = value;
      gram.data[l * gram.cols + k] = value;
    });
  });
  return { offsets: sums.map((sum) => sum.map((value) => value / count)), scales, gram };
}

/** Rows of `data` from index `start` on minus the first row, into `result`; adds them up into `sums`. */
function subtractFirstRow(data: FloatMatrix['data'], start: number, result: Float64Array, sums: Float64Array): void {
  const width = sums.length;
  const shift = Float64Array.from(data.subarray(0, width));
  let row = 0;
  // Four rows at a time: a third of the loads and stores, which is what such a loop waits for.
  for (; row + 4 * width <= result.length; row += 4 * width) {
    const [row1, row2, row3] = [row + width, row + 2 * width, row + 3 * width];
    for (let j = 0; j < width; j++) {
      const origin = shift[j] as number;
      const value0 = (data[start + row + j] as number) - origin;
      const value1 = (data[start + row1 + j] as number) - origin;
      const value2 = (data[start + row2 + j] as number) - origin;
      const value3 = (data[start + row3 + j] as number) - origin;
      result[row + j] = value0;
      result[row1 + j] = value1;
      result[row2 + j] = value2;
      result[row3 + j] = value3;
      sums[j] = (sums[j] as number) + (value0 + value1 + (value2 + value3));
    }
  }
  for (; row < result.length; row += width) {
    for (let j = 0; j < width; j++) {
      const value = (data[start + row + j] as number) - (shift[j] as number);
      result[row + j] = value;
      sums[j] = (sums[j] as number) + value;
    }
  }
}

/** Adds Σ a·b of every column to `products`. */
function addProducts(a: Float64Array, b: Float64Array, products: Float64Array): void {
  const width = products.length;
  let row = 0;
  for (; row + 4 * width <= a.length; row += 4 * width) {
    const [row1, row2, row3] = [row + width, row + 2 * width, row + 3 * width];
    for (let j = 0; j < width; j++) {
      products[j] =
        (products[j] as number) +
        ((a[row + j] as number) * (b[row + j] as number) + (a[row1 + j] as number) * (b[row1 + j] as number)) +
        ((a[row2 + j] as number) * (b[row2 + j] as number) + (a[row3 + j] as number) * (b[row3 + j] as number));
    }
  }
  for (; row < a.length; row += width) {
    for (let j = 0; j < width; j++) {
      products[j] = (products[j] as number) + (a[row + j] as number) * (b[row + j] as number);
    }
  }
}

function addRowSums({ rows, cols, data }: Matrix, sums: Float64Array): void {
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < cols; j++) {
      sum += data[i * cols + j] as number;
    }
    sums[i] = (sums[i] as number) + sum;
  }
}

/** Turns Σ f·e into Σ f·(e − mean)·scale. */
function centreAndScale(
  { rows, cols, data }: Matrix,
  featureSums: Float64Array,
  means: Float64Array,
  scale: Float64Array,
): void {
  for (let i = 0; i < rows; i++) {
    const featureSum = featureSums[i] as number;
    for (let j = 0; j < cols; j++) {
      const centred = (data[i * cols + j] as number) - featureSum * (means[j] as number);
      data[i * cols + j] = centred * (scale[j] as number);
    }
  }
}

/** An embedding `[n, d2]` and what standardises its columns: (x − shift − offset)·scale. */
export interface StandardisedColumns {
  embedding: FloatMatrix;
  shift: Float64Array;
  offset: Float64Array;
  scale: Float64Array;
}

/** Means, scales and ⟨Zₖ, Zₗ⟩ in one pass over small chunks of samples, relative to the first sample as in `sampleProducts`. */
export function labelMoments(embeddings: readonly FloatMatrix[]): { columns: StandardisedColumns[]; gram: Matrix } {
  const { rows: count = 0, cols: width = 0 } = embeddings[0] ?? {};
  const moments = emptyMoments(embeddings.length, width);
  const chunks = embeddings.map(() => new Float64Array(CHUNK * width));
  for (let from = 0; from < count; from += CHUNK) {
    const size = Math.min(CHUNK, count - from) * width;
    addMoments(
      embeddings,
      from,
      chunks.map((chunk) => chunk.subarray(0, size)),
      moments,
    );
  }
  const { offsets, scales, gram } = finishMoments(moments, count);
  const columns = embeddings.map((embedding, k) => ({
    embedding,
    shift: Float64Array.from(embedding.data.subarray(0, width)),
    offset: offsets[k] as Float64Array,
    scale: scales[k] as Float64Array,
  }));
  return { columns, gram };
}
