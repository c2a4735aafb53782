import { InputError } from '../errors.ts';
import type { FloatMatrix } from '../linalg/matrix.ts';
import type { Score, ScoreResult } from './score.ts';
import { meanOverSamples, PROBABILITY } from './score.ts';

/**
 * LEEP, "LEEP: A New Measure to Evaluate Transferability of Learned Representations" (Nguyen et al., ICML 2020,
 * arXiv 2002.12462): how well the target class of a sample follows from what the source classifier says of it.
 *
 * With θ `[n, c]` the source probabilities and P(y|z) = Σ_{i: yᵢ=y} θᵢ(z) / Σᵢ θᵢ(z) the empirical conditional
 * distribution, sample i is given its class with probability eᵢ = Σ_z P(yᵢ|z)·θᵢ(z). Larger is better:
 *
 * - `paper`: (1/n)·Σ log eᵢ, equation (2); at most 0.
 * - `reference`: (1/n)·Σ eᵢ, as the published EMMS code computes it, without the logarithm; between 0 and 1.
 *
 * Time O(n·c): only the row P(yᵢ|·) of a sample's own class is used.
 */
export const leep: Score = {
  id: 'leep',
  variants: ['paper', 'reference'],
  needs: [['labels', 'sourceProbabilities']],
  meaning: 'The class follows better from what the source classifier says of a sample.',
  sortsSamples: false,
  async compute({ labels, classCount, sourceProbabilities }, { variant, variation }) {
    if (labels === undefined || sourceProbabilities === undefined) {
      throw new InputError('LEEP needs class labels and source probabilities.');
    }
    checkProbabilities(sourceProbabilities);
    return expectedPrediction(sourceProbabilities, labels, classCount, variant === 'paper', variation);
  },
};

/**
 * The mean over samples of eᵢ, or of log eᵢ, see `leep`.
 *
 * @param probabilities `[n, c]`, not negative and not all 0 in any row
 */
export function expectedPrediction(
  { rows, cols, data }: FloatMatrix,
  labels: Int32Array,
  classCount: number,
  logarithm: boolean,
  variation: boolean,
): ScoreResult {
  const conditional = new Float64Array(classCount * cols);
  const marginal = new Float64Array(cols);
  for (let i = 0; i < rows; i++) {
    const row = (labels[i] as number) * cols;
    for (let z = 0; z < cols; z++) {
      const value = data[i * cols + z] as number;
      conditional[row + z] = (conditional[row + z] as number) + value;
      marginal[z] = (marginal[z] as number) + value;
    }
  }
  for (let at = 0; at < conditional.length; at++) {
    const total = marginal[at % cols] as number;
    if (total > 0) conditional[at] = (conditional[at] as number) / total;
  }
  const values = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const row = (labels[i] as number) * cols;
    let sum = 0;
    for (let z = 0; z < cols; z++) {
      sum += (conditional[row + z] as number) * (data[i * cols + z] as number);
    }
    values[i] = logarithm ? Math.log(sum) : sum;
  }
  return meanOverSamples(values, logarithm ? { most: 0 } : PROBABILITY, variation);
}

/** How far from 1 the sum of a sample's probabilities may be: rounding to 8 bits, as of bfloat16, moves it by less. */
const SUM_TOLERANCE = 0.01;

/**
 * @param order `[n]`, which of the given samples each row is of, where they are in another order
 * @throws InputError for what is negative, infinite or NaN, and for a sample whose probabilities don't add up to 1.
 */
export function checkProbabilities({ rows, cols, data }: FloatMatrix, order?: readonly number[]): void {
  for (let i = 0; i < rows; i++) {
    const sample = order?.[i] ?? i;
    let sum = 0;
    for (let z = 0; z < cols; z++) {
      const value = data[i * cols + z] as number;
      if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
        const remedy = Number.isNaN(value)
          ? 'check the checkpoint and its preprocessing'
          : 'give probabilities, not logits';
        throw new InputError(`Sample ${sample} has the source probability ${value}; ${remedy}.`);
      }
      sum += value;
    }
    if (Math.abs(sum - 1) > SUM_TOLERANCE) {
      throw new InputError(
        `The source probabilities of sample ${sample} add up to ${sum}, not 1; give the softmax of the source classifier's logits.`,
      );
    }
  }
}
