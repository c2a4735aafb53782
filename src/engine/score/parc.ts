import { InputError } from '../errors.ts';
import type { FloatMatrix, Matrix } from '../linalg/matrix.ts';
import { columnSquares, dot, rowRange, rowSquares, scaleColumns } from '../linalg/matrix.ts';
import { inTurn, multiply, multiplyTransposed } from '../linalg/multiply.ts';
import type { Evidence } from './evidence.ts';
import { classDistances } from './oneHotDistances.ts';
import { principalComponents, roundingOf } from './principalComponents.ts';
import { correlation, correlationWithLevels, RESOLUTION, ranks } from './rankCorrelation.ts';
import { centredSamples, presentClasses } from './samples.ts';
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
 * `pca32` repeat that rounding (up to 512 classes), to compare with published numbers. So they depend on the numbering of the
 * classes, and for some C (6, 7, 12, 14, 29, 41 and more) on the order of the samples, as the published number does; `tied`
 * depends on neither.
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
      const order = evidence.order ?? [...labels.keys()];
      const classes = classDistances(presentClasses(evidence), order, variant !== 'tied');
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
/** A squared distance that is less than this part of what it is the difference of has lost digits by which it is told from others. */
const CANCELLED = 2 ** -16;

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

/**
 * `[n·(n − 1)/2]`, of every row u and those v before it what ranks as 1 − correlation does: ‖u − v‖ where they are more alike than
 * not, else 2·√2 − ‖u + v‖. Where one sample is far away all others are nearly alike and it nearly their opposite; such rows are
 * told apart by what they differ by, taken from the row that is most like all, and where that doesn't help from one another.
 *
 * @param rows of length 1, or 0 where there is no correlation; changed
 */
async function pairDistances(rows: Matrix): Promise<Float64Array> {
  const { rows: count, cols, data } = rows;
  const row = (i: number) => rowRange(rows, i, i + 1).data;
  const isEmpty = rowSquares(rows).map((square) => (square === 0 ? 1 : 0));
  const sums = await multiply({ rows: 1, cols: count, data: new Float64Array(count).fill(1) }, rows);
  const likeness = (await multiplyTransposed(rows, sums)).data;
  const origin = row(likeness.indexOf(Math.max(...likeness))).slice();
  for (let at = 0; at < data.length; at++) data[at] = (data[at] as number) - (origin[at % cols] as number);
  const squares = rowSquares(rows);

  const result = new Float64Array((count * (count - 1)) / 2);
  let pair = 0;
  for (let from = 0; from < count; from += BLOCK) {
    const to = Math.min(from + BLOCK, count);
    const products = (await multiplyTransposed(rowRange(rows, from, to), rowRange(rows, 0, to))).data;
    for (let i = from; i < to; i++) {
      const start = (i - from) * to;
      for (let j = 0; j < i; j++) {
        const sum = (squares[i] as number) + (squares[j] as number);
        const difference = sum - 2 * (products[start + j] as number);
        const opposite = difference > 2;
        let square = opposite ? 4 - difference : difference;
        if (square < CANCELLED * sum) square = squaredDifference(row(i), row(j), opposite ? origin : undefined);
        if (isEmpty[i] || isEmpty[j]) square = 2;
        const distance = opposite ? Math.SQRT2 * 2 - Math.sqrt(square) : Math.sqrt(square);
        result[pair++] = Math.round(distance / RESOLUTION) * RESOLUTION;
      }
    }
  }
  return result;
}

/** ‖a − b‖², or of opposites that are taken from an origin that of what they add up to without it. */
function squaredDifference(a: Float64Array, b: Float64Array, origin: Float64Array | undefined): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) {
    const [first, second] = [a[j] as number, b[j] as number];
    sum += (origin === undefined ? first - second : first + second + 2 * (origin[j] as number)) ** 2;
  }
  return sum;
}
