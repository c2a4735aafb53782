import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { zeros } from '../linalg/matrix.ts';
import { addProduct, gemm } from '../linalg/onnxKernels.ts';
import { addSquares } from '../linalg/sampleRows.ts';
import type { LabelColumns } from './labelRows.ts';
import { addDots, mixRows } from './labelRows.ts';
import { quadraticForm } from './simplex.ts';

/** A mixture Y = Σ tₖ·Zₖ of standardised label embeddings, and its projection P·Y on the column space of the features. */
export interface MixtureProjection {
  /** |P·Y|² */
  square: number;
  /** `[K]`, ⟨P·Y, Zₖ⟩ */
  products: number[];
  /** How wrong these may be. */
  error: number;
}

/**
 * The projection of one mixture of embeddings of samples, in two products in single precision whatever K is: coordinates
 * C = L⁻¹·F·Y, and back to the samples, P·Y = Fᵀ·L⁻ᵀ·C, for the inner products with the Zₖ. The rest is in double precision.
 *
 * The error follows from what must be the same: per column ⟨P·Y, Y⟩ and |C|², which is twice as wrong as they differ. The
 * squared differences of the d2 columns add up to that of the sums, for rounding has no sign; products with a Zₖ are as much
 * more in error as it is longer than Y.
 *
 * @param embeddings K of `[n, d2]`
 * @param columns theirs
 * @param weights t `[K]`
 * @param blocks F `[r, n]` in blocks of samples, which are kept
 * @param whitening L⁻¹ `[r, r]`, so that the rows of L⁻¹·F are orthonormal
 */
export async function mixtureProjection(
  embeddings: readonly FloatMatrix[],
  columns: LabelColumns,
  weights: readonly number[],
  blocks: AsyncIterable<Float32Array>,
  whitening: Matrix,
): Promise<MixtureProjection> {
  const { rows: rank } = whitening;
  const { cols: width = 0 } = embeddings[0] ?? {};
  const features: Float32Array[] = [];
  const sums = new Float32Array(rank * width);
  let count = 0;
  for await (const block of blocks) {
    features.push(block);
    const size = block.length / rank;
    const mixture = mixRows(embeddings, columns, weights, count, count + size);
    await addProduct(1, block, mixture, sums, rank, size, width, 'neither');
    count += size;
  }
  const inverse = new Float32Array(whitening.data);
  const coordinates = new Float32Array(sums.length);
  await gemm(inverse, sums, coordinates, rank, rank, width, 'neither');
  const coefficients = sums;
  await gemm(inverse, coordinates, coefficients, rank, rank, width, 'a');

  const dots = zeros(embeddings.length, width);
  const memory = new Float32Array(((features[0]?.length ?? 0) / rank) * width);
  let first = 0;
  for (const block of features) {
    const rows = block.length / rank;
    const fitted = memory.subarray(0, rows * width);
    await gemm(block, coefficients, fitted, rows, rank, width, 'a');
    addDots(embeddings, columns, fitted, first, dots);
    first += rows;
  }
  const squares = new Float64Array(width);
  addSquares({ rows: rank, cols: width, data: coordinates }, 0, rank, new Float64Array(width), squares);
  const products = columns.scales.map(() => 0);
  let [error, squaredError] = [0, 0];
  squares.forEach((square, j) => {
    let product = 0;
    columns.scales.forEach((scale, k) => {
      const value = (scale[j] as number) * (dots.data[k * width + j] as number);
      products[k] = (products[k] as number) + value;
      product += (weights[k] as number) * value;
    });
    error += product - square;
    squaredError += (product - square) ** 2;
  });
  const longest = columns.gram.data.reduce((max, value) => Math.max(max, value), 0);
  return {
    square: squares.reduce((sum, square) => sum + square, 0),
    products,
    error:
      2 *
      Math.max(Math.abs(error), Math.sqrt(squaredError)) *
      Math.sqrt(longest / quadraticForm(columns.gram, weights)),
  };
}
