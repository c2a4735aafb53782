import type { Matrix } from '../linalg/matrix.ts';
import { rowRange, selectRows, zeros } from '../linalg/matrix.ts';
import { principalComponents } from './principalComponents.ts';
import { presentClasses, samplesByClass } from './samples.ts';
import type { Score } from './score.ts';

/**
 * GBC, "Transferability Estimation using Bhattacharyya Class Separability" (Pándy et al., CVPR 2022, arXiv 2111.12780):
 * how little the classes overlap, each taken as a Gaussian in the first 64 principal components of the features.
 *
 *     GBC = −Σ_{c≠c'} exp(−D(c, c')),   D = ⅛·Σⱼ (μ_cj − μ_c'j)²/v̄ⱼ + ½·Σⱼ (log v̄ⱼ − ½·log v_cj − ½·log v_c'j)
 *
 * with μ and v the means and variances of a class, v at least 1e-4, v̄ the mean of the two variances. Both orders of a pair
 * count. At most 0; larger is better:
 *
 * - `spherical`: one variance per class, the mean over components; the logarithms then count once, not once per component,
 *   as in the published code.
 * - `diagonal`: one variance per class and component.
 *
 * Time O(n·d²) for the statistics and that of `principalComponents`, O(C²) for the pairs.
 */
export const gbc: Score = {
  id: 'gbc',
  variants: ['spherical', 'diagonal'],
  needs: [['labels']],
  meaning: 'The classes overlap less, each taken as a Gaussian.',
  sortsSamples: true,
  async compute(evidence, { variant }) {
    const samples = await evidence.share('gbcSamples', () => principalComponents(evidence, () => COMPONENTS));
    const classes = samplesByClass(presentClasses(evidence));
    const { means, variances } = classMoments(samples, classes, variant === 'spherical');
    let overlap = 0;
    const logarithms = rowSums({ ...variances, data: variances.data.map(Math.log) });
    for (let a = 0; a < classes.length; a++) {
      for (let b = 0; b < a; b++) {
        const apart = mahalanobis(means, variances, a, b);
        // Nothing is left of exp(−D), whatever the variances add to D.
        if (apart > LARGEST_DISTANCE) continue;
        const middle = ((logarithms[a] as number) + (logarithms[b] as number)) / 2;
        overlap += 2 * Math.exp(-(apart + (logarithmOfMeans(variances, a, b) - middle) / 2));
      }
    }
    return { score: 0 - overlap, bounds: { most: 0 }, details: {} };
  },
};

const COMPONENTS = 64;
const LEAST_VARIANCE = 1e-4;
/** Beyond, exp(−D) is 0, or the least number that there is. */
const LARGEST_DISTANCE = 745;
/** A product of variances that is larger becomes its logarithm before the next is multiplied. One of 64 of the least is still far from 0. */
const LARGEST_PRODUCT = 1e150;

/** Per class the means `[C, k]` and the variances `[C, k]`, or when `spherical` their mean `[C, 1]`. */
function classMoments(samples: Matrix, classes: readonly number[][], spherical: boolean) {
  const { cols } = samples;
  const means = zeros(classes.length, cols);
  const variances = zeros(classes.length, spherical ? 1 : cols);
  classes.forEach((members, c) => {
    const rows = selectRows(samples, members);
    const mean = rowRange(means, c, c + 1).data;
    for (let at = 0; at < rows.data.length; at++) {
      mean[at % cols] = (mean[at % cols] as number) + (rows.data[at] as number) / members.length;
    }
    const variance = new Float64Array(cols);
    for (let at = 0; at < rows.data.length; at++) {
      const deviation = (rows.data[at] as number) - (mean[at % cols] as number);
      variance[at % cols] = (variance[at % cols] as number) + (deviation * deviation) / members.length;
    }
    const bounded = variance.map((value) => Math.max(value, LEAST_VARIANCE));
    const average = bounded.reduce((sum, value) => sum + value, 0) / cols;
    rowRange(variances, c, c + 1).data.set(spherical ? [average] : bounded);
  });
  return { means, variances };
}

/** ⅛·Σⱼ (μ_aj − μ_bj)²/v̄ⱼ */
function mahalanobis(means: Matrix, variances: Matrix, a: number, b: number): number {
  const { cols, data } = means;
  const width = variances.cols;
  const shared = width === 1;
  let apart = 0;
  for (let j = 0; j < cols; j++) {
    const difference = (data[a * cols + j] as number) - (data[b * cols + j] as number);
    const square = difference * difference;
    apart += shared ? square : square / sumOfVariances(variances, a, b, j);
  }
  return (shared ? apart / sumOfVariances(variances, a, b, 0) : apart) / 4;
}

/** Σⱼ log v̄ⱼ */
function logarithmOfMeans(variances: Matrix, a: number, b: number): number {
  const { cols } = variances;
  let sum = 0;
  let product = 1;
  for (let j = 0; j < cols; j++) {
    product *= sumOfVariances(variances, a, b, j) / 2;
    if (product > LARGEST_PRODUCT) {
      sum += Math.log(product);
      product = 1;
    }
  }
  return sum + Math.log(product);
}

function sumOfVariances({ cols, data }: Matrix, a: number, b: number, j: number): number {
  return (data[a * cols + j] as number) + (data[b * cols + j] as number);
}

function rowSums({ rows, cols, data }: Matrix): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) =>
    data.subarray(i * cols, (i + 1) * cols).reduce((sum, value) => sum + value, 0),
  );
}
