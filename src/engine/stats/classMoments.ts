import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { addTo, zeros } from '../linalg/matrix.ts';
import { addSquares, sumRows } from '../linalg/sampleRows.ts';

/** Samples that are copied to where they are summed at once. */
const BLOCK_SAMPLES = 512;

/** Means, variances and class sums of features, without their Gram matrix: one cheap pass. */
export interface ClassMoments {
  /** `[d]`, the first sample, which the others are relative to. */
  shift: Float64Array;
  /** `[d]`, mean − shift. */
  offset: Float64Array;
  /**
   * `[d]`, population variance, to a relative n²·ε at worst: one sample of n, `shift`, is never farther than √n standard
   * deviations from the mean. Exactly 0 for a constant feature.
   */
  variance: Float64Array;
  /** `[C, d]`, per class Σ(x−shift). */
  sums: Matrix;
}

/**
 * @param features `[n, d]`
 * @param labels `[n]` class indices below `classCount`
 */
export function classMoments(features: FloatMatrix, labels: Int32Array, classCount: number): ClassMoments {
  const { rows, cols, data } = features;
  const shift = Float64Array.from(data.subarray(0, cols));
  const squares = new Float64Array(cols);
  const sums = zeros(classCount, cols);
  for (let from = 0; from < rows; from += BLOCK_SAMPLES) {
    const to = Math.min(from + BLOCK_SAMPLES, rows);
    addTo(sums, sumRows(features, from, labels.subarray(from, to), classCount, shift));
    addSquares(features, from, to, shift, squares);
  }
  const offset = new Float64Array(cols);
  for (let at = 0; at < sums.data.length; at++) {
    offset[at % cols] = (offset[at % cols] as number) + (sums.data[at] as number) / rows;
  }
  const variance = squares.map((square, j) => Math.max(0, square / rows - (offset[j] as number) ** 2));
  return { shift, offset, variance, sums };
}
