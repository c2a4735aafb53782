import { InputError } from '../errors.ts';
import type { Matrix } from '../linalg/matrix.ts';
import { columnSquares, dot, rowRange, zeros } from '../linalg/matrix.ts';
import { multiplyTransposed } from '../linalg/multiply.ts';
import { principalComponents } from './principalComponents.ts';
import { centredSamples, samplesByClass } from './samples.ts';
import type { Score } from './score.ts';

/**
 * PARC, "Scalable Diverse Model Selection for Accessible Transfer Learning" (Bolya et al., NeurIPS 2021, arXiv
 * 2111.06977): Spearman's correlation, times 100, of the distances of all pairs of samples in the features with those in
 * the labels. Distances are 1 − Pearson's correlation of two rows, of the features `[n, d]` after standardising columns and
 * of the one-hot labels. Between −100 and 100; larger is better.
 *
 * - `unreduced`: the features as they are.
 * - `pca32`: reduced to their first 32 principal components before, as the paper recommends for the sake of width. The
 *   published code approximates these by a randomised method; here they are exact, with the signs of scikit-learn, on
 *   which the correlation of rows depends.
 * - `tied`: `unreduced` by the definition, see below.
 *
 * One-hot labels have two distances only, same class and different, so nearly all pairs are tied. In the published code
 * rounding breaks these ties, always in the same way for two classes, and moves the number by 10 and more. `unreduced` and
 * `pca32` repeat that rounding (up to 512 classes), to compare with published numbers; `tied` doesn't, and is the only
 * variant that depends neither on the numbering of the classes nor, for some C, on the order of the samples.
 *
 * Time O(n²·d) in products and a sort of n²/2 numbers, memory up to 12·n² bytes.
 */
export const parc: Score = {
  id: 'parc',
  title: 'PARC',
  variants: ['unreduced', 'pca32', 'tied'],
  needs: [['labels']],
  meaning: 'Samples of one class lie closer to each other than to samples of other classes.',
  async compute(evidence, { variant }) {
    const { labels, classCount, count } = evidence;
    if (labels === undefined) throw new InputError('PARC needs class labels.');
    if (count > LARGEST_COUNT) {
      throw new InputError(`PARC compares all pairs of samples; give at most ${LARGEST_COUNT}, not ${count}.`);
    }
    const classes = samplesByClass(labels, classCount);
    if (classes.every((members) => members.length === 1)) {
      throw new InputError('No class has two samples; PARC needs pairs of one class.');
    }
    const classOf = new Int32Array(count);
    classes.forEach((members, c) => {
      for (const i of members) classOf[i] = c;
    });
    const published = variant !== 'tied' && classes.length <= LARGEST_ROUNDED;
    const labelDistances = published ? roundedLabelDistances(classes.length) : exactLabelDistances(classes.length);
    const features = await (variant === 'pca32'
      ? principalComponents(evidence, () => COMPONENTS)
      : centredSamples(evidence));
    const groups = await distancesByGroup(correlationRows(features), classOf, labelDistances);
    return { score: 100 * rankCorrelation(groups), details: {} };
  },
};

/** 72 million pairs. */
const LARGEST_COUNT = 12_000;
const COMPONENTS = 32;
/** Samples whose distances are computed at once. */
const BLOCK = 256;
/** Distances closer than this are equal: products don't give more digits. */
const RESOLUTION = 2 ** -40;
/** Classes up to which the rounding of the published code is repeated; it costs C³/2. */
const LARGEST_ROUNDED = 512;

/** The distances of labels: of a sample of one class and a later one of another, `[C, C]`. */
function exactLabelDistances(classCount: number): Matrix {
  const distances = zeros(classCount, classCount);
  distances.data.fill(1);
  for (let c = 0; c < classCount; c++) distances.data[c * classCount + c] = 0;
  return distances;
}

/** 1 − NumPy's `corrcoef` of one-hot rows to the last bit: sums by fused multiply-add in the order of the columns. */
function roundedLabelDistances(classCount: number): Matrix {
  const covariance = zeros(classCount, classCount);
  const off = -1 / classCount;
  const on = 1 - 1 / classCount;
  for (let a = 0; a < classCount; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let k = 0; k < classCount; k++) sum = fusedMultiplyAdd(k === a ? on : off, k === b ? on : off, sum);
      covariance.data[a * classCount + b] = sum * (1 / (classCount - 1));
      covariance.data[b * classCount + a] = sum * (1 / (classCount - 1));
    }
  }
  const deviations = Float64Array.from({ length: classCount }, (_, c) =>
    Math.sqrt(covariance.data[c * classCount + c] as number),
  );
  for (let a = 0; a < classCount; a++) {
    for (let b = 0; b < classCount; b++) {
      const at = a * classCount + b;
      const correlation = (covariance.data[at] as number) / (deviations[a] as number) / (deviations[b] as number);
      covariance.data[at] = 1 - Math.min(1, Math.max(-1, correlation));
    }
  }
  return covariance;
}

/** a·b + c, rounded once: Dekker's exact product and Knuth's exact sum, their errors added by rounding to odd. */
function fusedMultiplyAdd(a: number, b: number, c: number): number {
  const split = 2 ** 27 + 1;
  const aHigh = split * a - (split * a - a);
  const bHigh = split * b - (split * b - b);
  const [aLow, bLow] = [a - aHigh, b - bHigh];
  const product = a * b;
  const productError = aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
  const sum = product + c;
  return sum + addRoundingToOdd(additionError(product, c), productError);
}

