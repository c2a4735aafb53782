import type { Matrix } from '../linalg/matrix.ts';
import { zeros } from '../linalg/matrix.ts';
import type { SufficientStatistics } from '../stats/sufficientStatistics.ts';
import type { Evidence } from './evidence.ts';

/** `[d]`, the mean of the samples. */
export function featureMean({ shift, offset }: SufficientStatistics): Float64Array {
  return shift.map((value, j) => value + (offset[j] as number));
}

/** `[to − from, d]`, the samples less their mean, exact however large the mean is; all by default. */
export async function centredSamples(evidence: Evidence, from = 0, to = evidence.count): Promise<Matrix> {
  const { shift, offset } = await evidence.statistics();
  const { cols, data } = evidence.features;
  const result = zeros(to - from, cols);
  for (let i = 0; i < result.rows; i++) {
    const source = (from + i) * cols;
    const target = i * cols;
    for (let j = 0; j < cols; j++) {
      // In this order: the difference of two features is exact when they are close, their mean is not.
      result.data[target + j] = (data[source + j] as number) - (shift[j] as number) - (offset[j] as number);
    }
  }
  return result;
}

/** The indices of the samples of every class that has any, in the order of the classes. */
export function samplesByClass(labels: Int32Array, classCount: number): number[][] {
  const samples: number[][] = Array.from({ length: classCount }, () => []);
  labels.forEach((label, i) => {
    samples[label]?.push(i);
  });
  return samples.filter((members) => members.length > 0);
}

/** Every column times its factor, new. */
export function scaleColumns({ rows, cols, data }: Matrix, factors: Float64Array): Matrix {
  const result = zeros(rows, cols);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      const at = i * cols + j;
      result.data[at] = (data[at] as number) * (factors[j] as number);
    }
  }
  return result;
}

/** Every row times its factor, new. */
export function scaleRows(matrix: Matrix, factors: Float64Array): Matrix {
  const { cols } = matrix;
  return { ...matrix, data: matrix.data.map((value, at) => value * (factors[Math.floor(at / cols)] as number)) };
}
