import type { FloatMatrix } from '../linalg/matrix.ts';
import { zeros } from '../linalg/matrix.ts';
import { addProduct } from '../linalg/onnxKernels.ts';
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
  { blocks, rank, solve, fitted }: SingleFeatures,
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

  const dots = zeros(embeddings.length + 1, width);
  let first = 0;
  for await (const block of fitted(await solve(sums))) {
    addDots(embeddings, columns, block, first, dots);
    first += block.length / width;
  }
  const products = columns.scales.map(() => 0);
  let [square, error, squaredError] = [0, 0, 0];
  dots.data.subarray(embeddings.length * width).forEach((fittedSquare, j) => {
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
