import type { Matrix } from '../linalg/matrix.ts';
import { dot, rowRange, rowSquares, zeros } from '../linalg/matrix.ts';
import { BLOCK_SAMPLES } from '../linalg/sampleRows.ts';
import type { SufficientStatistics } from '../stats/sufficientStatistics.ts';
import type { Evidence } from './evidence.ts';

/** All but this part of the variance lies along one direction: what varies along others drowns in the rounding of a Gram matrix. */
const OTHER_DIRECTIONS = 1e-3;

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

/**
 * `[d]`, the sample, less the mean, that is so far from all others that it makes up more than half of the variance; as a rule
 * there is none.
 */
export async function dominantSample(evidence: Evidence): Promise<Float64Array | undefined> {
  const { gram } = await evidence.statistics();
  let trace = 0;
  for (let j = 0; j < gram.rows; j++) trace += gram.data[j * gram.cols + j] as number;
  // The Gram matrix tells at once that no direction dominates; the samples are many more numbers.
  if (!(Math.sqrt(dot(gram.data, gram.data)) > (1 - OTHER_DIRECTIONS) * trace)) return undefined;
  for (let from = 0; from < evidence.count; from += BLOCK_SAMPLES) {
    const samples = await centredSamples(evidence, from, Math.min(from + BLOCK_SAMPLES, evidence.count));
    const index = rowSquares(samples).findIndex((square) => square > trace / 2);
    if (index >= 0) return rowRange(samples, index, index + 1).data;
  }
  return undefined;
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
