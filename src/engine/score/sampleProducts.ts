import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { addTo, difference, dot, zeros } from '../linalg/matrix.ts';
import { multiply } from '../linalg/multiply.ts';
import { addProduct } from '../linalg/onnxKernels.ts';
import type { LabelColumns } from './labelRows.ts';
import { centreRows } from './labelRows.ts';

/** How wrong products in single precision are. */
interface CheckedProducts {
  /** `[r, d2]` for every k: S = F·Zₖ. */
  products: Matrix[];
  /** For every k: `|C·(S − F·Zₖ)|` in the Frobenius norm. */
  errors: number[];
}

/**
 * F·Zₖ `[r, d2]` for features F `[r, n]` and standardised label embeddings Zₖ `[n, d2]`, in a sweep over the samples that never
 * holds a standardised embedding: mean and scale of a column are applied to the sums afterwards. All in double precision.
 *
 * @param embeddings K of `[n, d2]`
 * @param columns theirs
 * @param blocks F in blocks of samples `[r, b]`
 * @param dimension r
 */
export async function sampleProducts(
  embeddings: readonly FloatMatrix[],
  columns: LabelColumns,
  blocks: AsyncIterable<Matrix> | readonly Matrix[],
  dimension: number,
): Promise<Matrix[]> {
  const { sums } = await sweep(embeddings, columns, blocks, zeros(0, dimension), Float64Array);
  return sums;
}

/**
 * The same in single precision, twice as fast, with its errors in double precision: C·F·Zₖ costs little for a C of few rows.
 *
 * @param checks C `[c, r]`
 */
export async function checkedSampleProducts(
  embeddings: readonly FloatMatrix[],
  columns: LabelColumns,
  blocks: AsyncIterable<Matrix> | readonly Matrix[],
  checks: Matrix,
): Promise<CheckedProducts> {
  const { sums, checkSums } = await sweep(embeddings, columns, blocks, checks, Float32Array);
  const errors: number[] = [];
  for (const [k, products] of sums.entries()) {
    const error = difference(await multiply(checks, products), checkSums[k] as Matrix);
    errors.push(Math.sqrt(dot(error.data, error.data)));
  }
  return { products: sums, errors };
}

/** F·Zₖ with products in the precision of `Numbers`, and C·F·Zₖ in double precision. */
async function sweep(
  embeddings: readonly FloatMatrix[],
  { shifts, offsets, scales }: LabelColumns,
  blocks: AsyncIterable<Matrix> | readonly Matrix[],
  checks: Matrix,
  Numbers: typeof Float32Array | typeof Float64Array,
): Promise<{ sums: Matrix[]; checkSums: Matrix[] }> {
  const { cols: width = 0 } = embeddings[0] ?? {};
  const dimension = checks.cols;
  const single = Numbers === Float32Array;
  const sums = embeddings.map(() => new Numbers(dimension * width));
  const checkSums = embeddings.map(() => zeros(checks.rows, width));
  const featureSums = zeros(dimension, 1);
  let first = 0;
  for await (const block of blocks) {
    const features = single ? new Float32Array(block.data) : block.data;
    const weights = await multiply(checks, block);
    addTo(featureSums, await multiply(block, ones(block.cols)));
    for (const [k, embedding] of embeddings.entries()) {
      const rows = centreRows(embedding, shifts[k] as Float64Array, first, first + block.cols, weights, single);
      const sum = sums[k] as Float32Array | Float64Array;
      await addProduct(1, features, rows.centred, sum, dimension, block.cols, width, 'neither');
      addTo(checkSums[k] as Matrix, rows.sums);
    }
    first += block.cols;
  }
  const standardise = (matrix: Matrix, totals: Matrix, k: number) =>
    centreAndScale(matrix, totals.data, offsets[k] as Float64Array, scales[k] as Float64Array);
  const checkTotals = await multiply(checks, featureSums);
  return {
    sums: sums.map((data, k) =>
      standardise({ rows: dimension, cols: width, data: new Float64Array(data) }, featureSums, k),
    ),
    checkSums: checkSums.map((matrix, k) => standardise(matrix, checkTotals, k)),
  };
}

function ones(rows: number): Matrix {
  return { rows, cols: 1, data: new Float64Array(rows).fill(1) };
}

/** Turns Σ f·e into Σ f·(e − mean)·scale, in place. */
function centreAndScale(matrix: Matrix, featureSums: Float64Array, means: Float64Array, scale: Float64Array): Matrix {
  const { rows, cols, data } = matrix;
  for (let i = 0; i < rows; i++) {
    const featureSum = featureSums[i] as number;
    for (let j = 0; j < cols; j++) {
      const centred = (data[i * cols + j] as number) - featureSum * (means[j] as number);
      data[i * cols + j] = centred * (scale[j] as number);
    }
  }
  return matrix;
}
