import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { zeros } from '../linalg/matrix.ts';

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
  for (let i = 0; i < rows; i++) {
    const label = labels[i] as number;
    addSample(data, i * cols, shift, sums.data.subarray(label * cols, (label + 1) * cols), squares);
  }
  const offset = new Float64Array(cols);
  for (let at = 0; at < sums.data.length; at++) {
    offset[at % cols] = (offset[at % cols] as number) + (sums.data[at] as number) / rows;
  }
  const variance = squares.map((square, j) => Math.max(0, square / rows - (offset[j] as number) ** 2));
  return { shift, offset, variance, sums };
}

function addSample(
  data: FloatMatrix['data'],
  start: number,
  shift: Float64Array,
  sum: Float64Array,
  squares: Float64Array,
): void {
  for (let j = 0; j < shift.length; j++) {
    const value = (data[start + j] as number) - (shift[j] as number);
    sum[j] = (sum[j] as number) + value;
    squares[j] = (squares[j] as number) + value * value;
  }
}
