import { InputError } from '../errors.ts';
import type { Matrix } from '../linalg/matrix.ts';
import {
  addToDiagonal,
  difference,
  rowRange,
  scaleColumns,
  scaled,
  scaleRows,
  selectRows,
  trace,
  transpose,
  zeros,
} from '../linalg/matrix.ts';
import { gramian, inTurn, multiply, multiplyTransposed } from '../linalg/multiply.ts';
import { nuclearNorm } from '../linalg/nuclearNorm.ts';
import { leadingEigenvectors, spectrumOf } from '../linalg/symmetricEigen.ts';
import { positiveWhitening } from '../linalg/whitening.ts';
import { subtractRows } from './classScatter.ts';
import { classScores, gaussianDiscriminant, ownProbabilities, softmax, softmaxAt } from './discriminant.ts';
import type { Evidence } from './evidence.ts';
import { principalComponents } from './principalComponents.ts';
import type { PresentClasses } from './samples.ts';
import { presentClasses, samplesByClass } from './samples.ts';
import type { Score } from './score.ts';
import { meanOverSamples, PROBABILITY } from './score.ts';

/**
 * NCTI, "How Far Pre-trained Models Are from Neural Collapse on the Target Dataset Informs their Transferability" (Wang et
 * al., ICCV 2023, pp. 5549–5558): how near the features are to what they become when a network is trained to the end.
 *
 * The published index of a candidate is ncc + seli − v, each scaled first to run from 0 to 1 over all candidates. One
 * candidate doesn't know the others, so these are its parts; larger is better. On the first 64 principal components of the
 * features, with the linear discriminant analysis of scikit-learn:
 *
 * - `ncc`: the mean probability that it gives to a sample's class; that the nearest class centre decides. In (0, 1].
 * - `seli`: the nuclear norm of the samples `[n, min(C − 1, 64)]` in its coordinates, centred; that the classes spread evenly.
 * - `vc`: −v, v = log Σ_c ‖P_c‖_*, P_c `[n_c, C]` the probabilities of the samples of class c; that the classes shrink to a
 *   point each, when P_c has rank one. A classifier that knows nothing has a small norm too: only to make up the published index.
 *
 * With s = exp(−Σ of the first 32 variances) ≥ 1e-10 the covariance within the classes is shrunk by s towards a multiple of
 * the identity (`solver="eigen"`); else it isn't, and directions in which it has no part are left out (`solver="svd"`), all
 * as published (BUserName/NCTI), with scikit-learn 1.9. (Older ones divided that covariance by n − C, not n.)
 *
 * Time O(n·d²) for the statistics, that of `principalComponents`, O(n·C) for `ncc` and O(Σ_c n_c·C·min(n_c, C)) for v.
 */
export const ncti: Score = {
  id: 'ncti',
  variants: ['ncc', 'seli', 'vc'],
  needs: [['labels']],
  meaning: 'The features are nearer to neural collapse: one point per class, evenly spread.',
  sortsSamples: true,
  async compute(evidence, { variant, variation }) {
    const classes = presentClasses(evidence);
    const { samples, directions, discriminant } = await evidence.share('ncti', () =>
      discriminantAnalysis(evidence, classes),
    );
    switch (variant) {
      case 'seli': {
        const kept = Math.min(classes.counts.length - 1, directions.cols);
        return {
          score: nuclearNorm(await multiplyTransposed(samples, rowRange(transpose(directions), 0, kept))),
          bounds: { least: 0 },
          details: {},
        };
      }
      case 'vc': {
        const norms = await inTurn(samplesByClass(classes), async (members) => {
          const probabilities = await classScores(discriminant, selectRows(samples, members));
          members.forEach((_, i) => {
            softmax(rowRange(probabilities, i, i + 1).data);
          });
          return nuclearNorm(probabilities);
        });
        return { score: -Math.log(norms.reduce((sum, norm) => sum + norm, 0)), details: {} };
      }
      default: {
        const own = await ownProbabilities(discriminant, classes, softmaxAt, async (from, to) =>
          rowRange(samples, from, to),
        );
        return meanOverSamples(own, PROBABILITY, variation);
      }
    }
  },
};

const COMPONENTS = 64;
const SHRINKING_COMPONENTS = 32;
const LEAST_SHRINKAGE = 1e-10;
/** The square of scikit-learn's tolerance of singular values. */
const RANK_TOLERANCE = 1e-8;

interface Projection {
  /** `[k, m]` the discriminant directions, the best first. */
  directions: Matrix;
  /** `[C, k]` the class means times the inverse of the covariance within the classes. */
  coefficients: Matrix;
}

