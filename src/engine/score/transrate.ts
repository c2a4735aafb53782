import { inverseCholesky } from '../linalg/cholesky.ts';
import type { Matrix } from '../linalg/matrix.ts';
import { addToDiagonal, columnSquares, scaled, selectRows } from '../linalg/matrix.ts';
import { singularParts, smallGram } from '../linalg/singularParts.ts';
import { spectrumOf } from '../linalg/symmetricEigen.ts';
import { centredSamples, presentClasses, samplesByClass } from './samples.ts';
import type { Score } from './score.ts';

/**
 * TransRate, "Frustratingly Easy Transferability Estimation" (Huang et al., ICML 2022, arXiv 2106.09362): the mutual
 * information of features and labels, by coding rates. With Z `[n, d]` the features less their mean,
 *
 *     R(Z) = ½·log det(I + ZᵀZ/(n·ε)),   TransRate = R(Z) − Σ_c w_c·R(Z_c),   ε = 1e-4
 *
 * where Z_c `[n_c, d]` are the samples of class c, less the mean of all. Larger is better:
 *
 * - `paper`: w_c = n_c/n, the rate of the features given the labels, equation (4).
 * - `reference`: w_c = 1/C, as the listing in the paper's appendix and the published EMMS code compute it.
 *
 * Classes without samples don't count. Time O(n·d² + d³ + Σ_c n_c·d·min(n_c, d)): a class with fewer samples than
 * features goes by Z_c·Z_cᵀ, whose determinant is the same.
 */
export const transrate: Score = {
  id: 'transrate',
  variants: ['paper', 'reference'],
  needs: [['labels']],
  meaning: 'The labels say more about the features.',
  sortsSamples: true,
  async compute(evidence, { variant }) {
    const { count, features } = evidence;
    const samples = await centredSamples(evidence);
    const all = await codingRate(samples, count > features.cols ? (await evidence.statistics()).gram : undefined);
    const classes = samplesByClass(presentClasses(evidence));
    let conditional = 0;
    for (const members of classes) {
      const weight = variant === 'paper' ? members.length / count : 1 / classes.length;
      conditional += weight * (await codingRate(selectRows(samples, members)));
    }
    return { score: all - conditional, details: {} };
  },
};

const EPSILON = 1e-4;
/** Of a coding rate, relative. */
const TOLERATED_ROUNDING = 1e-9;

/**
 * ½·log det(I + ZᵀZ/(n·ε)) of samples Z `[n, d]`, by the Cholesky factor L of that matrix A, or of I + ZZᵀ/(n·ε).
 *
 * Rounding perturbs entry (i, j) of A by about 2⁻⁵²·√(A_ii·A_jj), however much features differ in scale, which moves the
 * result by at most size·2⁻⁵³·Σ A_ii·(A⁻¹)_ii, and (A⁻¹)_ii are the squares of the columns of L⁻¹. When that bound is more than
 * 1e-9 of the result, the 1 of the definition may drown in the rounding of what is large: singular values of Z keep it.
 *
 * @param gram ZᵀZ where it is at hand and there are more samples than features
 */
async function codingRate(samples: Matrix, gram?: Matrix): Promise<number> {
  const unit = samples.rows * EPSILON;
  const small = gram ?? (await smallGram(samples));
  const size = small.rows;
  const shifted = scaled(small, 1 / unit);
  addToDiagonal(shifted, 1);
  const whitening = await inverseCholesky(shifted);
  if (whitening !== undefined) {
    let rate = 0;
    for (let i = 0; i < size; i++) rate -= Math.log(whitening.data[i * size + i] as number);
    const inverses = columnSquares(whitening);
    const condition = inverses.reduce((sum, inverse, i) => sum + inverse * (shifted.data[i * size + i] as number), 0);
    if (((size * Number.EPSILON) / 2) * condition <= TOLERATED_ROUNDING * Math.max(1, rate)) return rate;
  }
  let sum = 0;
  for await (const { squares } of singularParts(samples, await spectrumOf(small), size, unit)) {
    for (const square of squares) sum += Math.log1p(square / unit) / 2;
  }
  return sum;
}
