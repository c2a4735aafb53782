import type { Matrix } from '../linalg/matrix.ts';
import { difference, dot, paste, rowRange, transpose, zeros } from '../linalg/matrix.ts';
import { gramian, multiply } from '../linalg/multiply.ts';
import type { Spectrum } from '../linalg/symmetricEigen.ts';
import { leadingEigenvectors, spectrumOf } from '../linalg/symmetricEigen.ts';
import type { Evidence } from './evidence.ts';
import { centredSamples, featureMean, scaleColumns } from './samples.ts';

/** Eigenvalues below this part of the largest have few digits, for singular values enter a Gram matrix squared. */
const TRUSTED_RANGE = 1e-7;
/** Then those above this part are taken out of the samples, and what is left gives the others with all their digits. */
const RANGE_PER_PASS = 1e-4;
/** What is left of the variance once the samples are nothing but rounding of their largest component. */
const NEGLIGIBLE = 1e-26;
/** A component is rounding where the features are rounded as much as it varies; each of them may have been a sum of some. */
const ROUNDINGS = 16;

/**
 * The samples in the coordinates of their first principal components, `[n, k]`; columns are centred, their lengths the
 * square roots of the largest eigenvalues of the Gram matrix, their signs those of scikit-learn (the loading of largest
 * magnitude is positive). Components that the samples don't have, or that are nothing but the rounding of features that depend
 * on each other, are 0, whatever number of them scikit-learn makes up.
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
  let samples = await centredSamples(evidence);
  let spectrum = await evidence.share('centredSpectrum', async () =>
    spectrumOf(samples.rows > samples.cols ? (await evidence.statistics()).gram : await gramian(samples)),
  );
  const [largest = 0] = spectrum.eigenvalues;
  const count = Math.min(choose(spectrum.eigenvalues), samples.rows - 1, samples.cols);
  const rounding = await roundingOf(evidence);
  const result = zeros(samples.rows, count);
  for (let made = 0; made < count; ) {
    const { eigenvalues } = spectrum;
    const [first = 0] = eigenvalues;
    if (!(first > NEGLIGIBLE * largest)) break;
    const left = count - made;
    const trusted = (eigenvalues[left - 1] as number) > TRUSTED_RANGE * first;
    const part = await leadingComponents(
      samples,
      spectrum,
      trusted ? left : Math.min(left, eigenvalues.filter((value) => value > RANGE_PER_PASS * first).length),
    );
    paste(result, scaleColumns(part.coordinates, signsOf(part, rounding)), 0, made);
    made += part.squares.length;
    if (made === count) break;
    samples = difference(samples, await multiply(part.coordinates, part.loadings));
    spectrum = await spectrumOf(await gramian(samples.rows > samples.cols ? transpose(samples) : samples));
  }
  return result;
}

interface Components {
  /** `[k]`, their variances times n. */
  squares: Float64Array;
  /** `[k, d]`, orthonormal. */
  loadings: Matrix;
  /** `[n, k]` */
  coordinates: Matrix;
}

/** @param spectrum of samplesᵀ·samples, or of samples·samplesᵀ when there are at most as many samples as features */
async function leadingComponents(samples: Matrix, spectrum: Spectrum, count: number): Promise<Components> {
  const vectors = await leadingEigenvectors(spectrum, count);
  const squares = spectrum.eigenvalues.slice(0, count);
  if (samples.rows > samples.cols) {
    return { squares, loadings: transpose(vectors), coordinates: await multiply(samples, vectors) };
  }
  const lengths = squares.map(Math.sqrt);
  const columns = await multiply(transpose(samples), vectors);
  return {
    squares,
    loadings: transpose(
      scaleColumns(
        columns,
        lengths.map((length) => 1 / length),
      ),
    ),
    coordinates: scaleColumns(vectors, lengths),
  };
}

/** `[d]`, what Σ of the squared rounding errors over the samples may come to in each feature. */
async function roundingOf(evidence: Evidence): Promise<Float64Array> {
  const statistics = await evidence.statistics();
  const { gram, count, dimension } = statistics;
  const unit = evidence.features.data instanceof Float32Array ? 2 ** -24 : 2 ** -53;
  return featureMean(statistics).map(
    (mean, j) => (ROUNDINGS * unit) ** 2 * (count * mean * mean + (gram.data[j * dimension + j] as number)),
  );
}

/** `[k]`, ±1, the sign of the loading of largest magnitude; 0 for components that are rounding. */
function signsOf({ squares, loadings }: Components, rounding: Float64Array): Float64Array {
  return squares.map((square, k) => {
    const own = rowRange(loadings, k, k + 1).data;
    const weights = own.map((loading) => loading * loading);
    if (!(square > dot(weights, rounding))) return 0;
    return own.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0) < 0 ? -1 : 1;
  });
}
