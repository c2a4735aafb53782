import { InputError } from '../errors.ts';
import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { columnSquares, dot, rowRange, zeros } from '../linalg/matrix.ts';
import { inTurn, multiplyTransposed } from '../linalg/multiply.ts';
import type { Evidence } from './evidence.ts';
import { principalComponents, roundingOf } from './principalComponents.ts';
import { centredSamples, presentClasses, samplesByClass, scaleColumns } from './samples.ts';
import type { Bounds, Score } from './score.ts';

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
 * variant that depends neither on the numbering of the classes nor, for some C (6, 7, 12, 14, 29, 41 and more), on the order of
 * the samples: so does the published number.
 *
 * Several labels per sample are compared by their rows of 0 and 1, as published; regression targets and label embeddings
 * by their rows after standardising columns, the mean over embeddings. Nothing is rounded then.
 *
 * Time O(n²·d) in products and a sort of n²/2 numbers, memory 4·n² bytes, without class labels 10·n².
 */
export const parc: Score = {
  id: 'parc',
  variants: ['unreduced', 'pca32', 'tied'],
  needs: [['labels'], ['labelEmbeddings']],
  meaning: 'Samples of one class lie closer to each other than to samples of other classes.',
  sortsSamples: true,
  async compute(evidence, { variant }) {
    const { labels, count } = evidence;
    if (count > LARGEST_COUNT) {
      throw new InputError(`PARC compares all pairs of samples; give at most ${LARGEST_COUNT}, not ${count}.`);
    }
    const featureRows = await (variant === 'pca32' ? componentRows(evidence) : rowsOfFeatures(evidence));
    if (labels !== undefined) {
      const classes = classDistances(
        samplesByClass(presentClasses(evidence)),
        evidence.order ?? [...labels.keys()],
        variant !== 'tied',
      );
      const score = 100 * correlationWithLevels(await pairDistances(featureRows), classes);
      return { score, bounds: CORRELATION, details: {} };
    }
    const rows = labelRows(evidence);
    const featureRanks = ranks(await pairDistances(featureRows));
    const correlations = await inTurn(rows, async (row) => correlation(featureRanks, ranks(await pairDistances(row))));
    const score = (100 * correlations.reduce((sum, value) => sum + value, 0)) / correlations.length;
    return { score, bounds: CORRELATION, details: {} };
  },
};

const CORRELATION: Bounds = { least: -100, most: 100 };
/** 72 million pairs. */
const LARGEST_COUNT = 12_000;
const COMPONENTS = 32;
/** Samples whose distances are computed at once. */
const BLOCK = 256;
/** Distances closer than this are equal: products don't give more digits. */
const RESOLUTION = 2 ** -40;
/** More than there are different distances of one-hot labels; times 2/RESOLUTION still an exact number. */
const LEVELS = 2 ** 10;
const MOST_BUCKETS = 2 ** 22;
/** Beyond, a sort by insertion is slower than one by merging. */
const LARGEST_INSERTION = 32;
/** Classes up to which the rounding of the published code is repeated; it costs C³/2. */
const LARGEST_ROUNDED = 512;

async function rowsOfFeatures(evidence: Evidence): Promise<Matrix> {
  const features = await centredSamples(evidence);
  const factors = standardising(features);
  const rounding = (await roundingOf(evidence)).reduce(
    (sum, square, j) => sum + square * (factors[j] as number) ** 2,
    0,
  );
  return unitRows(scaleColumns(features, factors), Math.sqrt(rounding / features.rows));
}

async function componentRows(evidence: Evidence): Promise<Matrix> {
  const components = await principalComponents(evidence, () => COMPONENTS);
  return unitRows(scaleColumns(components, standardising(components)), 0);
}

/** Label embeddings as rows of length 1, in new memory. */
function labelRows(evidence: Evidence): Matrix[] {
  const embeddings: readonly FloatMatrix[] =
    evidence.labelKind === 'several labels per sample' ? evidence.labelEmbeddings : evidence.standardisedLabels();
  if (embeddings.some(({ cols }) => cols < 2)) {
    throw new InputError('PARC correlates the labels of two samples; one number per sample is too few for that.');
  }
  return embeddings.map(({ rows, cols, data }) => unitRows({ rows, cols, data: Float64Array.from(data) }, 0));
}

