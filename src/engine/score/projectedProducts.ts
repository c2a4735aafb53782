import type { Matrix } from '../linalg/matrix.ts';
import { difference, dot, zeros } from '../linalg/matrix.ts';
import { inTurn, multiply, multiplyLowerTriangular, SINGLE_PRECISION_FROM } from '../linalg/multiply.ts';
import { randomSigns } from '../linalg/randomMatrix.ts';
import { uniformNumbers } from '../random.ts';
import type { Evidence } from './evidence.ts';
import type { FeatureSpace } from './featureSpace.ts';
import type { LabelColumns } from './labelRows.ts';
import { checkedSampleProducts, sampleProducts } from './sampleProducts.ts';
import { minimiseOnSimplex, quadraticForm } from './simplex.ts';

/** Random combinations of coordinates that single precision is checked on. */
const CHECKS = 2;
/** Largest error of a projection in single precision, relative to the least residual that any mixture has. */
const LARGEST_ERROR = 1e-6;

/**
 * The inner products ⟨P·Zₖ, P·Zₗ⟩ `[K, K]` of standardised label embeddings Zₖ `[n, d2]` of samples, projected on the column
 * space of the features, from the coordinates L⁻¹·F·Zₖ. The large products F·Zₖ are computed in single precision where
 * that pays, and checked: with random signs h `[r]`, hᵀ·L⁻¹·(F·Zₖ) must be (hᵀ·L⁻¹·F)·Zₖ, which costs little in double
 * precision. The squared difference is on average the squared error of the coordinates in the Frobenius norm; over the
 * rounding of so many columns two h and a factor of two make sure of it. When that is more than 1e-6 of the least
 * |Z·t − P·Z·t| of any mixture t, all is done again in double precision. So |P·Z·t − Z·λ|, the root of the score, is right to
 * 1e-6 for any two mixtures t and λ; in fact to far less, for rounding doesn't point along it.
 *
 * @param columns those of the label embeddings
 * @param space F `[r, n]` in blocks of samples, and L⁻¹ `[r, r]`, so that the rows of L⁻¹·F are orthonormal
 */
export async function projectedProducts(
  { count, embeddingShape, labelEmbeddings }: Evidence,
  columns: LabelColumns,
  { blocks, whitening }: FeatureSpace,
): Promise<Matrix> {
  const { rows: rank } = whitening;
  if (count * rank * embeddingShape.width >= SINGLE_PRECISION_FROM) {
    const checks = await multiply(randomSigns(CHECKS, rank, uniformNumbers(1)), whitening);
    const { products, errors } = await checkedSampleProducts(labelEmbeddings, columns, blocks(), checks);
    const projected = await project(products, whitening);
    const residual = difference(columns.gram, projected);
    const least = Math.sqrt(Math.max(0, quadraticForm(residual, minimiseOnSimplex(residual))));
    if (2 * Math.max(...errors) <= Math.sqrt(CHECKS) * LARGEST_ERROR * least) return projected;
  }
  return project(await sampleProducts(labelEmbeddings, columns, blocks(), rank), whitening);
}

async function project(products: readonly Matrix[], whitening: Matrix): Promise<Matrix> {
  const coordinates = await inTurn(products, (product) => multiplyLowerTriangular(whitening, product));
  return innerProducts(coordinates, coordinates);
}

/** ⟨aₖ, bₗ⟩ for all pairs, which must be symmetric. */
export function innerProducts(a: readonly Matrix[], b: readonly Matrix[]): Matrix {
  const result = zeros(a.length, a.length);
  a.forEach((ak, k) => {
    b.slice(0, k + 1).forEach((bl, l) => {
      const value = dot(ak.data, bl.data);
      result.data[k * a.length + l] = value;
      result.data[l * a.length + k] = value;
    });
  });
  return result;
}
