import type { Matrix } from '../linalg/matrix.ts';
import { transpose } from '../linalg/matrix.ts';
import { gramian, multiply, multiplyLowerTriangular, squaredLengths } from '../linalg/multiply.ts';
import { solveNormalEquations } from '../linalg/normalEquations.ts';
import { BLOCK_SAMPLES, standardisedColumns } from '../linalg/sampleRows.ts';
import { classMoments } from '../stats/classMoments.ts';
import { standardisedSums } from '../stats/sufficientStatistics.ts';
import type { Evidence } from './evidence.ts';
import { featureSpace, unitScale } from './featureSpace.ts';

/** The projections P·u of the class indicators u `[n, C]` on the column space of X. */
export interface IndicatorFit {
  /** `[C, C]`, ⟨P·u, P·u⟩ */
  products: Matrix;
  /** In blocks of samples (P·u)ᵀ `[C, b]` and the diagonal of P `[b]`. */
  fits(): AsyncIterable<{ indicators: Matrix; leverages: Float64Array }>;
}

/** Multiplications from which on a Gram matrix in single precision, refined, is worth its extra passes. */
const LARGE = 4e9;

/** The least-squares fit of the class indicators, by the cheaper way that is exact enough. */
export async function indicatorFit(evidence: Evidence, labels: Int32Array): Promise<IndicatorFit> {
  return (await refinedFit(evidence, labels)) ?? (await projectedFit(evidence, labels));
}

/**
 * By normal equations that are solved in single precision and refined, for many features and few classes. Products to
 * 1e-12, see `linalg/normalEquations.ts`.
 *
 * @returns undefined when that doesn't pay, or features are constant or too close to dependent
 */
async function refinedFit(evidence: Evidence, labels: Int32Array): Promise<IndicatorFit | undefined> {
  const { features, count, classCount } = evidence;
  const { cols: d } = features;
  if (count <= d || count * d * d < LARGE || 8 * classCount > d) return undefined;
  const { shift, offset, variance, sums } = classMoments(features, labels, classCount);
  const scale = unitScale(variance, count);
  if (scale.includes(0)) return undefined;
  function* blocks() {
    for (let from = 0; from < count; from += BLOCK_SAMPLES) {
      const to = Math.min(from + BLOCK_SAMPLES, count);
      yield standardisedColumns(features, from, to, { shift, offset, scale });
    }
  }
  const solved = await solveNormalEquations(blocks, standardisedSums(sums, evidence.classCounts(), offset, scale));
  if (solved === undefined) return undefined;
  const coefficients = transpose(solved.solution);
  return {
    products: solved.products,
    async *fits() {
      for (const block of blocks()) {
        yield { indicators: await multiply(coefficients, block), leverages: await solved.leverages(block) };
      }
    },
  };
}

/** By the projector in double precision, whatever the features. */
async function projectedFit(evidence: Evidence, labels: Int32Array): Promise<IndicatorFit> {
  const { blocks, whitening, classSums } = await featureSpace(evidence);
  const coordinates = transpose(await multiplyLowerTriangular(whitening, await classSums(labels)));
  return {
    products: await gramian(coordinates),
    async *fits() {
      const coefficients = await multiply(coordinates, whitening);
      for await (const block of blocks()) {
        yield {
          indicators: await multiply(coefficients, block),
          leverages: await squaredLengths(whitening, block, true),
        };
      }
    },
  };
}
