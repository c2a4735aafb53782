import { reflectionsToAxes } from '../linalg/axisReflection.ts';
import type { Matrix } from '../linalg/matrix.ts';
import { dot, joinRows, rowRange, rowSquares, submatrix, zeros } from '../linalg/matrix.ts';
import { reflectBothSides } from '../linalg/onnxKernels.ts';
import { BLOCK_SAMPLES } from '../linalg/sampleRows.ts';
import type { SufficientStatistics } from '../stats/sufficientStatistics.ts';
import { trace } from './classScatter.ts';
import type { Evidence } from './evidence.ts';

/** All but this part of the variance lies along few directions: what varies along others drowns in the rounding of a Gram matrix. */
const OTHER_DIRECTIONS = 1e-3;
/** More are no exceptions. */
const MOST_FAR_SAMPLES = 8;

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
 * The few samples `[k, d]`, less the mean of all, so far from all others that hardly anything varies along other directions than
 * theirs; as a rule there are none.
 */
export async function farSamples(evidence: Evidence): Promise<Matrix | undefined> {
  const { gram } = await evidence.statistics();
  const total = trace(gram);
  // The Gram matrix tells at once that no few directions dominate; the samples are many more numbers.
  if (!(MOST_FAR_SAMPLES * dot(gram.data, gram.data) > ((1 - OTHER_DIRECTIONS) * total) ** 2)) return undefined;
  const far: Matrix[] = [];
  for (let from = 0; from < evidence.count; from += BLOCK_SAMPLES) {
    const samples = await centredSamples(evidence, from, Math.min(from + BLOCK_SAMPLES, evidence.count));
    rowSquares(samples).forEach((square, i) => {
      if (square > total / (2 * MOST_FAR_SAMPLES)) far.push(rowRange(samples, i, i + 1));
    });
    if (far.length > MOST_FAR_SAMPLES) return undefined;
  }
  if (far.length === 0 || far.length >= Math.min(evidence.count, gram.rows)) return undefined;
  const vectors = joinRows(...far);
  const turned: Matrix = { ...gram, data: gram.data.slice() };
  await reflectBothSides(reflectionsToAxes(vectors), turned);
  const along = trace(submatrix(turned, 0, 0, vectors.rows, vectors.rows));
  return along > (1 - OTHER_DIRECTIONS) * total ? vectors : undefined;
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
