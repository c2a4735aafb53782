import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { zeros } from '../linalg/matrix.ts';
import { SINGLE_PRECISION_FROM } from '../linalg/multiply.ts';
import { gemm } from '../linalg/onnxKernels.ts';
import { STANDARDISATION_EPSILON } from './evidence.ts';

/** Inner products of standardised label embeddings Zₖ `[n, d2]`. */
interface SampleProducts {
  /** `[K, K]`, ⟨Zₖ, Zₗ⟩ */
  gram: Matrix;
  /** `[r, d2]` for every k: F·Zₖ with the features F `[r, n]`. */
  withFeatures: Matrix[];
}

/**
 * One sweep over the samples that never holds a standardised embedding: mean and scale of a column are applied to the sums
 * afterwards. Until then values are taken relative to the first sample, which costs the variances no more than n·ε: one
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
  // In a block of samples, that is; blocks are added up in double precision.
  const Numbers = count * dimension * width >= SINGLE_PRECISION_FROM ? Float32Array : Float64Array;
  const sums = embeddings.map(() => new Float64Array(width));
  const squares = embeddings.map((_, k) => Array.from({ length: k + 1 }, () => new Float64Array(width)));
  const withFeatures = embeddings.map(() => zeros(dimension, width));
  const featureSums = new Float64Array(dimension);
  const product = new Numbers(dimension * width);
  // Memory is used again from block to block: fresh pages cost more than the numbers that go into them.
  let features = new Numbers(0);
  let numbers = new Numbers(0);
  let shifted: Float64Array[] = [];

  let first = 0;
  for await (const block of blocks) {
    const size = block.cols * width;
    if (numbers.length !== size) {
      features = new Numbers(block.data.length);
      numbers = new Numbers(size);
      shifted = embeddings.map(() => new Float64Array(size));
    }
    features.set(block.data);
    addRowSums(block, featureSums);
    for (const [k, { data }] of embeddings.entries()) {
      const values = shifted[k] as Float64Array;
      subtractFirstRow(data, first * width, values, sums[k] as Float64Array);
      squares[k]?.forEach((products, l) => {
        addProducts(values, shifted[l] as Float64Array, products);
      });
      numbers.set(values);
      await gemm<Float32Array | Float64Array>(features, numbers, product, dimension, block.cols, width, false);
      add(withFeatures[k] as Matrix, product);
    }
    first += block.cols;
  }

  const covariance = (k: number, l: number, j: number) =>
    (squares[k]?.[l]?.[j] as number) - ((sums[k]?.[j] as number) * (sums[l]?.[j] as number)) / count;
  const scales = embeddings.map((_, k) =>
    Float64Array.from({ length: width }, (_, j) => {
      const variance = covariance(k, k, j) / count;
      return variance > 0 ? 1 / (Math.sqrt(variance) + STANDARDISATION_EPSILON) : 0;
    }),
  );
  const gram = zeros(embeddings.length, embeddings.length);
  scales.forEach((scale, k) => {
    scales.slice(0, k + 1).forEach((other, l) => {
      const value = scale.reduce((sum, factor, j) => sum + factor * (other[j] as number) * covariance(k, l, j), 0);
      gram.data[k * gram.cols + l] = value;
      gram.data[l * gram.cols + k] = value;
    });
    centreAndScale(withFeatures[k] as Matrix, featureSums, sums[k]?.map((sum) => sum / count) ?? scale, scale);
  });
  return { gram, withFeatures };
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

function add({ data }: Matrix, product: Float32Array | Float64Array): void {
  for (let i = 0; i < data.length; i++) {
    data[i] = (data[i] as number) + (product[i] as number);
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