/** What a + b loses by rounding. */
function additionError(a: number, b: number): number {
  const sum = a + b;
  const rest = sum - a;
  return a - (sum - rest) + (b - rest);
}

const double = new Float64Array(1);
const bits = new BigInt64Array(double.buffer);

/** a + b; when that isn't exact, of the two nearest numbers the one with an odd last bit, so that it can be rounded again. */
function addRoundingToOdd(a: number, b: number): number {
  const sum = a + b;
  const error = additionError(a, b);
  double[0] = sum;
  if (error === 0 || (bits[0] as bigint) & 1n) return sum;
  bits[0] = (bits[0] as bigint) + (error > 0 === sum > 0 ? 1n : -1n);
  return double[0] as number;
}

/** Standardises the centred columns, then centres rows and makes their length 1, in place; rows without spread are 0. */
function correlationRows(matrix: Matrix): Matrix {
  const { rows, cols } = matrix;
  const factors = columnSquares(matrix).map((square) => (square > 0 ? Math.sqrt(rows / square) : 0));
  for (let i = 0; i < rows; i++) {
    const row = rowRange(matrix, i, i + 1).data;
    let sum = 0;
    for (let j = 0; j < cols; j++) {
      row[j] = (row[j] as number) * (factors[j] as number);
      sum += row[j] as number;
    }
    for (let j = 0; j < cols; j++) row[j] = (row[j] as number) - sum / cols;
    const length = Math.sqrt(dot(row, row));
    for (let j = 0; j < cols; j++) row[j] = length > 0 ? (row[j] as number) / length : 0;
  }
  return matrix;
}

/** The distances of pairs of rows whose labels are equally far apart, those of the nearest labels first. */
async function distancesByGroup(rows: Matrix, classOf: Int32Array, labelDistances: Matrix): Promise<Float64Array[]> {
  const count = rows.rows;
  const classCount = labelDistances.rows;
  const levels = [...new Set(labelDistances.data)].sort((a, b) => a - b);
  const groupOf = Uint8Array.from(labelDistances.data, (distance) => levels.indexOf(distance));
  const group = (i: number, j: number) =>
    groupOf[(classOf[i] as number) * classCount + (classOf[j] as number)] as number;
  const sizes = levels.map(() => 0);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) sizes[group(j, i)] = (sizes[group(j, i)] as number) + 1;
  }
  const groups = sizes.map((size) => new Float64Array(size));
  const filled = sizes.map(() => 0);
  for (let from = 0; from < count; from += BLOCK) {
    const to = Math.min(from + BLOCK, count);
    const correlations = await multiplyTransposed(rowRange(rows, from, to), rowRange(rows, 0, to));
    for (let i = from; i < to; i++) {
      for (let j = 0; j < i; j++) {
        const g = group(j, i);
        const at = filled[g] as number;
        const correlation = correlations.data[(i - from) * to + j] as number;
        (groups[g] as Float64Array)[at] = Math.round((1 - correlation) / RESOLUTION) * RESOLUTION;
        filled[g] = at + 1;
      }
    }
  }
  return groups;
}

/**
 * Spearman's correlation, as scipy's, of distances with the place of their group, which all of a group share. 0 when all
 * distances are equal.
 */
function rankCorrelation(groups: readonly Float64Array[]): number {
  const count = groups.reduce((sum, group) => sum + group.length, 0);
  const all = groups.reduce((merged, group) => merge(merged, group.sort()), new Float64Array());
  const middle = (count + 1) / 2;
  const largest = groups.reduce((best, group) => (group.length > best.length ? group : best));
  let covariance = 0;
  let labelSpread = 0;
  let largestPlace = 0;
  let sumOfOthers = 0;
  let before = 0;
  for (const group of groups) {
    const place = before + (group.length + 1) / 2 - middle;
    labelSpread += group.length * place * place;
    before += group.length;
    if (group === largest) {
      largestPlace = place;
    } else {
      const sum = sumOfRanks(group, all, middle);
      covariance += place * sum;
      sumOfOthers += sum;
    }
  }
  // Ranks less their mean add up to 0.
  covariance -= largestPlace * sumOfOthers;
  let spread = (count ** 3 - count) / 12;
  for (let first = 0; first < count; ) {
    let end = first + 1;
    while (end < count && all[end] === all[first]) end++;
    spread -= ((end - first) ** 3 - (end - first)) / 12;
    first = end;
  }
  return spread > 0 && labelSpread > 0 ? covariance / Math.sqrt(spread * labelSpread) : 0;
}

/** Two sorted arrays as one. */
function merge(a: Float64Array, b: Float64Array): Float64Array<ArrayBuffer> {
  const result = new Float64Array(a.length + b.length);
  let i = 0;
  let j = 0;
  for (let at = 0; at < result.length; at++) {
    const fromA = j === b.length || (i < a.length && (a[i] as number) <= (b[j] as number));
    result[at] = (fromA ? a[i++] : b[j++]) as number;
  }
  return result;
}

/** Σ over `group` of the rank among `all`, the mean rank of equal ones, less `middle`; both are sorted. */
function sumOfRanks(group: Float64Array, all: Float64Array, middle: number): number {
  let sum = 0;
  let first = 0;
  let end = 0;
  for (const distance of group) {
    while ((all[first] as number) < distance) first++;
    if (end < first) end = first;
    while (end < all.length && (all[end] as number) === distance) end++;
    sum += (first + end + 1) / 2 - middle;
  }
  return sum;
}
