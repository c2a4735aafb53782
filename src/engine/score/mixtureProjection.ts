import type { FloatMatrix } from '../linalg/matrix.ts';
import { zeros } from '../linalg/matrix.ts';
import { addProduct, gemm } from '../linalg/onnxKernels.ts';
import { addSquares } from '../linalg/sampleRows.ts';
import type { LabelColumns } from './labelRows.ts';
import { addDots, mixRows } from './labelRows.ts';
import { quadraticForm } from './simplex.ts';
import type { SingleFeatures } from './singleFeatures.ts';

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
 * The projection of one mixture of embeddings of samples, in two products in single precision whatever K is: F·Y, and from
 * W = (F·Fᵀ)⁻¹·F·Y back to the samples, P·Y = Fᵀ·W, for the inner products with the Zₖ, which are in double precision.
 *
 * The error follows from what must be the same: per column ⟨P·Y, Y⟩ and |P·Y|². Products with a Zₖ are as much more in error
 * as it is longer than Y; |P·Y|² as 2·⟨P·Y, Y⟩ − |P·Y|² only to second order in the error of P·Y.
 *
 * @param embeddings K of `[n, d2]`
 * @param columns theirs
 * @param weights t `[K]`
 */
export async function mixtureProjection(
  embeddings: readonly FloatMatrix[],
  columns: LabelColumns,
  weights: readonly number[],
  { blocks, rank, solve }: SingleFeatures,
): Promise<MixtureProjection> {
  const { cols: width = 0 } = embeddings[0] ?? {};
  const sums = new Float32Array(rank * width);
  let count = 0;
  for (const block of blocks) {
    const size = block.length / rank;
    const mixture = mixRows(embeddings, columns, weights, count, count + size);
    await addProduct(1, block, mixture, sums, rank, size, width, 'neither');
    count += size;
  }
  const coefficients = await solve(sums);

  const dots = zeros(embeddings.length, width);
  const squares = new Float64Array(width);
  const memory = new Float32Array(((blocks[0]?.length ?? 0) / rank) * width);
  let first = 0;
  for (const block of blocks) {
    const rows = block.length / rank;
    const fitted = memory.subarray(0, rows * width);
    await gemm(block, coefficients, fitted, rows, rank, width, 'a');
    addDots(embeddings, columns, fitted, first, dots);
    addSquares({ rows, cols: width, data: fitted }, 0, rows, new Float64Array(width), squares);
    first += rows;
  }
  const products = columns.scales.map(() => 0);
  let [square, error, squaredError] = [0, 0, 0];
  squares.forEach((fittedSquare, j) => {
    let product = 0;
    columns.scales.forEach((scale, k) => {
      const value = (scale[j] as number) * (dots.data[k * width + j] as number);
      products[k] = (products[k] as number) + value;
      product += (weights[k] as number) * value;
    });
    square += 2 * product - fittedSquare;
    error += product - fittedSquare;
    squaredError += (product - fittedSquare) ** 2;
  });
  const longest = columns.gram.data.reduce((max, value) => Math.max(max, value), 0);
  return {
    square,
    products,
    error:
      2 *
      Math.max(Math.abs(error), Math.sqrt(squaredError)) *
      Math.sqrt(longest / quadraticForm(columns.gram, weights)),
  };
}
