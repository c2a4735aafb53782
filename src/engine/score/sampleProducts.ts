import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { addTo, zeros } from '../linalg/matrix.ts';
import { multiply } from '../linalg/multiply.ts';
import { labelColumns, mixRows } from './labelRows.ts';

/** Inner products of standardised label embeddings Zₖ `[n, d2]`. */
interface SampleProducts {
  /** `[K, K]`, ⟨Zₖ, Zₗ⟩ */
  gram: Matrix;
  /** `[r, d2]` for every k: F·Zₖ with the features F `[r, n]`. */
  withFeatures: Matrix[];
}

/**
 * Two sweeps over the samples that never hold a standardised embedding: mean and scale of a column are applied to the sums
 * afterwards. All in double precision.
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
  const { cols: width = 0 } = embeddings[0] ?? {};
  const { shifts, offsets, scales, gram } = labelColumns(embeddings);
  const withFeatures = embeddings.map(() => zeros(dimension, width));
  const featureSums = new Float64Array(dimension);
  const unscaled = [new Float64Array(width).fill(1)];
  const noVectors = zeros(0, width);
  // Memory is used again from block to block: fresh pages cost more than the numbers that go into them.
  let memory = zeros(0, width);
  let first = 0;
  for await (const block of blocks) {
    if (memory.rows !== block.cols) memory = zeros(block.cols, width);
    addRowSums(block, featureSums);
    for (const [k, embedding] of embeddings.entries()) {
      const one = { embeddings: [embedding], shifts: [shifts[k] as Float64Array] };
      mixRows(one, unscaled, first, first + block.cols, memory.data, noVectors);
      addTo(withFeatures[k] as Matrix, await multiply(block, memory));
    }
    first += block.cols;
  }
  withFeatures.forEach((products, k) => {
    centreAndScale(products, featureSums, offsets[k] as Float64Array, scales[k] as Float64Array);
  });
  return { gram, withFeatures };
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