/** The principal components of the samples `[n, k]`, and their linear discriminant analysis. */
async function discriminantAnalysis(evidence: Evidence, { classOf, counts }: PresentClasses) {
  const samples = await principalComponents(evidence, () => COMPONENTS);
  const { rows: count, cols: width } = samples;
  const means = zeros(counts.length, width);
  for (let at = 0; at < samples.data.length; at++) {
    const c = classOf[Math.floor(at / width)] as number;
    const target = c * width + (at % width);
    means.data[target] = (means.data[target] as number) + (samples.data[at] as number) / (counts[c] as number);
  }
  const residuals = scaled(samples, 1);
  subtractRows(residuals, means, classOf);
  const within = await gramian(transpose(residuals));
  const total = await gramian(transpose(samples));
  // Principal components come to nothing but rounding within classes whose samples are all the same.
  if (trace(within) <= width * Number.EPSILON * trace(total)) {
    throw new InputError('The features are the same for all samples of a class; NCTI needs classes that vary.');
  }
  let variance = 0;
  for (let j = 0; j < Math.min(SHRINKING_COMPONENTS, width); j++) {
    variance += (total.data[j * width + j] as number) / (count - 1);
  }
  const shrinkage = Math.exp(-variance);
  const { directions, coefficients } =
    shrinkage > LEAST_SHRINKAGE
      ? await shrunkProjection(residuals, within, means, counts, shrinkage)
      : await fullProjection(within, means, counts);

  return { samples, directions, discriminant: gaussianDiscriminant(means, coefficients, counts) };
}

/** Next to the between-class covariance: larger than what rounding makes of it, too small to turn a direction. */
const NEARLY_NOTHING = 2 ** -40;

/** By generalised eigenvectors of the shrunk covariances between and within the classes. */
async function shrunkProjection(
  residuals: Matrix,
  within: Matrix,
  means: Matrix,
  counts: Float64Array,
  shrinkage: number,
): Promise<Projection> {
  const { rows: count, cols: width } = residuals;
  // In its own axes what the classes hardly vary in is not lost to the rounding of what they vary in much.
  const axes = await leadingEigenvectors(await spectrumOf(within), width);
  const turnedMeans = await multiply(means, axes);
  const inner = scaled(await gramian(transpose(await multiply(residuals, axes))), 1 / count);
  const outer = scaled(await gramian(transpose(scaleRows(turnedMeans, counts.map(Math.sqrt)))), 1 / count);
  // Both are shrunk; what of the one is a multiple of the other turns no eigenvector, and without it the rest is not lost next
  // to the identity when features hardly vary. Of directions that are as good those that samples vary in come first.
  const ratio = (1 - NEARLY_NOTHING) * (trace(outer) / trace(inner));
  const between = difference(outer, scaled(inner, ratio));
  const ridge = (shrinkage * trace(inner)) / width;
  const shrunk = scaled(inner, 1 - shrinkage);
  addToDiagonal(shrunk, ridge);
  const whitening = await positiveWhitening(shrunk, ridge);
  const spectrum = await spectrumOf(await multiplyTransposed(await multiply(whitening, between), whitening));
  const vectors = await leadingEigenvectors(spectrum, Math.min(means.rows - 1, width));
  const whiteningOfSamples = await multiplyTransposed(whitening, axes);
  return {
    directions: await multiply(transpose(whiteningOfSamples), vectors),
    coefficients: await multiply(await multiplyTransposed(turnedMeans, whitening), whiteningOfSamples),
  };
}

/** In the directions in which standardised features vary within the classes, then in which their means do. */
async function fullProjection(within: Matrix, means: Matrix, counts: Float64Array): Promise<Projection> {
  const count = counts.reduce((sum, value) => sum + value, 0);
  const scale = Float64Array.from({ length: within.rows }, (_, j) => {
    const square = within.data[j * within.cols + j] as number;
    return square > 0 ? Math.sqrt(count / square) : 1;
  });
  const standardised = scaled(scaleRows(scaleColumns(within, scale), scale), 1 / count);
  const inner = await significantVectors(standardised, RANK_TOLERANCE);
  const lengths = inner.values.map((value) => 1 / Math.sqrt(value));
  const whitening = scaleRows(scaleColumns(inner.vectors, lengths), scale);
  const weighted = scaleColumns(transpose(await multiply(means, whitening)), counts.map(Math.sqrt));
  const outer = await significantVectors(scaled(await gramian(weighted), 1 / (counts.length - 1)), 0);
  const directions = await multiply(whitening, outer.vectors);
  return { directions, coefficients: await multiplyTransposed(await multiply(means, directions), directions) };
}

/** The eigenvectors whose eigenvalue is more than `least`, and than the tolerated part of the largest when that is 0. */
async function significantVectors(matrix: Matrix, least: number): Promise<{ vectors: Matrix; values: Float64Array }> {
  const spectrum = await spectrumOf(matrix);
  const bound = least > 0 ? least : RANK_TOLERANCE * (spectrum.eigenvalues[0] as number);
  const values = spectrum.eigenvalues.filter((value) => value > bound);
  return { vectors: await leadingEigenvectors(spectrum, values.length), values };
}
