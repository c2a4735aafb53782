import type { Matrix } from '../linalg/matrix.ts';
import { rowRange, transpose } from '../linalg/matrix.ts';
import { gramian, multiply } from '../linalg/multiply.ts';
import { leadingEigenvectors, spectrumOf } from '../linalg/symmetricEigen.ts';
import type { Evidence } from './evidence.ts';
import { centredSamples, scaleColumns } from './samples.ts';

/** Eigenvalues below this part of the largest are rounding: there is no such component. */
const RANK_TOLERANCE = 1e-12;

/**
 * The samples in the coordinates of their first principal components, `[n, k]`; columns are centred, their lengths the
XX the covariance `[d, d]`, or `[n, n]` when there are fewer samples.
 *
 * @param choose how many of the components that there are, given their variances times n, the largest first
 */
export async function principalComponents(
  evidence: Evidence,
  choose: (squares: Float64Array) => number,
): Promise<Matrix> {
  const samples = await centredSamples(evidence);
  const primal = samples.rows > samples.cols;
  const spectrum = await evidence.share('centredSpectrum', async () =>
    spectrumOf(primal ? (await evidence.statistics()).gram : await gramian(samples)),
  );
  const { eigenvalues } = spectrum;
  const least = Math.max(0, RANK_TOLERANCE * (eigenvalues[0] as number));
  const present = eigenvalues.filter((value) => value > least);
  const count = present.length === 0 ? 0 : Math.min(present.length, choose(present));
  const vectors = await leadingEigenvectors(spectrum, count);
  if (primal) return multiply(samples, scaleColumns(vectors, loadingSigns(transpose(vectors))));
  const signs = loadingSigns(await multiply(transpose(vectors), samples));
  return scaleColumns(
    vectors,
    signs.map((sign, k) => sign * Math.sqrt(eigenvalues[k] as number)),
  );
}

/** Per row ±1, the sign of its entry of largest magnitude. */
function loadingSigns(loadings: Matrix): Float64Array {
  return Float64Array.from({ length: loadings.rows }, (_, k) => {
    const largest = rowRange(loadings, k, k + 1).data.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
    return largest < 0 ? -1 : 1;
  });
}
