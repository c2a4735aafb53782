import { InputError } from '../errors.ts';
import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { rowRange, zeros } from '../linalg/matrix.ts';
import type { Evidence } from './evidence.ts';
import { checkProbabilities } from './leep.ts';
import { fitLogistic } from './logisticRegression.ts';
import { centredSamples, presentClasses } from './samples.ts';
import type { Score } from './score.ts';

/**
 * PACTran, "PACTran: PAC-Bayesian Metrics for Estimating the Transferability of Pretrained Models to Classification Tasks"
 * (Ding et al., ECCV 2022, arXiv 2203.05126): minus the least PAC-Bayesian bound of the error of a new top layer, under three
 * priors of that layer. As published (google-research/pactran_metrics) but for the sign: larger is better.
 *
 * - `gaussian` needs features X `[n, d]`, centred, and labels: a logistic regression with a Gaussian prior,
 *
 *       −min over W, b of (CE + ‖W‖²/(2·λ·n)) − ½·(C·s/(λ·n))·log(λ·n·tr H/(C·d)),   λ = 10, s = 100
 *
 *   with CE the mean cross entropy and H the diagonal of the Hessian at the minimum: of n·CE for W and b, plus 1/(λ·n) for W
 *   (the code doesn't divide the one by n as it does the other). λ and s are `lda_factor` and `s2_factor`; the code runs
 *   several. It starts at random and stops early, this goes on to the minimum, which depends on no start.
 * - `dirichlet` and `gamma` need source probabilities θ `[n, c]` and labels: how target classes y are drawn given the source
 *   class z has a Dirichlet, or Gamma, prior with means n_y/n. With q `[n, c]` the probability of z given θ and the label, the
 *   bound of the evidence after ten rounds of variational Bayes, a_yz = n_y/n + Σ_{i: yᵢ=y} q_iz, in nats per n·C:
 *
 *       dirichlet: Σ_z (log B(a_·z) − log B(n_·/n)) − KL(q‖θ),   B the multivariate beta function
 *       gamma:     Σ_yz (log Γ(a_yz) − log Γ(n_y/n)) − KL(q‖θ) − Σᵢ (log Σ_yz θ_iz·a_yz − 1),   less n·C
 *
 * `gaussian` is the default, for the authors found it the most consistent, and it needs no source classifier. Classes without
 * samples don't count. Time of `gaussian` that of `fitLogistic`, of the others O((n+C)·c).
 */
export const pactran: Score = {
  id: 'pactran',
  variants: ['gaussian', 'dirichlet', 'gamma'],
  needs: [['labels']],
  meaning: 'A new top layer is guaranteed a smaller error.',
  sortsSamples: true,
  async compute(evidence, { variant }) {
    const { sourceProbabilities, order } = evidence;
    const { counts, classOf } = presentClasses(evidence);
    if (variant === 'gaussian') return { score: await gaussian(evidence, classOf, counts.length), details: {} };
    if (sourceProbabilities === undefined) throw new InputError(`PACTran ${variant} needs source probabilities.`);
    checkProbabilities(sourceProbabilities, order);
    return { score: evidenceBound(sourceProbabilities, classOf, counts, variant === 'dirichlet'), details: {} };
  },
};

const PRIOR_VARIANCE = 10;
const PRIOR_SCALE = 100;
/** What the published code adds to what it takes logarithms of. */
const EPSILON = 1e-10;
const ROUNDS = 10;
/** Samples times classes of the regression, which computes as many exponentials in every step. */
const LARGEST_OUTPUTS = 2 ** 23;

async function gaussian(evidence: Evidence, classOf: Int32Array, classes: number): Promise<number> {
  const { count } = evidence;
  if (count * classes > LARGEST_OUTPUTS) {
    throw new InputError(
      `PACTran gaussian fits ${classes} classes to ${count} samples, which takes too long; give fewer samples, at most ` +
        `${Math.floor(LARGEST_OUTPUTS / classes)}.`,
    );
  }
  const parameters = evidence.features.cols * classes;
  const precision = 1 / (PRIOR_VARIANCE * count);
  const samples = await centredSamples(evidence);
  const { loss, curvature } = await fitLogistic(samples, classOf, classes, 1 / PRIOR_VARIANCE);
  const spread = (curvature + parameters * precision) / (parameters * precision) + EPSILON;
  return -(loss + 0.5 * classes * PRIOR_SCALE * precision * Math.log(spread));
}

