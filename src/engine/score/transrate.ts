import { InputError } from '../errors.ts';
import { reflectionsToAxes } from '../linalg/axisReflection.ts';
import { inverseCholesky } from '../linalg/cholesky.ts';
import type { Matrix } from '../linalg/matrix.ts';
import { columnSquares, joinRows, selectRows, transpose, zeros } from '../linalg/matrix.ts';
import { gramian } from '../linalg/multiply.ts';
import { reflectRows } from '../linalg/onnxKernels.ts';
import { tridiagonalEigenvalues, tridiagonalise } from '../linalg/tridiagonal.ts';
import { centredSamples, farSamples, samplesByClass } from './samples.ts';
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
  title: 'TransRate',
  variants: ['paper', 'reference'],
  needs: [['labels']],
  meaning: 'The labels say more about the features.',
  async compute(evidence, { variant }) {
    const { labels, classCount, count, features } = evidence;
    if (labels === undefined) throw new InputError('TransRate needs class labels.');
    const samples = await centredSamples(evidence);
    const far = count < features.cols ? undefined : await farSamples(evidence);
    const all =
      count < features.cols || far !== undefined
        ? await codingRate(samples, far?.vectors)
        : await rateOfGram((await evidence.statistics()).gram, count);
    const classes = samplesByClass(labels, classCount);
    let conditional = 0;
    for (const members of classes) {
      const weight = variant === 'paper' ? members.length / count : 1 / classes.length;
      // Far samples draw the mean along, so that all are far from it the other way.
      const own =
        far &&
        selectRows(
          far.vectors,
          [...far.indices.keys()].filter((k) => members.includes(far.indices[k] as number)),
        );
      const large = far && own && joinRows(own, columnSums(far.vectors));
      conditional += weight * (await codingRate(selectRows(samples, members), large));
    }
    return { score: all - conditional, details: {} };
  },
};

const EPSILON = 1e-4;
/** Of a coding rate, relative; see `rateOfGram`. */
const TOLERATED_ROUNDING = 1e-6;

/** @param large `[k, d]`, along which samples are much longer than along all else: then on axes of their own, where they cost no digits */
async function codingRate(samples: Matrix, large: Matrix | undefined): Promise<number> {
  if (samples.rows < samples.cols) return rateOfGram(await gramian(samples), samples.rows);
  const columns = transpose(samples);
  if (large) await reflectRows(reflectionsToAxes(large), columns, false);
  return rateOfGram(await gramian(columns), samples.rows);
}

/** `[1, m]` */
function columnSums(matrix: Matrix): Matrix {
  const sums = zeros(1, matrix.cols);
  for (let at = 0; at < matrix.data.length; at++) {
    sums.data[at % matrix.cols] = (sums.data[at % matrix.cols] as number) + (matrix.data[at] as number);
  }
  return sums;
}

/**
 * ½·log det(I + gram/(count·ε)), by the Cholesky factor L of that matrix A.
 *
 * Rounding perturbs entry (i, j) of A by about 2⁻⁵²·√(A_ii·A_jj), however much features differ in scale, which moves the
 * result by at most size·2⁻⁵³·Σ A_ii·(A⁻¹)_ii, and (A⁻¹)_ii are the squares of the columns of L⁻¹. Eigenvalues would not be
 * more exact, but when that bound is more than 1e-6 of the result the 1 of the definition may drown in the rounding of large
 * features: eigenvalues that are rounding themselves are then those of dependent features, and count as 1.
 */
async function rateOfGram(gram: Matrix, count: number): Promise<number> {
  const size = gram.rows;
  const shifted: Matrix = { ...gram, data: gram.data.slice() };
  let trace = 0;
  for (let at = 0; at < shifted.data.length; at++) shifted.data[at] = (shifted.data[at] as number) / (count * EPSILON);
  for (let i = 0; i < size; i++) {
    trace += shifted.data[i * size + i] as number;
    shifted.data[i * size + i] = (shifted.data[i * size + i] as number) + 1;
  }
  const rounding = size * Number.EPSILON * trace;
  const whitening = await inverseCholesky(shifted);
  if (whitening !== undefined) {
    let rate = 0;
    for (let i = 0; i < size; i++) rate -= Math.log(whitening.data[i * size + i] as number);
    const inverses = columnSquares(whitening);
    const condition = inverses.reduce((sum, inverse, i) => sum + inverse * (shifted.data[i * size + i] as number), 0);
    if (((size * Number.EPSILON) / 2) * condition <= TOLERATED_ROUNDING * Math.max(1, rate)) return rate;
  }
  let sum = 0;
  for (const value of tridiagonalEigenvalues(await tridiagonalise(shifted))) {
    if (value > 1 + rounding) sum += Math.log(value) / 2;
  }
  return sum;
}
