import { InputError } from '../errors.ts';
import type { Matrix } from '../linalg/matrix.ts';
import type { Evidence } from './evidence.ts';
import { mixtureProbabilities } from './gaussianMixture.ts';
import { expectedPrediction } from './leep.ts';
import { principalComponents } from './principalComponents.ts';
import { presentClasses } from './samples.ts';
import type { Score } from './score.ts';

/**
 * NLEEP, "Ranking Neural Checkpoints" (Li et al., CVPR 2021, arXiv 2011.11200): LEEP with the components of a Gaussian
 * mixture of the features in the place of source classes, so that no source classifier is needed.
 *
 * The features `[n, d]` are reduced to the principal components that hold more than 80 % of the variance; the mixture has
 * 5 components per class (at most n), full covariances, and starts from k-means++, seeded. Larger is better: `paper` is the
 * mean of the logarithms, `reference` the mean probability, as the published EMMS code computes it; see `leep.ts`.
 *
 * The result depends on the start, but not on the order of the samples: they are sorted before. Time O(n·d²) for the statistics,
 * that of `principalComponents`, and O(C·n·k²) for every step of the mixture with k components: by far the dearest score.
 */
export const nleep: Score = {
  id: 'nleep',
  variants: ['paper', 'reference'],
  needs: [['labels']],
  meaning: 'The class follows better from which cluster of the features a sample is in.',
  sortsSamples: true,
  async compute(evidence, { variant, variation }) {
    const { labels, classCount } = evidence;
    if (labels === undefined) throw new InputError('NLEEP needs class labels.');
    const probabilities = await evidence.share('nleepProbabilities', () =>
      clusterProbabilities(evidence, presentClasses(evidence).counts.length),
    );
    return expectedPrediction(probabilities, labels, classCount, variant === 'paper', variation);
  },
};

const ENERGY = 0.8;
const COMPONENTS_PER_CLASS = 5;
const SEED = 0;
/** Components times samples. */
const LARGEST_MIXTURE = 2 ** 24;

async function clusterProbabilities(evidence: Evidence, classes: number): Promise<Matrix> {
  const components = Math.min(COMPONENTS_PER_CLASS * classes, evidence.count);
  if (components * evidence.count > LARGEST_MIXTURE) {
    throw new InputError(
      `NLEEP fits ${components} Gaussians to ${evidence.count} samples, which takes too long; give fewer samples.`,
    );
  }
  const samples = await principalComponents(evidence, componentsOfEnergy);
  if (samples.cols === 0) throw new InputError('All samples have the same features; NLEEP is not defined.');
  return mixtureProbabilities(samples, components, SEED);
}

/** The least number of components that hold more than 80 % of the variance. */
function componentsOfEnergy(squares: Float64Array): number {
  const total = squares.reduce((sum, square) => sum + square, 0);
  let held = 0;
  return (
    1 +
    squares.findIndex((square) => {
      held += square;
      return held > ENERGY * total;
    })
  );
}
