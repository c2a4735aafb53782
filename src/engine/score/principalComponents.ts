import type { Matrix } from '../linalg/matrix.ts';
import { dot, paste, rowRange, scaleColumns, zeros } from '../linalg/matrix.ts';
import { gramian } from '../linalg/multiply.ts';
import { singularParts } from '../linalg/singularParts.ts';
import { spectrumOf } from '../linalg/symmetricEigen.ts';
import type { Evidence } from './evidence.ts';
import { centredSamples, featureMean } from './samples.ts';

/** A component that varies by less than so many roundings of the features is rounding: features may be sums that were rounded before. */
const ROUNDINGS = 16;

/**
 * The samples in the coordinates of their first principal components, `[n, k]`; columns are centred, their lengths the
 * square roots of the largest eigenvalues of the Gram matrix, their signs those of scikit-learn (the loading of largest
 * magnitude is positive). Components that the samples don't have, or that are nothing but the rounding of features that depend
 * on each other, are 0, whatever scikit-learn makes up for them.
 *
 * As exact as by a singular value decomposition of the samples, however much features or samples differ in size. Time
 * O(n·d·m + m³) with m = min(n, d), the eigenvalues shared by all scores, and again for components more than 3,000 times
 * as short as the first.
 *
 * @param choose k, given the variances of all components times n, the largest first; at most min(n − 1, d) are made
 */
export async function principalComponents(
  evidence: Evidence,
  choose: (squares: Float64Array) => number,
): Promise<Matrix> {
  const samples = await centredSamples(evidence);
  const spectrum = await evidence.share('centredSpectrum', async () =>
    spectrumOf(samples.rows > samples.cols ? (await evidence.statistics()).gram : await gramian(samples)),
  );
  const count = Math.min(choose(spectrum.eigenvalues), samples.rows - 1, samples.cols);
  const rounding = await roundingOf(evidence);
  const result = zeros(samples.rows, count);
  let made = 0;
  for await (const { squares, vectors } of singularParts(samples, spectrum, count, 0)) {
    const { right, left } = await vectors();
    paste(result, scaleColumns(left, signsOf(squares, right, rounding)), 0, made);
    made += squares.length;
  }
  return result;
}

/** `[d]`, what Σ of the squared rounding errors over the samples may come to in each feature. */
export async function roundingOf(evidence: Evidence): Promise<Float64Array> {
  const statistics = await evidence.statistics();
  const { gram, count, dimension } = statistics;
  const unit = evidence.features.data instanceof Float32Array ? 2 ** -24 : 2 ** -53;
  return featureMean(statistics).map(
    (mean, j) => (ROUNDINGS * unit) ** 2 * (count * mean * mean + (gram.data[j * dimension + j] as number)),
  );
}

/** `[k]`, ±1, the sign of the loading of largest magnitude; 0 for components that are rounding. */
function signsOf(squares: Float64Array, loadings: Matrix, rounding: Float64Array): Float64Array {
  return squares.map((square, k) => {
    const own = rowRange(loadings, k, k + 1).data;
    const weights = own.map((loading) => loading * loading);
    if (!(square > dot(weights, rounding))) return 0;
    return own.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0) < 0 ? -1 : 1;
  });
}