/**
 * Of two samples the place of the distance of their one-hot labels among the different distances.
 *
 * @param classes the samples of each
 * @param order `[n]`, which of the given samples each is
 * @param published whether to repeat the rounding of the published code, which may depend on which of the two was given first
 */
function classDistances(
  classes: readonly number[][],
  order: readonly number[],
  published: boolean,
): (a: number, b: number) => number {
  if (classes.every((members) => members.length === 1)) {
    throw new InputError('No class has two samples; PARC needs pairs of one class.');
  }
  const classOf = new Int32Array(order.length);
  classes.forEach((members, c) => {
    for (const i of members) classOf[i] = c;
  });
  if (!published || classes.length > LARGEST_ROUNDED) {
    return (a, b) => (classOf[a] === classOf[b] ? 0 : 1);
  }
  const rounded = roundedLabelDistances(classes.length).data;
  const levels = [...new Set(rounded)].sort((a, b) => a - b);
  const places = Uint16Array.from(rounded, (distance) => levels.indexOf(distance));
  return (a, b) => {
    const [earlier, later] = (order[a] as number) < (order[b] as number) ? [a, b] : [b, a];
    return places[(classOf[earlier] as number) * classes.length + (classOf[later] as number)] as number;
  };
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

/** `[d]`, what divides centred columns by their standard deviation; 0 for constant ones. */
function standardising(matrix: Matrix): Float64Array {
  return columnSquares(matrix).map((square) => (square > 0 ? Math.sqrt(matrix.rows / square) : 0));
}

/**
 * Centres rows and makes their length 1, in place, so that products are correlations; rows without spread are 0.
 *
 * @param rounding the length of rows that are nothing but the rounding of what they were made of
 */
function unitRows(matrix: Matrix, rounding: number): Matrix {
  const { rows, cols } = matrix;
  for (let i = 0; i < rows; i++) {
    const row = rowRange(matrix, i, i + 1).data;
    const before = Math.sqrt(dot(row, row));
    let sum = 0;
    for (let j = 0; j < cols; j++) sum += row[j] as number;
    for (let j = 0; j < cols; j++) row[j] = (row[j] as number) - sum / cols;
    const length = Math.sqrt(dot(row, row));
    const varies = length > Math.max(rounding, cols * Number.EPSILON * before);
    for (let j = 0; j < cols; j++) row[j] = varies ? (row[j] as number) / length : 0;
  }
  return matrix;
}

/** `[n·(n − 1)/2]`, 1 − correlation of every row of length 1 with those before it. */
async function pairDistances(rows: Matrix): Promise<Float64Array> {
  const count = rows.rows;
  const result = new Float64Array((count * (count - 1)) / 2);
  let at = 0;
  for (let from = 0; from < count; from += BLOCK) {
    const to = Math.min(from + BLOCK, count);
    const { data } = await multiplyTransposed(rowRange(rows, from, to), rowRange(rows, 0, to));
    for (let i = from; i < to; i++) {
      const start = (i - from) * to;
      for (let j = 0; j < i; j++) {
        result[at++] = Math.round((1 - (data[start + j] as number)) / RESOLUTION) * RESOLUTION;
      }
    }
  }
  return result;
}

/**
 * Spearman's correlation, as scipy's, of distances with few levels; 0 when one of them is constant. Sorts distances and
 * levels together, as digits of one number: what follows reads memory in order.
 *
 * @param distances of all pairs, multiples of `RESOLUTION`; not kept
 */
function correlationWithLevels(distances: Float64Array, level: (a: number, b: number) => number): number {
  const sizes = new Float64Array(LEVELS);
  for (let at = 0, later = 1; at < distances.length; later++) {
    for (let earlier = 0; earlier < later; earlier++, at++) {
      const own = level(earlier, later);
      sizes[own] = (sizes[own] as number) + 1;
      distances[at] = ((distances[at] as number) / RESOLUTION) * LEVELS + own;
    }
  }
  distances.sort();
  const middle = (distances.length - 1) / 2;
  const rankSums = new Float64Array(LEVELS);
  let spread = (distances.length ** 3 - distances.length) / 12;
  for (let first = 0; first < distances.length; ) {
    const base = Math.floor((distances[first] as number) / LEVELS) * LEVELS;
    let end = first + 1;
    while (end < distances.length && (distances[end] as number) < base + LEVELS) end++;
    const tied = end - first;
    const rank = (first + end - 1) / 2 - middle;
    spread -= (tied ** 3 - tied) / 12;
    for (; first < end; first++) {
      const own = (distances[first] as number) - base;
      rankSums[own] = (rankSums[own] as number) + rank;
    }
  }
  let before = 0;
  let covariance = 0;
  let levelSpread = 0;
  sizes.forEach((size, own) => {
    const rank = before + (size - 1) / 2 - middle;
    before += size;
    covariance += rank * (rankSums[own] as number);
    levelSpread += size * rank * rank;
  });
  return spread > 0 && levelSpread > 0 ? covariance / Math.sqrt(spread * levelSpread) : 0;
}

/** Replaces values by their ranks less the mean rank, equal ones by their mean rank, in the memory of the values. */
function ranks(values: Float64Array): Float64Array {
  const order = ascending(values);
  const middle = (values.length - 1) / 2;
  for (let first = 0; first < order.length; ) {
    const value = values[order[first] as number] as number;
    let end = first + 1;
    while (end < order.length && values[order[end] as number] === value) end++;
    const rank = (first + end - 1) / 2 - middle;
    for (; first < end; first++) values[order[first] as number] = rank;
  }
  return values;
}

/** The indices of the values from the smallest to the largest: in buckets of equal width, then within each. */
function ascending(values: Float64Array): Uint32Array {
  let least = Number.POSITIVE_INFINITY;
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    least = Math.min(least, values[i] as number);
    largest = Math.max(largest, values[i] as number);
  }
  const buckets = Math.min(values.length, MOST_BUCKETS);
  const factor = largest > least ? (buckets - 1) / (largest - least) : 0;
  const ends = new Uint32Array(buckets + 1);
  for (let i = 0; i < values.length; i++) {
    const bucket = Math.floor(((values[i] as number) - least) * factor) + 1;
    ends[bucket] = (ends[bucket] as number) + 1;
  }
  for (let b = 0; b < buckets; b++) ends[b + 1] = (ends[b + 1] as number) + (ends[b] as number);
  const order = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const bucket = Math.floor(((values[i] as number) - least) * factor);
    const place = ends[bucket] as number;
    order[place] = i;
    ends[bucket] = place + 1;
  }
  for (let b = 0, first = 0; b < buckets; b++) {
    const end = ends[b] as number;
    sortBucket(order.subarray(first, end), values);
    first = end;
  }
  return order;
}

function sortBucket(bucket: Uint32Array, values: Float64Array): void {
  if (bucket.length > LARGEST_INSERTION) {
    const some = values[bucket[0] as number];
    if (bucket.some((i) => values[i] !== some)) bucket.sort((i, j) => (values[i] as number) - (values[j] as number));
    return;
  }
  for (let at = 1; at < bucket.length; at++) {
    const index = bucket[at] as number;
    const value = values[index] as number;
    let place = at;
    for (; place > 0 && (values[bucket[place - 1] as number] as number) > value; place--) {
      bucket[place] = bucket[place - 1] as number;
    }
    bucket[place] = index;
  }
}

/** Pearson's correlation of two centred lists; 0 when one of them is constant. */
function correlation(a: Float64Array, b: Float64Array): number {
  const spread = dot(a, a) * dot(b, b);
  return spread > 0 ? dot(a, b) / Math.sqrt(spread) : 0;
}