function evidenceBound(
  probabilities: FloatMatrix,
  classOf: Int32Array,
  counts: Float64Array,
  dirichlet: boolean,
): number {
  const { rows: count, cols } = probabilities;
  const prior = counts.map((samples) => samples / count + EPSILON);
  const assigned: Matrix = { rows: count, cols, data: Float64Array.from(probabilities.data) };
  const logarithms = assigned.data.map((probability) => Math.log(probability + EPSILON));
  let divergence = 0;
  let posterior = posteriorOf(assigned, classOf, prior);
  for (let round = 0; round < ROUNDS; round++) {
    posterior = posteriorOf(assigned, classOf, prior);
    const expected = posterior.data.map(digamma);
    const ofAll = dirichlet ? columnSums(posterior).map(digamma) : new Float64Array(cols);
    divergence = 0;
    for (let i = 0; i < count; i++) {
      const row = rowRange(assigned, i, i + 1).data;
      const own = (classOf[i] as number) * cols;
      for (let z = 0; z < cols; z++) {
        row[z] = (logarithms[i * cols + z] as number) + (expected[own + z] as number) - (ofAll[z] as number);
      }
      divergence += assign(row, logarithms.subarray(i * cols, (i + 1) * cols));
    }
  }

  let bound = -divergence;
  for (let at = 0; at < posterior.data.length; at++) {
    bound += logGamma(posterior.data[at] as number) - logGamma(prior[Math.floor(at / cols)] as number);
  }
  const totals = columnSums(posterior);
  if (dirichlet) {
    const all = logGamma(prior.reduce((sum, value) => sum + value, 0));
    for (const total of totals) bound += all - logGamma(total);
    return bound / (count * counts.length);
  }
  for (let i = 0; i < count; i++) {
    let rate = 0;
    for (let z = 0; z < cols; z++) rate += (probabilities.data[i * cols + z] as number) * (totals[z] as number);
    bound -= Math.log(rate) - 1;
  }
  return bound / (count * counts.length) - 1;
}

/** a `[C, c]`, what the prior and the assigned samples say together. */
function posteriorOf(assigned: Matrix, classOf: Int32Array, prior: Float64Array): Matrix {
  const { rows: count, cols, data } = assigned;
  const posterior = zeros(prior.length, cols);
  for (let at = 0; at < posterior.data.length; at++) posterior.data[at] = prior[Math.floor(at / cols)] as number;
  for (let i = 0; i < count; i++) {
    const own = (classOf[i] as number) * cols;
    for (let z = 0; z < cols; z++) {
      posterior.data[own + z] = (posterior.data[own + z] as number) + (data[i * cols + z] as number);
    }
  }
  return posterior;
}

function columnSums({ cols, data }: Matrix): Float64Array {
  const sums = new Float64Array(cols);
  for (let at = 0; at < data.length; at++) sums[at % cols] = (sums[at % cols] as number) + (data[at] as number);
  return sums;
}

/** Turns logarithms into shares of their sum, in place; gives their Kullback–Leibler divergence from `logarithms`. */
function assign(values: Float64Array, logarithms: Float64Array): number {
  const largest = values.reduce((max, value) => Math.max(max, value), Number.NEGATIVE_INFINITY);
  const sum = values.reduce((total, value) => total + Math.exp(value - largest), 0);
  const normaliser = largest + Math.log(sum);
  let divergence = 0;
  for (let z = 0; z < values.length; z++) {
    const logarithm = (values[z] as number) - normaliser;
    values[z] = Math.exp(logarithm);
    divergence += (values[z] as number) * (logarithm - (logarithms[z] as number));
  }
  return divergence;
}

/** From here on the asymptotic series below are exact to rounding. */
const ASYMPTOTIC_FROM = 12;

/** log Γ(x) for x > 0. */
function logGamma(x: number): number {
  let y = x;
  let product = 1;
  for (; y < ASYMPTOTIC_FROM; y++) product *= y;
  const u = 1 / (y * y);
  const series = (1 / 12 - u * (1 / 360 - u * (1 / 1260 - u * (1 / 1680 - u * (1 / 1188 - (u * 691) / 360360))))) / y;
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - Math.log(product);
}

/** (log Γ)′(x) for x > 0. */
function digamma(x: number): number {
  let y = x;
  let sum = 0;
  for (; y < ASYMPTOTIC_FROM; y++) sum += 1 / y;
  const u = 1 / (y * y);
  const series = u * (1 / 12 - u * (1 / 120 - u * (1 / 252 - u * (1 / 240 - u * (1 / 132 - (u * 691) / 32760)))));
  return Math.log(y) - 0.5 / y - series - sum;
}
