import { addGramian, gemm } from '../linalg/onnxKernels.ts';
import { randomNormals } from '../linalg/randomMatrix.ts';
import { BLOCK_SAMPLES, singleColumns } from '../linalg/sampleRows.ts';
import type { SinglePanels } from '../linalg/singleCholesky.ts';
import { emptyPanels, factorise, solveLower, solveUpper } from '../linalg/singleCholesky.ts';
import { uniformNumbers } from '../random.ts';
import { classMoments } from '../stats/classMoments.ts';
import type { Evidence } from './evidence.ts';
import { featureSpace, unitScale } from './featureSpace.ts';
import { mixRows } from './labelRows.ts';

/** Vectors F `[r, n]` in single precision that span the column space of the features. */
export interface SingleFeatures {
  /** r */
  rank: number;
  /** F in blocks `[r, b]` of samples. */
  blocks: readonly Float32Array[];
  /** (F·Fᵀ)⁻¹·S for S `[r, c]`. */
  solve(sums: Float32Array): Promise<Float32Array>;
  /** Fᵀ·W for W `[r, c]` in blocks `[b, c]` of samples, each valid until the next. */
  fitted(coefficients: Float32Array): AsyncIterable<Float32Array>;
}

/**
 * Mean eigenvalue × mean inverse eigenvalue up to which a Gram matrix in single precision, which costs half, is good enough.
 * That of independent features and many samples is 1.
 */
const TRUSTED_CONDITION = 10;
/** Random vectors that the mean inverse eigenvalue is measured on. */
const PROBES = 8;

/** From the features themselves where they are far from dependent, else from their column space in double precision. */
export async function singleFeatures(evidence: Evidence): Promise<SingleFeatures> {
  return (await independentFeatures(evidence)) ?? (await spanningVectors(evidence));
}

async function independentFeatures({ features, count }: Evidence): Promise<SingleFeatures | undefined> {
  const { cols: dimension } = features;
  if (count <= dimension) return undefined;
  const { shift, offset, variance } = classMoments(features, new Int32Array(count), 1);
  const scale = unitScale(variance, count);
  if (scale.includes(0)) return undefined;
  const blocks: Float32Array[] = [];
  const factor = emptyPanels(dimension);
  for (let from = 0; from < count; from += BLOCK_SAMPLES) {
    const to = Math.min(from + BLOCK_SAMPLES, count);
    const block = singleColumns(features, from, to, { shift, offset, scale }).slice();
    await addGramian(factor, block);
    blocks.push(block);
    // The first samples tell already, before the others have cost anything.
    if (from === 0 && !(await isTrusted(factor, to))) return undefined;
  }
  if (!(await factorise(factor))) return undefined;
  return {
    rank: dimension,
    blocks,
    solve: async (sums) => {
      const solution = sums.slice();
      await solveLower(factor, solution, sums.length / dimension);
      await solveUpper(factor, solution, sums.length / dimension);
      return solution;
    },
    async *fitted(coefficients) {
      const width = coefficients.length / dimension;
      const memory = new Float32Array(Math.min(BLOCK_SAMPLES, count) * width);
      for (let from = 0; from < count; from += BLOCK_SAMPLES) {
        const to = Math.min(from + BLOCK_SAMPLES, count);
        // Standardised by rows once more: a product that transposes F takes a quarter longer.
        const rows = mixRows([features], { shifts: [shift], offsets: [offset], scales: [scale] }, [1], from, to);
        const result = memory.subarray(0, (to - from) * width);
        await gemm(rows, coefficients, result, to - from, dimension, width, 'neither');
        yield result;
      }
    },
  };
}

/** Whether a Gram matrix of `count` samples of unit variance, which is its mean eigenvalue, is conditioned well enough. */
async function isTrusted({ size, panels }: SinglePanels, count: number): Promise<boolean> {
  const factor = { size, panels: panels.map((panel) => ({ ...panel, data: panel.data.slice() })) };
  if (!(await factorise(factor))) return false;
  // For Gaussian g the mean of |L⁻¹·g|² is the trace of the inverse.
  const probes = new Float32Array(randomNormals(size, PROBES, uniformNumbers(1)).data);
  await solveLower(factor, probes, PROBES);
  const meanInverse = probes.reduce((sum, value) => sum + value * value, 0) / probes.length;
  return count * meanInverse <= TRUSTED_CONDITION;
}

async function spanningVectors(evidence: Evidence): Promise<SingleFeatures> {
  const space = await featureSpace(evidence);
  const blocks: Float32Array[] = [];
  for await (const { data } of space.blocks()) blocks.push(new Float32Array(data));
  const { rows: rank } = space.whitening;
  const whitening = new Float32Array(space.whitening.data);
  return {
    rank,
    blocks,
    solve: async (sums) => {
      const width = sums.length / rank;
      const [coordinates, solution] = [new Float32Array(sums.length), new Float32Array(sums.length)];
      await gemm(whitening, sums, coordinates, rank, rank, width, 'neither');
      await gemm(whitening, coordinates, solution, rank, rank, width, 'a');
      return solution;
    },
    async *fitted(coefficients) {
      const width = coefficients.length / rank;
      for (const block of blocks) {
        const result = new Float32Array((block.length / rank) * width);
        await gemm(block, coefficients, result, block.length / rank, rank, width, 'a');
        yield result;
      }
    },
  };
}
